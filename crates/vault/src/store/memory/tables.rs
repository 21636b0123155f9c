//! The tables, with the limits of the SQLite schema.

use super::journal::Change;
use crate::VaultError;
use crate::store::Bytes;
use std::collections::BTreeMap;

/// Everything that is stored.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tables {
    pub meta: BTreeMap<String, Bytes>,
    pub orders: BTreeMap<Bytes, Bytes>,
    /// By wallet and attempt: secret and public.
    pub shares: BTreeMap<(Bytes, Bytes), (Bytes, Bytes)>,
    /// By wallet: attempt and certificate.
    pub certificates: BTreeMap<Bytes, (Bytes, Bytes)>,
    pub log: BTreeMap<u64, Bytes>,
    /// By intent and form: the log entry.
    pub ledger: BTreeMap<(Bytes, Bytes), u64>,
    pub disputes: BTreeMap<u64, Bytes>,
    pub settings: BTreeMap<String, Bytes>,
}

fn refused(what: &str) -> VaultError {
    VaultError::Storage(format!("constraint failed: {what}"))
}

fn check(holds: bool, what: &str) -> Result<(), VaultError> {
    if holds { Ok(()) } else { Err(refused(what)) }
}

impl Tables {
    /// Makes a change, if every constraint holds. Says how many rows it touched.
    pub fn apply(&mut self, change: Change) -> Result<u64, VaultError> {
        match change {
            Change::Meta { name, value } => {
                check(value.len() <= 1 << 20, "meta")?;
                self.meta.insert(name, value);
            }
            Change::Setting { name, sealed } => {
                check(name.len() <= 64 && sealed.len() <= 131_072, "settings")?;
                self.settings.insert(name, sealed);
            }
            Change::Order { wallet, sealed } => {
                check(wallet.len() == 16 && sealed.len() <= 1024, "orders")?;
                self.orders.insert(wallet, sealed);
            }
            Change::Share { wallet, attempt, secret, public } => {
                let lengths = wallet.len() == 16 && attempt.len() == 44;
                check(lengths && secret.len() <= 65_536 && public.len() <= 1 << 20, "shares")?;
                check(!self.shares.contains_key(&(wallet.clone(), attempt.clone())), "shares: unique")?;
                self.shares.insert((wallet, attempt), (secret, public));
            }
            Change::DeleteShare { wallet, attempt } => {
                let there = self.shares.remove(&(wallet, attempt)).is_some();
                return Ok(u64::from(there));
            }
            Change::Certificate { wallet, attempt, sealed } => {
                let lengths = wallet.len() == 16 && attempt.len() == 44;
                check(lengths && sealed.len() <= 1 << 20, "certificates")?;
                self.certificates.insert(wallet, (attempt, sealed));
            }
            Change::Entry { sequence, sealed } => {
                check(sealed.len() <= 262_144 && i64::try_from(sequence).is_ok(), "log")?;
                check(!self.log.contains_key(&sequence), "log: unique")?;
                self.log.insert(sequence, sealed);
            }
            Change::Form { intent, form, sequence } => {
                check(intent.len() == 32 && form.len() == 32, "ledger")?;
                check(self.log.contains_key(&sequence), "ledger: foreign key")?;
                check(self.ledger.values().all(|at| *at != sequence), "ledger: unique sequence")?;
                check(!self.ledger.contains_key(&(intent.clone(), form.clone())), "ledger: unique")?;
                self.ledger.insert((intent, form), sequence);
            }
            Change::Dispute { id, sealed } => {
                check(sealed.len() <= 262_144, "disputes")?;
                check(!self.disputes.contains_key(&id), "disputes: unique")?;
                self.disputes.insert(id, sealed);
            }
            Change::Commit => return Ok(0),
        }
        Ok(1)
    }
}

//! Reading and changing rows. A change goes to the disk's log first.

use super::disk::Disk;
use super::journal::Change;
use super::tables::Tables;
use crate::VaultError;
use crate::store::{Bytes, LedgerRow, ShareRow};

/// Access to the rows, inside or outside a transaction.
pub struct Rows<'a> {
    tables: &'a mut Tables,
    disk: &'a Disk,
    life: u64,
    writes: bool,
}

/// As the macro of `store::rows` expects them; none of them waits.
impl<'a> Rows<'a> {
    pub(super) fn new(tables: &'a mut Tables, disk: &'a Disk, life: u64, writes: bool) -> Self {
        Self { tables, disk, life, writes }
    }

    fn read(&self) -> Result<&Tables, VaultError> {
        self.disk.alive(self.life)?;
        Ok(self.tables)
    }

    fn change(&mut self, change: Change) -> Result<u64, VaultError> {
        if !self.writes {
            return Err(VaultError::Storage("a write outside of a transaction".into()));
        }
        let touched = self.tables.apply(change.clone())?;
        self.disk.write(self.life, &change)?;
        Ok(touched)
    }

    pub fn meta(&mut self, name: &str) -> Result<Option<Bytes>, VaultError> {
        Ok(self.read()?.meta.get(name).cloned())
    }

    pub fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.change(Change::Meta { name: name.to_owned(), value: value.to_vec() }).map(drop)
    }

    pub fn setting(&mut self, name: &str) -> Result<Option<Bytes>, VaultError> {
        Ok(self.read()?.settings.get(name).cloned())
    }

    pub fn put_setting(&mut self, name: &str, sealed: &[u8]) -> Result<(), VaultError> {
        self.change(Change::Setting { name: name.to_owned(), sealed: sealed.to_vec() }).map(drop)
    }

    pub fn setting_names(&mut self) -> Result<Vec<String>, VaultError> {
        Ok(self.read()?.settings.keys().cloned().collect())
    }

    pub fn order(&mut self, wallet: &[u8]) -> Result<Option<Bytes>, VaultError> {
        Ok(self.read()?.orders.get(wallet).cloned())
    }

    pub fn put_order(&mut self, wallet: &[u8], sealed: &[u8]) -> Result<(), VaultError> {
        self.change(Change::Order { wallet: wallet.to_vec(), sealed: sealed.to_vec() }).map(drop)
    }

    pub fn insert_share(&mut self, wallet: &[u8], row: &ShareRow) -> Result<(), VaultError> {
        let ShareRow { attempt, secret, public } = row.clone();
        self.change(Change::Share { wallet: wallet.to_vec(), attempt, secret, public }).map(drop)
    }

    pub fn shares(&mut self, wallet: &[u8]) -> Result<Vec<ShareRow>, VaultError> {
        let own = self.read()?.shares.iter().filter(|((of, _), _)| of == wallet);
        let row = |((_, attempt), (secret, public)): (&(Bytes, Bytes), &(Bytes, Bytes))| ShareRow {
            attempt: attempt.clone(),
            secret: secret.clone(),
            public: public.clone(),
        };
        Ok(own.map(row).collect())
    }

    pub fn share(&mut self, wallet: &[u8], attempt: &[u8]) -> Result<Option<ShareRow>, VaultError> {
        Ok(self.shares(wallet)?.into_iter().find(|row| row.attempt == attempt))
    }

    pub fn count_shares(&mut self, wallet: &[u8]) -> Result<u64, VaultError> {
        Ok(self.shares(wallet)?.len() as u64)
    }

    pub fn delete_share(&mut self, wallet: &[u8], attempt: &[u8]) -> Result<(), VaultError> {
        self.change(Change::DeleteShare { wallet: wallet.to_vec(), attempt: attempt.to_vec() }).map(drop)
    }

    pub fn certificate(&mut self, wallet: &[u8]) -> Result<Option<(Bytes, Bytes)>, VaultError> {
        Ok(self.read()?.certificates.get(wallet).cloned())
    }

    pub fn put_certificate(
        &mut self,
        wallet: &[u8],
        attempt: &[u8],
        sealed: &[u8],
    ) -> Result<(), VaultError> {
        let (wallet, attempt, sealed) = (wallet.to_vec(), attempt.to_vec(), sealed.to_vec());
        self.change(Change::Certificate { wallet, attempt, sealed }).map(drop)
    }

    pub fn wallets(&mut self) -> Result<Vec<Bytes>, VaultError> {
        let tables = self.read()?;
        let shares = tables.shares.keys().map(|(wallet, _)| wallet);
        let all = tables.orders.keys().chain(shares).chain(tables.certificates.keys());
        let all: std::collections::BTreeSet<Bytes> = all.cloned().collect();
        Ok(all.into_iter().collect())
    }

    pub fn insert_entry(&mut self, sequence: u64, sealed: &[u8]) -> Result<(), VaultError> {
        self.change(Change::Entry { sequence, sealed: sealed.to_vec() }).map(drop)
    }

    pub fn entries(&mut self, from: u64, limit: u32) -> Result<Vec<(u64, Bytes)>, VaultError> {
        let entries = self.read()?.log.range(from..).take(limit as usize);
        Ok(entries.map(|(sequence, sealed)| (*sequence, sealed.clone())).collect())
    }

    pub fn insert_form(&mut self, row: &LedgerRow) -> Result<(), VaultError> {
        let LedgerRow { intent, form, sequence } = row.clone();
        self.change(Change::Form { intent, form, sequence }).map(drop)
    }

    pub fn forms(&mut self, intent: &[u8]) -> Result<Vec<LedgerRow>, VaultError> {
        let mut rows = self.forms_between(0, u64::MAX)?;
        rows.retain(|row| row.intent == intent);
        Ok(rows)
    }

    pub fn forms_between(&mut self, first: u64, last: u64) -> Result<Vec<LedgerRow>, VaultError> {
        let rows = self.read()?.ledger.iter().filter(|(_, at)| (first..=last).contains(at));
        let row = |((intent, form), sequence): (&(Bytes, Bytes), &u64)| LedgerRow {
            intent: intent.clone(),
            form: form.clone(),
            sequence: *sequence,
        };
        let mut rows: Vec<_> = rows.map(row).collect();
        rows.sort_by_key(|row| row.sequence);
        Ok(rows)
    }

    pub fn count_forms(&mut self) -> Result<u64, VaultError> {
        Ok(self.read()?.ledger.len() as u64)
    }

    pub fn next_dispute(&mut self) -> Result<u64, VaultError> {
        Ok(self.read()?.disputes.last_key_value().map_or(1, |(id, _)| id + 1))
    }

    pub fn insert_dispute(&mut self, id: u64, sealed: &[u8]) -> Result<(), VaultError> {
        self.change(Change::Dispute { id, sealed: sealed.to_vec() }).map(drop)
    }

    pub fn disputes(&mut self, from: u64, limit: u32) -> Result<Vec<(u64, Bytes)>, VaultError> {
        let disputes = self.read()?.disputes.range(from..).take(limit as usize);
        Ok(disputes.map(|(id, sealed)| (*id, sealed.clone())).collect())
    }
}

//! What an order says of one reshare: everybody who deals, receives or judges a certificate derives it from here
//! (docs/spec §1.8, §2.2).

use crate::KeySet;
use crate::certificate::{order, same_key};
use crate::record::{RecordError, WalletRecord};
use quorate_audit::Attempt;
use quorate_intent::{Hash, Order, OrderKind, PublicKey, SignedIntent};
use quorate_sharing::Transcript;

/// One reshare: a base, D, the recipients and t'. Made only by [`Resharing::new`], so that it follows from an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resharing {
    order: Hash,
    order_number: u64,
    base: WalletRecord,
    keys: KeySet,
    dealers: Vec<u16>,
    recipients: Vec<PublicKey>,
    threshold: u16,
}

impl Resharing {
    /// Derives it, and refuses a base or dealers that the order does not allow: an order names the hash of its base's
    /// record, lies above it, and its purpose fits; a schedule refreshes what it names and what it has made itself; D are
    /// exactly t parties of the base, ascending. Whether the order was approved is for the caller to check.
    pub fn new(intent: &SignedIntent, base: WalletRecord, dealers: Vec<u16>) -> Result<Self, RecordError> {
        let (order, hash) = (order(intent)?, intent.intent.hash());
        let keys = base.keys()?;
        // What `sharing` says of the base holds for every record that was ever certified.
        let t = u16::try_from(keys.threshold()).unwrap_or(u16::MAX);
        base.sharing(&base.parties, t)?;
        if base.wallet != order.wallet {
            return Err(RecordError::Record("the base is of another key"));
        }
        let (recipients, threshold) = ordered(order, hash, &base, t)?;
        let known = |index: &u16| base.party(*index).is_some();
        if dealers.len() != usize::from(t)
            || !dealers.is_sorted_by(|a, b| a < b)
            || !dealers.iter().all(known)
        {
            return Err(RecordError::Record("the dealers are not exactly t parties of the base, ascending"));
        }
        Ok(Self { order: hash, order_number: order.number, base, keys, dealers, recipients, threshold })
    }

    /// Hash of the order.
    pub fn order(&self) -> Hash {
        self.order
    }

    /// Its number.
    pub fn order_number(&self) -> u64 {
        self.order_number
    }

    /// The record of the epoch that is reshared.
    pub fn base(&self) -> &WalletRecord {
        &self.base
    }

    /// Its public shares.
    pub fn base_keys(&self) -> &KeySet {
        &self.keys
    }

    /// D, as indices in the base, ascending.
    pub fn dealer_indices(&self) -> &[u16] {
        &self.dealers
    }

    /// Identity keys of D, in order of index.
    pub fn dealers(&self) -> Vec<PublicKey> {
        self.dealers.iter().filter_map(|index| self.base.party(*index)).collect()
    }

    /// Identity keys of the recipients; recipient i of the new sharing is the i-th, from 1.
    pub fn recipients(&self) -> &[PublicKey] {
        &self.recipients
    }

    /// t'.
    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    /// The record of a new epoch.
    pub fn record(&self, attempt: Attempt, public: Vec<u8>) -> WalletRecord {
        WalletRecord {
            wallet: self.base.wallet,
            suite: self.base.suite,
            label: self.base.label.clone(),
            attempt,
            order: self.order,
            parties: self.recipients.clone(),
            public,
        }
    }

    /// Checks that a record is of a new epoch of this reshare: parties and t' as ordered, the key unchanged, its public
    /// shares on one polynomial, its attempt above the base.
    pub fn check_record(&self, record: &WalletRecord) -> Result<KeySet, RecordError> {
        if record.attempt.order_number != self.order_number || record.order != self.order {
            return Err(RecordError::Record("it is of another order"));
        }
        if record.attempt <= self.base.attempt || record.attempt.is_end() {
            return Err(RecordError::Record("its attempt is not above the base"));
        }
        if record.label != self.base.label {
            return Err(RecordError::Record("its label changed"));
        }
        same_key(record, &self.base)?;
        record.sharing(&self.recipients, self.threshold)
    }

    /// What dealers and recipients sign, each under a domain of its own: the new record, which holds order, key, attempt with
    /// transcript, recipients, t' and public shares; the base; and D.
    pub fn statement(&self, record: &WalletRecord) -> [u8; 32] {
        let dealers: Vec<[u8; 2]> = self.dealers.iter().map(|index| index.to_be_bytes()).collect();
        Transcript::new("reshare/statement")
            .field("record", &record.hash().0)
            .field("base", &self.base.hash().0)
            .list("dealers", &dealers)
            .digest()
    }
}

/// Recipients and t' of `order` for this base.
fn ordered(
    order: &Order,
    hash: Hash,
    base: &WalletRecord,
    t: u16,
) -> Result<(Vec<PublicKey>, u16), RecordError> {
    let number = base.attempt.order_number;
    if number > order.number || (number == order.number && base.order != hash) {
        return Err(RecordError::Record("the order's number is not above that of the base"));
    }
    if let OrderKind::Reshare { base: named, recipients, threshold, purpose, .. } = &order.kind
        && number < order.number
    {
        if *named != base.hash() {
            return Err(RecordError::Record("the order names another base"));
        }
        purpose.check((&base.parties, t), recipients, *threshold)?;
        return Ok((recipients.clone(), *threshold));
    }
    // A schedule names no base. So it can only refresh: who judges it needs to know nothing of how parties came and went.
    let Some((parties, threshold, _)) = order.schedule() else {
        return Err(RecordError::Record("the order is not for a reshare of this base"));
    };
    if base.parties != parties || t != threshold {
        return Err(RecordError::Record("the schedule is for other parties or another threshold"));
    }
    Ok((parties.to_vec(), threshold))
}

//! The public record of a key's epoch and the certificate over it (docs/spec §1.8, §2.1).

use crate::KeySet;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Attempt;
use quorate_intent::{
    Approval, Body, Genesis, Hash, IntentError, OrderKind, PublicKey, Signature, SignedIntent, Suite,
    WalletId, approving_members,
};
use quorate_sharing::Transcript;

/// What everybody may know of one epoch of a key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WalletRecord {
    /// The key.
    pub wallet: WalletId,
    /// Its signature algorithm.
    pub suite: Suite,
    /// Its name for people.
    pub label: String,
    /// The epoch.
    pub attempt: Attempt,
    /// Hash of the order that made the epoch.
    pub order: Hash,
    /// Identity keys of the parties; party i of the sharing is the i-th, from 1.
    pub parties: Vec<PublicKey>,
    /// t, X, all X_i and the chain code: [`KeySet::encode`].
    pub public: Vec<u8>,
}

/// A record with the order behind it and the signatures of all parties: self-contained proof of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// The record.
    pub record: WalletRecord,
    /// The order.
    pub order: SignedIntent,
    /// The administrators' approvals of it.
    pub approvals: Vec<Approval>,
    /// Each party's signature over the record, in order of index.
    pub signatures: Vec<Signature>,
}

/// Why a record or certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The order or its approvals.
    #[error("the order behind this key does not hold: {0}")]
    Order(#[from] IntentError),
    /// Something in the record does not follow from the order.
    #[error("the record of this key is wrong: {0}")]
    Record(&'static str),
    /// A party's signature is missing or wrong.
    #[error("the certificate lacks the valid signature of party {0}")]
    Signature(usize),
}

impl WalletRecord {
    /// What the parties sign, and what names the epoch.
    pub fn hash(&self) -> Hash {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Hash(Transcript::new("record").field("record", &bytes).digest())
    }

    /// The digest under a party's signature; domain `generate/certificate`.
    pub fn statement(&self) -> [u8; 32] {
        self.hash().0
    }

    /// Decodes the public shares.
    pub fn keys(&self) -> Result<KeySet, RecordError> {
        KeySet::decode(self.suite, &self.public)
            .map_err(|_| RecordError::Record("public shares are malformed"))
    }

    /// The index of an identity key among the parties.
    pub fn index_of(&self, key: &PublicKey) -> Option<u16> {
        self.parties.iter().position(|party| party == key).and_then(|at| u16::try_from(at + 1).ok())
    }

    /// The identity key of an index.
    pub fn party(&self, index: u16) -> Option<PublicKey> {
        usize::from(index).checked_sub(1).and_then(|at| self.parties.get(at)).copied()
    }
}

/// The domain under which parties sign a record; see `session::identity::statement_digest`.
pub const CERTIFICATE_DOMAIN: &str = "generate/certificate";

impl Certificate {
    /// Checks the order and its approvals, that the record follows from it, and every party's signature.
    /// `digest` is how the session room turns (domain, digest) into what is signed.
    pub fn check(
        &self,
        genesis: &Genesis,
        digest: impl Fn(&str, &[u8; 32]) -> [u8; 32],
    ) -> Result<KeySet, RecordError> {
        // Expiry limits when a ceremony may start, not how long its certificate is good for (§1.8).
        self.order.intent.check_form(genesis)?;
        self.order.check_signature(genesis)?;
        approving_members(&genesis.administrators, "administrators", &self.order.intent, &self.approvals)?;
        self.check_parties(digest)
    }

    /// Checks what needs no genesis: that the record follows from the order in it, and every party's signature over it.
    /// Whether those parties are the cluster's, and whether the order was approved, stays open.
    pub fn check_parties(&self, digest: impl Fn(&str, &[u8; 32]) -> [u8; 32]) -> Result<KeySet, RecordError> {
        let keys = self.check_record()?;
        let statement = digest(CERTIFICATE_DOMAIN, &self.record.statement());
        if self.signatures.len() != self.record.parties.len() {
            return Err(RecordError::Record("one signature of each party is needed"));
        }
        for (at, (party, signature)) in self.record.parties.iter().zip(&self.signatures).enumerate() {
            if !party.verify(&statement, signature) {
                return Err(RecordError::Signature(at + 1));
            }
        }
        Ok(keys)
    }

    fn check_record(&self) -> Result<KeySet, RecordError> {
        let Body::Order(order) = &self.order.intent.body else {
            return Err(RecordError::Record("the intent is not an order"));
        };
        let OrderKind::Generate { suite, threshold, parties, label } = &order.kind else {
            return Err(RecordError::Record("the order is not for this kind of ceremony"));
        };
        let record = &self.record;
        if record.wallet != order.wallet
            || record.suite != *suite
            || record.label != *label
            || record.parties != *parties
            || record.attempt.order_number != order.number
            || record.order != self.order.intent.hash()
        {
            return Err(RecordError::Record("it does not follow from the order"));
        }
        let keys = record.keys()?;
        let numbers: Vec<usize> = keys.parties().iter().map(|i| usize::from(i.get())).collect();
        if keys.threshold() != usize::from(*threshold) || !numbers.into_iter().eq(1..=parties.len()) {
            return Err(RecordError::Record("threshold or parties differ from the order"));
        }
        Ok(keys)
    }
}

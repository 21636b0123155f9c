//! The public record of a key's epoch (docs/spec §1.8).

use crate::KeySet;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Attempt;
use quorate_intent::{Hash, IntentError, PublicKey, Suite, WalletId};
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
    #[error("the certificate lacks the valid signature of {0}")]
    Signature(PublicKey),
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

    /// The public shares, if they are of exactly these parties, numbered from 1, with this threshold.
    pub fn sharing(&self, parties: &[PublicKey], threshold: u16) -> Result<KeySet, RecordError> {
        let keys = self.keys()?;
        let numbers: Vec<usize> = keys.parties().iter().map(|i| usize::from(i.get())).collect();
        if self.parties != parties
            || keys.threshold() != usize::from(threshold)
            || !numbers.into_iter().eq(1..=parties.len())
        {
            return Err(RecordError::Record("threshold or parties differ from the order"));
        }
        Ok(keys)
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

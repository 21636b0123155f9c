//! One entry of the log: its place, its time, what came before, what happened.

use crate::{AuditError, Body};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Hash;
use quorate_sharing::Transcript;

/// The version of the encoding below.
pub const VERSION: u16 = 2;
/// Largest encoding of an entry, in bytes.
pub const MAX_BYTES: usize = 128 * 1024;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// [`VERSION`].
    pub version: u16,
    /// Place in the log, from 0.
    pub sequence: u64,
    /// Unix seconds by the node's clock; never less than the entry before.
    pub time: u64,
    /// Hash of the entry before; of the log's start for the first.
    pub previous: Hash,
    /// What happened.
    pub body: Body,
}

impl Entry {
    /// The canonical bytes. Checks the limits of the body.
    pub fn encode(&self) -> Result<Vec<u8>, AuditError> {
        self.body.check()?;
        let bytes = borsh::to_vec(self).map_err(|error| AuditError::Encoding(error.to_string()))?;
        check_size(&bytes)?;
        Ok(bytes)
    }

    /// Decodes canonical bytes, at most [`MAX_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, AuditError> {
        check_size(bytes)?;
        // The version stands first, so that a newer format is named as such and not as garbage.
        if let Some((head, rest)) = bytes.split_first_chunk::<2>() {
            let found = u16::from_le_bytes(*head);
            if found != VERSION {
                let sequence = rest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                return Err(AuditError::Version { sequence, found, known: VERSION });
            }
        }
        let entry: Self =
            borsh::from_slice(bytes).map_err(|error| AuditError::Encoding(error.to_string()))?;
        entry.body.check()?;
        Ok(entry)
    }

    /// The hash that the next entry names, and the leaf data of the Merkle log.
    pub fn hash(&self) -> Result<Hash, AuditError> {
        Ok(hash_of(&self.encode()?))
    }
}

/// The hash of an entry by its canonical bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> Hash {
    Hash(Transcript::new("audit/entry").field("entry", bytes).digest())
}

fn check_size(bytes: &[u8]) -> Result<(), AuditError> {
    if bytes.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(AuditError::Encoding(format!("{} bytes, at most {MAX_BYTES} are allowed", bytes.len())))
}

//! What can go wrong, and what to do about it.

use quorate_audit::{Attempt, AuditError, OrderRefusal};
use quorate_intent::Hash;
use std::path::PathBuf;

/// Errors of this room. None carries a secret. Cloned because one failed commit answers every caller in it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Another process, or another `Vault` of this one, has it open.
    #[error(
        "the vault in {0} is open in another process; stop that one first, two nodes must never share a vault"
    )]
    Locked(PathBuf),
    /// `create` on a folder that has a vault.
    #[error("there is a vault in {0} already; open it, or choose an empty folder")]
    Exists(PathBuf),
    /// `open` on a folder that has none.
    #[error("there is no vault in {0}; create one first, or check the path")]
    Missing(PathBuf),
    /// Others may read or write the file or folder.
    #[error("{path} may be accessed by others (mode {mode:03o}); run chmod {wanted:03o} on it")]
    Permissions {
        /// The file or folder.
        path: PathBuf,
        /// What it has.
        mode: u32,
        /// What it must have.
        wanted: u32,
    },
    /// The file or folder cannot be used.
    #[error("{path}: {problem}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The passphrase or key does not open it.
    #[error("the passphrase or key file does not unlock this vault; try again, there is no way around it")]
    WrongKey,
    /// A passphrase where a key file is needed, or the other way round.
    #[error("this vault is unlocked by {0}")]
    OtherUnlock(&'static str),
    /// Too short or too long a passphrase, or a key file that is none.
    #[error("{0}")]
    Unusable(String),
    /// A passkey's counter did not go up.
    #[error(
        "the counter {found} of passkey {passkey} was taken before or lies far behind the highest: there is a copy of the authenticator, then take the passkey out of the members, or the approval waited very long, then ask for it anew with another intent"
    )]
    PasskeyCounter {
        /// The passkey's id.
        passkey: quorate_intent::PublicKey,
        /// What came.
        found: u32,
    },
    /// Written by a newer program.
    #[error("the vault has schema {found}, this program knows up to {known}; use the newer program")]
    FutureSchema {
        /// The file's schema.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// Not a vault, damaged or tampered with.
    #[error(
        "{what} is damaged or was changed: {problem}; do not sign with it, keep it as evidence and restore this node"
    )]
    Corrupt {
        /// Which part.
        what: String,
        /// What does not fit.
        problem: String,
    },
    /// The log's chain is broken, or an entry is not legal.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Another genesis is pinned.
    #[error(
        "genesis {pinned} is pinned here, found {found}; a node belongs to one cluster, create a new vault for another"
    )]
    OtherGenesis {
        /// What is pinned.
        pinned: Hash,
        /// What was given.
        found: Hash,
    },
    /// The genesis is not well formed, or a change of governance does not follow.
    #[error("genesis or governance: {0}")]
    Genesis(#[from] quorate_intent::IntentError),
    /// The order may not be accepted (§2.3).
    #[error("order refused: {0}")]
    Order(OrderRefusal),
    /// The attempt may not be stored or activated (§2.3).
    #[error("attempt {attempt} refused: {problem}")]
    Attempt {
        /// Which.
        attempt: Attempt,
        /// Why.
        problem: String,
    },
    /// A second form of an intent could take effect beside an earlier one (product §3.3).
    #[error(
        "intent {intent} was signed as {earlier} (log entry {sequence}); a new form must share an input or nonce with it, so that both can never be paid"
    )]
    NoConflict {
        /// The intent.
        intent: Hash,
        /// The earlier form that could be paid as well.
        earlier: Hash,
        /// Its log entry.
        sequence: u64,
    },
    /// One form hash with two lists of resources.
    #[error(
        "form {form} of intent {intent} was recorded with other resources; this is a defect of the caller"
    )]
    FormChanged {
        /// The intent.
        intent: Hash,
        /// The form.
        form: Hash,
    },
    /// A finished transaction of a form that this node never admitted.
    #[error("intent {intent} was never signed here as {form}; nothing is noted")]
    NeverSigned {
        /// The intent.
        intent: Hash,
        /// The form.
        form: Hash,
    },
    /// A second note about one form.
    #[error("the end of intent {intent} in form {form} was noted before (log entry {sequence})")]
    NotedBefore {
        /// The intent.
        intent: Hash,
        /// The form.
        form: Hash,
        /// The entry.
        sequence: u64,
    },
    /// Over a size limit.
    #[error("{what}: {bytes} bytes or items, at most {max} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much it is.
        bytes: usize,
        /// How much is allowed.
        max: usize,
    },
    /// The queue was full or the disk too slow.
    #[error(
        "the vault did not answer within {0} seconds; whether the entry was written is not known, sign nothing for it"
    )]
    TimedOut(u64),
    /// `close` was called.
    #[error("the vault is closed")]
    Closed,
    /// An earlier write failed in a way that leaves the state on disk unknown.
    #[error("the vault stopped after a failed write ({0}); check the disk, then restart the node")]
    Stopped(String),
    /// The database or the file system failed.
    #[error("storage: {0}")]
    Storage(String),
}

impl VaultError {
    pub(crate) fn corrupt(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), problem: problem.into() }
    }

    pub(crate) fn attempt(attempt: Attempt, problem: impl Into<String>) -> Self {
        Self::Attempt { attempt, problem: problem.into() }
    }

    pub(crate) fn size(what: &'static str, bytes: usize, max: usize) -> Result<(), Self> {
        if bytes <= max { Ok(()) } else { Err(Self::TooLarge { what, bytes, max }) }
    }
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        // SQLite's own words for a file that is no database or has bad pages.
        let text = error.to_string();
        if text.contains("malformed") || text.contains("not a database") {
            return Self::corrupt("the vault file", text);
        }
        Self::Storage(text)
    }
}

//! What can be wrong with a log.

/// Errors of this room. The text says what is wrong and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A field of an entry is over its limit.
    #[error("log entry: {field}: {problem}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Bytes are not an entry.
    #[error("not a canonical log entry: {0}")]
    Encoding(String),
    /// An entry of a format that this program does not know.
    #[error(
        "log entry {sequence} has format version {found}, this program knows {known}; use a newer program"
    )]
    Version {
        /// Which entry.
        sequence: u64,
        /// Its version.
        found: u16,
        /// The newest version known here.
        known: u16,
    },
    /// A proof about the Merkle log does not hold.
    #[error("the proof does not hold, {0}; keep it as evidence and ask the node for its log")]
    Proof(String),
    /// A signed note or checkpoint is not what it should be.
    #[error("signed note: {0}")]
    Note(String),
    /// The chain does not hold.
    #[error(
        "the log is broken at entry {sequence}: {problem}; do not use it to sign, keep the file as evidence and restore this node"
    )]
    Broken {
        /// The first entry that does not fit.
        sequence: u64,
        /// What does not fit.
        problem: String,
    },
}

impl AuditError {
    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    pub(crate) fn broken(sequence: u64, problem: impl Into<String>) -> Self {
        Self::Broken { sequence, problem: problem.into() }
    }
}

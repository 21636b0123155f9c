//! What can be wrong with a policy, its file, its bytes or its chain.

use quorate_intent::IntentError;

/// Errors of this room. The text says what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A text that stands for a value is none.
    #[error("{what}: {problem}")]
    Text {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is not TOML, or has fields or values that this program does not know.
    #[error("policy file, line {line}: {problem}")]
    File {
        /// The line, from 1.
        line: usize,
        /// What is wrong, with the words that would be right.
        problem: String,
    },
    /// A rule contradicts itself.
    #[error("{}rule {number} {name:?}: {problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Rule {
        /// Place in the list, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// Its line in the file, from 1, where it came from one.
        line: Option<usize>,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The policy as a whole is not valid.
    #[error("policy: {0}")]
    Policy(String),
    /// Bytes are not a canonical policy.
    #[error("not a canonical policy: {0}")]
    Encoding(String),
    /// A version does not follow the one before.
    #[error("policy version {number} does not follow version {before}: {problem}")]
    Chain {
        /// The later version's number.
        number: u64,
        /// The earlier version's number.
        before: u64,
        /// Why not.
        problem: String,
    },
    /// Two spendings of one intent differ.
    #[error("intent {intent} was recorded with another spending before; the ledgers disagree")]
    Spending {
        /// The intent.
        intent: String,
    },
    /// The people, groups, parties, assets or addresses contradict one another.
    #[error("directory: {0}")]
    Directory(String),
    /// An approval does not count.
    #[error(transparent)]
    Vote(#[from] IntentError),
}

impl PolicyError {
    pub(crate) fn text(what: &'static str, problem: impl Into<String>) -> Self {
        Self::Text { what, problem: problem.into() }
    }
}

//! What can go wrong with a node.

use std::path::PathBuf;

/// Errors of this room.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The file of networks cannot be used.
    #[error("{path}: {problem}", path = .path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An address that is none.
    #[error("{url:?} is not the address of a node: {problem}")]
    Url {
        /// As it was given, without what may be secret.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach the node at {host}: {problem}; is it running, and reachable from here?")]
    Unreachable {
        /// Where.
        host: String,
        /// Why not.
        problem: String,
    },
    /// No answer in time.
    #[error("the node at {host} gave no answer to {method} within {seconds} s")]
    Timeout {
        /// Where.
        host: String,
        /// What was asked.
        method: String,
        /// How long was waited.
        seconds: u64,
    },
    /// It does not let us in.
    #[error(
        "the node at {host} refuses user and password (HTTP {status}); see user, password_file and cookie_file"
    )]
    Denied {
        /// Where.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// The node says no.
    #[error("{method}: {message} ({code})")]
    Rpc {
        /// What was asked.
        method: String,
        /// The node's number for it.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// Something that is no answer.
    #[error("the node's answer to {method} makes no sense: {problem}")]
    Answer {
        /// What was asked.
        method: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another chain than was asked for.
    #[error("the node is on {found}, the file of networks says {expected}; give the address of another node")]
    OtherChain {
        /// By the file.
        expected: String,
        /// By the node.
        found: String,
    },
}

impl NetworkError {
    /// An answer that cannot be read.
    pub(crate) fn answer(method: &str, problem: impl ToString) -> Self {
        Self::Answer { method: method.into(), problem: problem.to_string() }
    }

    /// The node's number for what is wrong, where it answered.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Rpc { code, .. } => Some(*code),
            _ => None,
        }
    }
}

//! What can go wrong with a request.

use quorate_coordination::AttestError;
use quorate_coordination::api::{Problem, State};
use quorate_intent::IntentId;

/// Errors of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The gateway's address.
    #[error("{url:?} is not a gateway's address: {problem}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach the gateway at {url}: {problem}")]
    Connection {
        /// Where.
        url: String,
        /// Why not.
        problem: String,
    },
    /// No answer in time.
    #[error("the gateway gave no answer within {0} s")]
    Timeout(u64),
    /// The gateway refused, and says why.
    #[error("{detail}{field} ({code}, HTTP {status})", detail = .0.detail, code = .0.code, status = .0.status,
        field = .0.field.as_ref().map(|field| format!(" [{field}]")).unwrap_or_default())]
    Problem(Box<Problem>),
    /// Something that is not what the API says.
    #[error("the gateway's answer (HTTP {status}) makes no sense: {problem}")]
    Answer {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// The gateway shows an address that is not to be paid to.
    #[error("the gateway shows an address that does not hold: {0}")]
    Attested(AttestError),
    /// An intent was waited for and took too long.
    #[error("intent {id} is still {state}")]
    NotYet {
        /// Which.
        id: IntentId,
        /// Where it is.
        state: State,
    },
}

impl ClientError {
    /// The gateway's code, where it gave problem details.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            _ => None,
        }
    }
}

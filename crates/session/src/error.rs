//! Why a session ended without a result. Blame is data: who, how it counts, and the signed bytes that show it.

use quorate_intent::PublicKey;
use quorate_protocols::Severity;
use std::fmt;

/// One participant whose idea of the session differs from ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Who.
    pub party: PublicKey,
    /// The terms that differ, as named in docs/spec §1.1.
    pub terms: Vec<&'static str>,
}

/// One participant that has not sent what was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Who.
    pub party: PublicKey,
    /// What did not come: `hello`, `session id`, `broadcast`, `private message` or `echo`.
    pub what: &'static str,
}

/// One party's fault, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The party's identity key.
    pub party: PublicKey,
    /// How it counts in the dispute graph (§5.2).
    pub severity: Severity,
    /// What was wrong, for people and logs.
    pub what: &'static str,
    /// An encoded [`crate::Evidence`]; empty for a soft edge.
    pub evidence: Vec<u8>,
}

/// Why a record is not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// It must not be written: a rule says no, and why.
    Refused(String),
    /// It could not be written.
    Failed(String),
}

impl From<NotStored> for SessionError {
    fn from(reason: NotStored) -> Self {
        match reason {
            NotStored::Refused(reason) => Self::Refused(reason),
            NotStored::Failed(reason) => Self::Storage(reason),
        }
    }
}

/// Errors of this room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The session cannot be set up with these values.
    #[error("the session cannot start: {0}")]
    Config(&'static str),
    /// Participants disagree on what is to be done. Nobody is at fault by that alone.
    #[error("participants disagree on the session ({}); compare their configuration, then run it again", list(.0))]
    ConfigMismatch(Vec<Disagreement>),
    /// Messages did not come in time.
    #[error("timed out waiting for {}; check that these parties run and are reachable", list(.0))]
    Timeout(Vec<Missing>),
    /// At least one party misbehaved, or one pair could not settle a difference.
    #[error("ceremony aborted: {}", list(.0))]
    Blame(Vec<Fault>),
    /// A joint value was unusable; nobody is at fault (§1.6).
    #[error("run the ceremony again, nobody is at fault: {0}")]
    Restart(&'static str),
    /// Somebody claims in its signed hello that the last try of this order is spent (§2.3).
    #[error("the tries of this order are used up, as {} claims; approve a new order", .0.party)]
    OrderUsedUp(Fault),
    /// Two other participants contradict each other. Only they can know which of them lies, so nobody is blamed here
    /// (§5.2).
    #[error(
        "{} and {} contradict each other: {what}; nobody else can tell which of them is at fault, choose a set without one of them",
        .between.0, .between.1
    )]
    Witnessed {
        /// The two.
        between: (PublicKey, PublicKey),
        /// What was wrong.
        what: &'static str,
    },
    /// This party has used the last try of this order, so that it does not even say hello (§2.3).
    #[error("the tries of this order are used up at this party; approve a new order")]
    NoTryLeft,
    /// The store did not take a record that had to be durable first (§1.7).
    #[error("the store did not confirm a record: {0}; check the disk, then run the ceremony again")]
    Storage(String),
    /// The store works and says that this record must not be written, such as one of an order that was superseded.
    #[error("this party may not go on: {0}")]
    Refused(String),
    /// The protocol and the driver do not fit together; a defect on this side.
    #[error("defect on this machine: {0}; please report it")]
    Usage(&'static str),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.party, self.terms.join(", "))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.what, self.party)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.party, self.what)
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join("; ")
}

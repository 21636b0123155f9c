//! What a session is given when it starts.

use crate::{Own, Participants, SessionError, Terms};

/// Everything that fixes one session.
#[derive(Clone, Debug)]
pub struct Config {
    /// Routes messages before the session id is known. Chosen by whoever proposes the ceremony; need not be secret.
    pub ceremony: [u8; 32],
    /// Who takes part.
    pub participants: Participants,
    /// What is to be done; must be equal at all participants.
    pub terms: Terms,
    /// What this party says of itself in its hello.
    pub own: Own,
    /// Sizes and times.
    pub limits: Limits,
}

/// Sizes in bytes, times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message of any round before sealing. Longer bytes are dropped unread.
    pub max_message: usize,
    /// How long one round may take, from its own sends to the last message.
    pub round: u64,
    /// How long a difference between echoes may take to settle.
    pub evidence: u64,
    /// How long the whole session may take.
    pub total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message: 1 << 20, round: 20_000, evidence: 5_000, total: 120_000 }
    }
}

/// No message may be longer than this, whatever the limits say: 16 MiB.
pub const MAX_MESSAGE: usize = 16 << 20;

impl Limits {
    pub(crate) fn check(&self) -> Result<(), SessionError> {
        if self.max_message > MAX_MESSAGE {
            return Err(SessionError::Config("max_message is above 16 MiB"));
        }
        if self.round == 0 || self.evidence == 0 || self.total == 0 {
            return Err(SessionError::Config("a time-out must not be zero"));
        }
        Ok(())
    }
}

//! The states of an intent.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an intent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Taken in, not yet judged.
    Submitted,
    /// Waits for approvals.
    PendingApproval,
    /// Enough approvals; waits for its turn.
    Approved,
    /// The nodes work on it.
    Signing,
    /// The transaction is signed and verified. The end, where the gateway does not watch the network.
    Signed,
    /// The transaction is on its way to the network's nodes.
    Broadcasting,
    /// The transaction stands in a block with too few on it.
    Confirming,
    /// An order was carried out, or a transaction has enough blocks on it.
    Completed,
    /// Another transaction used up what this one needs; it can never be mined.
    Replaced,
    /// An approver said no.
    Rejected,
    /// Its time ran out.
    Expired,
    /// Its initiator took it back.
    Cancelled,
    /// It could not be carried out.
    Failed,
    /// Nodes refuse it.
    Blocked,
}

impl State {
    /// All states.
    pub const ALL: [Self; 14] = [
        Self::Submitted,
        Self::PendingApproval,
        Self::Approved,
        Self::Signing,
        Self::Signed,
        Self::Broadcasting,
        Self::Confirming,
        Self::Completed,
        Self::Replaced,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
        Self::Blocked,
    ];

    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::PendingApproval => "pending_approval",
            Self::Approved => "approved",
            Self::Signing => "signing",
            Self::Signed => "signed",
            Self::Broadcasting => "broadcasting",
            Self::Confirming => "confirming",
            Self::Replaced => "replaced",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Submitted
                | Self::PendingApproval
                | Self::Approved
                | Self::Signing
                | Self::Broadcasting
                | Self::Confirming
        )
    }

    /// Whether an intent that signs a transaction has one in this state.
    pub fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Signed | Self::Broadcasting | Self::Confirming | Self::Completed | Self::Replaced
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

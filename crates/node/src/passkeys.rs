//! Approvals by passkeys: this node's own memory of their counters.

use crate::error::vault_error;
use crate::node::Shared;
use quorate_coordination::NodeError;
use quorate_intent::Approval;

/// The rule that a counter which goes back is refused by.
pub(crate) const RULE: &str = "passkey-counter";

/// Takes approvals that the policy has counted, before anything is done on their word.
pub(crate) async fn admit(shared: &Shared, approvals: &[Approval]) -> Result<(), NodeError> {
    shared.vault.admit_passkeys(approvals).await.map_err(|error| vault_error(&error))
}

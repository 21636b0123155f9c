//! Approvals by passkeys: this node's own memory of their counters.

use crate::error::vault_error;
use crate::node::Shared;
use quorate_coordination::NodeError;
use quorate_intent::{Approval, SignedIntent};

/// The rule that a counter which goes back is refused by.
pub(crate) const RULE: &str = "passkey-counter";

/// Takes approvals that the policy has counted, before anything is done on their word. Others may stand beside them that no rule
/// looked at (of strangers, about other intents, with wrong signatures): those must not touch anybody's counter.
pub(crate) async fn admit(
    shared: &Shared,
    intent: &SignedIntent,
    approvals: &[Approval],
) -> Result<(), NodeError> {
    let (hash, version) = (intent.intent.hash(), shared.genesis.current());
    let genuine = |approval: &&Approval| {
        approval.passkey.is_some()
            && approval.intent == hash
            && version.knows(&approval.approver)
            && approval.verifies()
    };
    let approvals: Vec<Approval> = approvals.iter().filter(genuine).cloned().collect();
    shared.vault.admit_passkeys(&approvals).await.map_err(|error| vault_error(&error))
}

//! Intents and approvals that passkeys signed: this node's own memory of their counters.

use crate::error::vault_error;
use crate::node::Shared;
use quorate_coordination::NodeError;
use quorate_coordination::rpc::ErrorCode;
use quorate_intent::{Approval, SignedIntent};

/// The rule that a counter which goes back is refused by.
pub(crate) const RULE: &str = "passkey-counter";

/// Takes the initiator's word, which was checked with the intent, and approvals that the policy has counted, before anything is
/// done on their word. Others may stand beside them that no rule looked at (of strangers, about other intents, with wrong
/// signatures): those must not touch anybody's counter.
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
    let approvals = approvals.iter().filter(genuine).filter_map(Approval::passkey_use);
    let asked = intent.passkey_use();
    if asked.is_some() {
        // Counters must not move for anybody who has not signed. It was looked at before, under the version in force then.
        intent
            .check_signature(&version)
            .map_err(|error| NodeError::new(ErrorCode::NotAuthorised, format!("{error} (rule {RULE})")))?;
    }
    let uses = asked.into_iter().chain(approvals).collect();
    shared.vault.admit_passkeys(uses).await.map_err(|error| vault_error(&error))
}

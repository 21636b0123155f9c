//! The rule that let a transaction happen, evaluated again as each signer did.

use crate::VerifyError;
use crate::error::refused;
use quorate_audit::WillSign;
use quorate_intent::intent::CLOCK_SKEW;
use quorate_intent::{Approval, Genesis, SignedIntent};
use quorate_policy::Decision;

/// Evaluates the rule with the approvals that a signer counted, at the time at which it did.
pub fn check(
    version: &Genesis,
    intent: &SignedIntent,
    approvals: &[Approval],
    entry: &WillSign,
    time: u64,
) -> Result<(), VerifyError> {
    let counted: Vec<Approval> =
        approvals.iter().filter(|approval| entry.approvers.contains(&approval.approver)).cloned().collect();
    // The log's clock may read the next second when the node's own still read the last.
    let expires = intent.intent.expires;
    let late = time >= expires && time < expires.saturating_add(CLOCK_SKEW);
    let time = if late { expires.saturating_sub(1) } else { time };
    match quorate_policy::decide(version, intent, &counted, time) {
        Decision::Allow { rule, approvers } => {
            let same = approvers.len() == entry.approvers.len()
                && approvers.iter().all(|key| entry.approvers.contains(key));
            if rule == entry.rule && same {
                return Ok(());
            }
            let problem =
                format!("the entry names the rule {:?} and other approvers than {rule:?} counts", entry.rule);
            Err(refused("a signer's verdict", problem))
        }
        Decision::Deny { rule, reason } => Err(refused("the approvals", format!("{reason} (rule {rule})"))),
    }
}

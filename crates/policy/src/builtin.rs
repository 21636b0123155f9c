//! The two rules of a cluster that has no policy of its own yet, straight from the genesis.

use quorate_intent::{Approval, Body, Genesis, IntentError, PublicKey, SignedIntent, approving_members};

/// What was decided. There is no third way: an error denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may happen.
    Allow {
        /// The rule that decided.
        rule: &'static str,
        /// Whose approvals counted.
        approvers: Vec<PublicKey>,
    },
    /// It must not happen.
    Deny {
        /// The rule that decided.
        rule: &'static str,
        /// Why.
        reason: IntentError,
    },
}

/// The form of an intent, its initiator and its validity in time.
pub const RULE_INTENT: &str = "intent";
/// Transfers need the genesis's approvers.
pub const RULE_TRANSFER: &str = "genesis/approvers";
/// Orders need the genesis's administrators.
pub const RULE_ORDER: &str = "genesis/administrators";

/// Decides on an intent with its approvals; `now` is Unix seconds by the deciding node's own clock.
pub fn decide(genesis: &Genesis, intent: &SignedIntent, approvals: &[Approval], now: u64) -> Decision {
    if let Err(reason) = intent.check(genesis, now) {
        return Decision::Deny { rule: RULE_INTENT, reason };
    }
    let (rule, group, name) = match &intent.intent.body {
        Body::Transfer(_) => (RULE_TRANSFER, &genesis.approvers, "approvers"),
        Body::Order(_) => (RULE_ORDER, &genesis.administrators, "administrators"),
        _ => {
            let reason = IntentError::field("type", "no rule allows this kind of intent");
            return Decision::Deny { rule: RULE_INTENT, reason };
        }
    };
    match approving_members(group, name, &intent.intent, approvals) {
        Ok(members) => Decision::Allow { rule, approvers: members.iter().map(|member| member.key).collect() },
        Err(reason) => Decision::Deny { rule, reason },
    }
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;

//! Policy: whether an intent may happen, and by which rule. No I/O.
//!
//! For: one function from rules, intent and approvals to a decision that names its rule; every node runs it for itself.
//! Not for: counting signatures (`intent`), what a transaction really does (`chains`), remembering (`vault`).
//!
//! There are two rules so far, both from the genesis: transfers need the approvers' quorum, orders the administrators'.
//! Rules of their own kind, limits and analysis get their place here.
#![forbid(unsafe_code)]

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
/// Orders and changes of governance need the genesis's administrators.
pub const RULE_ORDER: &str = "genesis/administrators";

/// Decides on an intent with its approvals; `now` is Unix seconds by the deciding node's own clock.
pub fn decide(genesis: &Genesis, intent: &SignedIntent, approvals: &[Approval], now: u64) -> Decision {
    if let Err(reason) = intent.check(genesis, now) {
        return Decision::Deny { rule: RULE_INTENT, reason };
    }
    let (rule, group, name) = match &intent.intent.body {
        Body::Transfer(_) => (RULE_TRANSFER, &genesis.approvers, "approvers"),
        Body::Order(_) | Body::Governance(_) => (RULE_ORDER, &genesis.administrators, "administrators"),
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

/// Decides on a refresh by the schedule that an order set up: as on the order itself, but until the schedule's end.
pub fn decide_schedule(
    genesis: &Genesis,
    intent: &SignedIntent,
    approvals: &[Approval],
    now: u64,
) -> Decision {
    if let Err(reason) = intent.check_schedule(genesis, now) {
        return Decision::Deny { rule: RULE_INTENT, reason };
    }
    match approving_members(&genesis.administrators, "administrators", &intent.intent, approvals) {
        Ok(members) => {
            Decision::Allow { rule: RULE_ORDER, approvers: members.iter().map(|member| member.key).collect() }
        }
        Err(reason) => Decision::Deny { rule: RULE_ORDER, reason },
    }
}

#[cfg(test)]
mod tests;

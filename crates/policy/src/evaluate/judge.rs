//! The order of things: form, deposit-only, rules, implicit deny; then what the node's own operator says.

use crate::evaluate::require::apply;
use crate::evaluate::{Case, Judgement, MATCHERS, Missing, Outcome, Reason, Step, Truth, View};
use crate::model::{NewWallets, Rule};
use std::collections::BTreeSet;

/// Deciding "rule" when the subject contradicts itself.
pub const FORM: &str = "intent";
/// Deciding "rule" when the wallet is not named in the policy.
pub const DEPOSIT_ONLY: &str = "deposit-only";
/// Deciding "rule" when no rule matched.
pub const IMPLICIT: &str = "implicit-deny";

/// Decides. Every node calls this for itself, and gives its partial signature only when the answer
/// [allows](Judgement::allows) it.
pub fn judge(case: &Case) -> Judgement {
    if let Err(problem) = case.subject.check() {
        return ended(FORM, Reason::Form(problem));
    }
    if deposit_only(case) {
        return ended(DEPOSIT_ONLY, Reason::DepositOnly);
    }
    let view = View::new(case);
    let (found, trace) = first_match(&view, &case.policy.rules);
    let (rule, outcome) = match found {
        None => (IMPLICIT.to_owned(), Outcome::Deny(Reason::NoRule)),
        Some((rule, Some(reason))) => (rule.name.clone(), Outcome::Deny(reason)),
        Some((rule, None)) => (rule.name.clone(), apply(case, rule, || case.policy.hash())),
    };
    let mut judgement = Judgement { outcome, rule, trace, local_trace: Vec::new() };
    let Some(local) = case.local else { return judgement };
    let (found, trace) = first_match(&view, &local.rules);
    judgement.local_trace = trace;
    let Some((rule, failed)) = found else { return judgement };
    let outcome = match failed {
        Some(reason) => Outcome::Deny(reason),
        None => apply(case, rule, || local.hash()),
    };
    narrow(judgement, &rule.name, outcome)
}

fn ended(rule: &str, reason: Reason) -> Judgement {
    let outcome = Outcome::Deny(reason);
    Judgement { outcome, rule: rule.to_owned(), trace: Vec::new(), local_trace: Vec::new() }
}

/// A new wallet takes deposits until a version of the policy names it.
fn deposit_only(case: &Case) -> bool {
    let named = || case.policy.wallets.values().any(|id| Some(*id) == case.subject.wallet);
    case.subject.kind.spends() && case.policy.new_wallets == NewWallets::DepositOnly && !named()
}

/// The first rule that matches; or that cannot be evaluated, with the reason.
type Found<'r> = Option<(&'r Rule, Option<Reason>)>;

fn first_match<'r>(view: &View, rules: &'r [Rule]) -> (Found<'r>, Vec<Step>) {
    let mut trace = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        match Truth::all(MATCHERS.iter().map(|matcher| matcher(view, rule))) {
            Truth::Yes => return (Some((rule, None)), trace),
            Truth::Fail(failure) => return (Some((rule, Some(Reason::Error(failure)))), trace),
            Truth::No(miss) => trace.push(Step { rule: at, miss }),
        }
    }
    (None, trace)
}

/// The cluster's judgement with what the operator's rule says. The result is never wider than the cluster's.
fn narrow(cluster: Judgement, rule: &str, local: Outcome) -> Judgement {
    let local_rule = format!("local/{rule}");
    let (outcome, rule) = match (cluster.outcome, local) {
        (Outcome::Deny(reason), _) => (Outcome::Deny(reason), cluster.rule),
        (_, Outcome::Deny(reason)) => (Outcome::Deny(reason), local_rule),
        (Outcome::Wait(ours), Outcome::Wait(theirs)) => (Outcome::Wait(together(ours, theirs)), cluster.rule),
        (Outcome::Wait(missing), Outcome::Allow { .. }) => (Outcome::Wait(missing), cluster.rule),
        (Outcome::Allow { .. }, Outcome::Wait(missing)) => (Outcome::Wait(missing), local_rule),
        (Outcome::Allow { approvers: ours }, Outcome::Allow { approvers: theirs }) => {
            let all: BTreeSet<_> = ours.into_iter().chain(theirs).collect();
            (Outcome::Allow { approvers: all.into_iter().collect() }, cluster.rule)
        }
    };
    Judgement { outcome, rule, ..cluster }
}

fn together(mut ours: Missing, theirs: Missing) -> Missing {
    ours.approvals.extend(theirs.approvals);
    ours.parties.extend(theirs.parties);
    ours.delays.extend(theirs.delays);
    ours.confirm |= theirs.confirm;
    ours
}

//! What a rule asks for, against what is there.

use crate::evaluate::{Case, Delay, Failure, Missing, Outcome, Reason, Short, Started};
use crate::model::{Quorum, Rule, RuleDecision};
use quorate_intent::{Hash, PublicKey};
use std::collections::{BTreeMap, BTreeSet};

type Groups = BTreeMap<String, BTreeSet<String>>;

/// What the deciding rule says.
pub(crate) fn apply(case: &Case, rule: &Rule, hash: impl Fn() -> Hash) -> Outcome {
    match rule.decision {
        RuleDecision::Allow => Outcome::Allow { approvers: Vec::new() },
        RuleDecision::Deny => Outcome::Deny(Reason::Rule),
        RuleDecision::Require => match require(case, rule, hash) {
            Ok(outcome) => outcome,
            Err(failure) => Outcome::Deny(Reason::Error(failure)),
        },
    }
}

fn require(case: &Case, rule: &Rule, hash: impl Fn() -> Hash) -> Result<Outcome, Failure> {
    let directory = case.facts.directory;
    let approvals = members(&rule.approvals, &directory.groups, "group")?;
    let parties = members(&rule.parties, &directory.party_groups, "party group")?;
    let stoppers = rule.cancel.iter().map(|name| find(&directory.groups, &name.0, "group"));
    let stoppers = stoppers.collect::<Result<Vec<_>, _>>()?;
    // An initiator never approves its own, with whatever device.
    let own = directory.person(&case.subject.initiator);
    let voter = |key: &PublicKey| directory.person(key).filter(|person| Some(*person) != own);
    let groups = || approvals.iter().map(|(_, group)| *group);
    for key in &case.votes.rejected {
        if let Some(person) = voter(key)
            && groups().chain(stoppers.iter().copied()).any(|group| group.contains(person))
        {
            return Ok(Outcome::Deny(Reason::Rejected(person.to_owned())));
        }
    }
    let approving: BTreeSet<&str> = case.votes.approved.iter().filter_map(voter).collect();
    let signing: BTreeSet<&str> = case.signers.iter().filter_map(|key| directory.party(key)).collect();
    let mut missing = Missing {
        approvals: short(&approvals, &approving),
        parties: short(&parties, &signing),
        delays: Vec::new(),
        confirm: rule.confirm && !case.confirmed,
    };
    missing.delays.extend(delay(case, rule, missing.approvals.is_empty(), hash)?);
    if !missing.is_empty() {
        return Ok(Outcome::Wait(missing));
    }
    let counted =
        |key: &&PublicKey| voter(key).is_some_and(|person| groups().any(|group| group.contains(person)));
    Ok(Outcome::Allow { approvers: case.votes.approved.iter().filter(counted).copied().collect() })
}

/// Each quorum with its group's members.
fn members<'a>(
    quorums: &'a [Quorum],
    groups: &'a Groups,
    what: &'static str,
) -> Result<Vec<(&'a Quorum, &'a BTreeSet<String>)>, Failure> {
    quorums.iter().map(|quorum| Ok((quorum, find(groups, &quorum.group, what)?))).collect()
}

fn find<'a>(groups: &'a Groups, name: &str, what: &'static str) -> Result<&'a BTreeSet<String>, Failure> {
    groups.get(name).ok_or_else(|| Failure::Unknown { what, name: name.to_owned() })
}

/// The quorums that are not met.
fn short(quorums: &[(&Quorum, &BTreeSet<String>)], present: &BTreeSet<&str>) -> Vec<Short> {
    let count = |group: &BTreeSet<String>| present.iter().filter(|name| group.contains(**name)).count();
    quorums
        .iter()
        .map(|(quorum, group)| (quorum, count(group)))
        .filter(|(quorum, have)| *have < usize::from(quorum.need))
        .map(|(quorum, have)| Short { group: quorum.group.clone(), have: have as u16, need: quorum.need })
        .collect()
}

/// The delay, where it has not passed.
fn delay(
    case: &Case,
    rule: &Rule,
    approved: bool,
    hash: impl Fn() -> Hash,
) -> Result<Option<Delay>, Failure> {
    let Some(period) = rule.delay else { return Ok(None) };
    if !approved {
        return Ok(Some(Delay::AfterApprovals(period)));
    }
    let policy = hash();
    let now = case.facts.now;
    let begun = case.started.iter().find(|started| started.policy == policy && started.rule == rule.name);
    let Some(begun) = begun else {
        let started = Started { policy, rule: rule.name.clone(), at: now };
        return Ok(Some(Delay::Begins(started, period)));
    };
    let end = begun.at.checked_add(period.0).ok_or(Failure::Overflow)?;
    Ok((now < end).then_some(Delay::Until(end)))
}

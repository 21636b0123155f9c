//! A second evaluator, written from the description of the policy alone and in another way: no index, no early end, every
//! matcher of every rule computed, amounts in a width where nothing overflows. Slow and plain on purpose.

mod matchers;

use quorate_intent::{Hash, PublicKey};
use quorate_policy::evaluate::{Case, Delay, Judgement, Outcome};
use quorate_policy::history::Spending;
use quorate_policy::model::{Kind, NewWallets, Quorum, Rule, RuleDecision};
use std::collections::{BTreeMap, BTreeSet};

/// What both evaluators must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub class: &'static str,
    pub rule: String,
    pub missing: Vec<String>,
    pub approvers: Vec<PublicKey>,
}

/// The real evaluator's judgement in the same form.
pub fn answer_of(judgement: &Judgement) -> Answer {
    let rule = judgement.rule.clone();
    let empty = |class| Answer { class, rule: rule.clone(), missing: vec![], approvers: vec![] };
    match &judgement.outcome {
        Outcome::Deny(_) => empty("deny"),
        Outcome::Allow { approvers } => Answer { approvers: approvers.clone(), ..empty("allow") },
        Outcome::Wait(missing) => {
            let people =
                missing.approvals.iter().map(|s| format!("people {} {}/{}", s.group, s.have, s.need));
            let parties =
                missing.parties.iter().map(|s| format!("parties {} {}/{}", s.group, s.have, s.need));
            let delays = missing.delays.iter().map(|delay| match delay {
                Delay::AfterApprovals(_) => "delay later".to_owned(),
                Delay::Begins(started, _) => format!("delay begins {} {}", started.rule, started.at),
                Delay::Until(time) => format!("delay until {time}"),
            });
            let confirm = missing.confirm.then(|| "confirm".to_owned());
            let mut missing: Vec<String> = people.chain(parties).chain(delays).chain(confirm).collect();
            missing.sort();
            Answer { missing, ..empty("wait") }
        }
    }
}

/// The reference decision. `past` is the same spending that the case's history was filled with.
pub fn decide(case: &Case, past: &[Spending]) -> Answer {
    let world = World { case, past: latest(past, &case.subject.intent) };
    let global = world.cluster();
    let Some(local) = world.operator() else { return global };
    if global.class == "deny" {
        return global;
    }
    if local.class == "deny" {
        return local;
    }
    let mut both = global.clone();
    both.missing.extend(local.missing);
    both.missing.sort();
    if global.class == "allow" && local.class == "wait" {
        both.rule = local.rule;
    }
    both.class = if both.missing.is_empty() { "allow" } else { "wait" };
    both.approvers = match both.class {
        "allow" => {
            let all: BTreeSet<_> = global.approvers.iter().chain(&local.approvers).copied().collect();
            all.into_iter().collect()
        }
        _ => vec![],
    };
    both
}

/// Each intent once, at its latest time, without the one that is judged.
fn latest(past: &[Spending], own: &Hash) -> Vec<Spending> {
    let mut by_intent: BTreeMap<Hash, Spending> = BTreeMap::new();
    for spending in past {
        let entry = by_intent.entry(spending.intent).or_insert_with(|| spending.clone());
        entry.time = entry.time.max(spending.time);
    }
    by_intent.remove(own);
    by_intent.into_values().collect()
}

pub struct World<'a> {
    pub case: &'a Case<'a>,
    pub past: Vec<Spending>,
}

fn deny(rule: &str) -> Answer {
    Answer { class: "deny", rule: rule.to_owned(), missing: vec![], approvers: vec![] }
}

impl World<'_> {
    fn cluster(&self) -> Answer {
        let case = self.case;
        if !self.well_formed() {
            return deny("intent");
        }
        let signs = matches!(case.subject.kind, Kind::Transfer | Kind::Call | Kind::Message);
        if signs && case.policy.new_wallets == NewWallets::DepositOnly {
            let named = case.policy.wallets.values().any(|id| Some(*id) == case.subject.wallet);
            if !named {
                return deny("deposit-only");
            }
        }
        let first = self.first_not_no(&case.policy.rules);
        match first {
            None => deny("implicit-deny"),
            Some((rule, None)) => deny(&rule.name),
            Some((rule, Some(_))) => self.apply(rule, "", case.policy.hash()),
        }
    }

    fn operator(&self) -> Option<Answer> {
        let local = self.case.local?;
        if !self.well_formed() {
            return None;
        }
        let (rule, verdict) = self.first_not_no(&local.rules)?;
        Some(match verdict {
            None => deny(&format!("local/{}", rule.name)),
            Some(_) => self.apply(rule, "local/", local.hash()),
        })
    }

    /// The first rule that matches (some true) or that cannot be evaluated (none).
    fn first_not_no<'r>(&self, rules: &'r [Rule]) -> Option<(&'r Rule, Option<bool>)> {
        let verdicts: Vec<_> = rules.iter().map(|rule| (rule, self.matches(rule))).collect();
        verdicts.into_iter().find(|(_, verdict)| *verdict != Some(false))
    }

    fn well_formed(&self) -> bool {
        let s = self.case.subject;
        let (wallet, place, spend, call) = match s.kind {
            Kind::Transfer => (true, true, true, false),
            Kind::Call => (true, true, true, true),
            Kind::Message => (true, true, false, false),
            Kind::Wallet | Kind::Reshare | Kind::Destroy => (true, false, false, false),
            _ => (false, false, false, false),
        };
        s.wallet.is_some() == wallet
            && s.account.is_some() == place
            && s.network.is_some() == place
            && s.asset.is_some() == spend
            && s.outputs.is_empty() != spend
            && s.fee.is_some() == spend
            && s.call.is_some() == call
    }

    fn apply(&self, rule: &Rule, prefix: &str, hash: Hash) -> Answer {
        let name = format!("{prefix}{}", rule.name);
        let allow = Answer { class: "allow", rule: name.clone(), missing: vec![], approvers: vec![] };
        match rule.decision {
            RuleDecision::Allow => return allow,
            RuleDecision::Deny => return deny(&name),
            RuleDecision::Require => {}
        }
        let directory = self.case.facts.directory;
        let voices = rule.approvals.iter().map(|quorum| quorum.group.clone());
        let voices: Vec<String> = voices.chain(rule.cancel.iter().map(|name| name.0.clone())).collect();
        if voices.iter().any(|group| !directory.groups.contains_key(group)) {
            return deny(&name);
        }
        if rule.parties.iter().any(|quorum| !directory.party_groups.contains_key(&quorum.group)) {
            return deny(&name);
        }
        let rejecting = self.people(&self.case.votes.rejected);
        let heard = voices.iter().flat_map(|group| &directory.groups[group]);
        if heard.clone().any(|member| rejecting.contains(member)) {
            return deny(&name);
        }
        let approving = self.people(&self.case.votes.approved);
        let signing: BTreeSet<String> = directory
            .parties
            .iter()
            .filter(|(_, key)| self.case.signers.contains(key))
            .map(|(name, _)| name.clone())
            .collect();
        let mut missing = short("people", &rule.approvals, &approving, &directory.groups);
        let complete = missing.is_empty();
        missing.extend(short("parties", &rule.parties, &signing, &directory.party_groups));
        if let Some(delay) = rule.delay {
            let begun = self.case.started.iter().find(|s| s.policy == hash && s.rule == rule.name);
            match begun {
                _ if !complete => missing.push("delay later".into()),
                None => missing.push(format!("delay begins {} {}", rule.name, self.case.facts.now)),
                Some(begun) => match begun.at.checked_add(delay.0) {
                    None => return deny(&name),
                    Some(end) if self.case.facts.now < end => missing.push(format!("delay until {end}")),
                    Some(_) => {}
                },
            }
        }
        if rule.confirm && !self.case.confirmed {
            missing.push("confirm".into());
        }
        missing.sort();
        if !missing.is_empty() {
            return Answer { class: "wait", missing, ..allow };
        }
        let counted: BTreeSet<&String> =
            rule.approvals.iter().flat_map(|quorum| &directory.groups[&quorum.group]).collect();
        let keys = self.case.votes.approved.iter();
        let approvers = keys
            .filter(|key| {
                let owner = directory.people.iter().find(|(_, keys)| keys.contains(key));
                owner.is_some_and(|(person, _)| approving.contains(person) && counted.contains(person))
            })
            .copied()
            .collect();
        Answer { approvers, ..allow }
    }

    /// Names of the people who own one of the keys, never the initiator.
    fn people(&self, keys: &BTreeSet<PublicKey>) -> BTreeSet<String> {
        let all = self.case.facts.directory.people.iter();
        all.filter(|(_, theirs)| theirs.iter().any(|key| keys.contains(key)))
            .filter(|(_, theirs)| !theirs.contains(&self.case.subject.initiator))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

fn short(
    what: &str,
    quorums: &[Quorum],
    present: &BTreeSet<String>,
    groups: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let mut missing = Vec::new();
    for quorum in quorums {
        let have = groups[&quorum.group].intersection(present).count();
        if have < usize::from(quorum.need) {
            missing.push(format!("{what} {} {have}/{}", quorum.group, quorum.need));
        }
    }
    missing
}

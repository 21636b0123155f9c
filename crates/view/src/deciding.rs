//! The rule that decides, who has spoken and who is missing.

use quorate_intent::{Approval, Body, Change, Intent, PublicKey, Verdict};
use quorate_policy::evaluate::Missing;
use quorate_policy::model::Quorum;
use quorate_policy::ruling::{ANY_ADMINISTRATOR, FROZEN};
use quorate_policy::{Case, Directory, Facts, History, Outcome, Prices, Ruling, Subject, Votes, judge};
use serde::Serialize;
use std::collections::BTreeSet;

/// Who decides on an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deciding {
    /// The rule's name; of a denial that no rule makes, its reason's.
    pub rule: String,
    /// What comes of it as it stands, in words: as if nothing was spent before, for whichever parties sign.
    pub says: String,
    /// Whether it cannot happen, whoever approves.
    pub denied: bool,
    /// The groups that the rule asks.
    pub group: String,
    /// How many of them must approve, all groups together.
    pub quorum: u16,
    /// Names of those who approved, every signature checked.
    pub approved: Vec<String>,
    /// Names of those who rejected, every signature checked.
    pub rejected: Vec<String>,
    /// How many more must approve.
    pub more: usize,
    /// Names of those who still may: the initiator never may.
    pub who_may: Vec<String>,
    /// Approvals that do not count, and why.
    pub ignored: Vec<String>,
}

impl Deciding {
    /// Whether this person's word is awaited.
    pub fn waits_for(&self, name: &str) -> bool {
        self.more > 0 && !self.denied && self.who_may.iter().any(|may| may == name)
    }
}

/// What people said, every signature checked.
#[derive(Default)]
struct Said {
    votes: Votes,
    /// Everybody whose word is genuine, in the order given.
    names: Vec<(String, Verdict)>,
    ignored: Vec<String>,
}

/// Sorts out what a node would refuse: the rest decides.
fn listen(directory: &Directory, intent: &Intent, approvals: &[Approval]) -> Said {
    let hash = intent.hash();
    let own = directory.person(&intent.initiator);
    let mut said = Said::default();
    for approval in approvals {
        let key = approval.approver;
        let person = directory.person(&key);
        let spoke = |name: &str| said.names.iter().any(|(known, _)| known == name);
        let problem = match person {
            None => Some("is not a member".to_owned()),
            Some(_) if approval.intent != hash => Some("spoke about another intent".to_owned()),
            Some(name) if key == intent.initiator || own == Some(name) => Some("initiated it".to_owned()),
            Some(name) if spoke(name) => Some("spoke twice".to_owned()),
            Some(_) => approval.check().err().map(|error| error.to_string()),
        };
        let name = person.map_or_else(|| key.to_string(), str::to_owned);
        match problem {
            Some(problem) => said.ignored.push(format!("{name}: {problem}")),
            None => {
                said.names.push((name, approval.verdict));
                match approval.verdict {
                    Verdict::Approve => said.votes.approved.insert(key),
                    Verdict::Reject => said.votes.rejected.insert(key),
                };
            }
        }
    }
    said
}

/// Rule, words, denial, and what is asked of people.
type Found = (String, String, bool, Vec<Quorum>);

fn denied(rule: &str, says: &str) -> Found {
    (rule.to_owned(), says.to_owned(), true, Vec::new())
}

/// A freeze needs any one administrator, whatever the policy says.
fn freeze(ruling: &Ruling, intent: &Intent, votes: &Votes) -> Option<Found> {
    let Body::Governance(Change::Freeze { .. }) = &intent.body else { return None };
    let members = &ruling.document().administrators.members;
    let administers = |key: &PublicKey| members.iter().any(|member| member.key == *key);
    let there = administers(&intent.initiator) || votes.approved.iter().any(administers);
    let says = if there { "allowed" } else { "waits for approvals of administrators: 0 of 1" };
    let group = "administrators".to_owned();
    let asked = if administers(&intent.initiator) { Vec::new() } else { vec![Quorum { need: 1, group }] };
    Some((ANY_ADMINISTRATOR.to_owned(), says.to_owned(), false, asked))
}

fn find(ruling: &Ruling, intent: &Intent, subject: Option<&Subject>, votes: &Votes, now: u64) -> Found {
    if intent.body.signing_wallet().is_some() && ruling.document().frozen() {
        return denied(FROZEN, "denied: all signing is stopped; the administrators can thaw it");
    }
    if let Some(found) = freeze(ruling, intent, votes) {
        return found;
    }
    let Some(subject) = subject else {
        return denied(quorate_policy::RULE_INTENT, "denied: no rule knows this kind of intent");
    };
    let judgement = judge(&Case {
        policy: ruling.policy(),
        local: None,
        subject,
        history: &History::new(),
        facts: Facts { now, directory: ruling.directory(), prices: &Prices::default() },
        votes,
        signers: &[],
        started: &[],
        confirmed: false,
    });
    let asked = ruling.rule(&judgement.rule).map(|rule| rule.approvals.clone()).unwrap_or_default();
    let says = match &judgement.outcome {
        // Which parties sign is not known yet.
        Outcome::Wait(missing) => {
            let missing = Missing { parties: Vec::new(), ..missing.clone() };
            if missing.is_empty() { "allowed".to_owned() } else { format!("waits for {missing}") }
        }
        outcome => outcome.to_string(),
    };
    (judgement.rule, says, matches!(judgement.outcome, Outcome::Deny(_)), asked)
}

/// Who decides on `intent` under these rules, given these approvals, for what the transaction says: [`crate::subject`], or
/// [`crate::intended`] while there is none. Past spending and operators' own rules are the nodes' to look at.
pub fn deciding(
    ruling: &Ruling,
    intent: &Intent,
    subject: Option<&Subject>,
    approvals: &[Approval],
    now: u64,
) -> Deciding {
    let directory = ruling.directory();
    let Said { votes, names, mut ignored } = listen(directory, intent, approvals);
    let (rule, says, denied, asked) = find(ruling, intent, subject, &votes, now);
    let members = |quorum: &Quorum| directory.groups.get(&quorum.group).cloned().unwrap_or_default();
    let groups: Vec<BTreeSet<String>> = asked.iter().map(members).collect();
    let (mut approved, mut rejected) = (Vec::new(), Vec::new());
    for (name, verdict) in &names {
        // Under a denial there is no group to belong to.
        if !groups.is_empty() && !groups.iter().any(|group| group.contains(name)) {
            ignored.push(format!("{name}: has no say by this rule"));
            continue;
        }
        let list = if *verdict == Verdict::Approve { &mut approved } else { &mut rejected };
        list.push(name.clone());
    }
    let own = directory.person(&intent.initiator);
    let (mut more, mut who_may) = (0, BTreeSet::new());
    for (quorum, group) in asked.iter().zip(&groups) {
        let have = group.iter().filter(|name| approved.contains(name)).count();
        let short = usize::from(quorum.need).saturating_sub(have);
        more += short;
        if short > 0 {
            let may =
                |name: &&String| Some(name.as_str()) != own && !names.iter().any(|(spoke, _)| spoke == *name);
            who_may.extend(group.iter().filter(may).cloned());
        }
    }
    Deciding {
        rule,
        says,
        denied,
        group: asked.iter().map(|quorum| quorum.group.clone()).collect::<Vec<_>>().join(", "),
        quorum: asked.iter().map(|quorum| quorum.need).fold(0, u16::saturating_add),
        approved,
        rejected,
        more,
        who_may: who_may.into_iter().collect(),
        ignored,
    }
}

//! The rule that decides, who has spoken and who is missing.

use quorate_intent::{Approval, Body, Genesis, Group, Intent, PublicKey, Verdict};
use quorate_policy::{RULE_ORDER, RULE_TRANSFER};
use serde::Serialize;

/// Who decides on an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deciding {
    /// The rule's name.
    pub rule: String,
    /// The group that it asks.
    pub group: String,
    /// How many of the group must approve.
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
        self.more > 0 && self.rejected.is_empty() && self.who_may.iter().any(|may| may == name)
    }
}

fn group<'g>(genesis: &'g Genesis, body: &Body) -> (&'static str, &'static str, &'g Group) {
    if body.signing_wallet().is_some() {
        return (RULE_TRANSFER, "approvers", &genesis.approvers);
    }
    (RULE_ORDER, "administrators", &genesis.administrators)
}

/// Who decides on `intent` under this governance version, given these approvals.
pub fn deciding(genesis: &Genesis, intent: &Intent, approvals: &[Approval]) -> Deciding {
    let (rule, name, group) = group(genesis, &intent.body);
    let hash = intent.hash();
    let (mut approved, mut rejected, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    let mut spoke: Vec<PublicKey> = Vec::new();
    for approval in approvals {
        let member = group.members.iter().find(|member| member.key == approval.approver);
        let problem = match member {
            None => Some("is not a member".to_owned()),
            Some(_) if approval.intent != hash => Some("spoke about another intent".to_owned()),
            Some(member) if member.key == intent.initiator => Some("initiated it".to_owned()),
            Some(member) if spoke.contains(&member.key) => Some("spoke twice".to_owned()),
            Some(_) => approval.check().err().map(|error| error.to_string()),
        };
        match (member, problem) {
            (Some(member), None) => {
                spoke.push(member.key);
                let list = if approval.verdict == Verdict::Approve { &mut approved } else { &mut rejected };
                list.push(member.name.clone());
            }
            (member, problem) => {
                let who = member.map_or_else(|| approval.approver.to_string(), |member| member.name.clone());
                ignored.push(format!("{who}: {}", problem.unwrap_or_default()));
            }
        }
    }
    let may = |key: &PublicKey| *key != intent.initiator && !spoke.contains(key);
    let who_may = group.members.iter().filter(|member| may(&member.key)).map(|member| member.name.clone());
    Deciding {
        rule: rule.to_owned(),
        group: name.to_owned(),
        quorum: group.quorum,
        more: usize::from(group.quorum).saturating_sub(approved.len()),
        who_may: who_may.collect(),
        approved,
        rejected,
        ignored,
    }
}

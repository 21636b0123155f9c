//! What the rules in force say of an intent, as far as a gateway can tell: it shows people what is missing, and asks no node
//! for what would be refused. Every node judges for itself all the same.

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::store::{IntentRow, ListFilter, now};
use quorate_coordination::api::Missing;
use quorate_intent::{Approval, Body, IntentError, SignedIntent};
use quorate_policy::evaluate::Missing as PolicyMissing;
use quorate_policy::{Answer, Asked, History, Prices, Ruled, Ruling, Spending, Subject, Validity};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Most earlier intents that past spending is taken from. Nodes have all of it.
const MAX_HISTORY: u32 = 10_000;

/// The rules in force.
pub fn ruling(gateway: &Gateway) -> Result<Arc<Ruling>, ApiError> {
    gateway.genesis.ruling().map_err(ApiError::internal)
}

/// What was signed here, as far as rules look at it. Read from the store once, when a rule first looks back, and kept up to date
/// from then on.
#[derive(Default)]
pub struct Past(Mutex<Option<History>>);

impl Past {
    /// Takes in what was signed just now.
    pub async fn add(&self, row: &IntentRow) {
        if let (Some(history), Some(spending)) = (self.0.lock().await.as_mut(), spending(row)) {
            // It may have been read from the store already, and that is the same.
            let _ = history.record(spending);
        }
    }

    /// Looks at it.
    async fn with<T>(
        &self,
        gateway: &Gateway,
        ruling: &Ruling,
        look: impl FnOnce(&History) -> T,
    ) -> Result<T, sqlx::Error> {
        if !ruling.has_windows() {
            return Ok(look(&History::new()));
        }
        let mut past = self.0.lock().await;
        let history = match past.as_mut() {
            Some(history) => history,
            None => past.insert(read(gateway).await?),
        };
        history.prepare(ruling.policy(), None);
        Ok(look(history))
    }
}

async fn read(gateway: &Gateway) -> Result<History, sqlx::Error> {
    let mut history = History::new();
    let filter = ListFilter { signed: true, limit: MAX_HISTORY, ..ListFilter::default() };
    for row in gateway.store.intents(&filter).await? {
        let Some(spending) = spending(&row) else { continue };
        // Two rows are never of one intent.
        let _ = history.record(spending);
    }
    Ok(history)
}

fn spending(row: &IntentRow) -> Option<Spending> {
    let subject = Subject::of_intent(&row.signed.intent)?;
    Some(Spending {
        intent: subject.intent,
        time: row.signed.intent.created,
        wallet: subject.wallet?,
        account: subject.account?,
        network: subject.network?,
        asset: subject.asset?,
        initiator: subject.initiator,
        rule: row.rule.clone().unwrap_or_default(),
        outputs: subject.outputs.into_iter().map(|output| (output.to, output.amount)).collect(),
    })
}

/// Judges an intent with these votes, for whichever parties sign.
pub async fn judge(gateway: &Gateway, signed: &SignedIntent, votes: &[Approval]) -> Result<Ruled, ApiError> {
    let ruling = ruling(gateway)?;
    // With a call's arguments decoded: rules that look at them would deny what they cannot see.
    let subject = quorate_view::intended(&signed.intent);
    let decide = |history: &History| {
        ruling.decide(&Asked {
            intent: signed,
            votes,
            subject: subject.as_ref(),
            history,
            prices: &Prices::default(),
            signers: &[],
            started: &[],
            local: None,
            confirmed: false,
            validity: Validity::Now,
            now: now(),
        })
    };
    Ok(gateway.past.with(gateway, &ruling, decide).await?)
}

/// What is missing, where it is not the rule's last word.
pub fn missing_of(ruled: &Ruled) -> Option<&PolicyMissing> {
    match &ruled.answer {
        Answer::Wait(missing) => Some(missing),
        _ => None,
    }
}

/// Whether people have said all that they have to say: what is left comes with time, or with the choice of signers.
pub fn approved(ruled: &Ruled) -> bool {
    ruled.allows() || missing_of(ruled).is_some_and(|missing| missing.approvals.is_empty())
}

/// Refuses a verdict of somebody who has none, while a policy is in force.
pub fn check_voter(ruling: &Ruling, signed: &SignedIntent, vote: &Approval) -> Result<(), IntentError> {
    let intent = &signed.intent;
    if vote.intent != intent.hash() {
        return Err(IntentError::field("intent", "the approval is for another intent than the path names"));
    }
    let directory = ruling.directory();
    let stranger = || IntentError::NotAMember { who: vote.approver.to_string(), group: "people" };
    let person = directory.person(&vote.approver).ok_or_else(stranger)?;
    if vote.approver == intent.initiator || directory.person(&intent.initiator) == Some(person) {
        return Err(IntentError::OwnIntent(person.to_owned()));
    }
    vote.check_by(person)
}

/// What is missing, for people.
pub fn describe(
    ruling: &Ruling,
    ruled: &Ruled,
    signed: &SignedIntent,
    votes: &[Approval],
) -> Option<Missing> {
    let missing = missing_of(ruled)?;
    if missing.approvals.is_empty() {
        return None;
    }
    let directory = ruling.directory();
    let own = directory.person(&signed.intent.initiator);
    let said: BTreeSet<&str> = votes.iter().filter_map(|vote| directory.person(&vote.approver)).collect();
    let may: BTreeSet<&String> = missing
        .approvals
        .iter()
        .filter_map(|short| directory.groups.get(&short.group))
        .flatten()
        .filter(|name| Some(name.as_str()) != own && !said.contains(name.as_str()))
        .collect();
    Some(Missing {
        group: missing.approvals.iter().map(|short| short.group.clone()).collect::<Vec<_>>().join(", "),
        quorum: missing.approvals.iter().map(|short| u64::from(short.need)).sum(),
        more: missing.approvals.iter().map(|short| u64::from(short.need - short.have.min(short.need))).sum(),
        who_may: may.into_iter().cloned().collect(),
    })
}

/// Whether an intent stops all signing: it waits for nothing else.
pub fn freezes(signed: &SignedIntent) -> bool {
    matches!(signed.intent.body, Body::Governance(quorate_intent::Change::Freeze { .. }))
}

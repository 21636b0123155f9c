//! Before a transfer, call or message is signed under a policy: every party of the key is asked what it would say. So delays begin at the
//! nodes, their operators are asked, past spending is recorded, and sets that would be refused are not tried.

use super::{End, Wallet};
use crate::gateway::Gateway;
use crate::intents::positive;
use crate::judging;
use crate::nodes::CallError;
use crate::store::{IntentRow, now};
use quorate_coordination::api::State;
use quorate_coordination::disputes::PartyGroup;
use quorate_coordination::rpc::{Consideration, ErrorCode, Recorded};
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::{Approval, IntentId, PublicKey, WalletId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// First and longest pause before nodes are asked again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));

/// What asking came to.
#[derive(Default)]
pub struct Ready {
    /// Who recorded the spending.
    pub recorded: Vec<Recorded>,
    /// Parties that would refuse, with what they said.
    pub refused: BTreeMap<u16, String>,
    /// Parties of which some must be in every set.
    pub groups: Vec<PartyGroup>,
}

/// Whether it can be signed.
pub enum Ahead {
    /// Now.
    Ready(Ready),
    /// Later.
    Wait(String),
    /// Never.
    End(End),
}

/// When intents that wait are looked at again.
#[derive(Default)]
pub struct Pauses(Mutex<HashMap<IntentId, (Instant, Duration)>>);

impl Pauses {
    /// Whether an intent waits and is not due.
    pub fn waits(&self, id: &IntentId) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).is_some_and(|(due, _)| Instant::now() < *due)
    }

    /// Looks again later, each time a little later.
    pub fn later(&self, id: &IntentId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = all.get(id).map_or(PAUSE.0, |(_, pause)| (*pause * 2).min(PAUSE.1));
        all.insert(*id, (Instant::now() + pause, pause));
    }

    /// It is over, or something changed.
    pub fn forget(&self, id: &IntentId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// What the parties of the key said.
#[derive(Default)]
struct Heard {
    willing: BTreeSet<PublicKey>,
    recorded: Vec<Recorded>,
    waiting: BTreeMap<PublicKey, String>,
    away: Vec<String>,
    refused: BTreeMap<PublicKey, String>,
}

/// Asks.
pub async fn run(gateway: &Arc<Gateway>, row: &IntentRow, wallet: WalletId) -> Result<Ahead, sqlx::Error> {
    let Ok(ruling) = gateway.genesis.ruling() else {
        return Ok(Ahead::End(End::new(State::Failed, "the policy in force cannot be read")));
    };
    if ruling.own().is_none() {
        return Ok(Ahead::Ready(Ready::default()));
    }
    if now() >= row.signed.intent.expires {
        let end = End::new(State::Expired, "the intent expired before it was signed").rule("intent");
        return Ok(Ahead::End(end));
    }
    let Some(wallet) = gateway.coordinator.wallet(&wallet) else {
        return Ok(Ahead::End(End::new(State::Failed, "the wallet's certificate cannot be used")));
    };
    let votes = positive(gateway.store.approvals(&row.id).await?);
    let groups = groups(gateway, row, &votes, &ruling).await;
    // One after another: of two that fit into a limit one by one and not together, the first is recorded everywhere.
    let counts = ruling.counts(&row.signed.intent);
    let _alone = if counts { Some(gateway.coordinator.considering.lock().await) } else { None };
    let heard = ask(gateway, row, votes, &wallet).await;
    let quorum = if counts { gateway.genesis.current().record_quorum(wallet.keys.threshold()) } else { 0 };
    Ok(conclude(gateway, &wallet, heard, groups, quorum))
}

/// What the deciding rule wants of the signer set.
async fn groups(
    gateway: &Gateway,
    row: &IntentRow,
    votes: &[Approval],
    ruling: &quorate_policy::Ruling,
) -> Vec<PartyGroup> {
    if ruling.directory().party_groups.is_empty() {
        return Vec::new();
    }
    let Ok(ruled) = judging::judge(gateway, &row.signed, votes).await else { return Vec::new() };
    let Some(missing) = judging::missing_of(&ruled) else { return Vec::new() };
    let directory = ruling.directory();
    let group = |short: &quorate_policy::evaluate::Short| {
        let names = directory.party_groups.get(&short.group)?;
        let members = names.iter().filter_map(|name| directory.parties.get(name)).copied().collect();
        Some(PartyGroup { members, least: usize::from(short.need) })
    };
    missing.parties.iter().filter_map(group).collect()
}

async fn ask(gateway: &Gateway, row: &IntentRow, approvals: Vec<Approval>, wallet: &Wallet) -> Heard {
    let plan = row.plan.clone().unwrap_or_default();
    let asked = Consideration { intent: row.signed.clone(), approvals, plan };
    let parties = &wallet.certificate.record.parties;
    let calls = parties.iter().map(|key| (*key, NodeRequest::Consider(Box::new(asked.clone())))).collect();
    let mut heard = Heard::default();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        let name = gateway.nodes.name(&key);
        match answer {
            Ok(NodeResponse::Considered(word)) => {
                heard.willing.insert(key);
                heard.recorded.extend(word);
            }
            Ok(_) => heard.away.push(format!("{name}: an answer that does not fit the call")),
            Err(CallError::Refused(error)) if error.code == ErrorCode::Waiting => {
                heard.waiting.insert(key, format!("{name}: {error}"));
            }
            Err(CallError::Refused(error)) if super::order::refuses(error.code) => {
                heard.refused.insert(key, format!("{name}: {error}"));
            }
            Err(error) => heard.away.push(format!("{name}: {error}")),
        }
    }
    heard
}

/// Whether a set of these parties can be what the rule wants.
fn enough(parties: &BTreeSet<PublicKey>, threshold: usize, groups: &[PartyGroup]) -> bool {
    let met = |group: &PartyGroup| group.members.intersection(parties).count() >= group.least;
    parties.len() >= threshold && groups.iter().all(met)
}

fn conclude(
    gateway: &Gateway,
    wallet: &Wallet,
    heard: Heard,
    groups: Vec<PartyGroup>,
    quorum: usize,
) -> Ahead {
    let record = &wallet.certificate.record;
    let threshold = wallet.keys.threshold();
    if enough(&heard.willing, threshold, &groups) && heard.recorded.len() >= quorum {
        let index = |(key, text): (PublicKey, String)| Some((record.index_of(&key)?, text));
        // Who waits is not asked this time.
        let refused = heard.refused.into_iter().chain(heard.waiting).filter_map(index).collect();
        return Ahead::Ready(Ready { recorded: heard.recorded, refused, groups });
    }
    let open: BTreeSet<PublicKey> =
        record.parties.iter().filter(|key| !heard.refused.contains_key(key)).copied().collect();
    if !enough(&open, threshold, &groups) || open.len() < quorum {
        let reasons: Vec<String> = heard.refused.into_values().collect();
        let rule = reasons.iter().find_map(|reason| named_rule(reason)).unwrap_or_else(|| "node".to_owned());
        return Ahead::End(End::new(State::Blocked, reasons.join("; ")).rule(rule));
    }
    let mut reasons: Vec<String> = heard.waiting.into_values().collect();
    reasons.extend(heard.refused.into_values());
    reasons.extend(heard.away);
    tracing::debug!(wallet = %record.wallet, cluster = %gateway.genesis.current().name, ?reasons, "not yet");
    Ahead::Wait(reasons.join("; "))
}

/// The rule that a node's refusal names.
pub fn named_rule(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once("(rule ")?;
    rest.split_once(')').map(|(rule, _)| rule.to_owned())
}

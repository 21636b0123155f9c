//! Transfers, contract calls and messages: from an approved intent to a signed transaction, with as many attempts as it takes and may have.

use super::attempt::Task;
use super::certify::{self, Begun};
use super::consider::{Ready, named_rule};
use super::sets::Tally;
use super::signed::{self, Signed};
use super::{End, Wallet, Work, robust};
use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{build, positive};
use crate::store::{IntentRow, now};
use quorate_chains::{Built, SignedTx};
use quorate_coordination::api::State;
use quorate_coordination::request::MAX_ATTEMPTS;
use quorate_coordination::{Item, RawSignature, SigningRequest};
use quorate_intent::{Hash, WalletId};
use quorate_verify::Signing;
use rand_core::{OsRng, RngCore};
use std::sync::Arc;

/// How long a signing request lives whose call goes by file, in seconds: below what nodes take (600), for clocks that differ.
const BY_FILE_SECONDS: u64 = 540;

/// Signs what a wallet's key is asked for.
pub async fn run(
    gateway: &Arc<Gateway>,
    row: &IntentRow,
    wallet: WalletId,
    ready: Ready,
) -> Result<End, sqlx::Error> {
    match task(gateway, row, wallet, ready).await? {
        Ok(task) => robust::run(gateway, task).await,
        Err(end) => Ok(end),
    }
}

/// Everything that attempts at one intent share, with its request open; or why there can be none.
pub(super) async fn task(
    gateway: &Gateway,
    row: &IntentRow,
    wallet: WalletId,
    ready: Ready,
) -> Result<Result<Task, End>, sqlx::Error> {
    let Some(wallet) = gateway.coordinator.wallet(&wallet) else {
        return Ok(Err(End::new(State::Failed, "the wallet's certificate cannot be used")));
    };
    let plan = row.plan.clone().unwrap_or_default();
    let built = match rebuild(&wallet, row).await {
        Ok(built) => Arc::new(built),
        Err(error) => return Ok(Err(End::new(State::Failed, error.problem().detail.clone()))),
    };
    let request = match open_request(gateway, row, &wallet, &built).await? {
        Ok(request) => request,
        Err(end) => return Ok(Err(end)),
    };
    let approvals = positive(gateway.store.approvals(&row.id).await?);
    let mut row = row.clone();
    if row.request.as_ref() != Some(&request) {
        row.attempt = 0;
    }
    let Ready { recorded, refused, groups } = ready;
    Ok(Ok(Task { wallet, row, approvals, plan, built, request, recorded, refused, groups }))
}

/// The transaction that an intent and its plan give.
pub(super) async fn rebuild(wallet: &Wallet, row: &IntentRow) -> Result<Built, ApiError> {
    let plan = row.plan.clone().unwrap_or_default();
    build(wallet.keys.wallet_key(), row.signed.intent.body.clone(), plan).await
}

/// n−t+1.
fn sessions(wallet: &Wallet) -> u32 {
    let (n, t) = (wallet.certificate.record.parties.len(), wallet.keys.threshold());
    u32::try_from(n.saturating_sub(t) + 1).unwrap_or(MAX_ATTEMPTS)
}

/// The request to sign under: the one that is open, as long as it lasts, else a new one for the same transaction.
async fn open_request(
    gateway: &Gateway,
    row: &IntentRow,
    wallet: &Wallet,
    built: &Built,
) -> Result<Result<SigningRequest, End>, sqlx::Error> {
    let now = now();
    if now >= row.signed.intent.expires {
        return Ok(Err(End::new(State::Failed, "the intent expired before it was signed").rule("intent")));
    }
    let items = match Item::all(&wallet.keys, built) {
        Ok(items) => items,
        Err(error) => return Ok(Err(End::new(State::Failed, format!("key derivation: {error}")))),
    };
    // A request of an earlier plan is of no use: nodes compare its items with what the plan gives.
    if let Some(request) = &row.request
        && now < request.expires
        && row.attempt < request.attempts
        && request.items == items
    {
        return Ok(Ok(request.clone()));
    }
    let life = if row.by_file { BY_FILE_SECONDS } else { gateway.signing.request_seconds };
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    let request = SigningRequest {
        wallet: wallet.certificate.record.wallet,
        record: wallet.record,
        intent: row.signed.intent.hash(),
        items,
        policy: gateway.genesis.hash(),
        nonce,
        expires: row.signed.intent.expires.min(now + life),
        // n−t+1 sessions are enough against cheaters (§3.3); the rest is for nodes that come and go.
        attempts: gateway.signing.attempts.max(sessions(wallet) * 2).clamp(1, MAX_ATTEMPTS),
    };
    let mut tx = gateway.store.begin().await?;
    tx.set_request(&row.id, &request).await?;
    tx.commit().await?;
    Ok(Ok(request))
}

pub(super) fn name(gateway: &Gateway, task: &Task, party: u16) -> String {
    let key = task.wallet.certificate.record.party(party);
    key.map_or_else(|| format!("party {party}"), |key| gateway.nodes.name(&key))
}

fn describe(gateway: &Gateway, task: &Task, party: u16) -> String {
    let key = task.wallet.certificate.record.party(party);
    let problem = key.and_then(|key| gateway.nodes.get(&key)).and_then(|node| node.usable().err());
    let name = name(gateway, task, party);
    problem.map_or(name.clone(), |problem| format!("{name} ({problem})"))
}

fn cheats(gateway: &Gateway, task: &Task, tally: &Tally) -> Option<String> {
    let names: Vec<_> = tally.wrong.iter().map(|party| name(gateway, task, *party)).collect();
    (!names.is_empty()).then(|| format!("wrong partial signatures by {}", names.join(", ")))
}

/// What the dispute graph has against the wallet's parties.
fn disputed(gateway: &Gateway, task: &Task) -> Option<String> {
    let epoch = task.wallet.epoch();
    gateway.coordinator.disputes.with(|graph| {
        let condemned = epoch.parties.iter().filter(|key| graph.condemned_for(key, &epoch));
        let mut all: Vec<String> =
            condemned.map(|key| format!("{} is condemned", gateway.nodes.name(key))).collect();
        for (pair, _, apart) in graph.hard_edges() {
            let [one, other] = pair.ends();
            if apart && epoch.parties.contains(&one) && epoch.parties.contains(&other) {
                let [one, other] = [one, other].map(|key| gateway.nodes.name(&key));
                all.push(format!("a hard edge stands between {one} and {other}"));
            }
        }
        (!all.is_empty()).then(|| all.join("; "))
    })
}

/// Too few parties could be reached.
pub(super) fn too_few(gateway: &Gateway, task: &Task, missing: &[u16]) -> End {
    let names: Vec<_> = missing.iter().map(|party| describe(gateway, task, *party)).collect();
    let t = task.wallet.keys.threshold();
    End::new(State::Failed, format!("{t} parties are needed; missing: {}", names.join(", ")))
}

/// No set is left: nodes refuse, or cheat, or stand against one another.
pub(super) fn impossible(gateway: &Gateway, task: &Task, tally: &Tally) -> End {
    let mut reasons: Vec<String> = tally.refused.values().cloned().collect();
    reasons.extend(cheats(gateway, task, tally));
    reasons.extend(disputed(gateway, task));
    if let Some((first, text)) = tally.refused.first_key_value() {
        let governed = gateway.genesis.ruling().is_ok_and(|ruling| ruling.own().is_some());
        let named = if governed { named_rule(text) } else { None };
        let rule = named.unwrap_or_else(|| format!("node {}", name(gateway, task, *first)));
        return End::new(State::Blocked, reasons.join("; ")).rule(rule);
    }
    End::new(State::Failed, reasons.join("; "))
}

pub(super) fn exhausted(gateway: &Gateway, task: &Task, tally: &Tally, attempts: bool) -> End {
    let what = if attempts { "all attempts are used up" } else { "it was not signed in time" };
    let failed =
        tally.failed.iter().map(|(party, (_, why))| format!("{}: {why}", name(gateway, task, *party)));
    let mut reasons = vec![what.to_owned()];
    reasons.extend(failed);
    reasons.extend(tally.refused.values().cloned());
    reasons.extend(cheats(gateway, task, tally));
    End::new(State::Failed, reasons.join("; "))
}

/// Keeps the transaction, then tells every node.
pub(super) async fn signed_end(
    gateway: &Arc<Gateway>,
    task: &Task,
    set: &[u16],
    (transaction, signatures): (SignedTx, Vec<RawSignature>),
    signing: Signing,
) -> Result<End, sqlx::Error> {
    let signers: Vec<String> = set.iter().map(|party| name(gateway, task, *party)).collect();
    let reason = format!("signed by {}", signers.join(", "));
    let (form, id) = (Hash(task.built.form), transaction.id.clone());
    let begun = Begun { wallet: &task.wallet, row: &task.row, approvals: task.approvals.clone(), signing };
    let certificate = certify::begin(gateway, begun, transaction.clone(), signatures.clone());
    let certificate = certificate.map(|certificate| certificate.encode());
    let signed = Signed { transaction, signatures, signers, form, certificate };
    signed::keep(gateway, &task.row, signed, &[State::Signing], &reason).await?;
    signed::tell(gateway, task.row.signed.intent.hash(), form, id).await;
    gateway.coordinator.enqueue(Work::Certify(task.row.id));
    gateway.coordinator.enqueue(Work::Prepare(task.wallet.certificate.record.wallet));
    Ok(End::new(State::Signed, reason))
}

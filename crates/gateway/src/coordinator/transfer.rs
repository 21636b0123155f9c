//! Transfers: from an approved intent to a signed transaction, with as many attempts as it takes and may have.

use super::attempt::{self, Fault, Outcome, Task};
use super::sets::{Choice, Tally};
use super::{End, Wallet, Work};
use crate::gateway::Gateway;
use crate::intents::{build, positive};
use crate::store::{Change, IntentRow, now};
use quorate_chains::{Built, Plan, SignedTx};
use quorate_coordination::api::{SignedTransaction, State};
use quorate_coordination::request::MAX_ATTEMPTS;
use quorate_coordination::{Item, KeySet, NodeRequest, RawSignature, SigningRequest};
use quorate_intent::{Hash, Transfer};
use rand_core::{OsRng, RngCore};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// Pause between two looks for reachable parties.
const POLL: Duration = Duration::from_millis(100);
/// How long a signing request lives whose call goes by file, in seconds: below what nodes take (600), for clocks that differ.
const BY_FILE_SECONDS: u64 = 540;

/// Signs a transfer.
pub async fn run(gateway: &Arc<Gateway>, row: &IntentRow, transfer: &Transfer) -> Result<End, sqlx::Error> {
    match task(gateway, row, transfer).await? {
        Ok(task) => attempts(gateway, &task).await,
        Err(end) => Ok(end),
    }
}

/// Everything that attempts at a transfer share, with its request open; or why there can be none.
pub(super) async fn task(
    gateway: &Gateway,
    row: &IntentRow,
    transfer: &Transfer,
) -> Result<Result<Task, End>, sqlx::Error> {
    let Some(wallet) = gateway.coordinator.wallet(&transfer.wallet) else {
        return Ok(Err(End::new(State::Failed, "the wallet's certificate cannot be used")));
    };
    let plan = row.plan.clone().unwrap_or_default();
    let built = match Plan::decode(&plan) {
        Ok(plan) => build(wallet.keys.wallet_key(), transfer.clone(), plan).await,
        Err(error) => Err(error.into()),
    };
    let built = match built {
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
    Ok(Ok(Task { wallet, row, approvals, plan, built, request }))
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
    if let Some(request) = &row.request
        && now < request.expires
        && row.attempt < request.attempts
    {
        return Ok(Ok(request.clone()));
    }
    let items = match Item::all(&wallet.keys, built) {
        Ok(items) => items,
        Err(error) => return Ok(Err(End::new(State::Failed, format!("key derivation: {error}")))),
    };
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
        attempts: gateway.signing.attempts.clamp(1, MAX_ATTEMPTS),
    };
    let mut tx = gateway.store.begin().await?;
    tx.set_request(&row.id, &request).await?;
    tx.commit().await?;
    Ok(Ok(request))
}

/// Tries set after set.
async fn attempts(gateway: &Arc<Gateway>, task: &Task) -> Result<End, sqlx::Error> {
    let deadline = Instant::now() + gateway.signing.transfer_timeout;
    let mut tally = Tally::default();
    let mut pause = PAUSE.0;
    // Gathering material fails without using an attempt up, so rounds are bounded by time as well.
    let mut left = task.request.attempts.saturating_sub(task.row.attempt);
    loop {
        let set = match choose(gateway, task, &tally) {
            Choice::Set(set) => set,
            Choice::Impossible => return Ok(impossible(gateway, task, &tally)),
            Choice::Wait(missing) if Instant::now() < deadline && now() < task.request.expires => {
                tracing::debug!(intent = %task.row.id, ?missing, "too few parties are reachable");
                sleep(POLL).await;
                continue;
            }
            Choice::Wait(missing) => {
                let names: Vec<_> = missing.iter().map(|party| describe(gateway, task, *party)).collect();
                let t = task.wallet.keys.threshold();
                let reason = format!("{t} parties are needed; missing: {}", names.join(", "));
                return Ok(End::new(State::Failed, reason));
            }
        };
        if left == 0 || Instant::now() >= deadline || now() >= task.request.expires {
            return Ok(exhausted(gateway, task, &tally, left == 0));
        }
        let asked = gateway.store.intent(&task.row.id).await?.map_or(0, |row| row.asked);
        match attempt::run(gateway, task, &set).await? {
            Outcome::Signed(signed, signatures) => {
                return signed_end(gateway, task, &set, signed, signatures).await;
            }
            Outcome::Broken(problem) => return Ok(End::new(State::Failed, problem)),
            Outcome::Faults(faults) => note(gateway, task, &mut tally, faults),
        }
        let used = gateway.store.intent(&task.row.id).await?.map_or(0, |row| row.asked);
        left = left.saturating_sub(used.saturating_sub(asked));
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

pub(super) fn choose(gateway: &Gateway, task: &Task, tally: &Tally) -> Choice {
    let record = &task.wallet.certificate.record;
    let parties: Vec<u16> = (1u16..).zip(&record.parties).map(|(index, _)| index).collect();
    let usable = |party: &u16| {
        let node = record.party(*party).and_then(|key| gateway.nodes.get(&key));
        node.is_some_and(|node| node.usable().is_ok())
    };
    let reachable: BTreeSet<u16> = parties.iter().copied().filter(usable).collect();
    let stocked = match task.wallet.keys {
        KeySet::Ecdsa(_) => gateway.coordinator.stock.stocked(record.wallet, task.request.items.len()),
        _ => Vec::new(),
    };
    tally.choose(&parties, task.wallet.keys.threshold(), &reachable, &stocked)
}

fn note(gateway: &Gateway, task: &Task, tally: &mut Tally, faults: Vec<Fault>) {
    let id = task.row.id;
    for fault in faults {
        match fault {
            Fault::Absent(party, problem) => {
                let node = name(gateway, task, party);
                tracing::warn!(intent = %id, %node, %problem, "a node did not do its part");
                tally.fail(party, problem);
            }
            Fault::Refused(party, error) => {
                let node = name(gateway, task, party);
                tracing::warn!(intent = %id, %node, code = ?error.code, %error, "a node refuses");
                tally.refused.insert(party, format!("{node}: {error} ({:?})", error.code));
            }
            Fault::Wrong(party) => {
                let node = name(gateway, task, party);
                tracing::error!(intent = %id, %node, "a node gave a wrong partial signature; it is left out");
                tally.wrong.insert(party);
            }
        }
    }
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

/// No set is left: nodes refuse, or cheat.
fn impossible(gateway: &Gateway, task: &Task, tally: &Tally) -> End {
    let mut reasons: Vec<String> = tally.refused.values().cloned().collect();
    reasons.extend(cheats(gateway, task, tally));
    if let Some(first) = tally.refused.keys().next() {
        let rule = format!("node {}", name(gateway, task, *first));
        return End::new(State::Blocked, reasons.join("; ")).rule(rule);
    }
    End::new(State::Failed, reasons.join("; "))
}

fn exhausted(gateway: &Gateway, task: &Task, tally: &Tally, attempts: bool) -> End {
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
async fn signed_end(
    gateway: &Arc<Gateway>,
    task: &Task,
    set: &[u16],
    signed: SignedTx,
    signatures: Vec<RawSignature>,
) -> Result<End, sqlx::Error> {
    let id = task.row.id;
    let form = Hash(task.built.form);
    let signers: Vec<String> = set.iter().map(|party| name(gateway, task, *party)).collect();
    let reason = format!("signed by {}", signers.join(", "));
    let transaction = signed.id.clone();
    let outcome =
        SignedTransaction { raw: hex::encode(&signed.raw), id: signed.id, signatures, signers, form };
    let mut tx = gateway.store.begin().await?;
    tx.set_outcome(&id, &outcome).await?;
    let change = Change { from: &[State::Signing], to: State::Signed, reason: Some(&reason), rule: None };
    tx.change(&id, &change).await?;
    tx.commit().await?;
    let finished = NodeRequest::Finished { intent: task.row.signed.intent.hash(), form, transaction };
    let calls = gateway.nodes.all().iter().map(|node| (node.party.key, finished.clone())).collect();
    // The signature stands; who misses the note loses nothing else.
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        if let Err(error) = answer {
            let node = gateway.nodes.name(&key);
            tracing::debug!(intent = %id, %node, %error, "a node was not told of the finished transaction");
        }
    }
    gateway.coordinator.enqueue(Work::Prepare(task.wallet.certificate.record.wallet));
    Ok(End::new(State::Signed, reason))
}

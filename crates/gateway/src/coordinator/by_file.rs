//! Signing calls for signers that are called by file: prepared like any attempt, handed to who asks instead of to nodes.

use super::attempt::{self, Task};
use super::sets::{Choice, Tally};
use super::{consider, material, robust, transfer};
use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{unknown, wrong_state};
use crate::store::{Change, IntentRow, now};
use axum::http::StatusCode;
use quorate_coordination::api::{SigningCallView, State};
use quorate_coordination::rpc::SignCall;
use quorate_intent::{IntentId, WalletId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// States in which a signing call may be fetched: the first, and further ones with fresh material.
const OPEN: [State; 2] = [State::Approved, State::Signing];

/// Prepares the call for these signers, or for a set that can be reached, and notes that partial signatures may be out.
pub async fn prepare(
    gateway: &Arc<Gateway>,
    id: &IntentId,
    signers: Option<&[String]>,
) -> Result<SigningCallView, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
    let wallet = check(&row)?;
    let cannot = |detail| ApiError::new(StatusCode::CONFLICT, "cannot_sign", detail);
    let ready = match consider::run(gateway, &row, wallet).await? {
        consider::Ahead::Ready(ready) => ready,
        consider::Ahead::Wait(reason) => return Err(cannot(format!("not yet: {reason}"))),
        consider::Ahead::End(end) => return Err(cannot(end.reason.unwrap_or_default())),
    };
    let task = transfer::task(gateway, &row, wallet, ready).await?;
    let task = task.map_err(|end| cannot(end.reason.unwrap_or_default()))?;
    let set = choose(gateway, &task, signers)?;
    let names: Vec<String> = set.iter().map(|party| transfer::name(gateway, &task, *party)).collect();
    let gathered = material::gather(gateway, &task.wallet, &set, task.request.items.len()).await;
    let materials = gathered.map_err(|problems| {
        let each = problems.iter().map(|problem| {
            let node = transfer::name(gateway, &task, problem.party);
            format!("{node}: {}", problem.why)
        });
        let detail = format!("there is nothing to sign with: {}", each.collect::<Vec<_>>().join("; "));
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "signers_unreachable", detail)
    })?;
    let attempt = begin(gateway, &task, &names).await?;
    if attempt >= task.request.attempts {
        return Err(cannot("the attempts of this signing request are used up; wait for it to expire".into()));
    }
    let parts = attempt::assign(gateway, &task, attempt, materials).map_err(ApiError::internal)?;
    tracing::info!(intent = %id, attempt, ?set, "a signing call was handed out");
    let call = SignCall {
        intent: task.row.signed.clone(),
        approvals: task.approvals.clone(),
        plan: task.plan.clone(),
        request: task.request.clone(),
        parts,
        recorded: task.recorded.clone(),
    };
    let certificate = borsh::to_vec(&task.wallet.certificate).map_err(ApiError::internal)?;
    Ok(SigningCallView {
        intent: *id,
        signers: names,
        expires: task.request.expires,
        coordinator: gateway.identity.public(),
        certificate: hex::encode(certificate),
        call: hex::encode(borsh::to_vec(&call).map_err(ApiError::internal)?),
    })
}

/// The wallet of an approved intent by file that has not expired.
fn check(row: &IntentRow) -> Result<WalletId, ApiError> {
    let Some(wallet) = row.signed.intent.body.signing_wallet() else {
        return Err(wrong_state(row, "only transfers, contract calls and messages are signed"));
    };
    if !row.by_file {
        return Err(wrong_state(
            row,
            "it is signed by the gateway's own calls; ask for a transfer with by_file",
        ));
    }
    if !OPEN.contains(&row.state) {
        return Err(wrong_state(row, "a signing call is given once it is approved, until it ends"));
    }
    if row.unplanned() {
        return Err(wrong_state(row, "it has no plan yet; give it one first"));
    }
    if now() >= row.signed.intent.expires {
        return Err(wrong_state(row, "it has expired"));
    }
    Ok(wallet)
}

fn choose(gateway: &Gateway, task: &Task, signers: Option<&[String]>) -> Result<Vec<u16>, ApiError> {
    let record = &task.wallet.certificate.record;
    let threshold = task.wallet.keys.threshold();
    let tally = Tally { refused: task.refused.clone(), ..Tally::default() };
    let Some(names) = signers else {
        return match robust::choose(gateway, task, &tally, &BTreeSet::new()) {
            Choice::Set(set) => Ok(set),
            Choice::Wait(_) | Choice::Apart(_) | Choice::Impossible => {
                let detail = format!("fewer than {threshold} of the wallet's nodes can be reached");
                Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "signers_unreachable", detail))
            }
        };
    };
    let wrong = |detail: String| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_signers", detail).field("signers")
    };
    let governance = gateway.genesis.chain();
    let index = |name: &String| {
        let party = governance.current().parties.iter().find(|party| party.name == *name);
        let index = party.and_then(|party| record.index_of(&party.key));
        index.ok_or_else(|| wrong(format!("{name:?} holds no share of this wallet")))
    };
    let mut set = names.iter().map(index).collect::<Result<Vec<u16>, _>>()?;
    set.sort_unstable();
    set.dedup();
    if set.len() != threshold || names.len() != threshold {
        return Err(wrong(format!("name {threshold} different nodes, as the wallet's threshold is")));
    }
    Ok(set)
}

/// Durable before the call leaves: an attempt is used, and what the transaction uses up counts as used (§4.5).
async fn begin(gateway: &Gateway, task: &Task, names: &[String]) -> Result<u32, ApiError> {
    let id = &task.row.id;
    let mut tx = gateway.store.begin().await?;
    let row = tx.intent(id).await?.ok_or_else(|| unknown(id))?;
    if row.plan != task.row.plan {
        return Err(wrong_state(&row, "it was given another plan in this moment; ask again"));
    }
    let reason = format!("partials by file: {}", names.join(", "));
    let change = Change { from: &OPEN, to: State::Signing, reason: Some(&reason), rule: None };
    if !tx.change(id, &change).await? {
        drop(tx);
        let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
        return Err(wrong_state(&row, "it ended meanwhile"));
    }
    let attempt = tx.use_attempt(id).await?;
    tx.commit().await?;
    Ok(attempt)
}

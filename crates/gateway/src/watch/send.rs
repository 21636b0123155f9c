//! Broadcasting: each signed transaction is handed to the node until it stands in a block. A node that has it already says so.

use super::follow::{Follower, WatchError};
use super::stand::{Stand, stand};
use super::take;
use crate::store::{Change, FormRow, Outgoing, now_ms};
use quorate_chains::Plan;
use quorate_coordination::api::State;
use quorate_intent::IntentId;
use quorate_networks::{Client, Sent};

/// A transaction that waits is handed in again after this many milliseconds: a node may have forgotten it.
const AGAIN: u64 = 60_000;
/// The same for one that the node did not take.
const AGAIN_REFUSED: u64 = 5_000;

/// Hands in what is due.
pub async fn run(follower: &mut Follower) -> Result<(), WatchError> {
    let (network, required) = (follower.watched.config.network, follower.watched.config.confirmations);
    for outgoing in follower.gateway.store.outgoing(&network).await? {
        if stand(&outgoing, follower.height(), required) != Stand::Waiting {
            continue;
        }
        let Some(latest) = outgoing.forms.last() else { continue };
        let pause = if latest.problem.is_some() { AGAIN_REFUSED } else { AGAIN };
        if latest.sent != 0 && now_ms().saturating_sub(latest.sent) < pause {
            continue;
        }
        let problem = hand_in(follower, latest).await?;
        if problem.is_some() && outgoing.forms.len() > 1 {
            // The node may have forgotten the form that the latest one was to replace.
            for earlier in outgoing.forms.iter().rev().skip(1) {
                if hand_in(follower, earlier).await?.is_none() {
                    break;
                }
            }
        }
        if expired(follower, &outgoing, latest, problem.is_some()).await? {
            end(follower, &outgoing.intent).await?;
            continue;
        }
        let mut tx = follower.gateway.store.begin().await?;
        tx.form_sent(latest.sequence, problem.as_deref()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Hands a form in; what the node says against it.
async fn hand_in(follower: &Follower, form: &FormRow) -> Result<Option<String>, WatchError> {
    let raw = hex::decode(&form.outcome.raw).unwrap_or_default();
    Ok(match follower.watched.client.send(&raw).await? {
        Sent::Taken | Sent::Known => None,
        Sent::Refused(problem) => {
            tracing::warn!(transaction = %form.outcome.id, %problem, "a node does not take a signed transaction");
            Some(problem)
        }
    })
}

/// Whether a Solana transaction can never be mined: its block hash is too old for a block later than any that was looked at.
async fn expired(
    follower: &Follower,
    outgoing: &Outgoing,
    form: &FormRow,
    refused: bool,
) -> Result<bool, WatchError> {
    let Client::Solana(client) = &follower.watched.client else { return Ok(false) };
    let old = now_ms().saturating_sub(outgoing.since) >= AGAIN;
    if !refused && !old {
        return Ok(false);
    }
    let Ok(Plan::Solana(plan)) = Plan::decode(&form.plan) else { return Ok(false) };
    let shown = serde_json::to_value(plan).unwrap_or_default();
    let Some(hash) = shown["recent_blockhash"].as_str() else { return Ok(false) };
    let (valid, slot) = client.valid(hash).await?;
    Ok(!valid && follower.height() >= slot && take::absent(follower, &outgoing.intent).await?)
}

async fn end(follower: &Follower, id: &IntentId) -> Result<(), WatchError> {
    let reason = "its block hash expired before it was mined: it never will be; ask for the transfer anew";
    let mut tx = follower.gateway.store.begin().await?;
    let change = Change { from: &[State::Broadcasting], to: State::Failed, reason: Some(reason), rule: None };
    if tx.change(id, &change).await? {
        tx.finish_outgoing(id).await?;
        tx.commit().await?;
        tracing::warn!(intent = %id, reason, "a transaction failed");
    }
    Ok(())
}

//! Changes of governance (docs/spec §1.8): approved ones are handed to the nodes, and this gateway follows what is in force
//! there. It is behind or ahead of no chain of its own: a node's steps prove themselves.

use super::{End, Work};
use crate::gateway::Gateway;
use crate::intents::{self, positive};
use crate::nodes::{CallError, Node, Seen};
use crate::store::{IntentRow, now};
use quorate_coordination::api::State;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::governance::MAX_STEPS;
use quorate_intent::{Change, IntentError, Step};
use std::sync::Arc;

/// Carries an approved change out.
pub async fn run(gateway: &Arc<Gateway>, row: &IntentRow, change: &Change) -> Result<End, sqlx::Error> {
    let hash = row.signed.intent.hash();
    if gateway.genesis.chain().has(&hash) {
        return Ok(done(gateway));
    }
    if let Some(problem) = holds_shares(gateway, change) {
        return Ok(End::new(State::Failed, problem));
    }
    let approvals = positive(gateway.store.approvals(&row.id).await?);
    let step = Step { intent: row.signed.clone(), approvals };
    let fits = row.signed.intent.check(gateway.genesis.chain().current(), now());
    if let Err(error) =
        fits.and_then(|()| gateway.genesis.chain().next(&step, &quorate_policy::judge_step).map(|_| ()))
    {
        return Ok(End::new(State::Blocked, error.to_string()));
    }
    let govern = NodeRequest::Govern(vec![step.clone()]);
    let calls = gateway.nodes.all().into_iter().map(|node| (node.party.key, govern.clone())).collect();
    let (mut taken, mut waits, mut problems) = (false, false, Vec::new());
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        let name = gateway.nodes.name(&key);
        match answer {
            Ok(_) => taken = true,
            Err(CallError::Refused(error)) => {
                waits |= error.code == ErrorCode::Waiting;
                problems.push(format!("{name} refuses: {error}"));
            }
            // It gets the change when it is back.
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    if !taken && waits {
        return Ok(End::new(State::Approved, problems.join("; ")));
    }
    if !taken {
        return Ok(End::new(State::Failed, format!("no node took the change: {}", problems.join("; "))));
    }
    for problem in problems {
        tracing::warn!(intent = %row.id, %problem, "a node did not take a change of governance yet");
    }
    match adopt(gateway, step).await? {
        Ok(()) => Ok(done(gateway)),
        Err(error) => Ok(End::new(State::Failed, error.to_string())),
    }
}

fn done(gateway: &Gateway) -> End {
    let number = gateway.genesis.chain().number();
    End::new(State::Completed, format!("governance version {number} is in force"))
}

/// A machine leaves only after its keys have: it is the orders that erase its shares and keep the rest safe.
fn holds_shares(gateway: &Gateway, change: &Change) -> Option<String> {
    let Change::Leave { party } = change else { return None };
    let wallets = gateway.coordinator.all_wallets();
    let held: Vec<String> = wallets
        .iter()
        .filter(|wallet| wallet.certificate.record.index_of(party).is_some())
        .map(|wallet| wallet.certificate.record.wallet.to_string())
        .collect();
    let name = gateway.genesis.name(party);
    (!held.is_empty())
        .then(|| format!("{name} is a party of {}; reshare these wallets without it first", held.join(", ")))
}

/// Puts a step in force here: durable first.
async fn adopt(gateway: &Arc<Gateway>, step: Step) -> Result<Result<(), IntentError>, sqlx::Error> {
    let chain = gateway.genesis.chain();
    if chain.has(&step.intent.intent.hash()) {
        return Ok(Ok(()));
    }
    if let Err(error) = chain.next(&step, &quorate_policy::judge_step) {
        return Ok(Err(error));
    }
    gateway.store.add_step(chain.number() + 1, &step).await?;
    if let Err(error) = gateway.genesis.advance(step) {
        return Ok(Err(error));
    }
    let number = gateway.genesis.chain().number();
    tracing::info!(number, "a new governance version is in force");
    gateway.coordinator.enqueue(Work::Follow);
    intents::supersede(gateway).await?;
    Ok(Ok(()))
}

/// Brings a node and this gateway to the longer of their two chains.
pub async fn level(gateway: &Arc<Gateway>, node: &Node, seen: &Seen) {
    let (name, timeout) = (&node.party.name, gateway.signing.call_timeout);
    let chain = gateway.genesis.chain();
    let theirs = seen.status.governance;
    if theirs < chain.number() {
        let steps = chain.steps_after(theirs).iter().take(MAX_STEPS).cloned().collect();
        if let Err(error) = node.call(NodeRequest::Govern(steps), timeout).await {
            tracing::warn!(node = %name, %error, "a node is behind in governance and does not take the next change from the gateway; it takes it from another node");
        }
    } else if theirs > chain.number() {
        let asked = node.call(NodeRequest::Steps { after: chain.number() }, timeout).await;
        let Ok(NodeResponse::Steps(steps)) = asked else { return };
        for step in steps.into_iter().take(MAX_STEPS) {
            match adopt(gateway, step).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(node = %name, %error, "a node's governance does not follow from this gateway's");
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "a change of governance could not be stored");
                    return;
                }
            }
        }
    }
}

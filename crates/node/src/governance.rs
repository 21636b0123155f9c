//! Following changes of governance: who the parties are, and where (docs/spec §1.8).

use crate::error::vault_error;
use crate::node::Shared;
use crate::{judging, news, passkeys};
use quorate_audit::Body;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse};
use quorate_intent::governance::MAX_STEPS;
use quorate_intent::{Hash, PublicKey, Step};
use quorate_policy::Validity;
use std::sync::Arc;

/// Puts steps in force that the gateway brings: each must still be valid in time, since nothing says that anybody carried
/// it out before.
pub(crate) async fn govern(shared: &Arc<Shared>, steps: Vec<Step>) -> Result<NodeResponse, NodeError> {
    for step in steps {
        let chain = shared.genesis.chain();
        if chain.has(&step.intent.intent.hash()) {
            continue;
        }
        let change = step.intent.intent.hash();
        let brought = match step.intent.intent.check(chain.current(), shared.now()) {
            Ok(()) => advance(shared, step, Validity::Now).await,
            Err(error) => Err(NodeError::new(ErrorCode::NotAuthorised, format!("{error} (rule intent)"))),
        };
        if let Err(error) = brought {
            refused(shared, change, &error).await;
            return Err(error);
        }
    }
    Ok(NodeResponse::Done)
}

/// Logs that a change was not taken. What only waits is asked again and again.
async fn refused(shared: &Shared, intent: Hash, error: &NodeError) {
    if error.code != ErrorCode::Waiting {
        let (rule, reason) = (judging::rule_of(error), error.message.chars().take(500).collect());
        shared.log(Body::Refused { intent, rule, reason }).await;
    }
}

/// Puts steps in force that a peer has in force already: a change that was carried out stays, whatever the time is now.
pub(crate) async fn catch_up(shared: &Arc<Shared>, peer: &PublicKey, steps: Vec<Step>) {
    for step in steps.into_iter().take(MAX_STEPS) {
        if let Err(error) = advance(shared, step, Validity::Late).await {
            let peer = shared.name(peer);
            if error.code == ErrorCode::Waiting {
                tracing::info!(%peer, %error, "a peer's governance is taken when its delay is over here as well");
                return;
            }
            tracing::warn!(%peer, %error, "a peer's governance does not follow from ours; compare the fingerprints of both");
            return;
        }
    }
}

/// One step: durable first, then everything that depends on who the parties are.
async fn advance(shared: &Arc<Shared>, step: Step, validity: Validity) -> Result<(), NodeError> {
    let change = step.intent.intent.hash();
    if shared.genesis.chain().has(&change) {
        return Ok(());
    }
    // The vault judges it again, as everybody does who follows the chain; what it cannot know is when a delay began here.
    judging::order(shared, &step.intent, &step.approvals, validity, false).await?;
    // What others carried out already stays, whatever this node has heard of the passkeys since.
    if validity == Validity::Now {
        passkeys::admit(shared, &step.intent, &step.approvals).await?;
    }
    let entry = Body::GovernanceChanged(Box::new(step));
    let head = shared.vault.append(entry).await.map_err(|error| match error {
        quorate_vault::VaultError::Genesis(reason) => {
            NodeError::new(ErrorCode::NotAuthorised, reason.to_string())
        }
        error => vault_error(&error),
    })?;
    shared.clock.seen(head.time);
    if let Some(chain) = shared.vault.governance().await {
        shared.genesis.set(chain);
    }
    let current = shared.genesis.current();
    tracing::info!(number = current.number(), fingerprint = %current.fingerprint(), "a new governance version is in force");
    shared.transport.follow(&current.parties);
    shared.ceremonies.follow(current.parties.iter().map(|party| party.key));
    shared.judging.ledger.forget_heard();
    for party in &current.parties {
        news::tell_heads(shared, &party.key).await;
        news::hello(shared, &party.key);
    }
    Ok(())
}

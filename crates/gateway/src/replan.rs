//! Plans that come after their intent: approvals may take longer than a block hash or a nonce lasts. A plan is not part of
//! the intent; every node judges the transaction that it gives, so a later plan weakens no approval.

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{self, WAITING};
use crate::store::now;
use quorate_chains::Plan;
use quorate_coordination::api::{IntentView, State};
use quorate_intent::{IntentError, IntentId, Network, PublicKey};

/// Gives a transfer its plan, or another one. Only as long as no node was asked to sign it: from then on another
/// transaction could be paid beside the first (product rule: a new form must conflict with every earlier one), and which
/// forms conflict is not for the plan's giver to say.
pub async fn set(
    gateway: &Gateway,
    id: &IntentId,
    plan: Plan,
    caller: &PublicKey,
) -> Result<IntentView, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| intents::unknown(id))?;
    intents::check_initiator(&row, caller, "only its initiator may plan an intent")?;
    let body = &row.signed.intent.body;
    let wallet = body.signing_wallet().filter(|_| body.planned());
    let wallet = wallet.ok_or_else(|| IntentError::field("plan", "this kind of intent has no plan"))?;
    if let Some(Network::Bitcoin { .. }) = body.network() {
        let problem = "the gateway plans transfers on Bitcoin; cancel this one and submit another";
        return Err(IntentError::field("plan", problem).into());
    }
    let key = intents::wallet_key(gateway, &wallet).await?;
    let built = intents::build(key, body.clone(), plan.encode()).await?;
    let mut tx = gateway.store.begin().await?;
    let row = tx.intent(id).await?.ok_or_else(|| intents::unknown(id))?;
    let open = WAITING.contains(&row.state) || row.state == State::Approved;
    if !open || row.asked != 0 {
        return Err(intents::wrong_state(&row, "it takes a plan only until nodes are asked to sign it"));
    }
    if now() >= row.signed.intent.expires {
        return Err(intents::wrong_state(&row, "it has expired"));
    }
    tx.release(id).await?;
    intents::reserve(&mut tx, id, &built).await?;
    tx.set_plan(id, &plan.encode(), &built.summary).await?;
    tx.commit().await?;
    tracing::info!(intent = %id, "plan taken in");
    if row.state == State::Approved {
        gateway.coordinator.wake(*id);
    }
    intents::find(gateway, id).await
}

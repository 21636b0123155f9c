//! A higher fee for a transaction that waits: another form of the same intent, which spends the same coins or has the same
//! nonce. Nodes sign nothing else for the intent again (their ledgers say so), so of all its forms at most one can be mined.

use super::follow::{Follower, WatchError};
use super::stand::{Stand, stand};
use super::{Watched, plan};
use crate::api::ApiError;
use crate::bitcoin;
use crate::gateway::Gateway;
use crate::intents::{build, find, reserve, unknown, wallet_key, wrong_state};
use crate::store::{Change, IntentRow, Outgoing, now, now_ms};
use axum::http::StatusCode;
use quorate_chains::{Plan, evm};
use quorate_coordination::api::{Bump, IntentView, State};
use quorate_intent::{Amount, Body, IntentError, IntentId, Suite};
use quorate_networks::{Client, EvmFees, Fees};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a transaction whose fee could not be raised is left alone.
const LEAVE: Duration = Duration::from_secs(60);

/// Raises the fee of a transaction that waits to be mined.
pub async fn raise(gateway: &Gateway, id: &IntentId, wish: &Bump) -> Result<IntentView, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
    let network = row.signed.intent.body.network();
    let Some(watched) = network.and_then(|network| gateway.watch.of(&network)).map(Arc::clone) else {
        return Err(wrong_state(
            &row,
            "this gateway does not watch its network, so it cannot tell whether it is mined",
        ));
    };
    let outgoing = gateway.store.outgoing_of(id).await?;
    let waits = |outgoing: &Outgoing| outgoing.forms.iter().all(|form| form.block.is_none());
    let open = row.state == State::Broadcasting && outgoing.as_ref().is_some_and(waits);
    if !open {
        return Err(wrong_state(&row, "a fee is raised while the transaction is broadcast and not mined"));
    }
    if now() >= row.signed.intent.expires {
        return Err(wrong_state(&row, "it has expired: nodes sign no other form of it any more"));
    }
    let Some(wallet) = row.signed.intent.body.signing_wallet() else { return Err(unknown(id)) };
    let key = wallet_key(gateway, &wallet).await?;
    let raised = replacement(&watched, &row, key.suite(), wish).await?.encode();
    let built = build(key, row.signed.intent.body.clone(), raised.clone()).await?;
    let mut tx = gateway.store.begin().await?;
    reserve(&mut tx, id, &built).await?;
    let reason = "its fee is raised";
    let change =
        Change { from: &[State::Broadcasting], to: State::Signing, reason: Some(reason), rule: None };
    if !tx.change(id, &change).await? {
        drop(tx);
        let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
        return Err(wrong_state(&row, "it moved on in this moment"));
    }
    tx.set_plan(id, &raised, &built.summary).await?;
    tx.commit().await?;
    tracing::info!(intent = %id, "a higher fee is being signed");
    gateway.coordinator.wake_now(*id);
    find(gateway, id).await
}

async fn replacement(
    watched: &Watched,
    row: &IntentRow,
    suite: Suite,
    wish: &Bump,
) -> Result<Plan, ApiError> {
    let body = &row.signed.intent.body;
    let plan = Plan::decode(row.plan.as_deref().unwrap_or_default())?;
    match (&watched.client, plan, body) {
        (Client::Bitcoin(_), Plan::Bitcoin(plan), Body::Transfer(transfer)) => {
            let rate = wish.fee_rate.unwrap_or_else(|| fast(watched));
            let most = watched.config.max_fee_rate;
            if !(1..=most).contains(&rate) {
                return Err(
                    IntentError::field("fee_rate", format!("must be 1 to {most}, found {rate}")).into()
                );
            }
            Ok(Plan::Bitcoin(bitcoin::raise(suite, transfer, &plan, rate)?))
        }
        (Client::Evm(client), Plan::Evm(plan), _) => {
            if wish.fee_rate.is_some() {
                return Err(IntentError::field("fee_rate", "is for Bitcoin alone").into());
            }
            let now = client.fees().await.map_err(|error| unavailable(&error.to_string()))?;
            let cap = plan::cap(watched, body, plan.gas_limit);
            let fee = higher(plan.fee, now, cap)?;
            Ok(Plan::Evm(evm::Plan { fee, ..plan }))
        }
        _ => Err(wrong_state(row, "no other form of it would conflict with the first; wait for its end")),
    }
}

fn unavailable(problem: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "node_unavailable", problem)
}

/// Satoshi per virtual byte for the next blocks; 1 where the node cannot tell, since the raise itself has a least step.
fn fast(watched: &Watched) -> u64 {
    match watched.status().fees {
        Some(Fees::Bitcoin([fast, ..])) => fast.div_ceil(1_000).clamp(1, watched.config.max_fee_rate),
        _ => 1,
    }
}

/// An eighth more than before, which nodes take in place of the earlier form, or what is asked now, if that is more.
fn higher(old: evm::Fee, now: EvmFees, cap: u128) -> Result<evm::Fee, ApiError> {
    let number = |amount: Amount| u128::try_from(amount.0).unwrap_or(u128::MAX);
    let step = |old: u128| old.saturating_add(old.div_ceil(8)).max(old.saturating_add(1));
    let too_low = |least: u128| {
        let detail = format!(
            "a higher fee would be {least} wei for a unit of gas, the intent and the file of networks allow {cap}"
        );
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "fee_above_cap", detail).field("max_fee")
    };
    match old {
        evm::Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } => {
            let (least, tip) = (step(number(max_fee_per_gas)), step(number(max_priority_fee_per_gas)));
            if least > cap || tip > cap {
                return Err(too_low(least.max(tip)));
            }
            let wanted = now.base.saturating_mul(2).saturating_add(now.tip.max(tip));
            let most = wanted.max(least).max(tip).min(cap);
            Ok(plan::eip1559(most, tip.max(now.tip).min(most)))
        }
        evm::Fee::Legacy { gas_price } => {
            let least = step(number(gas_price));
            if least > cap {
                return Err(too_low(least));
            }
            let price = now.base.saturating_mul(2).saturating_add(now.tip).max(least).min(cap);
            Ok(evm::Fee::Legacy { gas_price: Amount(quorate_intent::U256::from(price)) })
        }
    }
}

/// Raises fees by itself, where the file of networks says so, of what waits too long: again after twice, three times as long.
pub async fn look(follower: &mut Follower) -> Result<(), WatchError> {
    let Some(after) = follower.watched.config.bump_after else { return Ok(()) };
    let (network, required) = (follower.watched.config.network, follower.watched.config.confirmations);
    follower.stuck.retain(|_, until| Instant::now() < *until);
    for outgoing in follower.gateway.store.outgoing(&network).await? {
        let forms = u32::try_from(outgoing.forms.len()).unwrap_or(u32::MAX);
        let patience = u64::try_from((after * forms).as_millis()).unwrap_or(u64::MAX);
        let waits = stand(&outgoing, follower.height(), required) == Stand::Waiting;
        let early = now_ms().saturating_sub(outgoing.since) < patience;
        if !waits || early || follower.stuck.contains_key(&outgoing.intent) {
            continue;
        }
        if let Err(problem) = raise(&follower.gateway, &outgoing.intent, &Bump::default()).await {
            let problem = &problem.problem().detail;
            tracing::warn!(intent = %outgoing.intent, %problem, "a transaction waits, and its fee cannot be raised");
        }
        follower.stuck.insert(outgoing.intent, Instant::now() + LEAVE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_fee_is_an_eighth_more_and_never_above_the_cap() {
        let old = plan::eip1559(800, 80);
        let quiet = EvmFees { base: 10, tip: 1 };
        assert_eq!(higher(old, quiet, 10_000).map_err(|_| ()), Ok(plan::eip1559(900, 90)));
        let busy = EvmFees { base: 2_000, tip: 100 };
        assert_eq!(higher(old, busy, 10_000).map_err(|_| ()), Ok(plan::eip1559(4_100, 100)));
        assert_eq!(higher(old, busy, 1_000).map_err(|_| ()), Ok(plan::eip1559(1_000, 100)));
        let error = higher(old, quiet, 899).unwrap_err();
        assert_eq!(error.problem().code, "fee_above_cap");
        let legacy = evm::Fee::Legacy { gas_price: Amount::from(8) };
        let more = evm::Fee::Legacy { gas_price: Amount::from(21) };
        assert_eq!(higher(legacy, quiet, 10_000).map_err(|_| ()), Ok(more));
    }
}

//! Plans that the gateway makes by itself, when an intent is approved: an account's next nonce, gas and fee, or a block hash.
//! A nonce is reserved in the write that stores the plan, and is free again when the intent ends without a transaction; so
//! parallel transfers neither collide nor leave a gap.

use super::Watched;
use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{build, reserve, wallet_key};
use crate::store::{IntentRow, Tx};
use quorate_chains::{Plan, WalletKey, account_path, evm, evm_preview, solana};
use quorate_coordination::api::State;
use quorate_intent::{Amount, Body, Network, U256};
use quorate_networks::{Client, EvmCall, EvmClient, EvmFees, Fees, NetworkError};
use std::sync::Arc;

/// What a plain payment of coins takes.
const PLAIN_GAS: u64 = 21_000;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    /// It may come later.
    #[error("{0}")]
    Later(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

impl From<ApiError> for NoPlan {
    fn from(error: ApiError) -> Self {
        Self::Later(error.problem().detail.clone())
    }
}

impl From<NetworkError> for NoPlan {
    fn from(error: NetworkError) -> Self {
        Self::Later(format!("it cannot be planned now: {error}"))
    }
}

/// Whether the gateway plans what a client gives no plan for.
pub fn can(gateway: &Gateway, body: &Body) -> bool {
    let by_account = matches!(body.network(), Some(Network::Evm { .. } | Network::Solana { .. }));
    body.planned() && by_account && body.network().is_some_and(|network| gateway.watch.of(&network).is_some())
}

/// Gives an approved intent its plan, or a fresh one, as long as no node was asked to sign it.
pub async fn make(gateway: &Gateway, row: &IntentRow) -> Result<(), NoPlan> {
    let body = &row.signed.intent.body;
    let (Some(network), Some(wallet)) = (body.network(), body.signing_wallet()) else { return Ok(()) };
    let Some(watched) = gateway.watch.of(&network).map(Arc::clone) else {
        return match row.plan {
            Some(_) => Ok(()),
            None => Err(NoPlan::Later("its network is not watched any more; give it a plan".into())),
        };
    };
    // Another form could be paid beside one that nodes were asked for; only `bump` knows forms that cannot.
    if row.asked > 0 {
        return Ok(());
    }
    let key = wallet_key(gateway, &wallet).await?;
    match &watched.client {
        Client::Evm(client) if row.plan.is_none() => {
            let _alone = watched.planning.lock().await;
            let (gas, fees) = price(&watched, client, &key, body).await?;
            let nonce = client.nonce(&sender(&key, body)?).await?;
            keep_evm(gateway, row, &key, Draft { nonce, gas, fees }).await
        }
        Client::Solana(client) => {
            let hash = client.block_hash().await?.hash;
            let plan = serde_json::from_value(serde_json::json!({ "recent_blockhash": hash }));
            let plan: solana::Plan = plan.map_err(|error| NoPlan::Later(error.to_string()))?;
            let plan = Plan::Solana(plan).encode();
            let built = build(key, body.clone(), plan.clone()).await?;
            let mut tx = gateway.store.begin().await?;
            if !open(&mut tx, row).await? {
                return Ok(());
            }
            tx.release(&row.id).await?;
            reserve(&mut tx, &row.id, &built).await?;
            tx.set_plan(&row.id, &plan, &built.summary).await?;
            Ok(tx.commit().await?)
        }
        _ => Ok(()),
    }
}

/// Whether the intent still waits for its turn, as this write sees it.
async fn open(tx: &mut Tx<'_>, row: &IntentRow) -> Result<bool, sqlx::Error> {
    let now = tx.intent(&row.id).await?;
    Ok(now.is_some_and(|now| now.state == State::Approved && now.asked == 0))
}

/// An EVM plan but for the nonce that is taken.
struct Draft {
    /// The next one by the chain.
    nonce: u64,
    gas: u64,
    fees: evm::Fee,
}

async fn keep_evm(gateway: &Gateway, row: &IntentRow, key: &WalletKey, draft: Draft) -> Result<(), NoPlan> {
    let body = &row.signed.intent.body;
    let from = sender(key, body)?;
    let Some(Network::Evm { chain_id }) = body.network() else { return Ok(()) };
    let prefix = format!("evm:{chain_id}:{from}:");
    let mut tx = gateway.store.begin().await?;
    if !open(&mut tx, row).await? {
        return Ok(());
    }
    let taken = tx.resources_below(&prefix).await?;
    let nonce = next_nonce(draft.nonce, &taken, &prefix);
    let plan = Plan::Evm(evm::Plan { nonce, gas_limit: draft.gas, fee: draft.fees }).encode();
    let built = build(*key, body.clone(), plan.clone()).await?;
    reserve(&mut tx, &row.id, &built).await?;
    tx.set_plan(&row.id, &plan, &built.summary).await?;
    tx.commit().await?;
    tracing::info!(intent = %row.id, nonce, gas = draft.gas, "planned");
    Ok(())
}

/// The lowest nonce from `next` on that nobody has reserved: one that was given back is taken before any later one.
fn next_nonce(next: u64, taken: &[String], prefix: &str) -> u64 {
    let number = |name: &String| name.strip_prefix(prefix)?.parse::<u64>().ok();
    let taken: std::collections::BTreeSet<u64> = taken.iter().filter_map(number).collect();
    (next..u64::MAX).find(|nonce| !taken.contains(nonce)).unwrap_or(u64::MAX)
}

/// The address that pays.
fn sender(key: &WalletKey, body: &Body) -> Result<String, ApiError> {
    let (network, account) = match body {
        Body::Transfer(transfer) => (transfer.network, transfer.account),
        Body::Call(call) => (call.network, call.account),
        _ => return Err(ApiError::internal("nothing to plan")),
    };
    Ok(quorate_chains::address(key, &network, &account_path(account))?)
}

/// What an intent lets its transaction cost.
pub fn max_fee(body: &Body) -> U256 {
    match body {
        Body::Transfer(transfer) => transfer.max_fee.0,
        Body::Call(call) => call.max_fee.0,
        _ => U256::ZERO,
    }
}

async fn price(
    watched: &Watched,
    client: &EvmClient,
    key: &WalletKey,
    body: &Body,
) -> Result<(u64, evm::Fee), NoPlan> {
    let call = evm_preview(key, body).map_err(ApiError::from)?;
    let call = EvmCall { from: call.from, to: call.to, value: call.value, data: call.data };
    let estimated = client.gas(&call).await?;
    // What a contract takes may be more by the time it runs.
    let gas = if estimated <= PLAIN_GAS { PLAIN_GAS } else { estimated.saturating_add(estimated / 4) };
    let fee = fee(client.fees().await?, cap(watched, body, gas))?;
    Ok((gas, fee))
}

/// The most that a unit of gas may cost, by the intent and the file of networks.
pub fn cap(watched: &Watched, body: &Body, gas: u64) -> u128 {
    let own = u128::try_from(max_fee(body) / U256::from(gas.max(1))).unwrap_or(u128::MAX);
    let file = watched.config.max_fee_per_gas.map(|Amount(wei)| u128::try_from(wei).unwrap_or(u128::MAX));
    own.min(file.unwrap_or(u128::MAX))
}

/// Twice the base fee lasts for six full blocks in a row.
fn fee(now: EvmFees, cap: u128) -> Result<evm::Fee, NoPlan> {
    if cap < now.base.saturating_add(1) {
        // No price in it that changes with each block: every new reason is a row of the intent's history.
        return Err(NoPlan::Later(format!(
            "gas costs more now than the {cap} wei that the intent and the file of networks allow; it waits for a lower price"
        )));
    }
    let most = now.base.saturating_mul(2).saturating_add(now.tip).min(cap);
    Ok(eip1559(most, now.tip.min(most)))
}

/// A fee of these prices.
pub fn eip1559(most: u128, tip: u128) -> evm::Fee {
    evm::Fee::Eip1559 {
        max_fee_per_gas: Amount(U256::from(most)),
        max_priority_fee_per_gas: Amount(U256::from(tip)),
    }
}

/// Satoshi per virtual byte by a watched node, if it can tell: for within the hour.
pub fn fee_rate(gateway: &Gateway, network: &Network) -> Option<u64> {
    let watched = gateway.watch.of(network)?;
    match watched.status().fees {
        Some(Fees::Bitcoin([_, normal, _])) => {
            Some(normal.div_ceil(1_000).clamp(1, watched.config.max_fee_rate))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_nonce_is_taken() {
        let taken: Vec<String> = [3, 4, 6].iter().map(|n| format!("evm:1:0xA:{n}")).collect();
        let next = |from| next_nonce(from, &taken, "evm:1:0xA:");
        assert_eq!((next(0), next(3), next(4), next(6), next(7)), (0, 5, 5, 7, 7));
        // What others have reserved is not in the way.
        assert_eq!(next_nonce(3, &taken, "evm:1:0xB:"), 3);
    }

    #[test]
    fn fees_stay_under_the_cap_and_wait_when_they_cannot() {
        let now = EvmFees { base: 100, tip: 7 };
        let shown = |cap| fee(now, cap).map_err(|error| error.to_string());
        assert_eq!(shown(1_000), Ok(eip1559(207, 7)));
        assert_eq!(shown(150), Ok(eip1559(150, 7)));
        assert_eq!(shown(101), Ok(eip1559(101, 7)));
        assert!(shown(100).unwrap_err().contains("waits for a lower price"));
        assert_eq!(fee(EvmFees { base: 0, tip: 9 }, 5).map_err(|_| ()), Ok(eip1559(5, 5)));
    }
}

//! What addresses hold on chains that count by account: asked of the node when something touched them, not for each reader.

use super::follow::{Follower, WatchError};
use crate::gateway::Gateway;
use crate::store::BalanceRow;
use quorate_chains::{DEPOSIT_ACCOUNTS, account_path};
use quorate_coordination::api::Balance;
use quorate_intent::{Amount, Asset, Body, IntentId, Network, WalletId};
use std::collections::BTreeMap;

/// Most balances that are asked for in one look.
const AT_ONCE: usize = 200;

/// Asks for balances that may have changed.
pub async fn look(follower: &mut Follower) -> Result<(), WatchError> {
    if matches!(follower.watched.config.network, Network::Bitcoin { .. }) {
        follower.touched.clear();
        return Ok(());
    }
    let due: Vec<_> = follower.touched.iter().take(AT_ONCE).cloned().collect();
    let mut rows = Vec::new();
    for (key, asset) in &due {
        let Some(entry) = follower.book.get(key).cloned() else { continue };
        let Some(amount) = follower.watched.client.balance(&entry.address, asset).await? else { continue };
        let network = follower.watched.config.network;
        let (wallet, account, asset) = (entry.wallet, entry.path[0], asset.clone());
        rows.push((entry.address, BalanceRow { network, wallet, account, asset, amount }));
    }
    if !rows.is_empty() {
        let mut tx = follower.gateway.store.begin().await?;
        for (address, row) in &rows {
            tx.put_balance(address, row).await?;
        }
        tx.commit().await?;
    }
    for entry in &due {
        follower.touched.remove(entry);
    }
    Ok(())
}

/// An intent's transaction was mined: what its account holds has changed.
pub async fn spent(follower: &mut Follower, id: &IntentId) -> Result<(), WatchError> {
    let Some(row) = follower.gateway.store.intent(id).await? else { return Ok(()) };
    let (wallet, account, asset) = match &row.signed.intent.body {
        Body::Transfer(transfer) => (transfer.wallet, transfer.account, transfer.asset.clone()),
        Body::Call(call) => (call.wallet, call.account, Asset::Native),
        _ => return Ok(()),
    };
    let network = follower.watched.config.network;
    let Some(wallet) = follower.gateway.coordinator.wallet(&wallet) else { return Ok(()) };
    let key = wallet.keys.wallet_key();
    if let Ok(address) = quorate_chains::address(&key, &network, &account_path(account))
        && let Some(key) = follower.watched.client.key(&address)
    {
        follower.touched.extend([(key.clone(), Asset::Native), (key, asset)]);
    }
    Ok(())
}

type Sums = BTreeMap<(WalletId, String, String, Option<u32>), Balance>;

/// Everything that wallets hold, by account; deposit accounts of a network together.
pub async fn all(gateway: &Gateway) -> Result<Vec<Balance>, sqlx::Error> {
    let mut sums = Sums::new();
    for (row, usable) in gateway.store.coin_sums().await? {
        add(&mut sums, row, usable);
    }
    let pending = gateway.store.pending_deposits().await?;
    for row in gateway.store.balances().await? {
        add(&mut sums, row, true);
    }
    for (row, mined) in pending {
        if matches!(row.network, Network::Bitcoin { .. }) {
            // What stands in a block is a coin, and counted as one.
            if !mined {
                add(&mut sums, row, false);
            }
            continue;
        }
        // A node's balance holds it already.
        let amount = row.amount;
        let balance = entry(&mut sums, &row);
        balance.confirmed = Amount(balance.confirmed.0.saturating_sub(amount.0));
        balance.pending = Amount(balance.pending.0.saturating_add(amount.0));
    }
    Ok(sums.into_values().collect())
}

fn entry<'s>(sums: &'s mut Sums, row: &BalanceRow) -> &'s mut Balance {
    let by_account = !matches!(row.network, Network::Bitcoin { .. });
    let account = (!by_account || row.account < DEPOSIT_ACCOUNTS).then_some(row.account);
    let key = (row.wallet, row.network.to_string(), row.asset.to_string(), account);
    sums.entry(key).or_insert_with(|| Balance {
        wallet: row.wallet,
        network: row.network,
        asset: row.asset.clone(),
        account,
        confirmed: Amount::from(0),
        pending: Amount::from(0),
    })
}

fn add(sums: &mut Sums, row: BalanceRow, usable: bool) {
    let amount = row.amount;
    let balance = entry(sums, &row);
    let sum = if usable { &mut balance.confirmed } else { &mut balance.pending };
    *sum = Amount(sum.0.saturating_add(amount.0));
}

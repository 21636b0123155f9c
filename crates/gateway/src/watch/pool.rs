//! Payments that wait to be mined (Bitcoin): seen at once, never counted.

use super::follow::{Follower, WatchError};
use super::take::seen;
use crate::store::NewDeposit;
use quorate_coordination::api::DepositState;
use quorate_networks::{Head, Payment};
use std::collections::HashSet;

/// Most unconfirmed transactions that are fetched in one look.
const AT_ONCE: usize = 2_000;

/// Takes new unconfirmed payments in, and notes those that are gone without a block.
pub async fn look(follower: &mut Follower, tip: &Head) -> Result<(), WatchError> {
    // Only under the very block that was looked at last: otherwise what is gone from here may just have been mined.
    let Some(ids) = follower.watched.client.mempool(tip).await? else { return Ok(()) };
    let new: Vec<&String> = ids.iter().filter(|id| !follower.pool.contains(*id)).take(AT_ONCE).collect();
    let (mut payments, mut looked) = (Vec::new(), HashSet::new());
    for id in new {
        if let Some(found) = follower.watched.client.unconfirmed(id).await? {
            payments.extend(found);
            looked.insert(id.clone());
        }
    }
    follower.refresh().await?;
    let network = follower.watched.config.network;
    let deposit = |payment: &Payment| follower.book.get(&payment.to)?.deposit.map(|at| (payment.clone(), at));
    let payments: Vec<_> = payments.iter().filter_map(deposit).collect();
    let open = follower.gateway.store.open_deposits(&network).await?;
    let gone = open.iter().filter(|row| row.block.is_none() && !ids.contains(&row.deposit.transaction));
    let gone: Vec<_> = gone.collect();
    if !payments.is_empty() || !gone.is_empty() {
        let mut tx = follower.gateway.store.begin().await?;
        for (payment, address) in &payments {
            tx.put_deposit(&seen(payment, *address, None, follower.watched.config.confirmations)).await?;
        }
        for row in gone {
            tx.put_deposit(&NewDeposit { state: DepositState::Orphaned, ..row.renew() }).await?;
        }
        tx.commit().await?;
    }
    follower.pool.retain(|id| ids.contains(id));
    follower.pool.extend(looked);
    Ok(())
}

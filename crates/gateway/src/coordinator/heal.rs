//! Pairs that a hard edge keeps apart: a fresh set-up heals them, once a day, or when nothing else is left (docs/spec §4.2).
//! The nodes hold to the rule by themselves; here it is only asked for.

use super::{Wallet, disputes, pairs};
use crate::gateway::Gateway;
use crate::store::now;
use quorate_coordination::disputes::Pair;
use std::sync::Arc;

/// Pause between an edge and a set-up that nobody waits for, in seconds.
const PAUSE: u64 = 24 * 3600;

/// Sets up the pairs between these parties of a wallet, which cannot sign without.
pub async fn wanted(
    gateway: &Arc<Gateway>,
    wallet: &Wallet,
    apart: &[(u16, u16)],
) -> Result<(), sqlx::Error> {
    let record = &wallet.certificate.record;
    for (one, other) in apart {
        if let Some(pair) = record.party(*one).zip(record.party(*other)).and_then(|(a, b)| Pair::new(a, b)) {
            heal(gateway, pair).await?;
        }
    }
    Ok(())
}

/// Sets up every pair whose edge is a day old.
pub async fn due(gateway: &Arc<Gateway>) -> Result<(), sqlx::Error> {
    let now = now();
    let due: Vec<Pair> = gateway.coordinator.disputes.with(|graph| {
        let edges = graph.hard_edges().filter(|(pair, last, apart)| {
            let cheat = pair.ends().iter().any(|end| graph.condemned(end));
            *apart && !cheat && now >= last.saturating_add(PAUSE)
        });
        edges.map(|(pair, ..)| pair).collect()
    });
    for pair in due {
        let usable = |key| gateway.nodes.get(key).is_some_and(|node| node.usable().is_ok());
        if pair.ends().iter().all(usable) {
            heal(gateway, pair).await?;
        }
    }
    Ok(())
}

async fn heal(gateway: &Arc<Gateway>, pair: Pair) -> Result<(), sqlx::Error> {
    match pairs::renew(gateway, pair).await {
        Ok(()) => disputes::renewed(gateway, pair).await,
        Err(problems) => {
            for (key, problem) in problems {
                let node = gateway.nodes.name(&key);
                tracing::warn!(%node, %problem, "a pair with a hard edge was not set up anew");
            }
            disputes::read_all(gateway, &pair.ends()).await;
            Ok(())
        }
    }
}

//! Watching a node: asks for its status again and again, and hands over certificates that one side lacks.

use super::{Work, adopt, governance};
use crate::gateway::Gateway;
use crate::nodes::{Node, Seen};
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::WalletId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Pause between two looks at a node that is not reachable; the link has its own back-off.
const DOWN_PAUSE: Duration = Duration::from_millis(300);
/// Pause before a certificate is handed over or asked for again.
const AGAIN: Duration = Duration::from_secs(60);

/// Watches one node until dropped.
pub async fn node(gateway: &Arc<Gateway>, node: &Node) {
    let mut missed = 0;
    let mut tried: HashMap<WalletId, Instant> = HashMap::new();
    loop {
        let seen = node.look(&mut missed).await;
        let pause = match &seen {
            Some(seen) => {
                if node.usable().is_ok() {
                    reconcile(gateway, node, seen, &mut tried).await;
                } else if seen.status.governance != gateway.genesis.chain().number() {
                    governance::level(gateway, node, seen).await;
                }
                // While a node still misses peers, it is looked at more often: ceremonies wait for that.
                let whole = seen.status.connected.len() + 1 >= gateway.nodes.all().len();
                if whole {
                    gateway.signing.status_interval
                } else {
                    DOWN_PAUSE.min(gateway.signing.status_interval)
                }
            }
            None => DOWN_PAUSE.min(gateway.signing.status_interval),
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = node.turned() => {}
        }
    }
}

async fn reconcile(gateway: &Arc<Gateway>, node: &Node, seen: &Seen, tried: &mut HashMap<WalletId, Instant>) {
    tried.retain(|_, at| at.elapsed() < AGAIN);
    let timeout = gateway.signing.call_timeout;
    let name = &node.party.name;
    for wallet in gateway.coordinator.all_wallets() {
        let record = &wallet.certificate.record;
        let has = seen.status.wallets.iter().any(|known| known.wallet == record.wallet);
        if has || record.index_of(&node.party.key).is_none() || tried.contains_key(&record.wallet) {
            continue;
        }
        tried.insert(record.wallet, Instant::now());
        let answer = node.call(NodeRequest::Certify(wallet.certificate.clone()), timeout).await;
        if let Err(error) = answer {
            tracing::warn!(node = %name, wallet = %record.wallet, %error, "a node lacks a wallet's certificate");
        }
    }
    let unknown = |id: &WalletId| gateway.coordinator.wallet(id).is_none() && !tried.contains_key(id);
    let missing: Vec<WalletId> =
        seen.status.wallets.iter().map(|record| record.wallet).filter(unknown).collect();
    if missing.is_empty() {
        return;
    }
    tried.extend(missing.iter().map(|id| (*id, Instant::now())));
    let Ok(NodeResponse::Wallets(certificates)) = node.call(NodeRequest::Wallets, timeout).await else {
        return;
    };
    for certificate in certificates {
        let id = certificate.record.wallet;
        if !missing.contains(&id) {
            continue;
        }
        match adopt(gateway, certificate).await {
            Ok(_) => {
                tracing::info!(node = %name, wallet = %id, "learnt a wallet from a node");
                gateway.coordinator.enqueue(Work::Prepare(id));
            }
            Err(error) => {
                tracing::warn!(node = %name, wallet = %id, %error, "a node's certificate is no good")
            }
        }
    }
}

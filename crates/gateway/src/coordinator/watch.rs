//! Watching a node: asks for its status again and again, and hands over certificates that one side lacks.

use super::{Work, adopt, disputes, governance, logs};
use crate::gateway::Gateway;
use crate::nodes::{Node, Seen};
use quorate_coordination::{NodeRequest, NodeResponse, WalletRecord};
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
    let mut boot = None;
    loop {
        let seen = node.look(&mut missed).await;
        let pause = match &seen {
            Some(seen) => {
                if boot.replace(seen.status.boot).is_some_and(|before| before != seen.status.boot) {
                    restarted(gateway, node, seen);
                }
                if node.usable().is_ok() {
                    disputes::read(gateway, node).await;
                    logs::look(gateway, node).await;
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

/// What a node's earlier process made is worth nothing (docs/spec §1.9).
fn restarted(gateway: &Gateway, node: &Node, seen: &Seen) {
    for wallet in gateway.coordinator.all_wallets() {
        let record = &wallet.certificate.record;
        if let Some(party) = record.index_of(&node.party.key) {
            gateway.coordinator.stock.restarted(record.wallet, party, &seen.status.boot);
        }
    }
}

async fn reconcile(gateway: &Arc<Gateway>, node: &Node, seen: &Seen, tried: &mut HashMap<WalletId, Instant>) {
    tried.retain(|_, at| at.elapsed() < AGAIN);
    let timeout = gateway.signing.call_timeout;
    let name = &node.party.name;
    for wallet in gateway.coordinator.all_known() {
        let certificate = &wallet.certificate;
        let record = &certificate.record;
        let theirs = seen.status.wallets.iter().find(|known| known.wallet == record.wallet);
        // It has the key in an earlier epoch, or should have it and has not. That the key is destroyed is for nodes that
        // have it alone.
        let behind = match theirs {
            Some(theirs) => theirs.attempt < certificate.rank(),
            None => !certificate.destroys() && record.index_of(&node.party.key).is_some(),
        };
        if !behind || tried.contains_key(&record.wallet) {
            continue;
        }
        tried.insert(record.wallet, Instant::now());
        let answer = node.call(NodeRequest::Certify(certificate.clone()), timeout).await;
        if let Err(error) = answer {
            tracing::warn!(node = %name, wallet = %record.wallet, %error, "a node lacks a wallet's certificate");
        }
    }
    let ahead = |record: &&WalletRecord| {
        let known = gateway.coordinator.known(&record.wallet);
        known.is_none_or(|known| known.certificate.rank() < record.attempt)
    };
    let missing: Vec<WalletId> = seen
        .status
        .wallets
        .iter()
        .filter(ahead)
        .map(|record| record.wallet)
        .filter(|id| !tried.contains_key(id))
        .collect();
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

//! What nodes tell one another at every contact: where they stand, and what the other lacks (docs/spec §1.8, §2.3, §2.4).

use crate::certificates::Source;
use crate::node::Shared;
use crate::{certificates, governance};
use quorate_coordination::Certificate;
use quorate_coordination::rpc::News;
use quorate_intent::governance::MAX_STEPS;
use quorate_intent::{Hash, PublicKey, WalletId};
use quorate_vault::Attempt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Greets every peer whose channel comes up, until the node stops.
pub(crate) async fn greet(shared: Arc<Shared>, mut came_up: mpsc::UnboundedReceiver<PublicKey>) {
    while let Some(peer) = came_up.recv().await {
        tell_heads(&shared, &peer).await;
    }
}

/// Tells a peer where this node stands.
pub(crate) async fn tell_heads(shared: &Shared, peer: &PublicKey) {
    if *peer == shared.me {
        return;
    }
    let chain = shared.genesis.chain();
    let epochs = match shared.vault.heads().await {
        Ok(epochs) => epochs,
        Err(error) => {
            tracing::error!(%error, "the vault does not say which epochs it has");
            return;
        }
    };
    let heads = News::Heads { governance: chain.number(), version: chain.hash(), epochs };
    shared.transport.news(peer, heads);
}

/// Takes what a peer tells.
pub(crate) async fn take(shared: &Arc<Shared>, peer: PublicKey, news: News) {
    match news {
        News::Heads { governance, version, epochs } => {
            answer(shared, &peer, (governance, version), &epochs).await;
        }
        News::Steps(steps) => governance::catch_up(shared, &peer, steps).await,
        News::Certificate(certificate) => {
            let wallet = certificate.record.wallet;
            if let Err(error) = certificates::certify(shared, *certificate, Source::Peer(peer)).await {
                let peer = shared.name(&peer);
                tracing::debug!(%peer, %wallet, %error, "a peer's certificate was not taken");
            }
        }
    }
}

/// Sends a peer what it lacks.
async fn answer(shared: &Shared, peer: &PublicKey, version: (u64, Hash), epochs: &[(WalletId, Attempt)]) {
    let chain = shared.genesis.chain();
    let (number, hash) = version;
    if number < chain.number() {
        let steps = chain.steps_after(number);
        shared.transport.news(peer, News::Steps(steps[..steps.len().min(MAX_STEPS)].to_vec()));
    } else if number == chain.number() && hash != chain.hash() {
        let peer = shared.name(peer);
        tracing::error!(%peer, number, ours = %chain.hash(), theirs = %hash, "ALARM: two governance versions with one number; the operators must compare what was approved");
    }
    for wallet in shared.vault.wallets().await.unwrap_or_default() {
        let Ok(Some((ours, bytes))) = shared.vault.certificate(&wallet).await else { continue };
        let theirs = epochs.iter().find(|(id, _)| *id == wallet).map(|(_, attempt)| *attempt);
        if theirs >= Some(ours) {
            continue;
        }
        let Ok(certificate) = borsh::from_slice::<Certificate>(&bytes) else { continue };
        // Who never heard of the key and is no party of it has no use for it.
        if theirs.is_some() || certificate.record.index_of(peer).is_some() {
            shared.transport.news(peer, News::Certificate(Box::new(certificate)));
        }
    }
}

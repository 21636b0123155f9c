//! What nodes tell one another at every contact: where they stand, and what the other lacks (docs/spec §1.8, §2.3, §2.4).

use crate::certificates::Source;
use crate::node::Shared;
use crate::{calls, certificates, governance, ledger, witness};
use quorate_audit::Body;
use quorate_coordination::Certificate;
use quorate_coordination::rpc::News;
use quorate_intent::governance::MAX_STEPS;
use quorate_intent::{Hash, PublicKey, WalletId};
use quorate_vault::Attempt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Greets every peer whose channel comes up, until the node stops.
pub(crate) async fn greet(shared: Arc<Shared>, mut came_up: mpsc::UnboundedReceiver<PublicKey>) {
    while let Some(peer) = came_up.recv().await {
        tell_heads(&shared, &peer).await;
        hello(&shared, &peer);
    }
}

/// Pause between two rounds of telling and asking everybody, in the background.
const AGAIN: Duration = Duration::from_secs(30);

/// Tells every peer again and again where this node stands and what time it has, and asks for their ledgers: what a lost
/// message left out comes with the next.
pub(crate) async fn again(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(AGAIN).await;
        if let Some(seconds) = shared.clock.jumped() {
            clock_jumped(&shared, seconds).await;
        }
        for party in shared.genesis.current().parties {
            tell_heads(&shared, &party.key).await;
            if !shared.judging.ledger.has_heard(&party.key) {
                hello(&shared, &party.key);
            } else if party.key != shared.me {
                shared.transport.news(&party.key, News::Clock(shared.now()));
            }
        }
    }
}

/// Takes down that this machine's clock was set by so many seconds.
pub(crate) async fn clock_jumped(shared: &Shared, seconds: i64) {
    tracing::error!(seconds, "ALARM: this machine's clock jumped; judgements by time are made by it");
    shared.log(Body::ClockJumped { seconds }).await;
}

/// Tells a peer this node's time, and asks for what it counts as spent, where rules look at that.
pub(crate) fn hello(shared: &Shared, peer: &PublicKey) {
    if *peer == shared.me {
        return;
    }
    shared.transport.news(peer, News::Clock(shared.now()));
    if shared.judging.ruling(shared).is_ok_and(|ruling| ruling.has_windows()) {
        shared.transport.news(peer, News::AskSpent);
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
            shared.answered.wait(peer).await;
            answer(shared, &peer, (governance, version), epochs).await;
        }
        News::Steps(steps) => governance::catch_up(shared, &peer, steps).await,
        News::Certificate(certificate) => {
            let wallet = certificate.record.wallet;
            if let Err(error) = certificates::certify(shared, *certificate, Source::Peer(peer)).await {
                let peer = shared.name(&peer);
                tracing::debug!(%peer, %wallet, %error, "a peer's certificate was not taken");
            }
        }
        News::Clock(theirs) => shared.clock.peer(peer, theirs),
        News::AskSpent => {
            shared.asked.wait(peer).await;
            ledger::answer(shared, &peer);
        }
        News::Spent { spent, last } => ledger::take(shared, peer, spent, last).await,
        News::Rejected(rejection) => calls::rejected(shared, rejection),
        News::Checkpoint(shown) => witness::shown(shared, &peer, shown).await,
        News::Cosigned(note) => witness::cosigned(shared, &peer, &note),
        News::WantCheckpoint { from, number } => witness::wanted(shared, &peer, from, number).await,
    }
}

/// One answer to a peer takes a walk through the vault: this long at least lies between two.
const PAUSE: Duration = Duration::from_secs(1);

/// When each peer's heads were answered last.
#[derive(Default)]
pub(crate) struct Pace(Mutex<BTreeMap<PublicKey, Instant>>);

impl Pace {
    /// Waits until the peer may be answered again. It holds up the channel of who asks too often, and nobody else.
    async fn wait(&self, peer: PublicKey) {
        while let Some(left) = self.left(peer) {
            tokio::time::sleep(left).await;
        }
    }

    /// How long it takes yet; none if it is now, and then it counts as answered.
    fn left(&self, peer: PublicKey) -> Option<Duration> {
        let mut answered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = answered.get(&peer).and_then(|at| PAUSE.checked_sub(at.elapsed()));
        if left.is_none() {
            answered.insert(peer, Instant::now());
        }
        left
    }
}

/// What a peer says that it has.
type Epochs = Vec<(WalletId, Option<Attempt>)>;

/// Most keys of one peer that are looked at.
const MAX_HEADS: usize = 4096;

/// Sends a peer what it lacks.
async fn answer(shared: &Shared, peer: &PublicKey, version: (u64, Hash), epochs: Epochs) {
    let chain = shared.genesis.chain();
    let (number, hash) = version;
    if number < chain.number() {
        let steps = chain.steps_after(number);
        shared.transport.news(peer, News::Steps(steps[..steps.len().min(MAX_STEPS)].to_vec()));
    } else if number > chain.number() {
        // It says where it stands when it moves on; it sends what is missing to who says that it is behind.
        tell_heads(shared, peer).await;
    } else if number == chain.number() && hash != chain.hash() {
        let peer = shared.name(peer);
        tracing::error!(%peer, number, ours = %chain.hash(), theirs = %hash, "ALARM: two governance versions with one number; the operators must compare what was approved");
    }
    let theirs: BTreeMap<WalletId, Option<Attempt>> = epochs.into_iter().take(MAX_HEADS).collect();
    for wallet in shared.vault.wallets().await.unwrap_or_default() {
        let Ok(Some((ours, bytes))) = shared.vault.certificate(&wallet).await else { continue };
        let theirs = theirs.get(&wallet);
        if theirs.is_some_and(|theirs| *theirs >= Some(ours)) {
            continue;
        }
        let Ok(certificate) = borsh::from_slice::<Certificate>(&bytes) else { continue };
        // Who never heard of the key and is no party of it has no use for it.
        if theirs.is_some() || certificate.record.index_of(peer).is_some() {
            shared.transport.news(peer, News::Certificate(Box::new(certificate)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_that_asks_again_waits_and_others_do_not() {
        let (pace, start) = (Pace::default(), Instant::now());
        pace.wait(PublicKey([1; 32])).await;
        assert!(pace.left(PublicKey([1; 32])).is_some());
        assert!(pace.left(PublicKey([2; 32])).is_none());
        pace.wait(PublicKey([1; 32])).await;
        assert!(start.elapsed() >= PAUSE);
    }
}

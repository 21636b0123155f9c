//! The stock is filled in the background, in batches, for the set that would be asked next (docs/spec §4.7): below the low
//! mark up to the high one. What fails here is made up for when it is needed.

use super::sets::{Choice, Moment, Tally};
use super::{Wallet, Work, material, pairs};
use crate::gateway::Gateway;
use crate::store::now;
use quorate_coordination::{KeySet, NodeRequest, NodeResponse};
use quorate_intent::PublicKey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest wait for as many parties as sign.
const WAIT: Duration = Duration::from_secs(30);
/// Longest wait for the others.
const WAIT_ALL: Duration = Duration::from_secs(3);
/// Pause between two looks at them.
const POLL: Duration = Duration::from_millis(100);
/// Most presignatures in one batch; pairs are free for others between two.
const BATCH: usize = 32;
/// First and longest pause after a batch that failed, while the sets change by what was learnt.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Rest of a wallet whose stock cannot be filled now.
const REST: Duration = Duration::from_secs(20);
/// Batches that may fail in a row before this gives up until it is asked again.
const TRIES: u32 = 6;

/// Fills a wallet's stock, for ECDSA with the pair states that it needs.
pub async fn run(gateway: &Arc<Gateway>, wallet: &Wallet) {
    let base = base(gateway, wallet);
    if base == 0 {
        return;
    }
    let Some(present) = present(gateway, wallet).await else { return };
    if !matches!(wallet.keys, KeySet::Ecdsa(_)) {
        return commitments(gateway, wallet, &present).await;
    }
    if let Err(problems) = pairs::ensure(gateway, &present).await {
        for (key, problem) in problems {
            let node = gateway.nodes.name(&key);
            tracing::warn!(%node, wallet = %wallet.certificate.record.wallet, %problem, "pair states are missing");
        }
        super::disputes::read_all(gateway, &present).await;
    }
    let mut pause = PAUSE.0;
    let mut failed = 0;
    while failed < TRIES {
        let Some((set, want)) = wanted(gateway, wallet) else { return };
        let id = wallet.certificate.record.wallet;
        match material::presign(gateway, wallet, &set, want.min(BATCH)).await {
            Ok(new) => {
                gateway.coordinator.stock.add_presignatures(id, &set, new);
                failed = 0;
            }
            Err(problems) => {
                failed += 1;
                let problems: Vec<_> =
                    problems.into_iter().map(|p| format!("party {}: {}", p.party, p.why)).collect();
                tracing::warn!(wallet = %id, ?set, problem = problems.join("; "), "the stock was not filled");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
    // While this sleeps, nobody else begins: a wallet whose stock cannot be filled costs little.
    sleep(REST).await;
}

/// Whether a wallet's stock is below its low mark, so that [`run`] has something to do.
pub fn needed(gateway: &Gateway, wallet: &Wallet) -> bool {
    let id = wallet.certificate.record.wallet;
    let base = base(gateway, wallet);
    let low = gateway.coordinator.stock.marks(id, base).low;
    match wallet.keys {
        KeySet::Ecdsa(_) => next_set(gateway, wallet)
            .is_some_and(|set| gateway.coordinator.stock.presignatures(id, &set) < low),
        _ => usable(gateway, wallet)
            .into_iter()
            .any(|party| gateway.coordinator.stock.commitments(id, party) < low),
    }
}

/// Asks for a refill of every wallet that needs one.
pub fn look(gateway: &Gateway) {
    for wallet in gateway.coordinator.all_wallets() {
        if needed(gateway, &wallet) {
            gateway.coordinator.enqueue(Work::Prepare(wallet.certificate.record.wallet));
        }
    }
}

/// What is kept ready at least.
pub fn base(gateway: &Gateway, wallet: &Wallet) -> usize {
    match wallet.keys {
        KeySet::Ecdsa(_) => gateway.signing.presignatures,
        _ => gateway.signing.commitments,
    }
}

/// The set to fill for, and how much up to its high mark; none when it is full to the low one, or nobody can be asked.
fn wanted(gateway: &Gateway, wallet: &Wallet) -> Option<(Vec<u16>, usize)> {
    let id = wallet.certificate.record.wallet;
    let set = next_set(gateway, wallet)?;
    let marks = gateway.coordinator.stock.marks(id, base(gateway, wallet));
    let have = gateway.coordinator.stock.presignatures(id, &set);
    (have < marks.high).then(|| (set, marks.high - have))
}

fn usable(gateway: &Gateway, wallet: &Wallet) -> BTreeSet<u16> {
    let there =
        |(_, key): &(u16, &PublicKey)| gateway.nodes.get(key).is_some_and(|node| node.usable().is_ok());
    (1u16..).zip(&wallet.certificate.record.parties).filter(there).map(|(party, _)| party).collect()
}

/// The set that would be asked next.
fn next_set(gateway: &Gateway, wallet: &Wallet) -> Option<Vec<u16>> {
    let reachable = usable(gateway, wallet);
    let choice = gateway.coordinator.disputes.with(|graph| {
        Tally::default().choose(&Moment {
            groups: &[],
            graph,
            epoch: wallet.epoch(),
            coordinator: gateway.identity.public(),
            reachable: &reachable,
            stocked: &[],
            now: now(),
        })
    });
    match choice {
        Choice::Set(set) => Some(set),
        _ => None,
    }
}

/// Waits for the wallet's parties; those that are there once there are enough.
async fn present(gateway: &Gateway, wallet: &Wallet) -> Option<Vec<PublicKey>> {
    let record = &wallet.certificate.record;
    let began = Instant::now();
    loop {
        let present: Vec<PublicKey> =
            usable(gateway, wallet).into_iter().filter_map(|party| record.party(party)).collect();
        let enough = present.len() >= wallet.keys.threshold() && began.elapsed() >= WAIT_ALL;
        if enough || present.len() == record.parties.len() {
            return Some(present);
        }
        if began.elapsed() >= WAIT {
            return None;
        }
        sleep(POLL).await;
    }
}

async fn commitments(gateway: &Arc<Gateway>, wallet: &Wallet, present: &[PublicKey]) {
    let (id, stock) = (wallet.certificate.record.wallet, &gateway.coordinator.stock);
    let marks = stock.marks(id, base(gateway, wallet));
    let call = |key: &PublicKey| {
        let have = stock.commitments(id, wallet.certificate.record.index_of(key)?);
        let count = u16::try_from(marks.high.saturating_sub(have)).unwrap_or(u16::MAX);
        (have < marks.low).then_some((*key, NodeRequest::Commitments { wallet: id, count }))
    };
    let calls = present.iter().filter_map(call).collect();
    let mut failed = false;
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.quick_timeout()).await {
        let party = wallet.certificate.record.index_of(&key).unwrap_or_default();
        match answer {
            Ok(NodeResponse::Commitments(new)) => material::keep(gateway, wallet, party, new),
            other => {
                failed = true;
                let problem = other.err().map_or_else(|| "an unfit answer".into(), |error| error.to_string());
                tracing::debug!(node = %gateway.nodes.name(&key), problem, "no commitments ahead");
            }
        }
    }
    if failed || present.iter().any(|key| call(key).is_some()) {
        sleep(REST).await;
    }
}

//! What becomes of faults: everything with the peer stops, the edge is durable, only then is it reported (docs/spec §4.2,
//! §5.2).

use crate::node::Shared;
use quorate_audit::{Body, Dispute};
use quorate_intent::{Hash, PublicKey};
use quorate_session::{Fault, Missing, SessionError, shorten};
use quorate_vault::{DisputeRecord, MAX_EVIDENCE, Severity};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// First and longest pause between two stored soft edges to one peer, in seconds.
const SOFT_PAUSE: (u64, u64) = (60, 3600);

/// When the next soft edge to a peer is worth a row: the pause doubles at each repeat, up to an hour (§5.2).
#[derive(Default)]
pub(crate) struct SoftEdges(Mutex<BTreeMap<PublicKey, (u64, u64)>>);

impl SoftEdges {
    fn due(&self, peer: &PublicKey, now: u64) -> bool {
        let mut edges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match edges.get(peer) {
            Some((next, _)) if now < *next => return false,
            // Fading: after a quiet hour it starts again.
            Some((next, pause)) if now <= next.saturating_add(SOFT_PAUSE.1) => (pause * 2).min(SOFT_PAUSE.1),
            _ => SOFT_PAUSE.0,
        };
        edges.insert(*peer, (now + pause, pause));
        true
    }
}

/// Stops everything with a peer: its pair is erased, live ceremonies with it end, presignatures made with it are dropped,
/// all under the pair's lock.
pub(crate) fn cut_off(shared: &Shared, peer: &PublicKey) {
    shared.pairs.cut(peer);
    shared.pairs.poison(peer, || drop_all(shared, peer));
}

/// The same, when the pair was poisoned by its caller, who holds its lock.
pub(crate) fn poisoned(shared: &Shared, peer: &PublicKey) {
    shared.pairs.cut(peer);
    drop_all(shared, peer);
}

fn drop_all(shared: &Shared, peer: &PublicKey) {
    for wallet in shared.wallets.all() {
        if let Some(index) = wallet.record().index_of(peer) {
            shared.stock.drop_with(wallet.record().wallet, index);
        }
    }
    shared.ceremonies.stop(Some(peer), "a fault of one of its parties was found in another run");
}

/// An edge that is to be recorded.
struct Edge {
    peer: PublicKey,
    severity: Severity,
    what: String,
    evidence: Vec<u8>,
}

/// What a failed ceremony says of others.
fn faults(error: &SessionError) -> Vec<Edge> {
    let edge = |fault: &Fault| Edge {
        peer: fault.party,
        severity: stored(fault.severity),
        what: fault.what.to_owned(),
        evidence: fault.evidence.clone(),
    };
    let late = |missing: &Missing| Edge {
        peer: missing.party,
        severity: Severity::SoftEdge,
        what: format!("its {} did not come in time", missing.what),
        evidence: Vec::new(),
    };
    match error {
        SessionError::Blame(faults) => faults.iter().map(edge).collect(),
        SessionError::OrderUsedUp(fault) => vec![edge(fault)],
        SessionError::Timeout(missing) => missing.iter().map(late).collect(),
        _ => Vec::new(),
    }
}

/// Records what a failed ceremony showed, durably, before anybody is told (§4.2).
pub(crate) async fn record_faults(shared: &Shared, error: &SessionError) {
    let edges = faults(error);
    for edge in edges.iter().filter(|edge| edge.severity != Severity::SoftEdge) {
        tokio::task::block_in_place(|| cut_off(shared, &edge.peer));
    }
    for edge in edges {
        if edge.severity != Severity::SoftEdge || shared.soft_edges.due(&edge.peer, shared.now()) {
            record(shared, edge).await;
        }
    }
}

async fn record(shared: &Shared, edge: Edge) {
    let Edge { peer, severity, what, evidence } = edge;
    let time = shared.now();
    let kept = shorten::fit(&evidence, MAX_EVIDENCE);
    let record = DisputeRecord { peer, severity, what: what.clone(), time, evidence: kept };
    if let Err(error) = shared.vault.dispute(record).await {
        tracing::error!(%error, "an edge of the dispute graph could not be stored");
        if severity != Severity::SoftEdge {
            // Without the row a renewal would be unlimited.
            shared.pairs.refuse(&peer);
            let peer = shared.name(&peer);
            tracing::error!(%peer, "ALARM: no pair with this peer until the node is restarted with a sound disk");
        }
    }
    // The log names the whole evidence, also where only its headers are kept.
    let evidence = Hash(shorten::whole(&evidence));
    shared.log(Body::Dispute(Dispute { peer, severity, what, evidence })).await;
}

/// The stored form of a severity.
fn stored(severity: quorate_protocols::Severity) -> Severity {
    match severity {
        quorate_protocols::Severity::SoftEdge => Severity::SoftEdge,
        quorate_protocols::Severity::HardEdge => Severity::HardEdge,
        quorate_protocols::Severity::Condemned => Severity::Condemned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_edges_double_their_pause() {
        let (edges, peer) = (SoftEdges::default(), PublicKey([1; 32]));
        let times = [
            (1000, true),
            (1059, false),
            (1060, true),
            (1179, false),
            (1180, true),
            (1419, false),
            (1420, true),
        ];
        for (now, due) in times {
            assert_eq!(edges.due(&peer, now), due, "{now}");
        }
        assert!(edges.due(&PublicKey([2; 32]), 1001), "each peer counts for itself");
        assert!(edges.due(&peer, 100_000) && !edges.due(&peer, 100_059) && edges.due(&peer, 100_060));
    }
}

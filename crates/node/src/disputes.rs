//! What becomes of faults: everything with the peer stops, the edge is durable, only then is it reported (docs/spec §4.2,
//! §5.2).

use crate::error::vault_error;
use crate::node::Shared;
use quorate_audit::{Body, Dispute};
use quorate_coordination::disputes::{Accusation, Report, Shown, SoftEdge};
use quorate_coordination::{NodeError, NodeResponse};
use quorate_intent::{Hash, PublicKey, keys};
use quorate_session::{Disagreement, Fault, Missing, SessionError, shorten};
use quorate_vault::{DisputeRecord, MAX_EVIDENCE, Severity};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Most reports in one answer, so that it fits into a frame.
const REPORTS: u32 = 32;

/// When the next soft edge to a peer is worth a row: not while one stands (§5.2).
#[derive(Default)]
pub(crate) struct SoftEdges(Mutex<BTreeMap<PublicKey, SoftEdge>>);

impl SoftEdges {
    fn due(&self, peer: &PublicKey, now: u64) -> bool {
        let mut edges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match SoftEdge::after(edges.get(peer).copied(), now) {
            Some(edge) => {
                edges.insert(*peer, edge);
                true
            }
            None => false,
        }
    }
}

/// What this node holds against others, signed, from number `from` on (§5.2).
pub(crate) async fn reports(shared: &Shared, from: u64) -> Result<NodeResponse, NodeError> {
    let rows = shared.vault.disputes(from, REPORTS).await.map_err(|error| vault_error(&error))?;
    #[cfg(feature = "fault-injection")]
    let rows = slander(shared, from, rows);
    let report = |(number, row): (u64, DisputeRecord)| {
        let accusation = Accusation {
            cluster: shared.genesis.hash(),
            reporter: shared.me,
            accused: row.peer,
            severity: row.severity,
            what: row.what,
            time: row.time,
            evidence: Hash([0; 32]),
        };
        let sign = |digest: &[u8; 32]| keys::sign(shared.vault.identity().expose(), digest);
        (number, Report::sign(accusation, &Shown::Session(row.evidence), sign))
    };
    Ok(NodeResponse::Disputes(rows.into_iter().map(report).collect()))
}

/// Accuses everybody of everything, in place of what is known.
#[cfg(feature = "fault-injection")]
fn slander(shared: &Shared, from: u64, rows: Vec<(u64, DisputeRecord)>) -> Vec<(u64, DisputeRecord)> {
    if crate::faults::fault("report", 0, crate::faults::What::Report).is_none() {
        return rows;
    }
    let current = shared.genesis.current();
    let others = current.parties.iter().map(|party| party.key).filter(|key| *key != shared.me);
    let each =
        others.flat_map(|peer| [Severity::Condemned, Severity::HardEdge].map(|severity| (peer, severity)));
    let row = |(at, (peer, severity)): (u64, (PublicKey, Severity))| {
        let (what, time, evidence) = ("slander".to_owned(), shared.now(), vec![7; 40]);
        (from + at, DisputeRecord { peer, severity, what, time, evidence })
    };
    (0u64..).zip(each).map(row).collect()
}

/// A peer's process is another one than before: what was made with the old one is worth nothing (§1.9).
pub(crate) fn restarted(shared: &Shared, peer: &PublicKey) {
    shared.pairs.poison(peer, || drop_stock(shared, peer));
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
    drop_stock(shared, peer);
    shared.ceremonies.stop(Some(peer), "a fault of one of its parties was found in another run");
}

fn drop_stock(shared: &Shared, peer: &PublicKey) {
    for wallet in shared.wallets.all() {
        if let Some(index) = wallet.record().index_of(peer) {
            shared.stock.drop_with(wallet.record().wallet, index);
        }
    }
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
    let differs = |disagreement: &Disagreement| Edge {
        peer: disagreement.party,
        severity: Severity::SoftEdge,
        what: format!("its idea of the session differs in {}", disagreement.terms.join(", ")),
        evidence: Vec::new(),
    };
    match error {
        SessionError::Blame(faults) => faults.iter().map(edge).collect(),
        // Differing pair states are everyday life after a restart, and answered by renewal (§4.1).
        SessionError::ConfigMismatch(all) => {
            all.iter().filter(|one| one.terms != ["pair state"]).map(differs).collect()
        }
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

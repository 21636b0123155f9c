//! Faults: what stops, what is stored, and how often a pair comes back.

use super::*;
use crate::calls::handle;
use crate::disputes::record_faults;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_protocols::Severity;
use quorate_session::{Fault, Missing, SessionError};
use quorate_vault::MAX_EVIDENCE;
use std::time::{Duration, Instant};

fn blame(party: PublicKey, evidence: Vec<u8>) -> SessionError {
    let (severity, what) = (Severity::HardEdge, "a check failed");
    SessionError::Blame(vec![Fault { party, severity, what, evidence }])
}

async fn set_up(
    cluster: &Cluster,
    ceremony: u8,
) -> [Result<NodeResponse, quorate_coordination::NodeError>; 2] {
    let call = |n: usize, peer: usize| {
        let peer = cluster.genesis.parties[peer].key;
        handle(cluster.shared(n), NodeRequest::SetupPair { ceremony: [ceremony; 32], peer })
    };
    let (a, b) = tokio::join!(call(0, 1), call(1, 0));
    [a, b]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hard_edge_of_any_size_stops_all_and_allows_one_renewal() {
    let cluster = Cluster::start().await;
    let (shared, peer) = (cluster.shared(0), cluster.genesis.parties[1].key);
    assert!(set_up(&cluster, 1).await.iter().all(Result::is_ok));
    assert!(shared.pairs.ids(&[peer])[0].is_some());
    // A live ceremony with the peer, which would wait for twenty seconds.
    let waiting = {
        let own = Arc::clone(shared);
        let call = NodeRequest::SetupPair { ceremony: [2; 32], peer };
        tokio::spawn(async move { handle(&own, call).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    // More evidence than fits into a row.
    record_faults(shared, &blame(peer, vec![7; MAX_EVIDENCE + 1])).await;
    assert!(waiting.await.unwrap().is_err());
    assert!(started.elapsed() < Duration::from_secs(5), "the live ceremony was not stopped");
    assert_eq!(shared.pairs.ids(&[peer]), [None]);
    let edges = shared.vault.disputes(1, 10).await.unwrap();
    assert_eq!((edges.len(), edges[0].1.peer), (1, peer));
    assert_eq!(edges[0].1.severity, quorate_vault::Severity::HardEdge);
    assert!(edges[0].1.evidence.len() <= MAX_EVIDENCE && !edges[0].1.evidence.is_empty());
    // Once a day.
    assert!(set_up(&cluster, 3).await.iter().all(Result::is_ok));
    assert!(shared.pairs.ids(&[peer])[0].is_some());
    let call = NodeRequest::SetupPair { ceremony: [4; 32], peer };
    let again = handle(shared, call).await.unwrap_err();
    assert!(again.message.contains("once a day"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_edge_that_cannot_be_stored_closes_the_pair() {
    let cluster = Cluster::start().await;
    let (shared, peer) = (cluster.shared(0), cluster.genesis.parties[1].key);
    assert!(set_up(&cluster, 1).await.iter().all(Result::is_ok));
    // As after a write that failed: this vault takes nothing any more.
    shared.vault.close().await.unwrap();
    record_faults(shared, &blame(peer, Vec::new())).await;
    assert_eq!(shared.pairs.ids(&[peer]), [None]);
    let call = NodeRequest::SetupPair { ceremony: [2; 32], peer };
    let refused = handle(shared, call).await.unwrap_err();
    assert!(refused.message.contains("could not be stored"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn silence_and_false_claims_are_recorded() {
    let cluster = Cluster::start().await;
    let (shared, peer) = (cluster.shared(0), cluster.genesis.parties[1].key);
    let late = SessionError::Timeout(vec![Missing { party: peer, what: "broadcast" }]);
    for _ in 0..3 {
        record_faults(shared, &late).await;
    }
    let SessionError::Blame(faults) = blame(peer, vec![1]) else { unreachable!() };
    record_faults(shared, &SessionError::OrderUsedUp(faults[0].clone())).await;
    let edges = shared.vault.disputes(1, 10).await.unwrap();
    let severities: Vec<_> = edges.iter().map(|(_, edge)| edge.severity).collect();
    // Silence counts once in a while, so that it cannot fill the disk.
    assert_eq!(severities, [quorate_vault::Severity::SoftEdge, quorate_vault::Severity::HardEdge]);
    assert!(edges[0].1.what.contains("broadcast"));
    // One pair set-up at a time.
    let other = cluster.genesis.parties[2].key;
    let _turn = shared.setting_up.take(other);
    let call = NodeRequest::SetupPair { ceremony: [2; 32], peer: other };
    assert!(handle(shared, call).await.unwrap_err().message.contains("under way"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn presignatures_go_with_their_pair() {
    let cluster = Cluster::start().await;
    let (shared, peer) = (cluster.shared(0), cluster.genesis.parties[1].key);
    let wallet = WalletId([1; 16]);
    let (order, approvals) = cluster.order_of(wallet, "w", Suite::Ecdsa);
    let generate = NodeRequest::Generate { ceremony: [1; 32], order, approvals };
    let [a, b, c] = [0, 1, 2].map(|n| handle(cluster.shared(n), generate.clone()));
    let (a, b, c) = tokio::join!(a, b, c);
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert!(set_up(&cluster, 2).await.iter().all(Result::is_ok));
    let presign =
        |ceremony: u8| NodeRequest::Presign { ceremony: [ceremony; 32], wallet, set: vec![1, 2], count: 2 };
    let (a, b) = tokio::join!(handle(shared, presign(3)), handle(cluster.shared(1), presign(3)));
    let (Ok(NodeResponse::Presigned(a)), Ok(NodeResponse::Presigned(b))) = (a, b) else { panic!() };
    assert_eq!((a.len(), &a, shared.stock.len()), (2, &b, 2));
    // A fault that some other run has found.
    record_faults(shared, &blame(peer, vec![1])).await;
    assert_eq!((shared.stock.len(), cluster.shared(1).stock.len()), (0, 2));
    let refused = handle(shared, presign(4)).await.unwrap_err();
    assert!(refused.message.contains("no pair state"), "{refused}");
}

//! Nodes as one another's witnesses: logs that grow, a log that was restored, and one that was set back.

use super::*;
use crate::calls::handle;
use crate::witness::report;
use quorate_audit::{Body as Entry, LogOf, Proven};
use quorate_coordination::{NodeRequest, NodeResponse};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let began = Instant::now();
    while !look().await {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until both others have cosigned all that a node has written.
async fn cosigned(node: &Node) {
    until("both witnesses cosign", async || {
        let size = node.shared.vault.head().await.size;
        let report = report(&node.shared).await.unwrap();
        report.cosigned.iter().filter(|(_, seen)| *seen >= size).count() == 2
    })
    .await;
}

async fn write(node: &Node, count: usize) {
    for _ in 0..count {
        node.shared.vault.append(Entry::Unlocked).await.unwrap();
    }
    node.shared.witness.wake();
}

/// Entries of a kind in a node's log.
async fn entries(node: &Node, is: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let log = node.shared.vault.log(0, 1000).await.unwrap();
    log.into_iter().map(|entry| entry.body).filter(|body| is(body)).collect()
}

/// A cluster whose first node was backed up, wrote on, was cosigned, and stopped; its address and the copy.
async fn scene() -> (Cluster, std::net::SocketAddr, tempfile::TempDir, PathBuf) {
    let mut cluster = Cluster::start().await;
    cosigned(&cluster.nodes[0]).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    cluster.shared(0).vault.backup(&copy).await.unwrap();
    write(&cluster.nodes[0], 5).await;
    cosigned(&cluster.nodes[0]).await;
    let node = cluster.nodes.remove(0);
    let address = node.address();
    node.stop().await;
    (cluster, address, folder, copy)
}

async fn start(vault: Vault, listen: std::net::SocketAddr) -> Node {
    Node::start(Config { vault, listen, local: None }).await.unwrap()
}

fn unlock() -> Unlock {
    Unlock::Key(Zeroizing::new([7; 32]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_is_proven_under_a_head_that_both_others_cosigned() {
    let cluster = Cluster::start().await;
    write(&cluster.nodes[1], 3).await;
    cosigned(&cluster.nodes[1]).await;
    let shared = cluster.shared(1);
    let NodeResponse::Proven(proven) = crate::log::prove(shared, 1).await.unwrap() else { panic!("proven") };
    let witnesses: Vec<PublicKey> = cluster.genesis.parties.iter().map(|party| party.key).collect();
    let log = LogOf { cluster: cluster.genesis.hash(), node: shared.me };
    let checked = proven.check(&log, &witnesses).unwrap();
    assert_eq!((checked.entry.sequence, checked.witnessed.len()), (1, 2));
    let other = LogOf { node: cluster.shared(0).me, ..log };
    assert!(proven.check(&other, &witnesses).is_err());
    let altered = Proven { checkpoint: proven.checkpoint.replacen('\n', "0\n", 1), ..*proven };
    assert!(altered.check(&log, &witnesses).is_err());
    // Nobody reads a log over the network.
    for request in [NodeRequest::Entries { from: 0, limit: 1 }, NodeRequest::Prove { sequence: 0 }] {
        assert!(handle(shared, request).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restored_node_goes_on_openly() {
    let (cluster, address, folder, copy) = scene().await;
    let vault = Vault::restore(&copy, &folder.path().join("home"), unlock()).await.unwrap();
    let node = start(vault, address).await;
    cosigned(&node).await;
    for witness in &cluster.nodes {
        let seen = entries(witness, |body| matches!(body, Entry::LogRestored { .. })).await;
        let [Entry::LogRestored { node: whose, lost }] = seen.as_slice() else { panic!("{seen:?}") };
        assert!(*whose == node.identity() && *lost >= 5, "{seen:?}");
        assert!(report(&witness.shared).await.unwrap().alarms.is_empty());
    }
}

/// A vault's folder as somebody makes it who copies a file back by hand.
async fn set_back(copy: &Path, home: &Path) -> Vault {
    std::fs::DirBuilder::new().mode(0o700).create(home).unwrap();
    std::fs::copy(copy, home.join("vault.db")).unwrap();
    Vault::open(home, unlock()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_was_set_back_is_evidence_at_every_witness() {
    let (cluster, address, folder, copy) = scene().await;
    let vault = set_back(&copy, &folder.path().join("home")).await;
    let node = start(vault, address).await;
    for witness in &cluster.nodes {
        until("an alarm", async || !report(&witness.shared).await.unwrap().alarms.is_empty()).await;
        let found = report(&witness.shared).await.unwrap().alarms;
        assert_eq!((found.len(), found[0].node), (1, node.identity()));
        assert_ne!(found[0].before, found[0].now);
        let forked = entries(witness, |body| matches!(body, Entry::LogForked { .. })).await;
        assert_eq!(forked.len(), 1, "{forked:?}");
    }
    // Whatever it writes on, nobody cosigns it.
    write(&node, 20).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(report(&node.shared).await.unwrap().cosigned.is_empty());
}

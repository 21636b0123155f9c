//! A node out of a backup: what was asked for before that is not signed there again.

use super::*;
use crate::calls::handle;
use quorate_coordination::rpc::{ErrorCode, SignCall};
use quorate_coordination::{NodeError, NodeRequest, SigningRequest};
use quorate_intent::intent::CLOCK_SKEW;

/// What a node says to a call for a transfer that was made then.
async fn asked(cluster: &Cluster, node: &Node, created: u64) -> NodeError {
    let transfer = Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: Network::Evm { chain_id: 1 },
        asset: Asset::Native,
        to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".into(),
        amount: Amount::from(1),
        max_fee: Amount::from(1),
        memo: String::new(),
    };
    let (intent, approvals) = cluster.approved(created, Body::Transfer(transfer));
    let request = SigningRequest {
        wallet: WalletId([1; 16]),
        record: Hash([0; 32]),
        intent: intent.intent.hash(),
        items: Vec::new(),
        policy: cluster.genesis.hash(),
        nonce: [0; 32],
        expires: created + 600,
        attempts: 1,
    };
    let call =
        SignCall { intent, approvals, plan: Vec::new(), request, parts: Vec::new(), recorded: Vec::new() };
    handle(&node.shared, NodeRequest::Sign(call)).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restored_node_signs_nothing_that_was_asked_for_before() {
    let cluster = Cluster::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (copy, home) = (folder.path().join("copy"), folder.path().join("home"));
    cluster.shared(0).vault.backup(&copy).await.unwrap();
    let vault = Vault::restore(&copy, &home, Unlock::Key(Zeroizing::new([7; 32]))).await.unwrap();
    let restored = vault.restored().await.unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let node = Node::start(Config { vault, listen, local: None }).await.unwrap();
    for created in [restored - 100, restored, restored + CLOCK_SKEW] {
        let error = asked(&cluster, &node, created).await;
        assert_eq!(error.code, ErrorCode::Refused, "{error}");
        assert!(error.message.contains("restored from a backup"), "{error}");
    }
    // What comes after is judged like anything else, and so is everything at a node that was never restored.
    for (node, created) in [(&node, restored + CLOCK_SKEW + 1), (&cluster.nodes[1], restored)] {
        let error = asked(&cluster, node, created).await;
        assert!(!error.message.contains("restored"), "{error}");
    }
}

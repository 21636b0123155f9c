//! A key is generated once, whatever is tried.

use super::*;
use crate::calls::handle;
use quorate_audit::{Attempt, Body as Entry};
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Certificate, NodeError, NodeRequest, NodeResponse, Proof, WalletRecord};
use quorate_session::statement_digest;
use quorate_vault::Share;

async fn generate(
    cluster: &Cluster,
    node: usize,
    ceremony: u8,
    (order, approvals): (SignedIntent, Vec<Approval>),
) -> Result<NodeResponse, NodeError> {
    let call = NodeRequest::Generate { ceremony: [ceremony; 32], order, approvals };
    handle(cluster.shared(node), call).await
}

async fn refusal(cluster: &Cluster, order: (SignedIntent, Vec<Approval>), code: ErrorCode, words: &str) {
    let error = generate(cluster, 0, 99, order).await.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_earlier_try_left_behind_is_kept() {
    let cluster = Cluster::start().await;
    let wallet = WalletId([1; 16]);
    let vault = &cluster.shared(0).vault;
    let (order, other) = (cluster.order(wallet, "one"), cluster.order(wallet, "two"));
    let hash = order.0.intent.hash();
    // A try in which this node has signed and nobody gave it the certificate.
    vault.accept_order(wallet, 1, 1, hash, None).await.unwrap();
    let attempt = Attempt { order_number: 1, attempt_try: 1, transcript: Hash([5; 32]) };
    let record = WalletRecord {
        wallet,
        suite: Suite::Ed25519,
        label: "one".into(),
        attempt,
        order: hash,
        parties: cluster.genesis.parties.iter().map(|party| party.key).collect(),
        public: Vec::new(),
    };
    let record = crate::mesh::encode(&record);
    let share = Share { attempt, secret: Zeroizing::new(vec![1; 32]), record, prepared: vec![2; 64] };
    vault.put_pending(wallet, share, None).await.unwrap();
    refusal(&cluster, order, ErrorCode::Ceremony, "keeps the share").await;
    refusal(&cluster, other, ErrorCode::Refused, "another order").await;
    assert_eq!(vault.pendings(&wallet).await.unwrap()[0].attempt, attempt);

    // An order of which the last try is spent says no hello: that would be evidence against this node.
    let spent = WalletId([2; 16]);
    let order = cluster.order(spent, "spent");
    vault.accept_order(spent, 1, u32::MAX, order.0.intent.hash(), None).await.unwrap();
    refusal(&cluster, order, ErrorCode::Refused, "used up").await;
    // Nor does a second order with the number of the first.
    refusal(&cluster, cluster.order(spent, "again"), ErrorCode::Refused, "another order").await;

    let busy = WalletId([3; 16]);
    let turn = cluster.shared(0).generating.take(busy);
    refusal(&cluster, cluster.order(busy, "busy"), ErrorCode::Busy, "being generated").await;
    drop(turn);
}

/// Signed by all three, as if the order had been run twice.
fn second(cluster: &Cluster, first: &Certificate) -> Certificate {
    let mut second = first.clone();
    second.record.attempt.transcript = Hash([6; 32]);
    let digest = statement_digest(CERTIFICATE_DOMAIN, &second.record.statement());
    let sign = |n| keys::sign(cluster.shared(n).vault.identity().expose(), &digest);
    second.proof = Proof::Generate { signatures: (0..3).map(sign).collect() };
    second
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_certificate_is_taken_and_no_other() {
    let cluster = Cluster::start().await;
    let wallet = WalletId([1; 16]);
    let order = cluster.order(wallet, "one");
    let all = [0, 1, 2].map(|n| generate(&cluster, n, 1, order.clone()));
    let [a, b, c] = all;
    let (a, b, c) = tokio::join!(a, b, c);
    let certificates = [a, b, c].map(|answer| match answer.unwrap() {
        NodeResponse::Generated(certificate) => *certificate,
        other => panic!("{other:?}"),
    });
    assert!(certificates.iter().all(|certificate| *certificate == certificates[0]));
    let shared = cluster.shared(0);
    let entries = async || {
        let log = shared.vault.log(0, 1000).await.unwrap();
        log.iter().filter(|entry| matches!(entry.body, Entry::Activated { .. })).count()
    };
    assert_eq!(entries().await, 1);
    refusal(&cluster, order, ErrorCode::Refused, "exists already").await;

    let certify =
        async |certificate: &Certificate| handle(shared, NodeRequest::Certify(certificate.clone())).await;
    certify(&certificates[0]).await.unwrap();
    let other = certify(&second(&cluster, &certificates[0])).await.unwrap_err();
    assert!(other.message.contains("another certificate"), "{other}");
    // A node that stopped between activating and opening: the vault has it, the memory has not.
    shared.wallets.forget(&wallet);
    let other = certify(&second(&cluster, &certificates[0])).await.unwrap_err();
    assert!(other.message.contains("another certificate"), "{other}");
    assert!(shared.wallets.get(&wallet).is_none());
    certify(&certificates[0]).await.unwrap();
    assert!(shared.wallets.get(&wallet).is_some());
    assert_eq!(entries().await, 2);
}

//! Taking certificates: to the end once begun, in time, and nothing of the old epoch meanwhile.

use super::*;
use crate::calls::{handle, make_commitments};
use crate::certificates::{Source, activate, certify};
use crate::wallets::Gone;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Certificate, NodeRequest, NodeResponse, Proof, Reshared, WalletRecord};
use quorate_vault::{Attempt, Share};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

const WALLET: WalletId = WalletId([1; 16]);

impl Cluster {
    /// Lets the first `nodes` run an order.
    async fn run(&self, nodes: usize, call: impl Fn() -> NodeRequest) -> Certificate {
        let calls: Vec<_> = (0..nodes)
            .map(|n| {
                let (shared, call) = (Arc::clone(self.shared(n)), call());
                tokio::spawn(async move { handle(&shared, call).await })
            })
            .collect();
        let mut made = None;
        for answer in calls {
            made = Some(match answer.await.unwrap().unwrap() {
                NodeResponse::Generated(certificate) | NodeResponse::Reshared(certificate) => *certificate,
                other => panic!("{other:?}"),
            });
        }
        made.unwrap()
    }

    /// A key of the first `nodes`.
    pub(super) async fn generated(&self, wallet: WalletId, nodes: usize) -> Certificate {
        let kind = OrderKind::Generate {
            suite: Suite::Ed25519,
            threshold: 2,
            parties: self.genesis.parties[..nodes].iter().map(|party| party.key).collect(),
            label: "one".into(),
        };
        let order = Order { wallet, number: 1, kind };
        let (order, approvals) = &self.approved(self.shared(0).now(), Body::Order(order));
        let call = || NodeRequest::Generate {
            ceremony: wallet.0.repeat(2).try_into().unwrap(),
            order: order.clone(),
            approvals: approvals.clone(),
        };
        self.run(nodes, call).await
    }

    /// An intent that an administrator approved.
    pub fn approved(&self, created: u64, body: Body) -> (SignedIntent, Vec<Approval>) {
        let (mut intent, _) = self.order(WALLET, "one");
        intent.intent.created = created;
        intent.intent.expires = created + 600;
        intent.intent.body = body;
        let approval = Approval::new(intent.intent.hash(), Verdict::Approve, &key(ADMIN));
        (intent.intent.sign(&key(CLIENT)), vec![approval])
    }

    /// The end of a key.
    fn destroy(&self, of: &Certificate, created: u64) -> Certificate {
        let (wallet, kind) = (of.record.wallet, OrderKind::Destroy { base: of.record.hash() });
        let (order, approvals) = self.approved(created, Body::Order(Order { wallet, number: 9, kind }));
        Certificate { record: of.record.clone(), order, approvals, proof: Proof::Destroy }
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_begun_is_taken_to_its_end() {
    let cluster = Cluster::start().await;
    let generated = cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let end = cluster.destroy(&generated, shared.now());
    let peer = Source::Peer(cluster.shared(1).me);
    let ended = |n: usize| cluster.shared(n).wallets.gone(&WALLET) == Some(Gone::Destroyed(end.rank()));
    let start = Instant::now();
    while !ended(0) {
        assert!(start.elapsed() < Duration::from_secs(10), "a dropped channel ended the taking");
        {
            // The peer's channel is replaced as soon as the certificate has come in. While this node still takes another, it
            // has not begun with this one: then the peer comes again.
            let mut taking = pin!(certify(shared, end.clone(), peer));
            poll_fn(|cx| Poll::Ready(taking.as_mut().poll(cx).is_ready())).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // It was spread as well, to all but its bringer.
    until("it was not spread", || ended(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_vault_alone_has_is_opened_when_it_comes_again() {
    let cluster = Cluster::start().await;
    let generated = cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let end = cluster.destroy(&generated, shared.now());
    shared.vault.activate(WALLET, end.rank(), crate::mesh::encode(&end)).await.unwrap();
    assert!(shared.wallets.get(&WALLET).is_some());
    certify(shared, end.clone(), Source::Gateway).await.unwrap();
    assert!(shared.wallets.get(&WALLET).is_none());
    assert_eq!(shared.wallets.gone(&WALLET), Some(Gone::Destroyed(end.rank())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_old_epoch_is_shut_before_the_vault_has_the_new_one() {
    let cluster = Cluster::start().await;
    let generated = cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let wallet = shared.wallets.get(&WALLET).unwrap();
    let stocked = || make_commitments(shared, &wallet, 2).unwrap();
    stocked();
    // The vault refuses, or ignores it, and says that the old epoch stands: it is open again, with an empty stock.
    for (number, refused) in [(1, true), (0, false)] {
        let mut lower = generated.clone();
        (lower.record.attempt.order_number, lower.record.attempt.transcript) = (number, Hash([6; 32]));
        assert_eq!(activate(shared, &lower).await.is_err(), refused);
        assert!(shared.wallets.is_current(&wallet));
        assert_eq!(shared.stock.len(), 0);
        stocked();
    }
    // Nobody can say what a vault that failed has: nothing is signed by the old epoch.
    shared.vault.close().await.unwrap();
    let end = cluster.destroy(&generated, shared.now());
    activate(shared, &end).await.unwrap_err();
    assert_eq!(shared.wallets.gone(&WALLET), Some(Gone::Changing(end.rank())));
    assert!(shared.wallets.get(&WALLET).is_none());
    assert_eq!(shared.stock.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_destroy_whose_time_is_over_is_nobodys_to_carry_out() {
    let cluster = Cluster::start().await;
    let generated = cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let late = cluster.destroy(&generated, shared.now() - 10_000);
    for source in [Source::Gateway, Source::Peer(cluster.shared(1).me)] {
        let error = certify(shared, late.clone(), source).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NotAuthorised, "{error}");
        assert!(error.message.contains("order it anew"), "{error}");
        assert!(shared.wallets.get(&WALLET).is_some());
        assert_eq!(shared.vault.certificate(&WALLET).await.unwrap().unwrap().0, generated.rank());
    }
    certify(shared, cluster.destroy(&generated, shared.now()), Source::Peer(cluster.shared(1).me))
        .await
        .unwrap();
    assert!(shared.wallets.get(&WALLET).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commitments_of_an_epoch_that_is_over_are_not_kept() {
    let cluster = Cluster::start().await;
    cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let wallet = shared.wallets.get(&WALLET).unwrap();
    shared.wallets.forget(&WALLET);
    let error = make_commitments(shared, &wallet, 2).unwrap_err();
    assert_eq!((error.code, shared.stock.len()), (ErrorCode::NoStock, 0));
}

/// An approved order is no epoch: without everybody's `prepared` nothing is activated, and above all nothing erased (§2.3).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_certificate_that_nobody_signed_erases_nothing() {
    let cluster = Cluster::start().await;
    let generated = cluster.generated(WALLET, 3).await;
    let shared = cluster.shared(0);
    let kind = OrderKind::Reshare {
        base: generated.record.hash(),
        recipients: generated.record.parties.clone(),
        threshold: 2,
        purpose: Purpose::Refresh,
        schedule: None,
    };
    let order = Order { wallet: WALLET, number: 2, kind };
    let (order, approvals) = cluster.approved(shared.now(), Body::Order(order));
    let attempt = Attempt { order_number: 2, attempt_try: 1, transcript: Hash([6; 32]) };
    let record = WalletRecord { attempt, order: order.intent.hash(), ..generated.record.clone() };
    let nobody = quorate_intent::Signature([0; 64]);
    let reshared = Reshared {
        base: generated.record.clone(),
        dealers: vec![(1, nobody), (2, nobody)],
        prepared: vec![nobody; 3],
    };
    let forged = Certificate { record, order, approvals, proof: Proof::Reshare(Box::new(reshared)) };
    for source in [Source::Gateway, Source::Peer(cluster.shared(1).me)] {
        let error = certify(shared, forged.clone(), source).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NotAuthorised, "{error}");
        assert!(error.message.contains("lacks the valid signature"), "{error}");
        assert!(shared.wallets.get(&WALLET).is_some());
        let active = shared.vault.active(&WALLET).await.unwrap().unwrap();
        assert_eq!(active.attempt, generated.rank());
    }
}

/// A share that waits for a certificate, made by hand.
async fn pending(vault: &Vault, base: &Certificate, record: &WalletRecord) {
    let (wallet, order) = (base.record.wallet, Hash([5; 32]));
    let attempt = Attempt { order_number: 2, attempt_try: 1, transcript: Hash([6; 32]) };
    let record = crate::mesh::encode(&WalletRecord { wallet, attempt, order, ..record.clone() });
    vault.accept_order(wallet, 2, 1, order, Some(base.rank())).await.unwrap();
    let share = Share { attempt, secret: Zeroizing::new(vec![1; 32]), record, prepared: vec![2; 64] };
    vault.put_pending(wallet, share, Some(base.rank())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_only_waits_is_told_that_it_is_out() {
    let cluster = Cluster::start().await;
    let (first, left) = (cluster.shared(0), cluster.shared(2));
    let generated = cluster.generated(WALLET, 2).await;
    pending(&left.vault, &generated, &generated.record).await;
    assert_eq!(left.vault.heads().await.unwrap(), [(WALLET, None)]);
    let kind = OrderKind::Reshare {
        base: generated.record.hash(),
        recipients: generated.record.parties.clone(),
        threshold: 2,
        purpose: Purpose::Refresh,
        schedule: None,
    };
    let order = Order { wallet: WALLET, number: 3, kind };
    let (order, approvals) = &cluster.approved(first.now(), Body::Order(order));
    let call = || NodeRequest::Reshare {
        ceremony: [3; 32],
        order: order.clone(),
        approvals: approvals.clone(),
        base: generated.clone(),
        dealers: vec![1, 2],
    };
    let refreshed = cluster.run(2, call).await;
    until("no channel", || left.transport.connected().contains(&first.me)).await;
    crate::news::tell_heads(left, &first.me).await;
    until("nobody told it", || left.wallets.gone(&WALLET) == Some(Gone::Left(refreshed.rank()))).await;
    assert!(left.vault.pendings(&WALLET).await.unwrap().is_empty());

    // A share of another key under the id is not erased.
    let other = cluster.generated(WalletId([2; 16]), 2).await;
    pending(&left.vault, &other, &generated.record).await;
    let end = cluster.destroy(&other, left.now());
    let error = certify(left, end, Source::Peer(first.me)).await.unwrap_err();
    assert!(error.message.contains("another key"), "{error}");
    assert_eq!(left.vault.pendings(&other.record.wallet).await.unwrap().len(), 1);
}

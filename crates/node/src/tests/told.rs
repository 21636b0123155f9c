//! What comes into the log beside decisions to sign.

use super::*;
use crate::calls::handle;
use crate::news::clock_jumped;
use quorate_audit::Body as Entry;
use quorate_chains::{Plan, solana};
use quorate_coordination::rpc::Consideration;
use quorate_coordination::{NodeRequest, NodeResponse};
use std::time::{Duration, Instant};

async fn entries(cluster: &Cluster, node: usize) -> Vec<Entry> {
    let log = cluster.shared(node).vault.log(0, 1000).await.unwrap();
    log.into_iter().map(|entry| entry.body).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_accepted_is_logged_once_with_its_rule() {
    let cluster = Cluster::start().await;
    let wallet = WalletId([3; 16]);
    cluster.generated(wallet, 3).await;
    let (mut intent, _) = cluster.order(wallet, "unused");
    intent.intent.body = Body::Transfer(Transfer {
        wallet,
        account: 0,
        network: Network::Solana { network: SolanaNetwork::Devnet },
        asset: Asset::Native,
        to: "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri".into(),
        amount: Amount::from(250_000_000),
        max_fee: Amount::from(5_000),
        memo: String::new(),
    });
    let plan = Plan::Solana(solana::Plan { recent_blockhash: [7; 32] }).encode();
    let signed = intent.intent.sign(&key(CLIENT));
    let hash = signed.intent.hash();
    let consider = |approvals: Vec<Approval>| {
        let asked = Consideration { intent: signed.clone(), approvals, plan: plan.clone() };
        handle(cluster.shared(0), NodeRequest::Consider(Box::new(asked)))
    };
    assert!(consider(Vec::new()).await.is_err(), "without approvals");
    for _ in 0..2 {
        let approval = Approval::new(hash, Verdict::Approve, &key(11));
        let answer = consider(vec![approval]).await;
        assert!(matches!(answer, Ok(NodeResponse::Considered(None))), "{answer:?}");
    }
    let accepted = |entries: Vec<Entry>| {
        let of = entries.into_iter().filter_map(|entry| match entry {
            Entry::Accepted { intent, rule } => Some((intent, rule)),
            _ => None,
        });
        of.collect::<Vec<_>>()
    };
    let began = Instant::now();
    while accepted(entries(&cluster, 0).await).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not in the log");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(accepted(entries(&cluster, 0).await), [(hash, "genesis/approvers".to_owned())]);
    assert!(accepted(entries(&cluster, 1).await).is_empty(), "who was not asked accepted nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_the_clock_is_logged_with_its_seconds() {
    let cluster = Cluster::start().await;
    clock_jumped(cluster.shared(2), -3600).await;
    let found = entries(&cluster, 2).await;
    assert!(found.contains(&Entry::ClockJumped { seconds: -3600 }), "{found:?}");
}

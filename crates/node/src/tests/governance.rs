//! Changes of governance: taken from the gateway in time, handed from node to node, durable.

use super::*;
use crate::calls;
use quorate_coordination::NodeRequest;
use quorate_coordination::rpc::ErrorCode;
use quorate_intent::{Change, Step};
use std::time::{Duration, Instant};

impl Cluster {
    /// A machine that joins, by a step of the version in force at the first node.
    fn step(&self, name: &str, seed: u8, created: u64, by: &[u8]) -> Step {
        let party = Party { name: name.into(), key: public(&key(seed)), address: "127.0.0.1:9".into() };
        let intent = Intent {
            version: quorate_intent::intent::VERSION,
            governance: self.shared(0).genesis.hash(),
            nonce: [seed; 16],
            initiator: public(&key(CLIENT)),
            created,
            expires: created + 600,
            body: Body::Governance(Change::Join { party }),
        };
        let approve = |seed: &u8| Approval::new(intent.hash(), Verdict::Approve, &key(*seed));
        let approvals = by.iter().map(approve).collect();
        Step { intent: intent.sign(&key(CLIENT)), approvals }
    }

    async fn govern(&self, n: usize, step: Step) -> Result<(), ErrorCode> {
        let answer = calls::handle(self.shared(n), NodeRequest::Govern(vec![step])).await;
        answer.map(|_| ()).map_err(|error| error.code)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_spreads_from_node_to_node_and_stays() {
    let cluster = Cluster::start().await;
    let now = cluster.shared(0).now();
    for (what, step) in [
        ("without approval", cluster.step("dan", 40, now, &[])),
        ("approved by an approver of transfers", cluster.step("dan", 40, now, &[11])),
        ("expired", cluster.step("dan", 40, now - 10_000, &[ADMIN])),
    ] {
        assert_eq!(cluster.govern(0, step).await, Err(ErrorCode::NotAuthorised), "{what}");
    }
    let other = cluster.step("eve", 41, now, &[ADMIN]);
    let step = cluster.step("dan", 40, now, &[ADMIN]);
    cluster.govern(0, step.clone()).await.unwrap();
    cluster.govern(0, step).await.unwrap();
    let hash = cluster.shared(0).genesis.hash();
    assert_ne!(hash, cluster.genesis.hash());
    let began = Instant::now();
    for n in 1..3 {
        while cluster.shared(n).genesis.hash() != hash {
            assert!(began.elapsed() < Duration::from_secs(20), "node {n} is behind");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for n in 0..3 {
        // What follows from the version before has come too late.
        assert_eq!(cluster.govern(n, other.clone()).await, Err(ErrorCode::NotAuthorised));
        assert_eq!(cluster.shared(n).vault.governance().await.unwrap().number(), 1);
        assert_eq!(cluster.shared(n).name(&public(&key(40))), "dan");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_not_made_for_the_gateway() {
    let cluster = Cluster::start().await;
    let answer = calls::handle(cluster.shared(0), NodeRequest::Backup).await;
    assert_eq!(answer.unwrap_err().code, ErrorCode::BadRequest);
}

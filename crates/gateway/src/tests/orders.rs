//! Orders, with nodes that a test plays.

use super::nodes::{Play, listeners, play, status};
use super::support::*;
use crate::{Identity, Limits};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeRequest, NodeResponse, Proof};
use quorate_intent::{Genesis, SignedIntent, Suite, Verdict};
use serde_json::json;
use std::sync::Arc;

/// A gateway, its nodes played, and an approved order.
async fn approved(
    make: impl FnOnce(&Genesis, &SignedIntent) -> Play,
) -> (tempfile::TempDir, Bench, SignedIntent, super::nodes::Log) {
    let (sockets, addresses) = listeners().await;
    let genesis = genesis_at(addresses);
    let order = order(&genesis, WALLET, Suite::Ecdsa);
    let log = play(sockets, Identity::from_seed(&[9; 32]).public(), make(&genesis, &order));
    let folder = tempfile::tempdir().unwrap();
    let bench = start_with(folder.path(), genesis, Limits::default()).await;
    bench.post(CLIENT, "/v1/intents", &new_intent(&order)).await;
    // The coordinator may already have begun when the answer is made.
    let state = bench.approve(&order, Verdict::Approve, ADMIN).await.json["state"].clone();
    assert!(state == "approved" || state == "signing", "{state}");
    (folder, bench, order, log)
}

fn answers(
    genesis: &Genesis,
    generate: impl Fn(usize) -> super::nodes::Answer + Send + Sync + 'static,
) -> Play {
    let genesis = genesis.clone();
    Arc::new(move |at, request| {
        Some(match request {
            NodeRequest::Status => Ok(NodeResponse::Status(status(&genesis, at, vec![]))),
            NodeRequest::Generate { .. } => generate(at),
            NodeRequest::Certify(_) => Ok(NodeResponse::Done),
            _ => Err(NodeError::new(ErrorCode::Internal, "not played")),
        })
    })
}

#[tokio::test]
async fn one_good_certificate_makes_the_wallet() {
    let (_folder, bench, order, log) = approved(|genesis, order| {
        let certificate = certificate(order);
        answers(genesis, move |at| match at {
            // One node's answer is lost; the certificate of another proves the key all the same.
            0 => Err(NodeError::new(ErrorCode::Ceremony, "timed out")),
            _ => Ok(NodeResponse::Generated(Box::new(certificate.clone()))),
        })
    })
    .await;
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "completed", "{}", end.json["reason"]);
    assert_eq!(bench.get(&format!("/v1/wallets/{WALLET}")).await.json["label"], "treasury");
    let log = log.lock().unwrap();
    let ceremonies: Vec<_> = log
        .iter()
        .filter_map(|(_, request)| match request {
            NodeRequest::Generate { ceremony, .. } => Some(*ceremony),
            _ => None,
        })
        .collect();
    assert_eq!(ceremonies, [ceremonies[0]; 3]);
    for at in 0..3 {
        assert!(log.iter().any(|(node, request)| *node == at && matches!(request, NodeRequest::Certify(_))));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_makes_none() {
    let (_folder, bench, order, _) = approved(|genesis, order| {
        let mut forged = certificate(order);
        let Proof::Generate { signatures } = &mut forged.proof else { panic!() };
        signatures[2] = signatures[1];
        answers(genesis, move |_| Ok(NodeResponse::Generated(Box::new(forged.clone()))))
    })
    .await;
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "failed");
    assert!(
        end.json["reason"].as_str().unwrap().contains("lacks the valid signature of"),
        "{}",
        end.json["reason"]
    );
    assert_eq!(bench.get(&format!("/v1/wallets/{WALLET}")).await.problem(), (404, "unknown_wallet"));
}

#[tokio::test]
async fn a_node_that_refuses_blocks_and_is_named() {
    let (_folder, bench, order, _) = approved(|genesis, _| {
        answers(genesis, |at| {
            let code = if at == 1 { ErrorCode::NotAuthorised } else { ErrorCode::Ceremony };
            Err(NodeError::new(code, "genesis/administrators: not for me"))
        })
    })
    .await;
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "blocked");
    assert_eq!(end.json["reason"], json!("bob: genesis/administrators: not for me"));
    assert_eq!(end.json["deciding_rule"], json!("node bob: NotAuthorised"));
}

#[tokio::test]
async fn a_node_with_another_genesis_is_not_asked() {
    let (_folder, bench, order, log) = approved(|genesis, _| {
        let genesis = genesis.clone();
        Arc::new(move |at, request| {
            let mut status = status(&genesis, at, vec![]);
            if at == 2 {
                status.genesis = super::nodes::OTHER;
            }
            Some(match request {
                NodeRequest::Status => Ok(NodeResponse::Status(status)),
                _ => Err(NodeError::new(ErrorCode::Internal, "not played")),
            })
        })
    })
    .await;
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "failed");
    assert!(
        end.json["reason"].as_str().unwrap().contains("cyd (it has another genesis"),
        "{}",
        end.json["reason"]
    );
    assert!(log.lock().unwrap().is_empty(), "a ceremony was begun");
    let cluster = bench.get("/v1/cluster").await.json;
    assert_eq!(
        (&cluster["nodes"][2]["genesis_matches"], &cluster["nodes"][1]["reachable"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn a_node_of_another_minor_version_is_not_asked() {
    let (_folder, bench, order, log) = approved(|genesis, _| {
        let genesis = genesis.clone();
        Arc::new(move |at, request| {
            let mut status = status(&genesis, at, vec![]);
            if at == 2 {
                status.version = "0.99.0".to_owned();
            }
            Some(match request {
                NodeRequest::Status => Ok(NodeResponse::Status(status)),
                _ => Err(NodeError::new(ErrorCode::Internal, "not played")),
            })
        })
    })
    .await;
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "failed");
    let reason = end.json["reason"].as_str().unwrap();
    assert!(reason.contains("cyd (it runs version 0.99.0, this gateway"), "{reason}");
    assert!(log.lock().unwrap().is_empty(), "a ceremony was begun");
    let cluster = bench.get("/v1/cluster").await.json;
    assert_eq!(cluster["nodes"][2]["version"], json!("0.99.0"));
    assert!(cluster["nodes"][2]["problem"].as_str().unwrap().contains("bring both"));
}

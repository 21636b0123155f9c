//! Deposit addresses: given out with the words of t nodes alone, never twice, from a stock that is made ahead.

use super::nodes::{Answer as NodeAnswer, Play, listeners, play, status};
use super::support::*;
use crate::{Identity, Limits};
use quorate_chains::{DEPOSIT_ACCOUNTS, DEPOSIT_INDICES};
use quorate_coordination::api::DepositAddress;
use quorate_coordination::attest::{Claim, Place};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{AddressFile, NodeError, NodeRequest, NodeResponse, check_attested};
use quorate_intent::{Genesis, PublicKey, Suite, WalletId, keys::public, keys::sign};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

fn target() -> String {
    format!("/v1/wallets/{WALLET}/deposit-addresses")
}

/// What an honest node says.
fn words(genesis: &Genesis, at: usize, wallet: &WalletId, places: &[Place]) -> NodeAnswer {
    let identity = key(party_seeds()[at]);
    let cluster = genesis.hash();
    let word = |place: &Place| {
        let address = quorate_chains::address(&keys().wallet_key(), &place.network, &place.path).unwrap();
        let claim = Claim { cluster: &cluster, wallet, place, address: &address };
        let signature = sign(&identity, &claim.digest(&public(&identity)));
        (address, signature)
    };
    Ok(NodeResponse::Attested(places.iter().map(word).collect()))
}

/// A cluster of which node `at` answers to `Attest` as `attest` says; none stands for the honest answer.
pub async fn cluster(
    folder: &std::path::Path,
    attest: fn(usize) -> Option<NodeAnswer>,
) -> (Bench, Genesis, super::nodes::Log) {
    let (listeners, addresses) = listeners().await;
    let genesis = genesis_at(addresses);
    with_wallet(folder, &genesis).await;
    let record = certificate(&order(&genesis, WALLET, Suite::Ecdsa)).record;
    let told = genesis.clone();
    let answer: Play = Arc::new(move |at, request| match request {
        NodeRequest::Status => Some(Ok(NodeResponse::Status(status(&told, at, vec![record.clone()])))),
        NodeRequest::Attest { wallet, places } => {
            Some(attest(at).unwrap_or_else(|| words(&told, at, wallet, places)))
        }
        _ => Some(Err(NodeError::new(ErrorCode::Busy, "not now"))),
    });
    let log = play(listeners, Identity::from_seed(&[9; 32]).public(), answer);
    let hosts = |config: &mut crate::Config| config.webhook_private_hosts = vec!["127.0.0.1".into()];
    let bench = start_as(folder, genesis.clone(), Limits::default(), hosts).await;
    for _ in 0..200 {
        if bench.running.shared().nodes.all().iter().all(|node| node.usable().is_ok()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (bench, genesis, log)
}

fn check(genesis: &Genesis, shown: &serde_json::Value) -> Vec<PublicKey> {
    let address: DepositAddress = serde_json::from_value(shown.clone()).unwrap();
    let record = certificate(&order(genesis, WALLET, Suite::Ecdsa)).record;
    check_attested(&genesis.hash(), &record, &keys(), &address).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_attested_distinct_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, genesis, _) = cluster(folder.path(), |_| None).await;
    let mut seen = BTreeSet::new();
    for (network, path) in [
        (json!({"chain": "evm", "chain_id": 1}), [DEPOSIT_ACCOUNTS, 0, 0]),
        (json!({"chain": "evm", "chain_id": 1}), [DEPOSIT_ACCOUNTS + 1, 0, 0]),
        (json!({"chain": "bitcoin", "network": "regtest"}), [0, 0, DEPOSIT_INDICES]),
    ] {
        let body = json!({ "network": network, "label": "shop", "customer": "cus 1" });
        let answer = bench.post(CLIENT, &target(), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        assert_eq!(answer.json["path"], json!(path));
        assert!(check(&genesis, &answer.json).len() >= 2);
        assert!(seen.insert(answer.json["address"].as_str().unwrap().to_owned()));
        let id = answer.json["id"].as_str().unwrap();
        assert_eq!(bench.get(&format!("/v1/deposit-addresses/{id}")).await.json, answer.json);
        let proof = bench.get(&format!("/v1/deposit-addresses/{id}/proof")).await;
        let file: AddressFile = serde_json::from_value(proof.json).unwrap();
        assert!(file.check(&genesis, quorate_session::statement_digest).unwrap().len() >= 2);
    }
    // Another EVM chain goes on counting: an address there is nobody else's elsewhere.
    let body = json!({ "network": { "chain": "evm", "chain_id": 10 } });
    let other = bench.post(CLIENT, &target(), &body).await;
    assert!(seen.insert(other.json["address"].as_str().unwrap().to_owned()));
    let list = bench.get("/v1/deposit-addresses?customer=cus%201&limit=2").await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 2);
    let next = list.json["next_cursor"].as_str().unwrap();
    let rest = bench.get(&format!("/v1/deposit-addresses?customer=cus%201&cursor={next}")).await;
    assert_eq!(rest.json["items"].as_array().unwrap().len(), 1);
    let address = other.json["address"].as_str().unwrap();
    let found = bench.get(&format!("/v1/deposit-addresses?address={address}")).await;
    assert_eq!(found.json["items"][0], other.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_distinct_addresses_from_few_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, genesis, log) = cluster(folder.path(), |_| None).await;
    let bench = Arc::new(bench);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move {
            let body = json!({ "network": { "chain": "evm", "chain_id": 1 } });
            let answer = bench.post(CLIENT, &target(), &body).await;
            assert_eq!(answer.status, 201, "{}", answer.json);
            answer.json
        });
    }
    let all = tasks.join_all().await;
    let distinct: BTreeSet<_> = all.iter().map(|shown| shown["address"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), 300);
    assert!(check(&genesis, &all[299]).len() >= 2);
    let calls = log.lock().unwrap().len();
    assert!(calls <= 60, "{calls} calls for 300 addresses");
}

fn refuses(at: usize) -> Option<NodeAnswer> {
    (at > 0).then(|| Err(NodeError::new(ErrorCode::Busy, "not now")))
}

/// Node 0 signs nothing of what it is asked for; the others are honest.
fn one_lies(at: usize) -> Option<NodeAnswer> {
    let evil = ("0x00000000219ab540356cBB839Cbe05303d7705Fa".to_owned(), quorate_intent::Signature([1; 64]));
    (at == 0).then(|| Ok(NodeResponse::Attested(vec![evil])))
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_than_t_words_give_no_address_and_a_lie_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), refuses).await;
    let body = json!({ "network": { "chain": "evm", "chain_id": 1 } });
    let answer = bench.post(CLIENT, &target(), &body).await;
    assert_eq!(answer.problem(), (503, "not_attested"));
    assert_eq!(bench.get("/v1/deposit-addresses").await.json["items"], json!([]));
    let folder = tempfile::tempdir().unwrap();
    let (bench, genesis, _) = cluster(folder.path(), one_lies).await;
    let answer = bench.post(CLIENT, &target(), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    let liar = public(&key(party_seeds()[0]));
    assert!(!check(&genesis, &answer.json).contains(&liar));
    assert_eq!(answer.json["attestations"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_given_out_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let evm = json!({ "chain": "evm", "chain_id": 1 });
    for (body, status, code) in [
        (json!({ "network": evm, "account": 1 }), 422, "invalid_field"),
        (json!({ "network": evm, "label": "x".repeat(201) }), 422, "invalid_field"),
        (json!({ "network": evm, "customer": "a\nb" }), 422, "invalid_field"),
        (json!({ "network": { "chain": "solana", "network": "devnet" } }), 422, "invalid_transaction"),
        (json!({ "network": evm, "more": 1 }), 422, "invalid_body"),
    ] {
        let answer = bench.post(CLIENT, &target(), &body).await;
        assert_eq!(answer.problem(), (status, code), "{body}");
    }
    let nobody = format!("/v1/wallets/{}/deposit-addresses", WalletId([1; 16]));
    assert_eq!(
        bench.post(CLIENT, &nobody, &json!({ "network": evm })).await.problem(),
        (404, "unknown_wallet")
    );
    assert_eq!(bench.post(11, &target(), &json!({ "network": evm })).await.problem(), (403, "not_a_client"));
    assert_eq!(bench.get("/v1/deposit-addresses/adr_1").await.problem(), (400, "invalid_id"));
    let unknown = bench.get("/v1/deposit-addresses/adr_00000000000000ff").await;
    assert_eq!(unknown.problem(), (404, "unknown_address"));
}

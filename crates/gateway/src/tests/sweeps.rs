//! Sweeps list what is to be moved, and nothing twice.

use super::addresses::cluster;
use super::payments::{deposit, invoice};
use super::support::*;
use quorate_chains::DEPOSIT_ACCOUNTS;
use quorate_coordination::api::DepositState::Credited;
use quorate_intent::{Body, Genesis, Transfer};
use serde_json::{Value, json};

const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";

async fn sweep(bench: &Bench, asset: Value) -> Value {
    let body = json!({ "wallet": WALLET, "network": { "chain": "evm", "chain_id": 1 }, "asset": asset,
        "max_fee": "10", "minimum": "5", "gas_account": 3 });
    let answer = bench.post(CLIENT, "/v1/sweeps", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json
}

/// Hands an item's transfer in, as the client does that signs it.
async fn submit(bench: &Bench, genesis: &Genesis, item: &Value) {
    let transfer: Transfer = serde_json::from_value({
        let mut body = item["body"].clone();
        body.as_object_mut().unwrap().remove("type");
        body
    })
    .unwrap();
    let mut new = new_intent(&super::support::intent(genesis, Body::Transfer(transfer)));
    new["plan_later"] = json!(true);
    let answer = bench.post(CLIENT, "/v1/intents", &new).await;
    assert!(answer.status.is_success(), "{}", answer.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_are_swept_once_and_dust_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, genesis, _) = cluster(folder.path(), |_| None).await;
    let (rich, poor) = (invoice(&bench, 3600).await, invoice(&bench, 3600).await);
    deposit(&bench, &rich, 0, 1, 1000, Credited).await;
    deposit(&bench, &poor, 0, 2, 14, Credited).await;
    let list = sweep(&bench, json!({ "kind": "native" })).await;
    let item = &list["items"][0];
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!((&item["kind"], &item["balance"]), (&json!("sweep"), &json!("1000")));
    assert_eq!(
        (&item["body"]["amount"], &item["body"]["account"]),
        (&json!("990"), &json!(DEPOSIT_ACCOUNTS))
    );
    let evm = quorate_intent::Network::Evm { chain_id: 1 };
    let treasury = quorate_chains::address(&keys().wallet_key(), &evm, &[0, 0, 0]).unwrap();
    assert_eq!(item["body"]["to"], treasury);
    assert_eq!(list["skipped"][0]["balance"], "14");
    // What was asked for already is not asked for again.
    submit(&bench, &genesis, item).await;
    assert_eq!(sweep(&bench, json!({ "kind": "native" })).await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_wait_for_the_coin_of_their_fee_and_bitcoin_is_not_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, genesis, _) = cluster(folder.path(), |_| None).await;
    let paid = invoice(&bench, 3600).await;
    deposit(&bench, &paid, 1, 1, 50, Credited).await;
    let token = json!({ "kind": "token", "contract": TOKEN });
    let list = sweep(&bench, token.clone()).await;
    let gas = &list["items"][0];
    assert_eq!((&gas["kind"], &gas["body"]["amount"]), (&json!("gas"), &json!("20")));
    assert_eq!((&gas["body"]["account"], &gas["body"]["to"]), (&json!(3), &gas["address"]));
    submit(&bench, &genesis, gas).await;
    let list = sweep(&bench, token.clone()).await;
    assert_eq!(list["items"], json!([]));
    assert!(list["skipped"][0]["reason"].as_str().unwrap().contains("on its way"));
    deposit(&bench, &paid, 0, 2, 20, Credited).await;
    let list = sweep(&bench, token).await;
    assert_eq!(
        (&list["items"][0]["kind"], &list["items"][0]["body"]["amount"]),
        (&json!("sweep"), &json!("50"))
    );
    let bitcoin = json!({ "wallet": WALLET, "network": { "chain": "bitcoin", "network": "regtest" },
        "asset": { "kind": "native" }, "max_fee": "10" });
    assert_eq!(bench.post(CLIENT, "/v1/sweeps", &bitcoin).await.problem(), (422, "invalid_field"));
}

//! Plans that come after their intent, and none once nodes were asked to sign.

use super::support::*;
use axum::http::StatusCode;
use quorate_intent::{Amount, Body as IntentBody, SignedIntent, Suite, Verdict, WalletId};
use serde_json::{Value, json};
use std::time::Duration;

async fn bench() -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    with_wallet(folder.path(), &genesis()).await;
    let bench = start(folder.path()).await;
    (folder, bench)
}

fn plan(nonce: u64) -> Value {
    let gas = Amount::from(1_000_000_000).to_string();
    json!({"chain": "evm", "nonce": nonce, "gas_limit": 21000,
        "fee": {"type": "eip1559", "max_fee_per_gas": gas, "max_priority_fee_per_gas": gas}})
}

fn asked() -> quorate_intent::Transfer {
    let mut asked = transfer(1000, 1_000_000_000_000_000);
    asked.network = quorate_intent::Network::Evm { chain_id: 31337 };
    asked.to = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".into();
    asked
}

/// Submits with these fields beside the intent.
async fn submit(bench: &Bench, intent: &SignedIntent, fields: &Value) -> Answer {
    let mut body = new_intent(intent);
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    bench.post(CLIENT, "/v1/intents", &body).await
}

fn new() -> SignedIntent {
    intent(&genesis(), IntentBody::Transfer(asked()))
}

async fn give(bench: &Bench, intent: &SignedIntent, plan: Value, seed: u8) -> Answer {
    let target = format!("/v1/intents/{}/plan", intent.intent.id());
    bench.post(seed, &target, &json!({ "plan": plan })).await
}

async fn state(bench: &Bench, intent: &SignedIntent) -> String {
    let view = bench.get(&format!("/v1/intents/{}", intent.intent.id())).await.json;
    view["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_approved_transfer_waits_for_its_plan_and_goes_on_with_it() {
    let (_folder, bench) = bench().await;
    let intent = new();
    let answer = submit(&bench, &intent, &json!({ "plan_later": true })).await;
    assert_eq!((answer.status, &answer.json["summary"]), (StatusCode::CREATED, &Value::Null));
    for seed in [11, 12] {
        bench.approve(&intent, Verdict::Approve, seed).await;
    }
    // Longer than the coordinator's pause between two looks.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(state(&bench, &intent).await, "approved");
    let refused = give(&bench, &intent, plan(3), ADMIN).await;
    assert_eq!(refused.problem(), (403, "not_initiator"));
    let given = give(&bench, &intent, plan(3), CLIENT).await;
    assert_eq!(given.json["summary"]["amount"], "1000", "{}", given.json);
    // The nodes of this test are nowhere; that is the end which the plan leads to.
    let end = bench.wait(&intent).await.json;
    assert_eq!(end["state"], "failed");
    assert!(end["reason"].as_str().unwrap().contains("2 parties are needed"), "{end}");
    assert_eq!(give(&bench, &intent, plan(4), CLIENT).await.problem(), (409, "wrong_state"));
}

#[tokio::test]
async fn another_plan_frees_what_the_first_one_reserved() {
    let (_folder, bench) = bench().await;
    let (first, second) = (new(), new());
    assert_eq!(submit(&bench, &first, &json!({ "plan": plan(3) })).await.status, StatusCode::CREATED);
    assert_eq!(submit(&bench, &second, &json!({ "plan_later": true })).await.status, StatusCode::CREATED);
    assert_eq!(give(&bench, &second, plan(3), CLIENT).await.problem(), (409, "resource_in_use"));
    assert_eq!(give(&bench, &first, plan(5), CLIENT).await.status, StatusCode::OK);
    assert_eq!(give(&bench, &second, plan(3), CLIENT).await.status, StatusCode::OK);
    assert_eq!(give(&bench, &first, plan(3), CLIENT).await.problem(), (409, "resource_in_use"));
    // What was refused changed nothing: the first one still has its own.
    assert_eq!(give(&bench, &second, plan(5), CLIENT).await.problem(), (409, "resource_in_use"));
}

#[tokio::test]
async fn plans_that_do_not_fit_are_refused() {
    let (_folder, bench) = bench().await;
    let intent_ = new();
    for fields in
        [json!({ "plan_later": true, "plan": plan(1) }), json!({ "plan_later": true, "fee_rate": 2 })]
    {
        let answer = submit(&bench, &intent_, &fields).await;
        assert_eq!((answer.problem(), &answer.json["field"]), ((422, "invalid_field"), &json!("plan_later")));
    }
    let bitcoin = intent(&genesis(), IntentBody::Transfer(transfer(1000, 1000)));
    let answer = submit(&bench, &bitcoin, &json!({ "plan_later": true })).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "invalid_field"), &json!("plan_later")));
    fund(&bench, &[50_000]).await;
    assert_eq!(submit(&bench, &bitcoin, &json!({})).await.status, StatusCode::CREATED);
    assert_eq!(give(&bench, &bitcoin, plan(1), CLIENT).await.problem(), (422, "invalid_field"));
    let order = order(&genesis(), WalletId([7; 16]), Suite::Bip340);
    assert_eq!(submit(&bench, &order, &json!({ "plan_later": true })).await.status, 422);
    assert_eq!(submit(&bench, &order, &json!({})).await.status, StatusCode::CREATED);
    assert_eq!(give(&bench, &order, plan(1), CLIENT).await.problem(), (422, "invalid_field"));

    assert_eq!(submit(&bench, &intent_, &json!({ "plan_later": true })).await.status, StatusCode::CREATED);
    let solana =
        json!({"chain": "solana", "recent_blockhash": "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"});
    assert_eq!(give(&bench, &intent_, solana, CLIENT).await.problem(), (422, "invalid_transaction"));
    // Dearer than the intent allows.
    let mut dear = plan(1);
    dear["gas_limit"] = json!(2_000_000);
    let answer = give(&bench, &intent_, dear, CLIENT).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "invalid_transaction"), &json!("max_fee")));
    assert_eq!(give(&bench, &new(), plan(1), CLIENT).await.problem(), (404, "unknown_intent"));
}

#[tokio::test]
async fn an_approved_transfer_that_gets_no_plan_expires() {
    let (_folder, bench) = bench().await;
    let mut short = new();
    short.intent.expires = short.intent.created + 2;
    let short = short.intent.sign(&key(CLIENT));
    assert_eq!(submit(&bench, &short, &json!({ "plan_later": true })).await.status, StatusCode::CREATED);
    for seed in [11, 12] {
        bench.approve(&short, Verdict::Approve, seed).await;
    }
    let end = bench.wait(&short).await.json;
    assert_eq!((&end["state"], &end["reason"]), (&json!("expired"), &json!("it was given no plan in time")));
}

#[tokio::test]
async fn a_transfer_by_file_has_no_call_before_its_plan() {
    let (_folder, bench) = bench().await;
    let intent = new();
    submit(&bench, &intent, &json!({ "plan_later": true, "by_file": true })).await;
    for seed in [11, 12] {
        bench.approve(&intent, Verdict::Approve, seed).await;
    }
    let target = format!("/v1/intents/{}/signing-call", intent.intent.id());
    let answer = bench.post(CLIENT, &target, &json!({})).await;
    assert_eq!(answer.problem(), (409, "wrong_state"));
    assert!(answer.json["detail"].as_str().unwrap().contains("no plan"), "{}", answer.json);
    assert_eq!(give(&bench, &intent, plan(3), CLIENT).await.status, StatusCode::OK);
    let answer = bench.post(CLIENT, &target, &json!({})).await;
    assert_eq!(answer.problem(), (503, "signers_unreachable"));
    // A call was prepared and none was handed out, so there still may be another plan.
    assert_eq!(give(&bench, &intent, plan(4), CLIENT).await.status, StatusCode::OK);
}

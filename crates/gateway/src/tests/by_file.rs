//! Transfers whose partial signatures go by file: the gateway prepares the call and asks no node.

use super::flow::{Scene, no_trouble, scene};
use super::support::*;
use quorate_coordination::api::SigningCallView;
use quorate_coordination::file::{FILE_VERSION, Signer};
use quorate_coordination::{CallFile, Material, NodeRequest, NodeResponse, PartialFile, combine_files};
use quorate_intent::{Body as IntentBody, SignedIntent, Verdict};
use quorate_session::statement_digest;
use serde_json::json;
use std::time::Duration;

/// An approved transfer that needs both coins.
async fn approved(scene: &Scene) -> SignedIntent {
    let intent = intent(&scene.genesis, IntentBody::Transfer(transfer(100_000, 5_000)));
    let mut new = new_intent(&intent);
    new["by_file"] = json!(true);
    let answer = scene.bench.post(CLIENT, "/v1/intents", &new).await;
    assert_eq!(answer.json["state"], "pending_approval", "{}", answer.json);
    let early = scene.bench.post(CLIENT, &target(&intent), &json!({})).await;
    assert_eq!(early.problem(), (409, "wrong_state"));
    for seed in [11, 12] {
        scene.bench.approve(&intent, Verdict::Approve, seed).await;
    }
    intent
}

fn target(intent: &SignedIntent) -> String {
    format!("/v1/intents/{}/signing-call", intent.intent.id())
}

async fn fetch(scene: &Scene, intent: &SignedIntent, body: serde_json::Value) -> CallFile {
    let answer = scene.bench.post(CLIENT, &target(intent), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let view: SigningCallView = serde_json::from_value(answer.json).unwrap();
    CallFile {
        quorate_signing_call: FILE_VERSION,
        certificate: hex::decode(view.certificate).unwrap(),
        call: hex::decode(view.call).unwrap(),
        signers: view.signers,
        coordinator: view.coordinator,
    }
}

/// What a node's operator does: the node judges and signs the call.
fn sign_at(scene: &Scene, at: usize, file: &CallFile) -> (String, PartialFile) {
    let (_, call) = file.open().unwrap();
    let answer = (scene.act)(at, &NodeRequest::Sign(call));
    let Some(Ok(NodeResponse::Signed { partials, .. })) = answer else { panic!("not signed: {answer:?}") };
    let name = scene.genesis.parties[at].name.clone();
    (format!("{name}.json"), file.clone().answer(Signer { index: at as u16 + 1, name }, partials))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_file_gives_a_transaction_without_the_coordinator() {
    let scene = scene(&[], no_trouble()).await;
    let intent = approved(&scene).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let show = format!("/v1/intents/{}", intent.intent.id());
    assert_eq!(scene.bench.get(&show).await.json["state"], "approved", "the coordinator went ahead");
    for signers in
        [json!(["bob"]), json!(["bob", "bob"]), json!(["ada", "bob", "cyd"]), json!(["bob", "eve"])]
    {
        let answer = scene.bench.post(CLIENT, &target(&intent), &json!({ "signers": signers })).await;
        assert_eq!(answer.problem(), (422, "invalid_signers"), "{}", answer.json);
    }
    let call = fetch(&scene, &intent, json!({ "signers": ["cyd", "bob"] })).await;
    assert_eq!(call.signers, ["bob", "cyd"]);
    let view = scene.bench.get(&show).await.json;
    assert_eq!((&view["state"], &view["attempts"]), (&json!("signing"), &json!(1)));
    assert_eq!(view["reason"], "partials by file: bob, cyd");
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "reserved"));
    let cancel = scene.bench.post(CLIENT, &format!("{show}/cancel"), &json!({})).await;
    assert_eq!(cancel.problem(), (409, "wrong_state"));
    let files = [sign_at(&scene, 1, &call), sign_at(&scene, 2, &call)];
    assert!(scene.signs().is_empty(), "the gateway called a node");
    let combined = combine_files(&files, Some(&scene.genesis), statement_digest).unwrap();
    let tx: ::bitcoin::Transaction = ::bitcoin::consensus::deserialize(&combined.transaction.raw).unwrap();
    assert_eq!((tx.input.len(), tx.output[0].value.to_sat()), (2, 100_000));
    assert_eq!(combined.signers, ["bob", "cyd"]);
    let (_, mut altered) = files[1].clone();
    altered.partials[1].body[5] ^= 1;
    let mixed = [files[0].clone(), ("c.json".to_owned(), altered)];
    let error = combine_files(&mixed, Some(&scene.genesis), statement_digest).unwrap_err().to_string();
    assert!(error.starts_with("c.json of cyd is refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_has_fresh_nonces_and_its_own_attempt() {
    let scene = scene(&[], no_trouble()).await;
    let intent = approved(&scene).await;
    let mut seen = std::collections::BTreeSet::new();
    for attempt in 0..3 {
        let (_, call) = fetch(&scene, &intent, json!({})).await.open().unwrap();
        for part in &call.parts {
            assert_eq!(part.assignment.assignment.attempt, attempt);
            let Material::Frost(list) = &part.material else { panic!("not FROST") };
            assert!(list.iter().all(|owned| seen.insert(owned.commitments.clone())), "a nonce came twice");
        }
    }
    assert_eq!(seen.len(), 3 * 2 * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_transfers_by_file_have_a_call_and_their_time_ends() {
    let scene = scene(&[], no_trouble()).await;
    let mut short = intent(&scene.genesis, IntentBody::Transfer(transfer(50_000, 5_000)));
    short.intent.expires = short.intent.created + 2;
    let short = short.intent.sign(&key(CLIENT));
    let mut new = new_intent(&short);
    new["by_file"] = json!(true);
    assert_eq!(scene.bench.post(CLIENT, "/v1/intents", &new).await.status, 201);
    for seed in [11, 12] {
        scene.bench.approve(&short, Verdict::Approve, seed).await;
    }
    assert_eq!(scene.bench.wait(&short).await.json["state"], "expired");
    assert_eq!(scene.bench.post(CLIENT, &target(&short), &json!({})).await.problem(), (409, "wrong_state"));
    // Nothing was handed out, so the coins are free again.
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "free"));
    let plain = intent(&scene.genesis, IntentBody::Transfer(transfer(50_000, 5_000)));
    scene.bench.post(CLIENT, "/v1/intents", &new_intent(&plain)).await;
    assert_eq!(scene.bench.post(CLIENT, &target(&plain), &json!({})).await.problem(), (409, "wrong_state"));
    let order = order(&scene.genesis, quorate_intent::WalletId([7; 16]), quorate_intent::Suite::Bip340);
    let mut new = new_intent(&order);
    new["by_file"] = json!(true);
    assert_eq!(scene.bench.post(CLIENT, "/v1/intents", &new).await.status, 422);
}

/// What the files of bob and cyd are combined to, as it is handed in.
fn combined(scene: &Scene, call: &CallFile) -> serde_json::Value {
    let files = [sign_at(scene, 1, call), sign_at(scene, 2, call)];
    let combined = combine_files(&files, Some(&scene.genesis), statement_digest).unwrap();
    json!({ "signatures": combined.signatures, "signers": combined.signers })
}

async fn told(scene: &Scene, intent: &SignedIntent) -> bool {
    for _ in 0..100 {
        if (0..3).all(|at| scene.finished(at, &intent.intent.hash())) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn what_files_were_combined_to_finishes_the_intent() {
    let scene = scene(&[], no_trouble()).await;
    let intent = approved(&scene).await;
    let show = format!("/v1/intents/{}", intent.intent.id());
    let target = format!("{show}/transaction");
    let early = json!({ "signatures": [], "signers": ["bob", "cyd"] });
    assert_eq!(scene.bench.post(CLIENT, &target, &early).await.problem(), (409, "wrong_state"));
    let call = fetch(&scene, &intent, json!({ "signers": ["bob", "cyd"] })).await;
    let good = combined(&scene, &call);
    for signers in
        [json!([]), json!(["bob"]), json!(["bob", "bob"]), json!(["bob", "eve"]), json!(["x", "y"])]
    {
        let mut wrong = good.clone();
        wrong["signers"] = signers;
        let answer = scene.bench.post(CLIENT, &target, &wrong).await;
        assert_eq!(answer.problem(), (422, "invalid_signers"), "{}", answer.json);
    }
    let mut swapped = good.clone();
    swapped["signatures"].as_array_mut().unwrap().swap(0, 1);
    let mut cut = good.clone();
    cut["signatures"].as_array_mut().unwrap().pop();
    let mut bit = good.clone();
    let text = bit["signatures"][1]["schnorr"].as_str().unwrap().to_owned();
    let last = if text.ends_with('0') { "1" } else { "0" };
    bit["signatures"][1]["schnorr"] = json!(format!("{}{last}", &text[..text.len() - 1]));
    for wrong in [swapped, cut, bit] {
        let answer = scene.bench.post(CLIENT, &target, &wrong).await;
        assert_eq!(answer.problem(), (422, "invalid_transaction"), "{}", answer.json);
        assert_eq!(answer.json["field"], "signatures");
    }
    assert_eq!(scene.bench.get(&show).await.json["state"], "signing");
    assert!(!scene.finished(0, &intent.intent.hash()));
    let view = scene.bench.post(CLIENT, &target, &good).await.json;
    assert_eq!(
        (&view["state"], &view["reason"]),
        (&json!("signed"), &json!("combined from files of bob, cyd"))
    );
    let raw = hex::decode(view["transaction"]["raw"].as_str().unwrap()).unwrap();
    let tx: ::bitcoin::Transaction = ::bitcoin::consensus::deserialize(&raw).unwrap();
    assert_eq!(view["transaction"]["id"], tx.compute_txid().to_string());
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "spent"));
    assert!(told(&scene, &intent).await, "not every node was told");
    // Once more changes nothing; other signatures of the same transaction are too late.
    assert_eq!(scene.bench.post(CLIENT, &target, &good).await.json["timings"], view["timings"]);
    let mut other = good.clone();
    other["signatures"].as_array_mut().unwrap().pop();
    assert_eq!(scene.bench.post(CLIENT, &target, &other).await.problem(), (409, "wrong_state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_may_come_after_its_intent_expired_but_only_by_file() {
    let scene = scene(&[], no_trouble()).await;
    let mut short = intent(&scene.genesis, IntentBody::Transfer(transfer(100_000, 5_000)));
    short.intent.expires = short.intent.created + 6;
    let short = short.intent.sign(&key(CLIENT));
    let mut new = new_intent(&short);
    new["by_file"] = json!(true);
    scene.bench.post(CLIENT, "/v1/intents", &new).await;
    for seed in [11, 12] {
        scene.bench.approve(&short, Verdict::Approve, seed).await;
    }
    let call = fetch(&scene, &short, json!({ "signers": ["bob", "cyd"] })).await;
    let good = combined(&scene, &call);
    assert_eq!(scene.bench.wait(&short).await.json["state"], "expired");
    let target = format!("/v1/intents/{}/transaction", short.intent.id());
    let view = scene.bench.post(CLIENT, &target, &good).await.json;
    assert_eq!(view["state"], "signed", "{view}");
    assert!(told(&scene, &short).await, "not every node was told");

    let plain = intent(&scene.genesis, IntentBody::Transfer(transfer(1_000, 5_000)));
    let target = format!("/v1/intents/{}/transaction", plain.intent.id());
    assert_eq!(scene.bench.post(CLIENT, &target, &good).await.problem(), (404, "unknown_intent"));
    let order = order(&scene.genesis, quorate_intent::WalletId([7; 16]), quorate_intent::Suite::Bip340);
    scene.bench.post(CLIENT, "/v1/intents", &new_intent(&order)).await;
    let target = format!("/v1/intents/{}/transaction", order.intent.id());
    assert_eq!(scene.bench.post(CLIENT, &target, &good).await.problem(), (409, "wrong_state"));
}

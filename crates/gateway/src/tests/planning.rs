//! Bitcoin: finding coins, choosing them, and never for two intents at once.

use super::support::*;
use axum::http::StatusCode;
use quorate_intent::{Amount, Body as IntentBody, SignedIntent};
use serde_json::{Value, json};

async fn bench() -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    with_wallet(folder.path(), &genesis()).await;
    let bench = start(folder.path()).await;
    (folder, bench)
}

async fn submit(bench: &Bench, transfer: quorate_intent::Transfer, fee_rate: u64) -> (SignedIntent, Answer) {
    let intent = intent(&genesis(), IntentBody::Transfer(transfer));
    let mut body = new_intent(&intent);
    body["fee_rate"] = json!(fee_rate);
    let answer = bench.post(CLIENT, "/v1/intents", &body).await;
    (intent, answer)
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn wallets_show_their_keys_and_addresses() {
    let (_folder, bench) = bench().await;
    let wallet = bench.get(&format!("/v1/wallets/{WALLET}")).await.json;
    assert_eq!((&wallet["threshold"], &wallet["suite"]), (&json!(2), &json!("ecdsa-secp256k1")));
    assert!(wallet["xpub"].as_str().unwrap().starts_with("xpub"));
    assert_eq!(wallet["parties"][0]["name"], "ada");
    let target = format!("/v1/wallets/{WALLET}/addresses?network=bitcoin:regtest&index=1&count=2");
    let addresses = bench.get(&target).await.json;
    assert_eq!(addresses["items"][1], json!({"path": [0, 0, 2], "address": own_address([0, 0, 2])}));
    let evm = bench.get(&format!("/v1/wallets/{WALLET}/addresses?network=evm:1")).await.json;
    assert!(evm["items"][0]["address"].as_str().unwrap().starts_with("0x"));
    let wrong = bench.get(&format!("/v1/wallets/{WALLET}/addresses?network=solana:devnet")).await;
    assert_eq!(wrong.problem(), (422, "invalid_transaction"));
    // The xpub is the wallet's: a standard derivation leads to the same address.
    let xpub: ::bitcoin::bip32::Xpub = wallet["xpub"].as_str().unwrap().parse().unwrap();
    let secp = ::bitcoin::secp256k1::Secp256k1::verification_only();
    let path: ::bitcoin::bip32::DerivationPath = "m/0/0/2".parse().unwrap();
    let child = xpub.derive_pub(&secp, &path).unwrap();
    let address = ::bitcoin::Address::p2wpkh(
        &::bitcoin::CompressedPublicKey(child.public_key),
        ::bitcoin::Network::Regtest,
    );
    assert_eq!(address.to_string(), own_address([0, 0, 2]));
    let certificate = bench.get(&format!("/v1/certificates/{WALLET}")).await.json;
    let bytes = hex::decode(certificate["certificate"].as_str().unwrap()).unwrap();
    let certificate: quorate_coordination::Certificate = borsh::from_slice(&bytes).unwrap();
    assert!(certificate.check(&genesis(), quorate_session::statement_digest).is_ok());
}

#[tokio::test]
async fn funding_finds_outputs_within_the_gap_and_beyond_used_ones() {
    let (_folder, bench) = bench().await;
    let [near, change, far, too_far] = [[0, 0, 49], [0, 1, 3], [0, 0, 98], [0, 0, 160]].map(own_address);
    let raw = |tag, outputs: &[(&str, u64)]| hex::encode(payment(tag, outputs));
    let target = format!("/v1/wallets/{WALLET}/funding");
    let body = json!({ "network": regtest(), "transactions": [
        raw(1, &[(&far, 3000), (&too_far, 4000)]), raw(2, &[(STRANGER, 5), (&near, 1000), (&change, 2000)])] });
    let answer = bench.post(CLIENT, &target, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    let found: Vec<_> = answer.json["found"].as_array().unwrap().iter().map(|c| c["path"].clone()).collect();
    // 98 is within the gap of 49; 160 is not within that of 98.
    assert_eq!(found, [json!([0, 0, 98]), json!([0, 0, 49]), json!([0, 1, 3])]);
    assert_eq!(answer.json["other_outputs"], 2);
    // Once more changes nothing.
    bench.post(CLIENT, &target, &body).await;
    let coins = bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert_eq!(coins["items"].as_array().unwrap().len(), 3);
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "free"));
    let garbage = json!({ "network": regtest(), "transactions": ["00ff"] });
    assert_eq!(bench.post(CLIENT, &target, &garbage).await.problem(), (422, "invalid_transaction"));
    assert_eq!(bench.post(11, &target, &body).await.problem(), (403, "not_a_client"));
}

#[tokio::test]
async fn plans_are_largest_first_with_change_and_a_fair_fee() {
    let (_folder, bench) = bench().await;
    fund(&bench, &[50_000, 200_000, 100_000]).await;
    let (first, answer) = submit(&bench, transfer(120_000, 5_000), 10).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    let summary = &answer.json["summary"];
    // 1 input, 2 outputs of P2WPKH: 141 virtual bytes.
    let fee = number(&summary["fee"]);
    assert!((1400..=1430).contains(&fee), "fee {fee}");
    assert_eq!(number(&summary["change"]["amount"]), 200_000 - 120_000 - fee);
    assert_eq!(summary["change"]["address"], own_address([0, 1, 0]));
    // The next intent takes other coins and another change address.
    let (second, answer) = submit(&bench, transfer(120_000, 5_000), 10).await;
    assert_eq!(answer.json["summary"]["from"], json!([own_address([0, 0, 2]), own_address([0, 0, 0])]));
    assert_eq!(answer.json["summary"]["change"]["address"], own_address([0, 1, 1]));
    let (_, answer) = submit(&bench, transfer(1_000, 5_000), 10).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "insufficient_funds"), &json!("amount")));
    let coins = bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "reserved"));
    // An end that came before any signing frees the coins.
    let cancelled =
        bench.post(CLIENT, &format!("/v1/intents/{}/cancel", first.intent.id()), &json!({})).await;
    assert_eq!(cancelled.json["state"], "cancelled");
    let (_, answer) = submit(&bench, transfer(120_000, 5_000), 10).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    drop(second);
}

#[tokio::test]
async fn dust_goes_to_the_fee_only_within_the_cap() {
    let (_folder, bench) = bench().await;
    fund(&bench, &[100_000]).await;
    // 100000 - 99700 leaves 300: fee 110 for one input and one output, no change.
    let (intent, answer) = submit(&bench, transfer(99_700, 300), 1).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    assert_eq!(
        (number(&answer.json["summary"]["fee"]), &answer.json["summary"]["change"]),
        (300, &Value::Null)
    );
    bench.post(CLIENT, &format!("/v1/intents/{}/cancel", intent.intent.id()), &json!({})).await;
    let (_, answer) = submit(&bench, transfer(99_700, 299), 1).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "fee_above_cap"), &json!("max_fee")));
    let (_, answer) = submit(&bench, transfer(50_000, 1_000), 100).await;
    assert_eq!(answer.problem(), (422, "fee_above_cap"));
    let (_, answer) = submit(&bench, transfer(50_000, 1_000), 0).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "invalid_field"), &json!("fee_rate")));
}

#[tokio::test]
async fn other_chains_need_a_plan_and_nonces_are_reserved() {
    let (_folder, bench) = bench().await;
    let mut asked = transfer(1000, 1_000_000_000_000_000);
    asked.network = quorate_intent::Network::Evm { chain_id: 31337 };
    asked.to = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".into();
    let (_, answer) = submit(&bench, asked.clone(), 1).await;
    assert_eq!(answer.problem(), (422, "plan_required"));
    let gas = Amount::from(1_000_000_000).to_string();
    let plan = json!({"chain": "evm", "nonce": 3, "gas_limit": 21000,
        "fee": {"type": "eip1559", "max_fee_per_gas": gas, "max_priority_fee_per_gas": gas}});
    let post = async || {
        let intent = intent(&genesis(), IntentBody::Transfer(asked.clone()));
        let mut body = new_intent(&intent);
        body["plan"] = plan.clone();
        bench.post(CLIENT, "/v1/intents", &body).await
    };
    let first = post().await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.json);
    assert_eq!(first.json["summary"]["amount"], "1000");
    assert_eq!(post().await.problem(), (409, "resource_in_use"));
}

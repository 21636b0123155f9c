//! What was acknowledged outlives a restart.

use super::support::*;
use crate::GatewayError;
use axum::http::StatusCode;
use quorate_intent::{Body as IntentBody, Suite, Verdict, WalletId};
use serde_json::json;

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    with_wallet(folder.path(), &genesis()).await;
    let bench = start(folder.path()).await;
    fund(&bench, &[100_000]).await;
    let intent = intent(&genesis(), IntentBody::Transfer(transfer(10_000, 10_000)));
    let body = new_intent(&intent).to_string();
    let post = || {
        let mut request = signed(CLIENT, "POST", "/v1/intents", body.as_bytes());
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        request
    };
    let first = bench.ask(post()).await;
    assert_eq!(first.status, StatusCode::CREATED);
    bench.approve(&intent, Verdict::Approve, 11).await;
    let target = format!("/v1/intents/{}", intent.intent.id());
    let before = bench.get(&target).await.json;
    let coins = bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert_eq!(coins["items"][0]["state"], "reserved");
    // Not even a shutdown: what was answered is on the disk.
    drop(bench);
    let bench = start(folder.path()).await;
    assert_eq!(bench.get(&target).await.json, before);
    assert_eq!(bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json, coins);
    let again = bench.ask(post()).await;
    assert_eq!((again.replayed, &again.json), (true, &first.json));
    // The coordinator may have begun before the answer was made.
    let approved = bench.approve(&intent, Verdict::Approve, 12).await.json;
    assert!(["approved", "signing"].contains(&approved["state"].as_str().unwrap()), "{approved}");
}

#[tokio::test]
async fn approved_intents_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let order = order(&genesis(), WALLET, Suite::Ecdsa);
    bench.post(CLIENT, "/v1/intents", &new_intent(&order)).await;
    bench.approve(&order, Verdict::Approve, ADMIN).await;
    drop(bench);
    let bench = start(folder.path()).await;
    // Nobody is there, so it comes to an end that says who is missing.
    let end = bench.wait(&order).await;
    assert_eq!(end.json["state"], "failed");
    let reason = end.json["reason"].as_str().unwrap();
    assert!(["ada", "bob", "cyd"].iter().all(|name| reason.contains(name)), "{reason}");
}

#[tokio::test]
async fn intents_that_nobody_approves_expire() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let mut order = order(&genesis(), WalletId([4; 16]), Suite::Ecdsa).intent;
    order.expires = order.created + 1;
    let order = order.sign(&key(CLIENT));
    assert_eq!(bench.post(CLIENT, "/v1/intents", &new_intent(&order)).await.status, StatusCode::CREATED);
    let end = bench.wait(&order).await;
    assert_eq!((&end.json["state"], &end.json["deciding_rule"]), (&json!("expired"), &json!("intent")));
}

#[tokio::test]
async fn a_store_serves_its_own_cluster_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let ours = crate::store::Store::open(&path, genesis().hash()).await.unwrap();
    ours.close().await;
    let other = crate::store::Store::open(&path, quorate_intent::Hash([1; 32])).await;
    assert!(matches!(other, Err(GatewayError::Store(_))));
    let text = folder.path().join("text");
    std::fs::write(&text, "no database at all, but long enough to be looked at").unwrap();
    assert!(crate::store::Store::open(&text, genesis().hash()).await.is_err());
}

#[test]
fn identities_are_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.key");
    let made = crate::Identity::create(&path).unwrap().public();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(crate::Identity::load(&path).unwrap().public(), made);
    assert!(crate::Identity::create(&path).is_err(), "an identity was overwritten");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(crate::Identity::load(&path), Err(GatewayError::Identity { .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    for bad in [&b"00"[..], &[b'0'; 70], &[b'z'; 64]] {
        std::fs::write(&path, bad).unwrap();
        assert!(crate::Identity::load(&path).is_err());
    }
}

//! Problem details for everything, idempotency, pages.

use super::support::*;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use quorate_intent::{Body as IntentBody, Suite, Verdict, WalletId};
use serde_json::json;

#[tokio::test]
async fn open_paths_need_no_key_and_errors_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let bare =
        |method: &str, uri: &str| Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    assert_eq!(bench.ask(bare("GET", "/v1/health")).await.json["status"], "ok");
    let document = bench.ask(bare("GET", "/v1/openapi.json")).await.json;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["paths"].as_object().unwrap().len(), 56);
    let refusal = &document["paths"]["/v1/wallets"]["get"]["responses"]["default"]["content"];
    assert_eq!(refusal.as_object().unwrap().keys().collect::<Vec<_>>(), ["application/problem+json"]);
    assert_eq!(bench.ask(bare("GET", "/v1/nothing")).await.problem(), (404, "not_found"));
    assert_eq!(bench.ask(bare("DELETE", "/v1/health")).await.problem(), (405, "method_not_allowed"));
    assert_eq!(
        bench.ask(signed(CLIENT, "DELETE", "/v1/wallets", b"")).await.problem(),
        (405, "method_not_allowed")
    );
    let cluster = bench.get("/v1/cluster").await.json;
    assert_eq!(cluster["genesis_hash"], genesis().hash().to_string());
    assert_eq!(cluster["nodes"][0]["reachable"], false);
    assert_eq!(cluster["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn bad_input_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let post = async |body: &[u8]| bench.ask(signed(CLIENT, "POST", "/v1/intents", body)).await;
    assert_eq!(post(b"{\"intent\":").await.problem(), (400, "malformed_json"));
    assert_eq!(post(b"").await.problem(), (400, "malformed_json"));
    assert_eq!(post(b"\xff\xfe").await.problem(), (400, "malformed_json"));
    assert_eq!(post(b"[]").await.problem(), (422, "invalid_body"));
    let mut request = signed(CLIENT, "POST", "/v1/intents", b"{}");
    request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(bench.ask(request).await.problem(), (415, "unsupported_media_type"));
    let unknown = format!("/v1/intents/int_{}", "0".repeat(64));
    assert_eq!(bench.get(&unknown).await.problem(), (404, "unknown_intent"));
    assert_eq!(bench.get("/v1/intents/int_00").await.problem(), (400, "invalid_id"));
    assert_eq!(bench.get("/v1/wallets/wal_ZZ").await.problem(), (400, "invalid_id"));
    for query in ["limit=0", "limit=201", "limit=x", "cursor=zz", "state=odd", "unknown=1"] {
        let answer = bench.get(&format!("/v1/intents?{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_query"), "{query}");
    }
}

#[tokio::test]
async fn intents_are_checked_before_they_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let good = order(&genesis(), WALLET, Suite::Ecdsa);
    let mut forged = good.clone();
    forged.intent.expires += 1;
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&forged)).await;
    assert_eq!(answer.problem(), (422, "bad_signature"));
    let mut stranger = good.intent.clone();
    stranger.initiator = quorate_intent::keys::public(&key(11));
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&stranger.sign(&key(11)))).await;
    assert_eq!(answer.problem(), (403, "not_a_member"));
    let mut late = good.intent.clone();
    (late.created, late.expires) = (late.created - 900, late.created - 300);
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&late.sign(&key(CLIENT)))).await;
    assert_eq!(answer.problem(), (422, "not_valid_now"));
    let mut other = good.intent.clone();
    other.governance.0[0] ^= 1;
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&other.sign(&key(CLIENT)))).await;
    assert_eq!(answer.problem(), (422, "other_cluster"));
    let unknown = intent(&genesis(), IntentBody::Transfer(transfer(1000, 1000)));
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&unknown)).await;
    assert_eq!((answer.problem(), &answer.json["field"]), ((422, "invalid_field"), &json!("wallet")));
    let first = bench.post(CLIENT, "/v1/intents", &new_intent(&good)).await;
    assert_eq!((first.status, &first.json["state"]), (StatusCode::CREATED, &json!("pending_approval")));
    assert_eq!(first.json["missing"]["who_may"], json!(["root"]));
    assert_eq!(bench.post(CLIENT, "/v1/intents", &new_intent(&good)).await.status, StatusCode::OK);
    // One order for a wallet at a time.
    let second = order(&genesis(), WALLET, Suite::Ecdsa);
    let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&second)).await;
    assert_eq!(answer.problem(), (409, "order_pending"));
}

#[tokio::test]
async fn approvals_rejections_and_cancelling() {
    let folder = tempfile::tempdir().unwrap();
    with_wallet(folder.path(), &genesis()).await;
    let bench = start(folder.path()).await;
    fund(&bench, &[100_000, 200_000, 300_000]).await;
    let submit = async |amount| {
        let intent = intent(&genesis(), IntentBody::Transfer(transfer(amount, 10_000)));
        let answer = bench.post(CLIENT, "/v1/intents", &new_intent(&intent)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
        intent
    };
    let first = submit(10_000).await;
    assert_eq!(bench.approve(&first, Verdict::Approve, ADMIN).await.problem(), (403, "not_a_member"));
    let answer = bench.approve(&first, Verdict::Approve, 11).await;
    assert_eq!(
        answer.json["missing"],
        json!({"group": "approvers", "quorum": 2, "more": 1, "who_may": ["y", "z"]})
    );
    // The same verdict again changes nothing.
    assert_eq!(
        bench.approve(&first, Verdict::Approve, 11).await.json["approvals"].as_array().unwrap().len(),
        1
    );
    let id = first.intent.id();
    assert_eq!(
        bench.post(11, &format!("/v1/intents/{id}/cancel"), &json!({})).await.problem(),
        (403, "not_initiator")
    );
    let answer = bench.approve(&first, Verdict::Reject, 12).await;
    assert_eq!(
        (&answer.json["state"], &answer.json["reason"]),
        (&json!("rejected"), &json!("y rejected it"))
    );
    assert_eq!(answer.json["deciding_rule"], "genesis/approvers");
    assert_eq!(bench.approve(&first, Verdict::Approve, 13).await.problem(), (409, "wrong_state"));
    let second = submit(10_000).await;
    let id = second.intent.id();
    // z is a client too, but this is not z's intent.
    assert_eq!(
        bench.post(13, &format!("/v1/intents/{id}/cancel"), &json!({})).await.problem(),
        (403, "not_initiator")
    );
    let answer = bench.post(CLIENT, &format!("/v1/intents/{id}/cancel"), &json!({})).await;
    assert_eq!(answer.json["state"], "cancelled");
    let states: Vec<_> =
        answer.json["timings"].as_array().unwrap().iter().map(|t| t["state"].clone()).collect();
    assert_eq!(states, ["submitted", "pending_approval", "cancelled"]);
    // With an approval for another intent.
    let third = submit(10_000).await;
    let wrong = quorate_intent::Approval::new(second.intent.hash(), Verdict::Approve, &key(11));
    let target = format!("/v1/intents/{}/approvals", third.intent.id());
    let answer = bench.post(11, &target, &serde_json::to_value(wrong).unwrap()).await;
    assert_eq!(answer.problem(), (422, "invalid_field"));
    let mut forged = quorate_intent::Approval::new(third.intent.hash(), Verdict::Reject, &key(11));
    forged.verdict = Verdict::Approve;
    let answer = bench.post(11, &target, &serde_json::to_value(forged).unwrap()).await;
    assert_eq!(answer.problem(), (422, "bad_signature"));
}

#[tokio::test]
async fn idempotency_keys_give_the_first_answer() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let post = async |intent: &quorate_intent::SignedIntent, key: &str, seed: u8| {
        let body = new_intent(intent).to_string();
        let mut request = signed(seed, "POST", "/v1/intents", body.as_bytes());
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        bench.ask(request).await
    };
    let one = order(&genesis(), WalletId([1; 16]), Suite::Ecdsa);
    let two = order(&genesis(), WalletId([2; 16]), Suite::Ecdsa);
    let first = post(&one, "k", CLIENT).await;
    assert_eq!((first.status, first.replayed), (StatusCode::CREATED, false));
    let again = post(&one, "k", CLIENT).await;
    assert_eq!((again.status, again.replayed, &again.json), (StatusCode::CREATED, true, &first.json));
    assert_eq!(post(&two, "k", CLIENT).await.problem(), (409, "idempotency_conflict"));
    // Another caller's keys are its own.
    assert_eq!(post(&two, "k", 13).await.status, StatusCode::CREATED);
    assert_eq!(post(&one, "a b", CLIENT).await.problem(), (400, "invalid_idempotency_key"));
    assert_eq!(post(&one, &"k".repeat(129), CLIENT).await.problem(), (400, "invalid_idempotency_key"));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let order = order(&genesis(), WalletId([n; 16]), Suite::Ecdsa);
        bench.post(CLIENT, "/v1/intents", &new_intent(&order)).await;
        ids.push(json!(order.intent.id()));
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut target = "/v1/intents?limit=2".to_owned();
    for expected in [2, 2, 1] {
        let page = bench.get(&target).await.json;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        seen.extend(items.iter().map(|item| item["id"].clone()));
        target = match page["next_cursor"].as_str() {
            Some(cursor) => format!("/v1/intents?limit=2&cursor={cursor}"),
            None => break,
        };
    }
    assert_eq!(seen, ids);
    let wallet = WalletId([3; 16]);
    let page = bench.get(&format!("/v1/intents?wallet={wallet}&state=pending_approval")).await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(bench.get("/v1/intents?state=signed").await.json["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_held_back_until_the_intent_ends() {
    let folder = tempfile::tempdir().unwrap();
    with_wallet(folder.path(), &genesis()).await;
    let bench = start(folder.path()).await;
    fund(&bench, &[100_000]).await;
    let intent = intent(&genesis(), IntentBody::Transfer(transfer(10_000, 10_000)));
    assert_eq!(bench.post(CLIENT, "/v1/intents", &new_intent(&intent)).await.status, StatusCode::CREATED);
    let id = intent.intent.id();
    for (query, code) in
        [("wait=21", "invalid_query"), ("wait=-1", "invalid_query"), ("hold=1", "invalid_query")]
    {
        assert_eq!(bench.get(&format!("/v1/intents/{id}?{query}")).await.problem(), (400, code), "{query}");
    }
    let began = std::time::Instant::now();
    let answer = bench.get(&format!("/v1/intents/{id}?wait=1")).await;
    assert_eq!(answer.json["state"], "pending_approval");
    assert!(began.elapsed().as_millis() >= 1000, "it was not held back: {:?}", began.elapsed());
    let ending = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        bench.post(CLIENT, &format!("/v1/intents/{id}/cancel"), &json!({})).await
    };
    let target = format!("/v1/intents/{id}?wait=20");
    let began = std::time::Instant::now();
    let (held, cancelled) = tokio::join!(bench.get(&target), ending);
    assert_eq!((&held.json["state"], cancelled.status), (&json!("cancelled"), StatusCode::OK));
    assert!((250..15_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    // What has ended is told at once.
    let began = std::time::Instant::now();
    assert_eq!(bench.get(&target).await.json["state"], "cancelled");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let unknown = quorate_intent::IntentId([9; 32]);
    assert_eq!(bench.get(&format!("/v1/intents/{unknown}?wait=20")).await.problem(), (404, "unknown_intent"));
}

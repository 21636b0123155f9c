//! Webhooks: signed, in order for each object, tried again, and no way into private networks.

use super::addresses::cluster;
use super::support::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use quorate_payments::webhook::verify;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

type Got = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;
/// What a receiver answers to its n-th request.
type Answer = fn(usize) -> StatusCode;

/// A receiver of webhooks on this machine.
async fn receiver(answer: Answer) -> (String, Got) {
    let got = Got::default();
    let take = async move |State(got): State<Got>, headers: HeaderMap, body: Bytes| {
        let mut got = got.lock().unwrap();
        got.push((headers, body));
        answer(got.len())
    };
    let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&got));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, got)
}

async fn add(bench: &Bench, url: &str, events: Value) -> String {
    let body = json!({ "url": url, "events": events, "allow_private": true });
    let answer = bench.post(CLIENT, "/v1/webhooks", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.json["id"].as_str().unwrap().to_owned()
}

/// Waits until something is so.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// Makes `count` events of the object `name`.
async fn happen(bench: &Bench, name: &str, count: usize) {
    let shared = bench.running.shared();
    let mut tx = shared.store.begin().await.unwrap();
    for n in 0..count {
        let data = json!({ "n": n });
        let event = crate::store::NewEvent { kind: "deposit.seen", object: name, data: &data };
        tx.add_event(&event).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_signed_and_in_order_for_each_object() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let (url, got) = receiver(|_| StatusCode::NO_CONTENT).await;
    let id = add(&bench, &url, json!(["deposit.*"])).await;
    let (other, none) = receiver(|_| StatusCode::OK).await;
    add(&bench, &other, json!(["invoice"])).await;
    happen(&bench, "dep_a", 20).await;
    happen(&bench, "dep_b", 20).await;
    until("40 deliveries", async || got.lock().unwrap().len() == 40).await;
    let keys = bench.get("/v1/webhook-keys").await.json;
    let got = got.lock().unwrap().clone();
    for name in ["dep_a", "dep_b"] {
        let bodies = got.iter().map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap());
        let order: Vec<_> = bodies
            .filter(|body| body["object"] == name)
            .map(|body| body["data"]["n"].as_u64().unwrap())
            .collect();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    }
    for (headers, body) in &got {
        let id = header(headers, "webhook-id");
        assert_eq!(serde_json::from_slice::<Value>(body).unwrap()["id"], id);
        let time: u64 = header(headers, "webhook-timestamp").parse().unwrap();
        assert!(time.abs_diff(crate::store::now()) < 60);
        let signature = header(headers, "webhook-signature");
        assert_eq!(verify(keys["current"].as_str().unwrap(), signature, id, time, body), Ok(true));
        assert_eq!(verify(keys["next"].as_str().unwrap(), signature, id, time, body), Ok(false));
    }
    assert!(none.lock().unwrap().is_empty(), "somebody got what was not asked for");
    until("a log of 40", async || {
        let list = bench.get(&format!("/v1/webhooks/{id}/deliveries?limit=200")).await.json;
        let list = list["items"].as_array().unwrap().clone();
        list.len() == 40 && list.iter().all(|d| d["state"] == "delivered" && d["status"] == 204)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_tried_again_and_holds_its_object_back_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    // Dead for good: nobody listens there.
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/hook", listener.local_addr().unwrap())
    };
    let dead = add(&bench, &dead, json!(["*"])).await;
    let (url, got) =
        receiver(|n| if n == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }).await;
    let id = add(&bench, &url, json!(["*"])).await;
    happen(&bench, "dep_a", 2).await;
    until("a first failure", async || !got.lock().unwrap().is_empty()).await;
    happen(&bench, "dep_b", 1).await;
    // The other object goes on at once; the first one's second event waits behind its first.
    until("the other object", async || got.lock().unwrap().len() == 2).await;
    let list = bench.get(&format!("/v1/webhooks/{id}/deliveries")).await.json;
    assert_eq!(list["items"][0]["state"], "delivered");
    let first = &list["items"][2];
    assert_eq!(
        (&first["state"], &first["status"], &first["attempt"]),
        (&json!("pending"), &json!(500), &json!(1))
    );
    let wait = first["next_ms"].as_u64().unwrap().saturating_sub(crate::store::now_ms());
    assert!(wait <= 6_000, "{wait}");
    // At the operator's word it is sent now.
    let again = format!("/v1/deliveries/{}/resend", first["id"].as_str().unwrap());
    assert_eq!(bench.post(CLIENT, &again, &json!({})).await.status, 202);
    until("both of the object", async || got.lock().unwrap().len() == 4).await;
    let ids: Vec<String> =
        got.lock().unwrap().iter().map(|(headers, _)| header(headers, "webhook-id").to_owned()).collect();
    assert_eq!(ids[0], ids[2], "the same id at every attempt");
    let list = bench.get(&format!("/v1/webhooks/{dead}/deliveries")).await.json;
    let error = list["items"].as_array().unwrap().iter().find_map(|d| d["error"].as_str().map(str::to_owned));
    assert!(error.unwrap().contains("cannot connect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_keys_and_switches_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let (url, got) = receiver(|n| if n == 3 { StatusCode::GONE } else { StatusCode::OK }).await;
    let id = add(&bench, &url, json!(["invoice.*"])).await;
    let before = bench.get("/v1/webhook-keys").await.json;
    let after = bench.post(CLIENT, "/v1/webhook-keys/rotate", &json!({})).await.json;
    assert_eq!(after["current"], before["next"]);
    assert_eq!(bench.post(CLIENT, &format!("/v1/webhooks/{id}/ping"), &json!({})).await.status, 202);
    until("a ping", async || got.lock().unwrap().len() == 1).await;
    let (headers, body) = got.lock().unwrap()[0].clone();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["type"], "webhook.ping");
    // During the overlap a receiver may know either key.
    let (signature, message) = (header(&headers, "webhook-signature"), header(&headers, "webhook-id"));
    let time: u64 = header(&headers, "webhook-timestamp").parse().unwrap();
    for key in [&before["current"], &after["current"]] {
        assert_eq!(verify(key.as_str().unwrap(), signature, message, time, &body), Ok(true));
    }
    let off =
        signed(CLIENT, "PATCH", &format!("/v1/webhooks/{id}"), b"{\"enabled\":false,\"events\":[\"*\"]}");
    assert_eq!(bench.ask(off).await.json["enabled"], false);
    happen(&bench, "dep_a", 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(got.lock().unwrap().len(), 1, "sent while it was off");
    let on = signed(CLIENT, "PATCH", &format!("/v1/webhooks/{id}"), b"{\"enabled\":true}");
    assert_eq!(bench.ask(on).await.json["enabled"], true);
    until("what happened meanwhile", async || got.lock().unwrap().len() == 2).await;
    // A receiver that says it is gone is switched off.
    happen(&bench, "dep_a", 1).await;
    until("off", async || bench.get(&format!("/v1/webhooks/{id}")).await.json["enabled"] == false).await;
    let remove = signed(CLIENT, "DELETE", &format!("/v1/webhooks/{id}"), b"");
    assert_eq!(bench.ask(remove).await.status, 204);
    assert_eq!(bench.get(&format!("/v1/webhooks/{id}")).await.problem(), (404, "unknown_webhook"));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_receivers_need_the_operators_word() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    for (url, private) in [
        ("http://example.com/", false),
        ("https://127.0.0.1/", false),
        ("https://10.0.0.1/", true),
        ("http://localhost/", true),
        ("nonsense", false),
    ] {
        let answer =
            bench.post(CLIENT, "/v1/webhooks", &json!({ "url": url, "allow_private": private })).await;
        assert_eq!(answer.problem(), (422, "invalid_field"), "{url}");
    }
    // A name that leads to loopback is found out when it is resolved, not before.
    let name = json!({ "url": "https://localhost:9/hook", "events": ["*"] });
    let id = bench.post(CLIENT, "/v1/webhooks", &name).await.json["id"].as_str().unwrap().to_owned();
    bench.post(CLIENT, &format!("/v1/webhooks/{id}/ping"), &json!({})).await;
    until("a refusal", async || {
        let list = bench.get(&format!("/v1/webhooks/{id}/deliveries")).await.json;
        list["items"][0]["error"].as_str().is_some_and(|error| error.contains("private addresses"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_behind_the_last_event_and_ends_with_the_gateway() {
    use http_body_util::BodyExt;
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    happen(&bench, "dep_a", 3).await;
    let mut request = signed(CLIENT, "GET", "/v1/events/stream", b"");
    request.headers_mut().insert("last-event-id", "evt_0000000000000001".parse().unwrap());
    let response = bench.open(request).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut text = String::new();
    let mut read = async |until: &str| {
        while !text.contains(until) {
            let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect(until);
            text.push_str(&String::from_utf8_lossy(&frame.unwrap().unwrap().into_data().unwrap()));
        }
        text.clone()
    };
    let began = read("evt_0000000000000003").await;
    assert!(began.contains("id: evt_0000000000000002") && began.contains("event: deposit.seen"));
    assert!(!began.contains("evt_0000000000000001"), "{began}");
    happen(&bench, "dep_b", 1).await;
    read("evt_0000000000000004").await;
    // An open stream does not hold the end up.
    tokio::time::timeout(Duration::from_secs(5), bench.running.shutdown()).await.expect("no end");
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
}

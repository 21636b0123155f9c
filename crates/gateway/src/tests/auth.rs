//! Who gets in: only signed, fresh, unrepeated requests of known keys.

use super::support::*;
use crate::Limits;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use quorate_intent::api_auth::RequestAuth;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn only_known_keys_with_good_signatures_get_in() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    assert_eq!(bench.get("/v1/wallets").await.status, StatusCode::OK);
    for seed in [11, ADMIN] {
        assert_eq!(bench.ask(signed(seed, "GET", "/v1/wallets", b"")).await.status, StatusCode::OK);
    }
    let bare = Request::builder().uri("/v1/wallets").body(Body::empty()).unwrap();
    assert_eq!(bench.ask(bare).await.problem(), (401, "unauthenticated"));
    assert_eq!(bench.ask(signed(77, "GET", "/v1/wallets", b"")).await.problem(), (401, "unknown_key"));
    // A node's key is no device key.
    assert_eq!(bench.ask(signed(1, "GET", "/v1/wallets", b"")).await.problem(), (401, "unknown_key"));
    // Signed for something else: path, query, method, body.
    let now = crate::store::now();
    let auth = |method, target, body| RequestAuth::sign(&key(CLIENT), method, target, body, now, [1; 16]);
    for (auth, method, target, body) in [
        (auth("GET", "/v1/intents", b""), "GET", "/v1/wallets", &b""[..]),
        (auth("GET", "/v1/wallets", b""), "GET", "/v1/wallets?limit=1", b""),
        (auth("GET", "/v1/intents", b""), "POST", "/v1/intents", b""),
        (auth("POST", "/v1/intents", b"{}"), "POST", "/v1/intents", b"{ }"),
    ] {
        let answer = bench.ask(with_auth(&auth, method, target, body)).await;
        assert_eq!(answer.problem(), (401, "bad_signature"), "{method} {target}");
        assert_eq!(answer.json["field"], "quorate-signature");
    }
}

#[tokio::test]
async fn a_request_is_answered_once_and_only_in_its_minute() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let now = crate::store::now();
    let at = |time, nonce| RequestAuth::sign(&key(CLIENT), "GET", "/v1/wallets", b"", time, [nonce; 16]);
    let first = at(now, 1);
    assert_eq!(bench.ask(with_auth(&first, "GET", "/v1/wallets", b"")).await.status, StatusCode::OK);
    let again = bench.ask(with_auth(&first, "GET", "/v1/wallets", b"")).await;
    assert_eq!(again.problem(), (401, "replayed"));
    for time in [now - 62, now + 62] {
        let stale = bench.ask(with_auth(&at(time, 2), "GET", "/v1/wallets", b"")).await;
        assert_eq!(stale.problem(), (401, "stale_request"));
    }
    // A failed request does not use the nonce of a good one up.
    let mut forged = at(now, 3);
    forged.signature.0[0] ^= 1;
    assert_eq!(
        bench.ask(with_auth(&forged, "GET", "/v1/wallets", b"")).await.problem(),
        (401, "bad_signature")
    );
    assert_eq!(bench.ask(with_auth(&at(now, 3), "GET", "/v1/wallets", b"")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn replays_are_refused_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let now = crate::store::now();
    let post = RequestAuth::sign(&key(CLIENT), "POST", "/v1/intents", b"{}", now, [1; 16]);
    assert_eq!(bench.ask(with_auth(&post, "POST", "/v1/intents", b"{}")).await.problem().0, 422);
    bench.running.shutdown().await;
    let bench = start(folder.path()).await;
    let again = bench.ask(with_auth(&post, "POST", "/v1/intents", b"{}")).await;
    assert_eq!(again.problem(), (401, "replayed"));
    // Reads are not kept on disk; what was signed before the start is refused altogether.
    let read = RequestAuth::sign(&key(CLIENT), "GET", "/v1/wallets", b"", now - 5, [2; 16]);
    assert_eq!(
        bench.ask(with_auth(&read, "GET", "/v1/wallets", b"")).await.problem(),
        (401, "stale_request")
    );
}

#[tokio::test]
async fn bodies_have_caps() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { body: 1000, large_body: 3 << 20, ..Limits::default() };
    let bench = start_with(folder.path(), genesis(), limits).await;
    let small = format!("/v1/intents/int_{}/approvals", "0".repeat(64));
    for (target, cap) in [(small.as_str(), 1000), ("/v1/intents", 3 << 20)] {
        let fits = bench.ask(signed(CLIENT, "POST", target, &vec![b' '; cap])).await;
        assert_eq!(fits.problem(), (400, "malformed_json"), "{target}");
        let over = bench.ask(signed(CLIENT, "POST", target, &vec![b' '; cap + 1])).await;
        assert_eq!(over.problem(), (413, "payload_too_large"), "{target}");
        // In pieces.
        let mut request = signed(CLIENT, "POST", target, &vec![b' '; cap + 1]);
        *request.body_mut() = Body::from_stream(Chunks(cap + 1));
        assert_eq!(bench.ask(request).await.problem(), (413, "payload_too_large"), "{target}");
    }
    // What is announced as too long is not waited for.
    let read = Arc::new(AtomicBool::new(false));
    let mut request = signed(CLIENT, "POST", &small, &[b' '; 1001]);
    request.headers_mut().insert("content-length", "1001".parse().unwrap());
    *request.body_mut() = Body::from_stream(Watched(read.clone()));
    assert_eq!(bench.ask(request).await.problem(), (413, "payload_too_large"));
    assert!(!read.load(Ordering::Relaxed));
    // A stranger's body is not even read.
    let stranger = bench.ask(signed(77, "POST", "/v1/intents", &[b' '; 6000])).await;
    assert_eq!(stranger.problem(), (401, "unknown_key"));
}

/// A body that tells whether anybody asked for it.
struct Watched(Arc<AtomicBool>);

impl futures_core::Stream for Watched {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.store(true, Ordering::Relaxed);
        std::task::Poll::Ready(None)
    }
}

/// A body of so many blanks, in pieces.
struct Chunks(usize);

impl futures_core::Stream for Chunks {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let piece = self.0.min(100);
        self.0 -= piece;
        std::task::Poll::Ready((piece > 0).then(|| Ok(vec![b' '; piece])))
    }
}

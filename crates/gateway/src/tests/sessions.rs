//! Signing in to the console, and what a session may and may not do.

use super::support::*;
use crate::sessions::{ABSOLUTE, IDLE, kept};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use p256::ecdsa::signature::Signer;
use quorate_intent::passkey::{Algorithm, sign_in_challenge};
use quorate_intent::{Approval, Assertion, Genesis, Hash, Member, Passkey, Signature, Suite, Verdict};
use quorate_sharing::Transcript;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const HOST: &str = "localhost:7700";
const ORIGIN: &str = "http://localhost:7700";

/// A passkey in software.
struct Authenticator {
    key: p256::ecdsa::SigningKey,
    passkey: Passkey,
}

impl Authenticator {
    fn new() -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
        let public_key = key.verifying_key().to_encoded_point(true).as_bytes().to_vec();
        let (rp_id, credential) = ("localhost".to_owned(), vec![1, 2, 3]);
        let origins = vec![ORIGIN.to_owned(), "https://localhost".to_owned()];
        Self { key, passkey: Passkey { algorithm: Algorithm::Es256, public_key, credential, rp_id, origins } }
    }

    fn sign(&self, challenge: &[u8; 32], origin: &str, counter: u32) -> (Assertion, Signature) {
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{}","origin":"{origin}","crossOrigin":false}}"#,
            base64(challenge)
        )
        .into_bytes();
        let mut authenticator_data = Sha256::digest(self.passkey.rp_id.as_bytes()).to_vec();
        authenticator_data.push(5);
        authenticator_data.extend_from_slice(&counter.to_be_bytes());
        let message = [authenticator_data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature: p256::ecdsa::Signature = self.key.sign(&message);
        let assertion = Assertion { passkey: self.passkey.clone(), authenticator_data, client_data };
        (assertion, Signature(signature.to_bytes().into()))
    }

    /// An answer to a challenge's nonce.
    fn answer(&self, genesis: &Genesis, nonce: &str, origin: &str, counter: u32) -> Value {
        let bytes: [u8; 32] = hex::decode(nonce).unwrap().try_into().unwrap();
        let (assertion, signature) = self.sign(&sign_in_challenge(&genesis.hash(), &bytes), origin, counter);
        answer(&assertion, &signature, nonce)
    }
}

fn answer(assertion: &Assertion, signature: &Signature, nonce: &str) -> Value {
    json!({ "passkey": {
        "nonce": nonce, "credential": hex::encode(&assertion.passkey.credential), "passkey": assertion.passkey,
        "authenticator_data": hex::encode(&assertion.authenticator_data),
        "client_data": hex::encode(&assertion.client_data), "signature": signature,
    }})
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut all = [0; 4];
        all[1..=chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes(all);
        for at in 0..=chunk.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

/// A genesis in which the passkey is an approver.
fn genesis_with(authenticator: &Authenticator) -> Genesis {
    let mut genesis = genesis();
    genesis.approvers.members.push(Member { name: "pat".into(), key: authenticator.passkey.id() });
    genesis.check().unwrap();
    genesis
}

/// A request as a page of the console makes it.
fn page(method: &str, target: &str, body: &Value, cookie: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", HOST)
        .header("origin", ORIGIN)
        .header("quorate-console", "1")
        .header("content-type", "application/json");
    if let Some(cookie) = cookie {
        request = request.header("cookie", format!("other=1; quorate_session={cookie}"));
    }
    request.body(Body::from(body.to_string())).unwrap()
}

fn without(mut request: Request<Body>, name: &str, other: Option<&str>) -> Request<Body> {
    request.headers_mut().remove(name);
    if let Some(other) = other {
        request.headers_mut().insert(header::HeaderName::try_from(name).unwrap(), other.parse().unwrap());
    }
    request
}

/// The cookie's token out of an answer, and all of the cookie.
async fn cookie_of(bench: &Bench, request: Request<Body>) -> (String, String) {
    let response = bench.raw(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let value = response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap().to_owned();
    let plain = value.strip_prefix("__Host-").unwrap_or(&value);
    let token = plain.strip_prefix("quorate_session=").unwrap().split(';').next().unwrap().to_owned();
    to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (token, value)
}

async fn link(bench: &Bench, seed: u8) -> String {
    let answer = bench.post(seed, "/v1/sessions", &json!({})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    assert_eq!(answer.json["path"], format!("/console/#token={}", answer.json["token"].as_str().unwrap()));
    answer.json["token"].as_str().unwrap().to_owned()
}

async fn session(bench: &Bench, seed: u8) -> String {
    let body = json!({ "link": link(bench, seed).await });
    cookie_of(bench, page("POST", "/console/api/sign-in", &body, None)).await.0
}

fn read(target: &str, cookie: &str) -> Request<Body> {
    page("GET", target, &Value::Null, Some(cookie))
}

#[tokio::test]
async fn a_link_signs_in_once_and_signing_out_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let body = json!({ "link": link(&bench, CLIENT).await });
    let sign_in = || page("POST", "/console/api/sign-in", &body, None);
    let (token, cookie) = cookie_of(&bench, sign_in()).await;
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"));
    assert_eq!(bench.ask(sign_in()).await.problem(), (401, "bad_link"));
    let told = bench.ask(read("/console/api/session", &token)).await;
    assert_eq!(told.json["name"], "api");
    assert_eq!(told.json["operates"], true);
    assert_eq!(bench.ask(read("/v1/wallets", &token)).await.status, StatusCode::OK);
    // Nothing of it stands in the database as it is.
    let id = kept("session", &token).unwrap();
    assert!(bench.store().session(&id).await.unwrap().is_some());
    assert_ne!(hex::encode(id), token);
    let out = page("POST", "/console/api/sign-out", &json!({}), Some(&token));
    assert_eq!(bench.ask(out).await.status, StatusCode::OK);
    assert_eq!(bench.ask(read("/v1/wallets", &token)).await.problem(), (401, "no_session"));
    let wrong = json!({ "link": "0".repeat(64) });
    assert_eq!(
        bench.ask(page("POST", "/console/api/sign-in", &wrong, None)).await.problem(),
        (401, "bad_link")
    );
    // Behind a proxy that speaks TLS the cookie goes over TLS alone.
    let body = json!({ "link": link(&bench, CLIENT).await });
    let request = page("POST", "/console/api/sign-in", &body, None);
    let request = without(request, "origin", Some("https://localhost:7700"));
    let (secure, cookie) = cookie_of(&bench, request).await;
    assert!(cookie.starts_with("__Host-quorate_session=") && cookie.ends_with("; Secure"), "{cookie}");
    // No other host of the domain can put a session of its own before it.
    let other = session(&bench, ADMIN).await;
    let mut planted = read("/console/api/session", &other);
    planted.headers_mut().append("cookie", format!("__Host-quorate_session={secure}").parse().unwrap());
    assert_eq!(bench.ask(planted).await.json["name"], "api");
    // Who signs in anew leaves no session behind.
    let body = json!({ "link": link(&bench, CLIENT).await });
    cookie_of(&bench, page("POST", "/console/api/sign-in", &body, Some(&other))).await;
    assert_eq!(bench.ask(read("/v1/wallets", &other)).await.problem(), (401, "no_session"));
}

#[tokio::test]
async fn only_pages_of_this_origin_change_anything() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let cookie = session(&bench, CLIENT).await;
    let intent = new_intent(&order(&genesis(), WALLET, Suite::Ecdsa));
    let request = || page("POST", "/v1/intents", &intent, Some(&cookie));
    for (request, code) in [
        (without(request(), "quorate-console", None), "not_from_console"),
        (without(request(), "quorate-console", Some("0")), "not_from_console"),
        (without(request(), "origin", None), "other_origin"),
        (without(request(), "origin", Some("null")), "other_origin"),
        (without(request(), "origin", Some("http://localhost:7701")), "other_origin"),
        (without(request(), "origin", Some("http://evil.example")), "other_origin"),
        (without(request(), "host", None), "other_origin"),
    ] {
        assert_eq!(bench.ask(request).await.problem(), (403, code));
    }
    let mut elsewhere = read("/v1/wallets", &cookie);
    elsewhere.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(bench.ask(elsewhere).await.problem(), (403, "other_origin"));
    let mut twice = read("/v1/wallets", &cookie);
    twice.headers_mut().append("cookie", format!("quorate_session={cookie}").parse().unwrap());
    assert_eq!(bench.ask(twice).await.problem(), (401, "no_session"));
    // The same of signing in and out, which have no session to lose.
    for target in ["/console/api/sign-in", "/console/api/sign-out", "/console/api/challenge"] {
        let request = page("POST", target, &json!({ "link": "00" }), None);
        let request = without(request, "origin", Some("http://evil.example"));
        assert_eq!(bench.ask(request).await.problem(), (403, "other_origin"), "{target}");
    }
    // With all of it, the intent is taken in by its own signature; a forged one is not.
    assert_eq!(bench.ask(request()).await.status, StatusCode::CREATED);
    let mut forged = intent.clone();
    forged["intent"]["expires"] = (crate::store::now() + 900).into();
    let forged = page("POST", "/v1/intents", &forged, Some(&cookie));
    assert_eq!(bench.ask(forged).await.problem(), (422, "bad_signature"));
}

#[tokio::test]
async fn a_session_approves_nothing_by_itself_and_makes_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let cookie = session(&bench, ADMIN).await;
    let answer = bench.ask(page("POST", "/v1/sessions", &json!({}), Some(&cookie))).await;
    assert_eq!(answer.problem(), (403, "needs_device_key"));
    let answer = bench.ask(page("POST", "/v1/webhook-keys/rotate", &json!({}), Some(&cookie))).await;
    assert_eq!(answer.problem(), (403, "needs_device_key"));
    let intent = order(&genesis(), WALLET, Suite::Ecdsa);
    assert_eq!(bench.post(CLIENT, "/v1/intents", &new_intent(&intent)).await.status, StatusCode::CREATED);
    let target = format!("/v1/intents/{}/approvals", intent.intent.id());
    let mut approval = Approval::new(intent.intent.hash(), Verdict::Approve, &key(ADMIN));
    approval.signature = Signature([7; 64]);
    let forged = page("POST", &target, &serde_json::to_value(&approval).unwrap(), Some(&cookie));
    assert_eq!(bench.ask(forged).await.problem(), (422, "bad_signature"));
    let waits = bench.ask(read("/v1/inbox", &cookie)).await;
    assert_eq!(waits.json["items"].as_array().unwrap().len(), 1);
    // Idempotency keys are the member's, with whichever of the two ways they come.
    let mut request = page("POST", "/v1/intents", &new_intent(&intent), Some(&cookie));
    request.headers_mut().insert("idempotency-key", "k1".parse().unwrap());
    assert_eq!(bench.ask(request).await.status, StatusCode::OK);
    let mut other = page("POST", "/v1/intents", &json!({}), Some(&cookie));
    other.headers_mut().insert("idempotency-key", "k1".parse().unwrap());
    assert_eq!(bench.ask(other).await.problem(), (409, "idempotency_conflict"));
}

#[tokio::test]
async fn sessions_end_by_age_by_idleness_and_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let now = crate::store::now();
    let member = quorate_intent::keys::public(&key(CLIENT));
    let begin = async |created: u64, seen: u64| {
        let token = crate::sessions::token();
        let id = kept("session", &token).unwrap();
        bench.store().add_session(&id, &member, created, (u64::MAX, u64::MAX)).await.unwrap();
        bench.store().touch_session(&id, seen).await.unwrap();
        token.as_str().to_owned()
    };
    let status = async |token: &str| bench.ask(read("/v1/wallets", token)).await.status;
    let fresh = begin(now - 10, now).await;
    let old = begin(now - ABSOLUTE - 1, now).await;
    let idle = begin(now - IDLE - 5, now - IDLE - 1).await;
    assert_eq!(status(&old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&idle).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&fresh).await, StatusCode::OK);
    // A page that asks by itself keeps nothing alive; a person does.
    let used = begin(now - 1000, now - 900).await;
    let seen = async |token: &str| {
        bench.store().session(&kept("session", token).unwrap()).await.unwrap().unwrap().seen
    };
    let mut background = read("/v1/wallets", &used);
    background.headers_mut().insert("quorate-background", "1".parse().unwrap());
    assert_eq!(bench.ask(background).await.status, StatusCode::OK);
    assert_eq!(seen(&used).await, now - 900);
    assert_eq!(status(&used).await, StatusCode::OK);
    assert!(seen(&used).await >= now);
    // The ninth session of a member ends the oldest.
    for _ in 0..8 {
        session(&bench, CLIENT).await;
    }
    assert_eq!(status(&fresh).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_is_no_member_any_more_has_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let token = crate::sessions::token();
    let id = kept("session", &token).unwrap();
    let stranger = quorate_intent::keys::public(&key(77));
    bench.store().add_session(&id, &stranger, crate::store::now(), (ABSOLUTE, IDLE)).await.unwrap();
    assert_eq!(bench.ask(read("/v1/wallets", &token)).await.problem(), (401, "no_session"));
    assert!(bench.store().session(&id).await.unwrap().is_none(), "the session is kept");
    let link = crate::sessions::token();
    let now = crate::store::now();
    bench.store().add_link(&kept("link", &link).unwrap(), &stranger, now, now + 60).await.unwrap();
    let request = page("POST", "/console/api/sign-in", &json!({ "link": link.as_str() }), None);
    assert_eq!(bench.ask(request).await.problem(), (401, "unknown_key"));
    // A link that is over.
    let late = crate::sessions::token();
    let member = quorate_intent::keys::public(&key(CLIENT));
    bench.store().add_link(&kept("link", &late).unwrap(), &member, now, now).await.unwrap();
    let request = page("POST", "/console/api/sign-in", &json!({ "link": late.as_str() }), None);
    assert_eq!(bench.ask(request).await.problem(), (401, "bad_link"));
}

async fn challenge(bench: &Bench) -> String {
    let answer = bench.ask(page("POST", "/console/api/challenge", &json!({}), None)).await;
    answer.json["nonce"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_passkey_signs_in_with_a_fresh_challenge_and_a_counter_that_goes_up() {
    let folder = tempfile::tempdir().unwrap();
    let with = Authenticator::new();
    let genesis = genesis_with(&with);
    let bench = start_with(folder.path(), genesis.clone(), crate::Limits::default()).await;
    let sign_in = |body: &Value| page("POST", "/console/api/sign-in", body, None);
    let nonce = challenge(&bench).await;
    let first = with.answer(&genesis, &nonce, ORIGIN, 4);
    let (token, _) = cookie_of(&bench, sign_in(&first)).await;
    let told = bench.ask(read("/console/api/session", &token)).await.json;
    assert_eq!((told["name"].as_str(), told["operates"].as_bool()), (Some("pat"), Some(false)));
    assert_eq!(told["passkeys"][0]["credential"], "010203");
    assert_eq!(bench.ask(sign_in(&first)).await.problem(), (401, "bad_challenge"));
    // The document is known now, so the credential is enough.
    let nonce = challenge(&bench).await;
    let mut short = with.answer(&genesis, &nonce, ORIGIN, 5);
    short["passkey"].as_object_mut().unwrap().remove("passkey");
    cookie_of(&bench, sign_in(&short)).await;
    let nonce = challenge(&bench).await;
    let copy = with.answer(&genesis, &nonce, ORIGIN, 5);
    assert_eq!(bench.ask(sign_in(&copy)).await.problem(), (401, "passkey_counter"));
}

#[tokio::test]
async fn a_passkey_that_is_wrong_in_any_way_does_not_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let with = Authenticator::new();
    let genesis = genesis_with(&with);
    let bench = start_with(folder.path(), genesis.clone(), crate::Limits::default()).await;
    let refused = async |body: Value, code: &str| {
        let answer = bench.ask(page("POST", "/console/api/sign-in", &body, None)).await;
        assert_eq!(answer.code(), code, "{}", answer.json);
    };
    refused(with.answer(&genesis, &"00".repeat(32), ORIGIN, 1), "bad_challenge").await;
    let nonce = challenge(&bench).await;
    let signed = with.answer(&genesis, &nonce, ORIGIN, 1);
    let change = |field: &str, value: Value| {
        let mut changed = signed.clone();
        changed["passkey"][field] = value;
        changed
    };
    refused(change("signature", json!("07".repeat(64))), "bad_assertion").await;
    refused(change("authenticator_data", json!("00".repeat(37))), "bad_assertion").await;
    refused(change("client_data", json!("zz")), "invalid_field").await;
    refused(with.answer(&genesis, &nonce, "https://localhost", 1), "other_origin").await;
    let mut stranger = Authenticator::new();
    stranger.passkey.credential = vec![9];
    refused(stranger.answer(&genesis, &nonce, ORIGIN, 1), "unknown_passkey").await;
    let mut nobody = with.answer(&genesis, &nonce, ORIGIN, 1);
    nobody["passkey"].as_object_mut().unwrap().remove("passkey");
    refused(nobody, "unknown_passkey").await;
    // What it signs for another cluster, or as an approval, or without a domain, signs nobody in.
    let bytes: [u8; 32] = hex::decode(&nonce).unwrap().try_into().unwrap();
    let plain = Transcript::new("other").field("nonce", &bytes).digest();
    let approval = Approval::challenge(&Hash(bytes), &with.passkey.id(), Verdict::Approve);
    for challenge in [sign_in_challenge(&Hash([1; 32]), &bytes), plain, approval, bytes] {
        let (assertion, signature) = with.sign(&challenge, ORIGIN, 1);
        refused(answer(&assertion, &signature, &nonce), "bad_assertion").await;
    }
    refused(json!({}), "invalid_body").await;
    refused(json!({ "link": "00", "passkey": signed["passkey"] }), "invalid_body").await;
    // The challenge itself is as good as it was.
    cookie_of(&bench, page("POST", "/console/api/sign-in", &signed, None)).await;
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let guess = json!({ "link": "1".repeat(64) });
    for _ in 0..20 {
        let answer = bench.ask(page("POST", "/console/api/sign-in", &guess, None)).await;
        assert_eq!(answer.problem(), (401, "bad_link"));
    }
    let answer = bench.ask(page("POST", "/console/api/sign-in", &guess, None)).await;
    assert_eq!(answer.problem(), (429, "too_many_attempts"));
}

#[tokio::test]
async fn pages_come_with_their_headers_and_only_when_they_changed() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let get = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();
    for asset in quorate_console::assets() {
        let response = bench.raw(get(&format!("/console/{}", asset.path))).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", asset.path);
        for (name, value) in quorate_console::SECURITY_HEADERS {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        let mut again = get(&format!("/console/{}", asset.path));
        again.headers_mut().insert("if-none-match", asset.etag.parse().unwrap());
        assert_eq!(bench.raw(again).await.status(), StatusCode::NOT_MODIFIED);
    }
    assert_eq!(bench.raw(get("/console/")).await.status(), StatusCode::OK);
    assert_eq!(bench.raw(get("/console")).await.status(), StatusCode::PERMANENT_REDIRECT);
    let nothing = bench.raw(get("/console/..%2flib.rs")).await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert!(nothing.headers().contains_key("content-security-policy"));
}

#[tokio::test]
async fn the_file_for_a_new_device_keeps_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let cookie = session(&bench, CLIENT).await;
    let new = Authenticator::new().passkey;
    let told =
        bench.ask(page("POST", "/console/api/passkey-id", &serde_json::to_value(&new).unwrap(), None)).await;
    assert_eq!(told.json["id"], new.id().to_string());
    let target = format!("/console/api/members-file?name=x&key={}", new.id());
    let text = bench.ask(read(&target, &cookie)).await.json["text"].as_str().unwrap().to_owned();
    let old = quorate_intent::keys::public(&key(11));
    assert!(
        text.contains(&format!("\"x\" = [\"{}\", \"{}\"]", old.min(new.id()), old.max(new.id())))
            || text.contains(&format!("\"x\" = [\"{old}\", \"{}\"]", new.id())),
        "{text}"
    );
    assert!(
        text.contains(&format!("[approvers]\nquorum = 2\n[approvers.members]\n\"x\" = \"{}\"\n", new.id())),
        "{text}"
    );
    assert!(!text.contains("[administrators]"));
}

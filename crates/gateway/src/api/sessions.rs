//! Signing in and out, and what a request with a session's cookie must be like.

use super::auth::{Caller, caller, header};
use super::extract::Json as Body;
use super::{ApiError, passkey_sign_in};
use crate::gateway::Gateway;
use crate::sessions::{ABSOLUTE, IDLE, LINK, TOUCH, kept, name, token};
use crate::store::now;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header as names};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use quorate_coordination::api::{PasskeyId, Problem, SessionView, SignIn, SignInChallenge, SignInLink};
use quorate_intent::{Passkey, PublicKey};
use std::net::IpAddr;
use std::sync::Arc;

/// The cookie.
const COOKIE: &str = "quorate_session";
/// The cookie under https.
const HOST_COOKIE: &str = "__Host-quorate_session";
/// What scripts of other sites cannot set without asking first.
const HEADER: &str = "quorate-console";
/// Says that a page asks by itself, with nobody at it: that keeps no session alive.
const BACKGROUND: &str = "quorate-background";

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

fn refused(status: StatusCode, code: &str, detail: &str) -> ApiError {
    ApiError::new(status, code, detail)
}

/// The cookie's token, if it came once.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(names::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs: Vec<(&str, &str)> = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    // Under https the name with the prefix alone counts where it is there: no other host of the domain can set it.
    [HOST_COOKIE, COOKIE].into_iter().find_map(|name| {
        let mut found = pairs.iter().filter(|pair| pair.0 == name).map(|pair| pair.1);
        let first = found.next()?;
        Some(if found.next().is_some() { "" } else { first })
    })
}

/// What is kept of the session that the cookie names.
fn told(headers: &HeaderMap) -> Option<[u8; 32]> {
    cookie(headers).and_then(|token| kept("session", token))
}

/// The cookie's name, and what follows its value, for a page of this origin.
fn naming(origin: &str) -> (&'static str, &'static str) {
    if origin.starts_with("https:") { (HOST_COOKIE, "; Secure") } else { (COOKIE, "") }
}

/// That a request which changes something comes from a page of ours: the header that only such a page sets, and its origin.
pub fn from_our_page(headers: &HeaderMap) -> Result<&str, ApiError> {
    if header(headers, HEADER) != Some("1") {
        let detail = "a change with a session needs the header quorate-console: 1";
        return Err(refused(StatusCode::FORBIDDEN, "not_from_console", detail).field(HEADER));
    }
    let host = header(headers, "host").unwrap_or_default();
    let origin = header(headers, "origin").unwrap_or_default();
    let own =
        origin.split_once("://").filter(|(scheme, at)| matches!(*scheme, "http" | "https") && *at == host);
    if host.is_empty() || own.is_none() {
        let detail = "the request comes from a page of another origin than this gateway's; behind a proxy, have it pass Host on";
        return Err(refused(StatusCode::FORBIDDEN, "other_origin", detail).field("origin"));
    }
    Ok(origin)
}

/// Who asks by a cookie; none when there is no cookie.
pub async fn signed_in(
    gateway: &Gateway,
    headers: &HeaderMap,
    changes: bool,
) -> Result<Option<Caller>, ApiError> {
    let Some(token) = cookie(headers) else { return Ok(None) };
    let over = || {
        let detail = "the session is over or was ended; sign in again";
        refused(StatusCode::UNAUTHORIZED, "no_session", detail)
    };
    let id = kept("session", token).ok_or_else(over)?;
    let row = gateway.store.session(&id).await?.ok_or_else(over)?;
    let now = now();
    if now >= row.created.saturating_add(ABSOLUTE) || now >= row.seen.saturating_add(IDLE) {
        gateway.store.end_session(&id).await?;
        return Err(over());
    }
    // Who has left governance has no session any more.
    let Ok(found) = caller(gateway.genesis.chain().current(), &row.member) else {
        gateway.store.end_session(&id).await?;
        return Err(over());
    };
    if changes {
        from_our_page(headers)?;
    } else if let Some(site) = header(headers, "sec-fetch-site")
        && site != "same-origin"
    {
        let detail = "a page of another origin reads nothing here";
        return Err(refused(StatusCode::FORBIDDEN, "other_origin", detail).field("sec-fetch-site"));
    }
    let alive = !headers.contains_key(BACKGROUND) && now >= row.seen.saturating_add(TOUCH);
    if alive {
        gateway.store.touch_session(&id, now).await?;
    }
    Ok(Some(Caller { session: true, ..found }))
}

/// A link that signs the caller in to the console, good once and for two minutes. A session cannot make one.
#[utoipa::path(post, path = "/v1/sessions", tag = "console", security(("device_key" = [])),
    responses((status = 201, body = SignInLink), (status = "default", body = Problem)))]
pub async fn link(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<SignInLink>), ApiError> {
    // What is answered under a key is kept, and asked for again without a device key.
    if headers.contains_key("idempotency-key") {
        let detail = "a link is never the same twice; leave the key out";
        return Err(refused(StatusCode::BAD_REQUEST, "no_idempotency_key", detail).field("idempotency-key"));
    }
    if caller.session {
        let detail = "a session makes no further one; sign the request with a device key";
        return Err(refused(StatusCode::FORBIDDEN, "needs_device_key", detail));
    }
    let (token, now) = (token(), now());
    let expires = now.saturating_add(LINK);
    let id = kept("link", &token).ok_or_else(|| ApiError::internal("a token that is none"))?;
    gateway.store.add_link(&id, &caller.key, now, expires).await?;
    let path = format!("/console/#token={}", token.as_str());
    Ok((StatusCode::CREATED, Json(SignInLink { token: token.as_str().to_owned(), path, expires })))
}

/// What a passkey is to sign.
#[utoipa::path(post, path = "/console/api/challenge", tag = "console",
    responses((status = 200, body = SignInChallenge), (status = "default", body = Problem)))]
pub async fn challenge(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<SignInChallenge>, ApiError> {
    from_our_page(&headers)?;
    let (nonce, expires) = gateway.sign_ins.challenge(now());
    let genesis = gateway.genesis.chain().genesis().hash();
    Ok(Json(SignInChallenge { nonce: hex::encode(nonce), genesis, expires }))
}

/// What a passkey is called in governance: its id, with the fingerprint that is compared by voice. Nothing is kept.
#[utoipa::path(post, path = "/console/api/passkey-id", tag = "console",
    request_body(content = Object, description = "algorithm, public_key, credential, rp_id, origins"),
    responses((status = 200, body = PasskeyId), (status = "default", body = Problem)))]
pub async fn passkey_id(
    headers: HeaderMap,
    Body(passkey): Body<Passkey>,
) -> Result<Json<PasskeyId>, ApiError> {
    from_our_page(&headers)?;
    passkey.check()?;
    let id = passkey.id();
    Ok(Json(PasskeyId { id, fingerprint: id.fingerprint() }))
}

/// Begins a session with the token of a link or a passkey's answer, and sets its cookie.
#[utoipa::path(post, path = "/console/api/sign-in", tag = "console", request_body = SignIn,
    responses((status = 200, body = SessionView), (status = "default", body = Problem)))]
pub async fn sign_in(
    State(gateway): State<Arc<Gateway>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(new): Body<SignIn>,
) -> Result<Response, ApiError> {
    let origin = from_our_page(&headers)?;
    let (peer, now) = (peer.map(|Extension(Peer(address))| address), now());
    if !gateway.sign_ins.may_try(peer, now) {
        let detail = "too many failed sign-ins from this address; try again in a minute";
        return Err(refused(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail));
    }
    let who = match who(&gateway, &new, origin, now).await {
        Ok(who) => who,
        Err(error) => {
            gateway.sign_ins.failed(peer, now);
            return Err(error);
        }
    };
    let token = token();
    let id = kept("session", &token).ok_or_else(|| ApiError::internal("a token that is none"))?;
    gateway.store.add_session(&id, &who, now, (ABSOLUTE, IDLE)).await?;
    let view = view(&gateway, &who, now).await?;
    // Whose session it was before is over: two at once would leave one behind that nobody can end.
    if let Some(before) = told(&headers) {
        gateway.store.end_session(&before).await?;
    }
    let (name, secure) = naming(origin);
    let value =
        format!("{name}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={ABSOLUTE}{secure}", token.as_str());
    answer_with(&value, Json(view))
}

async fn who(gateway: &Gateway, new: &SignIn, origin: &str, now: u64) -> Result<PublicKey, ApiError> {
    let who = match (&new.link, &new.passkey) {
        (Some(link), None) => {
            let taken = match kept("link", link) {
                Some(id) => gateway.store.take_link(&id, now).await?,
                None => None,
            };
            taken.ok_or_else(|| {
                let detail = "the link was used, is older than two minutes, or is not whole; ask for another with quorate console";
                refused(StatusCode::UNAUTHORIZED, "bad_link", detail).field("link")
            })?
        }
        (None, Some(answer)) => passkey_sign_in::check(gateway, answer, origin, now).await?,
        _ => {
            let detail = "give either the token of a link or a passkey's answer";
            return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail));
        }
    };
    // A link may be older than a change of governance.
    caller(gateway.genesis.chain().current(), &who)?;
    Ok(who)
}

/// Ends the session, and takes its cookie away.
#[utoipa::path(post, path = "/console/api/sign-out", tag = "console",
    responses((status = 200), (status = "default", body = Problem)))]
pub async fn sign_out(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let origin = from_our_page(&headers)?;
    if let Some(id) = told(&headers) {
        gateway.store.end_session(&id).await?;
    }
    let (name, secure) = naming(origin);
    let gone = format!("{name}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0{secure}");
    answer_with(&gone, Json(serde_json::json!({})))
}

/// Who is signed in; null when nobody is.
#[utoipa::path(get, path = "/console/api/session", tag = "console",
    responses((status = 200, body = Option<SessionView>), (status = "default", body = Problem)))]
pub async fn session(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
) -> Result<Json<Option<SessionView>>, ApiError> {
    let caller = match signed_in(&gateway, &headers, false).await {
        Ok(caller) => caller,
        Err(error) if error.problem().code == "no_session" => None,
        Err(error) => return Err(error),
    };
    let Some(caller) = caller else { return Ok(Json(None)) };
    let row = match told(&headers) {
        Some(id) => gateway.store.session(&id).await?,
        None => None,
    };
    let Some(row) = row else { return Ok(Json(None)) };
    Ok(Json(Some(view(&gateway, &caller.key, row.created).await?)))
}

async fn view(gateway: &Gateway, key: &PublicKey, began: u64) -> Result<SessionView, ApiError> {
    let chain = gateway.genesis.chain();
    let current = chain.current();
    let ruling = crate::judging::ruling(gateway)?;
    let directory = ruling.directory();
    let name = name(current, key).unwrap_or_default();
    let of = directory.groups.iter().filter(|(_, members)| members.contains(&name));
    let mut groups: Vec<String> = of.map(|(group, _)| group.clone()).collect();
    if current.clients.iter().any(|client| client.key == *key) {
        groups.push("clients".into());
    }
    let mut keys: Vec<PublicKey> = directory.people.get(&name).into_iter().flatten().copied().collect();
    if !keys.contains(key) {
        keys.push(*key);
    }
    let mut passkeys = Vec::new();
    for id in &keys {
        passkeys.extend(gateway.store.passkey(id).await?);
    }
    let operates = caller(current, key)?.operates;
    let asking = keys.iter().filter(|key| current.client_with(key).is_some()).copied().collect();
    Ok(SessionView {
        key: *key,
        name,
        groups,
        operates,
        expires: began.saturating_add(ABSOLUTE),
        cluster: current.name.clone(),
        genesis: chain.genesis().hash(),
        governance: current.hash(),
        passkeys,
        keys,
        asking,
    })
}

fn answer_with(cookie: &str, body: impl IntoResponse) -> Result<Response, ApiError> {
    let mut response = body.into_response();
    let value = HeaderValue::from_str(cookie).map_err(ApiError::internal)?;
    response.headers_mut().insert(names::SET_COOKIE, value);
    response.headers_mut().insert(names::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

//! Who asks: every request is signed by a device key of the genesis, within a minute, and never twice; or it comes from a
//! page of the console with a session's cookie.

use super::{ApiError, LARGE, idempotency, sessions};
use crate::gateway::Gateway;
use crate::store::now;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header as header_names};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use quorate_intent::api_auth::{HEADER_KEY, HEADER_NONCE, HEADER_TIME, RequestAuth, WINDOW};
use quorate_intent::{Genesis, IntentError, PublicKey};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most nonces that are remembered at once.
const MAX_NONCES: usize = 1 << 20;

/// Who signed the request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Their device key.
    pub key: PublicKey,
    /// Whether they are a client or an administrator, and not an approver alone.
    pub operates: bool,
    /// Whether a session's cookie says so, and no signature.
    pub session: bool,
}

impl Caller {
    /// Refuses approvers that are nothing else; `what` says what they may not do.
    pub fn must_operate(&self, what: &str) -> Result<(), ApiError> {
        if self.operates {
            return Ok(());
        }
        let detail = format!("only clients and administrators {what}");
        Err(ApiError::new(StatusCode::FORBIDDEN, "not_a_client", detail))
    }
}

/// The requests of the last minutes, and idempotency keys whose requests are being answered.
pub struct Replay {
    nonces: Mutex<HashMap<(PublicKey, [u8; 16]), u64>>,
    pub(super) answering: Mutex<std::collections::HashSet<(PublicKey, String)>>,
    started: u64,
}

impl Replay {
    /// Goes on from the nonces of requests that changed something before a restart. Reads from before the start are
    /// refused altogether.
    pub fn new(stored: Vec<(PublicKey, [u8; 16], u64)>) -> Self {
        let nonces = stored.into_iter().map(|(caller, nonce, time)| ((caller, nonce), time)).collect();
        Self { nonces: Mutex::new(nonces), answering: Mutex::default(), started: now() }
    }

    /// Takes note of a request; an error when it was seen before.
    fn note(&self, auth: &RequestAuth, now: u64, changes: bool) -> Result<(), ApiError> {
        if !changes && auth.time < self.started {
            let detail = "it was signed before this gateway started; sign it again";
            return Err(unauthorised("stale_request", detail, HEADER_TIME));
        }
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.len() >= MAX_NONCES {
            nonces.retain(|_, time| *time + WINDOW >= now);
            if nonces.len() >= MAX_NONCES {
                let detail = "too many requests in the last minute; try again later";
                return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
            }
        }
        if nonces.insert((auth.key, auth.nonce), auth.time).is_some() {
            let detail = "this request was made before; sign it with a fresh nonce";
            return Err(unauthorised("replayed", detail, HEADER_NONCE));
        }
        Ok(())
    }

    /// Forgets requests that are refused for their age anyway.
    pub fn forget(&self, now: u64) {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, time| *time + WINDOW >= now);
    }
}

/// Lets signed requests through, with a [`Caller`] beside them.
pub async fn guard(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let mut response = match authenticate(&gateway, request).await {
        Ok((caller, request, body)) => idempotency::answer(&gateway, caller, request, &body, next).await,
        Err(error) => error.into_response(),
    };
    keep_private(&mut response);
    response
}

/// A cookie is enough to get an answer, so no cache on the way may give it to somebody else.
pub fn keep_private(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header_names::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header_names::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

async fn authenticate(gateway: &Gateway, request: Request) -> Result<(Caller, Request, Vec<u8>), ApiError> {
    // Who signs is taken by the signature, whatever cookies a browser adds.
    if !request.headers().contains_key(HEADER_KEY) {
        let changes = !request.method().is_safe();
        if let Some(caller) = sessions::signed_in(gateway, request.headers(), changes).await? {
            let (mut parts, body) = whole(gateway, request).await?;
            parts.extensions.insert(caller);
            return Ok((caller, Request::from_parts(parts, Body::from(body.clone())), body));
        }
    }
    let auth = RequestAuth::read(|name| header(request.headers(), name)).map_err(|error| match error {
        IntentError::Field { field, problem } => {
            unauthorised("unauthenticated", &format!("{field} {problem}; sign the request"), field)
        }
        other => unauthorised("unauthenticated", &other.to_string(), HEADER_KEY),
    })?;
    // Before the body is read, so that strangers cannot make us hold anything.
    let caller = caller(gateway.genesis.chain().current(), &auth.key)?;
    let now = now();
    if auth.time.abs_diff(now) > WINDOW {
        let detail = format!(
            "the request's time {} is more than {WINDOW} s from this gateway's {now}; set your clock",
            auth.time
        );
        return Err(unauthorised("stale_request", &detail, HEADER_TIME));
    }
    let (mut parts, body) = whole(gateway, request).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    if !auth.verifies(parts.method.as_str(), target, &body) {
        let detail = "the signature does not verify over this method, path, query, body, time and nonce";
        return Err(unauthorised("bad_signature", detail, quorate_intent::api_auth::HEADER_SIGNATURE));
    }
    let changes = !parts.method.is_safe();
    gateway.replay.note(&auth, now, changes)?;
    if changes {
        // Durable, so that a restart does not open the window again.
        gateway.store.add_nonce(&auth.key, &auth.nonce, auth.time).await?;
    }
    parts.extensions.insert(caller);
    Ok((caller, Request::from_parts(parts, Body::from(body.clone())), body))
}

/// A request with its body, capped by its path.
async fn whole(gateway: &Gateway, request: Request) -> Result<(Parts, Vec<u8>), ApiError> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let large = request.method() == Method::POST && path.is_some_and(|path| LARGE.contains(&path));
    let cap = if large { gateway.limits.large_body } else { gateway.limits.body };
    let (parts, body) = request.into_parts();
    let body = read(body, &parts.headers, cap).await?;
    Ok((parts, body))
}

async fn read(body: Body, headers: &HeaderMap, cap: usize) -> Result<Vec<u8>, ApiError> {
    let too_large = || {
        let detail = format!("the body is larger than {cap} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
    };
    let announced = header(headers, "content-length").and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > cap as u64) {
        return Err(too_large());
    }
    match to_bytes(body, cap).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            // axum does not say which of the two it was other than in words.
            let limit = std::iter::successors(std::error::Error::source(&error), |error| error.source())
                .any(|error| error.to_string().contains("length limit"));
            if limit {
                return Err(too_large());
            }
            let detail = "the body broke off before its end";
            Err(ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", detail))
        }
    }
}

/// Who has this key in the version in force.
pub fn caller(genesis: &Genesis, key: &PublicKey) -> Result<Caller, ApiError> {
    let among = |members: &[quorate_intent::Member]| members.iter().any(|member| member.key == *key);
    let operates = among(&genesis.clients) || among(&genesis.administrators.members);
    if operates || genesis.knows(key) {
        return Ok(Caller { key: *key, operates, session: false });
    }
    let detail = "this key is no client's, approver's or administrator's of the cluster";
    Err(unauthorised("unknown_key", detail, HEADER_KEY))
}

fn unauthorised(code: &str, detail: &str, field: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, detail).field(field)
}

/// A header's text, if it stands exactly once.
pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

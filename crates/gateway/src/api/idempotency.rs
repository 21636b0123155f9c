//! `Idempotency-Key`: the same key and request give the first answer, another request under the same key is refused.

use super::ApiError;
use super::auth::{Caller, header};
use super::problem::MEDIA_TYPE;
use crate::gateway::Gateway;
use crate::store::{Kept, Seen, now};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header as names};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use quorate_intent::PublicKey;
use quorate_sharing::Transcript;
use std::sync::PoisonError;

/// The header.
const HEADER: &str = "idempotency-key";
/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const MAX_KEY: usize = 128;
/// Largest answer that is kept: far above what any POST answers.
const MAX_ANSWER: usize = 32 << 20;

/// Answers a request, or gives its first answer again.
pub async fn answer(
    gateway: &Gateway,
    caller: Caller,
    request: Request,
    body: &[u8],
    next: Next,
) -> Response {
    let key = header(request.headers(), HEADER).map(str::to_owned);
    let present = request.headers().contains_key(HEADER);
    match key {
        Some(key) if request.method() == Method::POST => {
            once(gateway, caller, request, body, next, key).await.unwrap_or_else(ApiError::into_response)
        }
        None if present => invalid().into_response(),
        _ => next.run(request).await,
    }
}

fn invalid() -> ApiError {
    let detail = format!("must stand once and have 1 to {MAX_KEY} printable ASCII characters");
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail).field(HEADER)
}

/// Holds a key while its first request is being answered.
struct Answering<'g>(&'g Gateway, (PublicKey, String));

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.replay.answering.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

async fn once(
    gateway: &Gateway,
    caller: Caller,
    request: Request,
    body: &[u8],
    next: Next,
    key: String,
) -> Result<Response, ApiError> {
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid());
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let digest = Transcript::new("api/idempotency")
        .field("method", request.method().as_str().as_bytes())
        .field("target", target.as_bytes())
        .field("body", body)
        .digest();
    let conflict = |code: &str, detail: &str| ApiError::new(StatusCode::CONFLICT, code, detail).field(HEADER);
    let slot = (caller.key, key.clone());
    if !gateway.replay.answering.lock().unwrap_or_else(PoisonError::into_inner).insert(slot.clone()) {
        return Err(conflict(
            "idempotency_in_progress",
            "the first request with this key is not answered yet",
        ));
    }
    let _answering = Answering(gateway, slot);
    match gateway.store.seen(&caller.key, &key, &digest).await? {
        Seen::Other => {
            return Err(conflict(
                "idempotency_conflict",
                "this key was used for another request; take a new key",
            ));
        }
        Seen::Same(kept) => {
            let mut response = from_kept(&kept);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
        Seen::Never => {}
    }
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.map_err(ApiError::internal)?;
    // Our own failures are not answers: the caller shall try again.
    if !parts.status.is_server_error() {
        let kept = Kept { status: parts.status.as_u16(), body: body.to_vec() };
        gateway.store.keep(&caller.key, &key, &digest, &kept, now()).await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn from_kept(kept: &Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media_type = if status.is_success() { "application/json" } else { MEDIA_TYPE };
    (status, [(names::CONTENT_TYPE, HeaderValue::from_static(media_type))], kept.body.clone()).into_response()
}

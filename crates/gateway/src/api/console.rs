//! The console's pages, and the ways into it that need no session yet.

use super::auth::keep_private;
use super::sessions;
use crate::gateway::Gateway;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use quorate_console::{Asset, SECURITY_HEADERS};
use std::sync::Arc;

/// Largest body of a sign-in, in bytes: a passkey's answer and its document.
const MAX_BODY: usize = 32 << 10;

/// What the console is made of.
pub fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/", get(async || Redirect::to("/console/")))
        .route("/console", get(async || Redirect::permanent("/console/")))
        .route("/console/", get(async |headers: HeaderMap| page(&headers, "index.html")))
        .route(
            "/console/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| page(&headers, &path)),
        )
        .route("/console/api/session", get(sessions::session))
        .route("/console/api/challenge", post(sessions::challenge))
        .route("/console/api/passkey-id", post(sessions::passkey_id))
        .route("/console/api/sign-in", post(sessions::sign_in))
        .route("/console/api/sign-out", post(sessions::sign_out))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(async |mut response: Response| {
            if !response.headers().contains_key(header::CACHE_CONTROL) {
                keep_private(&mut response);
            }
            response
        }))
}

fn page(headers: &HeaderMap, path: &str) -> Response {
    let mut response = match quorate_console::asset(path) {
        Some(asset) => of(headers, asset),
        None => {
            (StatusCode::NOT_FOUND, "there is no such page; the console is at /console/\n").into_response()
        }
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn of(headers: &HeaderMap, asset: &Asset) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == asset.etag));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type))], asset.body).into_response()
    };
    let headers = response.headers_mut();
    // Asked for again each time, sent again only when it changed: a new program is a new console.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

//! The payment page: what a payer sees of one invoice, without signing in. Whoever has the link can read it and change nothing.
//!
//! All of it is served from here: no script, style, font or picture comes from anywhere else, and the policy that the browser is
//! given says so. Without scripts the page shows everything as it is when it is loaded; with them it follows the payment.

mod html;
mod live;
mod state;

pub use live::{Pages, tell};

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::store::InvoiceRow;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;

/// What the browser may do with the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's routes. None of them is signed.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/pay/assets/{name}", get(asset))
        .route("/pay/{token}", get(page))
        .route("/pay/{token}/state", get(show))
        .route("/pay/{token}/events", get(live::events))
        .route("/pay/{token}/qr/{option}", get(qr))
        .route("/pay/{token}/proof/{option}", get(proof))
}

fn no_such_page() -> ApiError {
    let detail = "there is no such invoice; ask whoever gave you the link for a new one";
    ApiError::new(StatusCode::NOT_FOUND, "unknown_invoice", detail)
}

async fn find(gateway: &Gateway, token: &str) -> Result<InvoiceRow, ApiError> {
    let fits = token.len() == 32 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !fits {
        return Err(no_such_page());
    }
    gateway.store.invoice_by_token(token).await?.ok_or_else(no_such_page)
}

/// Nothing of an invoice stays in a cache or leaks into another site's log.
fn private(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=()",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn page(State(gateway): State<Arc<Gateway>>, Path(token): Path<String>) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    match find(&gateway, &token).await {
        Ok(row) => match state::view(&gateway, &row).await {
            Ok(view) => private((html, html::page(&view))),
            Err(error) => private(ApiError::internal(error)),
        },
        Err(error) => {
            let status = StatusCode::from_u16(error.problem().status).unwrap_or(StatusCode::NOT_FOUND);
            private((status, html, html::missing(&error.problem().detail)))
        }
    }
}

async fn show(State(gateway): State<Arc<Gateway>>, Path(token): Path<String>) -> Result<Response, ApiError> {
    let row = find(&gateway, &token).await?;
    Ok(private(Json(state::view(&gateway, &row).await?)))
}

async fn qr(
    State(gateway): State<Arc<Gateway>>,
    Path((token, option)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let row = find(&gateway, &token).await?;
    let at: Option<usize> = option.strip_suffix(".svg").and_then(|digits| digits.parse().ok());
    let option = at.and_then(|at| row.invoice.options.get(at)).ok_or_else(no_such_page)?;
    // An address alone fits always.
    let svg = quorate_payments::qr::svg(&option.uri).or_else(|| quorate_payments::qr::svg(&option.address));
    let svg = svg.ok_or_else(|| ApiError::internal("no QR code could be made"))?;
    Ok(private(([(header::CONTENT_TYPE, "image/svg+xml")], svg)))
}

/// An option's address with the words of the nodes that vouch for it. Not the wallet's certificate: with its public key and chain
/// code anybody could derive the addresses of all other customers.
async fn proof(
    State(gateway): State<Arc<Gateway>>,
    Path((token, option)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let row = find(&gateway, &token).await?;
    let at: Option<usize> = option.strip_suffix(".json").and_then(|digits| digits.parse().ok());
    let option = at.and_then(|at| row.options.get(at)).ok_or_else(no_such_page)?;
    let mut address = gateway.store.address(option.address).await?.ok_or_else(no_such_page)?.address;
    // What the merchant calls its customers is nobody else's business.
    (address.label, address.customer) = (None, None);
    Ok(private(Json(address)))
}

async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let (kind, text) = match name.as_str() {
        "base.css" => ("text/css; charset=utf-8", include_str!("assets/base.css")),
        "pay.css" => ("text/css; charset=utf-8", include_str!("assets/pay.css")),
        "pay.js" => ("text/javascript; charset=utf-8", include_str!("assets/pay.js")),
        "icon.svg" => ("image/svg+xml", include_str!("assets/icon.svg")),
        _ => return Err(no_such_page()),
    };
    let mut response = private(([(header::CONTENT_TYPE, kind)], text));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

//! The REST API: `/v1`, JSON, problem details, every request signed.

mod auth;
mod certificates;
pub mod deposit_addresses;
mod deposits;
mod disputes;
mod events;
mod extract;
mod governed;
mod idempotency;
mod inbox;
mod intents;
pub mod invoices;
mod metrics;
mod networks;
mod openapi;
mod problem;
mod server;
mod status;
mod sweeps;
mod wallets;
mod webhooks;

pub use auth::Replay;
pub use openapi::openapi_json;
pub use problem::ApiError;
pub use server::serve;

use crate::gateway::Gateway;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::sync::Arc;

/// Paths whose bodies carry whole earlier transactions.
const LARGE: [&str; 2] = ["/v1/intents", "/v1/wallets/{id}/funding"];

/// All routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let signed = Router::new()
        .route("/v1/cluster", get(status::cluster))
        .route("/v1/disputes", get(disputes::list))
        .route("/v1/disputes/{number}/evidence", get(disputes::evidence))
        .route("/v1/intents", get(intents::list).post(intents::submit))
        .route("/v1/intents/{id}", get(intents::show))
        .route("/v1/intents/{id}/approvals", post(intents::approve))
        .route("/v1/inbox", get(inbox::list))
        .route("/v1/intents/{id}/plan", get(inbox::plan).post(intents::plan))
        .route("/v1/intents/{id}/view", get(inbox::view))
        .route("/v1/intents/{id}/signing-call", post(intents::signing_call))
        .route("/v1/intents/{id}/transaction", post(intents::transaction))
        .route("/v1/intents/{id}/cancel", post(intents::cancel))
        .route("/v1/intents/{id}/certificate", get(certificates::show))
        .route("/v1/intents/{id}/bump", post(networks::bump))
        .route("/v1/deposits", get(deposits::list))
        .route("/v1/deposits/{id}", get(deposits::show_one))
        .route("/v1/networks", get(networks::list))
        .route("/v1/balances", get(networks::balances))
        .route("/v1/fees", get(networks::fees))
        .route("/v1/wallets", get(wallets::list))
        .route("/v1/wallets/{id}", get(wallets::show))
        .route("/v1/wallets/{id}/addresses", get(wallets::addresses))
        .route("/v1/wallets/{id}/funding", post(wallets::funding))
        .route("/v1/wallets/{id}/utxos", get(wallets::utxos))
        .route("/v1/certificates/{id}", get(wallets::certificate))
        .route("/v1/policies", get(governed::policies))
        .route("/v1/address-book", get(governed::address_book))
        .route("/v1/assets", get(governed::assets))
        .merge(payments())
        .route_layer(from_fn_with_state(Arc::clone(&gateway), auth::guard))
        // The guard caps each body by its path; axum's own cap of 2 MiB would refuse what the guard lets through.
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/v1/health", get(status::health))
        .route("/v1/openapi.json", get(openapi::document))
        .route("/metrics", get(metrics::metrics))
        .merge(signed)
        .merge(crate::pay::routes())
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            let detail = "this path does not take this method; /v1/openapi.json lists what it takes";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(from_fn_with_state(Arc::clone(&gateway), server::in_time))
        .with_state(gateway)
}

/// What takes payments and tells of them.
fn payments() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/wallets/{id}/deposit-addresses", post(deposit_addresses::create))
        .route("/v1/deposit-addresses", get(deposit_addresses::list))
        .route("/v1/deposit-addresses/{id}", get(deposit_addresses::show))
        .route("/v1/deposit-addresses/{id}/proof", get(deposit_addresses::proof))
        .route("/v1/invoices", get(invoices::list).post(invoices::create))
        .route("/v1/invoices/{id}", get(invoices::show))
        .route("/v1/invoices/{id}/cancel", post(invoices::cancel))
        .route("/v1/invoices/{id}/refunds", post(invoices::refund))
        .route("/v1/sweeps", post(sweeps::create))
        .route("/v1/events", get(events::list))
        .route("/v1/events/stream", get(events::stream))
        .route("/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/v1/webhooks/{id}", get(webhooks::show).patch(webhooks::change).delete(webhooks::remove))
        .route("/v1/webhooks/{id}/ping", post(webhooks::ping))
        .route("/v1/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/v1/deliveries/{id}/resend", post(webhooks::resend))
        .route("/v1/webhook-keys", get(webhooks::keys))
        .route("/v1/webhook-keys/rotate", post(webhooks::rotate))
}

/// Most entries of a page.
const MAX_PAGE: u32 = 200;
/// Entries of a page where none are asked for.
const PAGE: u32 = 50;

/// A cursor's text: the sequence number of the last entry shown, 16 hex digits.
fn cursor(sequence: u64) -> String {
    format!("{sequence:016x}")
}

/// Reads a page's size and cursor.
fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<(u32, Option<u64>), ApiError> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        let detail = format!("must be 1 to {MAX_PAGE}, found {limit}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail).field("limit"));
    }
    let before = cursor.map(|text| {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(text, 16).ok().filter(|_| digits).ok_or_else(|| {
            let detail = "must be the next_cursor of an earlier page";
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail).field("cursor")
        })
    });
    Ok((limit, before.transpose()?))
}

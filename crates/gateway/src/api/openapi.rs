//! The OpenAPI 3.1 document.

use super::{
    analysis, certificates, deposit_addresses, deposits, disputes, events, governed, inbox, intents,
    invoices, members_file, networks, sessions, status, sweeps, wallets, webhooks,
};
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::RefOr;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The document's source: the handlers and their types.
#[derive(OpenApi)]
#[openapi(
    info(title = "Quorate gateway", description = "Objects are snake_case JSON, amounts decimal strings in minor \
        units, errors problem details (RFC 9457). Every request but health and this document is signed."),
    paths(
        status::health, status::cluster, disputes::list, disputes::evidence, intents::submit, intents::list,
        inbox::list, inbox::plan, inbox::view, intents::show, intents::approve, intents::cancel, intents::plan, intents::signing_call,
        intents::transaction, certificates::show, certificates::check, wallets::list, wallets::show, wallets::addresses, wallets::funding,
        wallets::utxos, wallets::certificate, governed::policies, governed::address_book, governed::assets,
        deposits::list, deposits::show_one, networks::list, networks::balances, networks::fees, networks::bump,
        deposit_addresses::create, deposit_addresses::list, deposit_addresses::show, deposit_addresses::proof,
        invoices::create, invoices::list, invoices::show, invoices::cancel, invoices::refund, sweeps::create,
        events::list, events::stream, webhooks::create, webhooks::list, webhooks::show, webhooks::change,
        webhooks::remove, webhooks::ping, webhooks::deliveries, webhooks::resend, webhooks::keys, webhooks::rotate,
        analysis::show, sessions::link, sessions::challenge, sessions::passkey_id, sessions::sign_in, sessions::sign_out, sessions::session, members_file::show,
    ),
    modifiers(&DeviceKey, &Problems)
)]
struct Document;

struct DeviceKey;

impl Modify for DeviceKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let text = "Ed25519 device key, with Quorate-Time (Unix seconds), Quorate-Nonce (16 bytes hex) and \
            Quorate-Signature over method, path with query, body, key, time and nonce";
        let scheme =
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Quorate-Key", text)));
        openapi.components.get_or_insert_default().add_security_scheme("device_key", scheme);
    }
}

/// Refusals have a media type of their own.
struct Problems;

impl Modify for Problems {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for item in openapi.paths.paths.values_mut() {
            let all = [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete];
            for operation in all.into_iter().flatten() {
                if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("default")
                    && let Some(content) = response.content.shift_remove("application/json")
                {
                    response.content.insert("application/problem+json".into(), content);
                }
            }
        }
    }
}

/// The document as JSON.
pub fn openapi_json() -> String {
    serde_json::to_string(&Document::openapi()).unwrap_or_default()
}

/// Serves the document. Not signed.
pub async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json())
}

//! Certificates of transactions.

use super::ApiError;
use super::extract::Id;
use crate::gateway::Gateway;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use quorate_coordination::CertifiedFile;
use quorate_coordination::api::Problem;
use quorate_intent::IntentId;
use quorate_verify::{Report, TransactionCertificate};
use std::sync::Arc;

/// A signed transfer's certificate: a file that `quorate verify` checks with no node and no gateway. It is pending until every
/// signer has shown its decision under a head of its log that enough other nodes cosigned; whether it is complete, its verifier
/// says.
#[utoipa::path(get, path = "/v1/intents/{id}/certificate", tag = "intents", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = CertifiedFile), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
) -> Result<Json<CertifiedFile>, ApiError> {
    Ok(Json(find(&gateway, &id).await?.file()))
}

async fn find(gateway: &Gateway, id: &IntentId) -> Result<TransactionCertificate, ApiError> {
    let (bytes, _) = gateway.store.certificate(id).await?.ok_or_else(|| {
        let detail = "there is no certificate of this intent: it is no signed transfer, or its partial signatures went by file and were not handed in";
        ApiError::new(StatusCode::NOT_FOUND, "not_found", detail)
    })?;
    let certificate = TransactionCertificate::decode(&bytes).map_err(ApiError::internal)?;
    if certificate.verdicts.is_empty() {
        let detail = "its signers have not shown their decisions yet; ask again in a moment";
        return Err(ApiError::new(StatusCode::CONFLICT, "not_yet", detail));
    }
    Ok(certificate)
}

/// The same, verified by this gateway and told in words. Whoever does not take its word runs `quorate verify` on the file.
#[utoipa::path(get, path = "/v1/intents/{id}/certificate/check", tag = "intents", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = Object), (status = "default", body = Problem)))]
pub async fn check(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
) -> Result<Json<Report>, ApiError> {
    let certificate = find(&gateway, &id).await?;
    let genesis = gateway.genesis.chain().genesis().clone();
    let checked = tokio::task::spawn_blocking(move || gateway.verifier.verify(&certificate, &genesis));
    let checked = checked.await.map_err(ApiError::internal)?;
    checked.map(Json).map_err(|error| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "certificate_refused", error.to_string())
    })
}

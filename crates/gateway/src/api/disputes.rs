//! The dispute graph and its evidence.

use super::ApiError;
use super::extract::{Id, Params};
use crate::gateway::Gateway;
use crate::store::DisputeRow;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use quorate_ceremonies::record_of;
use quorate_coordination::EvidenceFile;
use quorate_coordination::api::{DisputeKind, DisputeView, DisputesView, Problem};
use quorate_coordination::disputes::Event;
use quorate_intent::PublicKey;
use serde::Deserialize;
use std::sync::Arc;

/// Entries of one answer.
const ENTRIES: u32 = 200;

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// The first number wanted, 1 when absent; at most 200 entries are given.
    from: Option<u64>,
}

/// The dispute graph as it stands, and what made it.
#[utoipa::path(get, path = "/v1/disputes", tag = "status", params(Entries), security(("device_key" = [])),
    responses((status = 200, body = DisputesView), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(params): Params<Entries>,
) -> Result<Json<DisputesView>, ApiError> {
    let rows = gateway.store.disputes(params.from.unwrap_or(1), ENTRIES).await?;
    let name = |key: &PublicKey| name(&gateway, key);
    let (condemned, apart, soft_edges) = gateway.coordinator.disputes.with(|graph| {
        let apart = graph.hard_edges().filter(|(.., apart)| *apart);
        let apart = apart.map(|(pair, ..)| pair.ends().iter().map(name).collect()).collect();
        let condemned = graph.all_condemned().map(|key| name(&key)).collect();
        (condemned, apart, graph.soft_edges(crate::store::now()) as u64)
    });
    let items = rows.iter().map(|row| view(&gateway, row)).collect();
    Ok(Json(DisputesView { condemned, apart, soft_edges, items }))
}

fn name(gateway: &Gateway, key: &PublicKey) -> String {
    if *key == gateway.genesis.gateway() { "gateway".into() } else { gateway.nodes.name(key) }
}

fn view(gateway: &Gateway, row: &DisputeRow) -> DisputeView {
    let (kind, ends) = match &row.event {
        Event::Condemned { party } => (DisputeKind::Condemned, [*party, *party]),
        Event::Hard { pair, .. } | Event::Soft { pair, .. } => (DisputeKind::HardEdge, pair.ends()),
        Event::Renewed { pair } => (DisputeKind::Renewed, pair.ends()),
        Event::Lifted { pair } => (DisputeKind::Lifted, pair.ends()),
    };
    let reported = row.report.as_ref().map(|report| [report.accusation.reporter, report.accusation.accused]);
    let [reporter, accused] = reported.unwrap_or(ends).map(|key| name(gateway, &key));
    let (number, what, at) = (row.number, row.what.clone(), row.at);
    DisputeView { number, kind, reporter, accused, what, at, evidence: row.report.is_some() }
}

/// One dispute's report with its evidence: a file that `quorate blame` checks with no node and no gateway.
#[utoipa::path(get, path = "/v1/disputes/{number}/evidence", tag = "status", security(("device_key" = [])),
    params(("number" = u64, Path, description = "the entry's number")),
    responses((status = 200, body = EvidenceFile), (status = "default", body = Problem)))]
pub async fn evidence(
    State(gateway): State<Arc<Gateway>>,
    Id(number): Id<u64>,
) -> Result<Json<EvidenceFile>, ApiError> {
    let row = gateway.store.disputes(number, 1).await?.into_iter().next();
    let report = row.filter(|row| row.number == number).and_then(|row| row.report);
    let report = report.ok_or_else(|| {
        let detail = "there is no report of this number; /v1/disputes lists those that there are";
        ApiError::new(StatusCode::NOT_FOUND, "not_found", detail)
    })?;
    let wallets = gateway.coordinator.all_wallets();
    let wanted = record_of(&report);
    let record = wallets.iter().find(|wallet| Some(wallet.record) == wanted);
    Ok(Json(EvidenceFile::new(&report, record.map(|wallet| &wallet.certificate.record))))
}

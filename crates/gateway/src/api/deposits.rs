//! Deposits.

use super::extract::{Id, Params};
use super::{ApiError, cursor, page};
use crate::gateway::Gateway;
use crate::store::{DepositFilter, DepositRow};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use quorate_coordination::api::{Deposit, DepositState, Page, Problem};
use serde::Deserialize;
use std::sync::Arc;

/// Which deposits to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only to this deposit address: its id, `adr_…`, or the address itself with `network`.
    address: Option<String>,
    /// `bitcoin:regtest`, `evm:1`, `solana:devnet` and the like; needed beside an address that is no id.
    network: Option<String>,
    /// Only in this state.
    state: Option<DepositState>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// Deposits, newest first.
#[utoipa::path(get, path = "/v1/deposits", tag = "deposits", params(List), security(("device_key" = [])),
    responses((status = 200, body = Page<Deposit>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(list): Params<List>,
) -> Result<Json<Page<Deposit>>, ApiError> {
    let (limit, before) = page(list.limit, list.cursor.as_deref())?;
    let address = match &list.address {
        Some(text) => Some(place(&gateway, text, list.network.as_deref()).await?),
        None => None,
    };
    let filter = DepositFilter { address, state: list.state, before, limit: limit + 1 };
    let mut rows = gateway.store.deposits(&filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    Ok(Json(Page { items: rows.into_iter().map(|row| show(&gateway, row)).collect(), next_cursor }))
}

/// The place of a deposit address; one that nobody has is of no deposit.
async fn place(gateway: &Gateway, text: &str, network: Option<&str>) -> Result<u64, ApiError> {
    if let Some(digits) = text.strip_prefix("adr_") {
        return number(digits).ok_or_else(|| invalid("address", "adr_ is followed by 16 hex digits"));
    }
    let network = network.and_then(quorate_networks::parse_network);
    let network =
        network.ok_or_else(|| invalid("network", "name the network of the address, such as evm:1"))?;
    Ok(gateway.store.address_of(&network, text).await?.map_or(u64::MAX, |row| row.sequence))
}

fn number(digits: &str) -> Option<u64> {
    let good = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| good)
}

fn invalid(field: &str, detail: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail).field(field)
}

/// One deposit.
#[utoipa::path(get, path = "/v1/deposits/{id}", tag = "deposits", security(("device_key" = [])),
    params(("id" = String, Path, description = "`dep_…`")),
    responses((status = 200, body = Deposit), (status = "default", body = Problem)))]
pub async fn show_one(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
) -> Result<Json<Deposit>, ApiError> {
    let sequence = id.strip_prefix("dep_").and_then(number);
    let sequence = sequence.ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_id", "must be dep_ and 16 hex digits").field("id")
    })?;
    let row = gateway.store.deposit(sequence).await?.ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "unknown_deposit", format!("this gateway knows no deposit {id}"))
    })?;
    Ok(Json(show(&gateway, row)))
}

/// With as many confirmations as it has now: those of one that counts are not written again with each block.
fn show(gateway: &Gateway, row: DepositRow) -> Deposit {
    let mut deposit = row.deposit;
    let head = gateway.watch.of(&deposit.network).and_then(|watched| watched.status().head);
    if let (Some(head), Some(height)) = (head, deposit.height) {
        deposit.confirmations = deposit.confirmations.max((head.height + 1).saturating_sub(height));
    }
    deposit
}

//! Deposit addresses: given out with the words of at least t nodes, listed, looked up.

use super::auth::Caller;
use super::extract::{Id, Json as Body, Params};
use super::{ApiError, cursor, page};
use crate::addresses::{self, AddressError, For};
use crate::coordinator::Wallet;
use crate::gateway::Gateway;
use crate::store::{AddressFilter, Lane};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::AddressFile;
use quorate_coordination::api::{DepositAddress, NewDepositAddress, Page, Problem};
use quorate_intent::{IntentError, Network, WalletId};
use serde::Deserialize;
use std::sync::Arc;

/// Longest label, customer, reference and the like, in characters.
pub const MAX_TEXT: usize = 200;

/// Which deposit addresses.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only of this customer.
    customer: Option<String>,
    /// Only this very address.
    address: Option<String>,
    /// Only of this wallet.
    #[param(value_type = Option<String>)]
    wallet: Option<WalletId>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// Gives a new address out, attested by nodes.
#[utoipa::path(post, path = "/v1/wallets/{id}/deposit-addresses", tag = "payments", request_body = NewDepositAddress,
    params(("id" = String, Path, description = "`wal_…`")), security(("device_key" = [])),
    responses((status = 201, body = DepositAddress), (status = "default", body = Problem)))]
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<WalletId>,
    Body(new): Body<NewDepositAddress>,
) -> Result<(StatusCode, Json<DepositAddress>), ApiError> {
    caller.must_operate("give addresses out")?;
    let whom = For { label: text("label", new.label)?, customer: text("customer", new.customer)? };
    let (wallet, lane) = lane(&gateway, id, new.network, new.account)?;
    let row = addresses::give(&gateway, &wallet, &lane, &whom).await?;
    Ok((StatusCode::CREATED, Json(row.address)))
}

/// Deposit addresses, newest first.
#[utoipa::path(get, path = "/v1/deposit-addresses", tag = "payments", params(Filter), security(("device_key" = [])),
    responses((status = 200, body = Page<DepositAddress>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(query): Params<Filter>,
) -> Result<Json<Page<DepositAddress>>, ApiError> {
    let (limit, before) = page(query.limit, query.cursor.as_deref())?;
    let Filter { customer, address, wallet, .. } = query;
    let filter = AddressFilter { customer, address, wallet, before, limit: limit + 1 };
    let mut rows = gateway.store.addresses(&filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    Ok(Json(Page { items: rows.into_iter().map(|row| row.address).collect(), next_cursor }))
}

/// One deposit address.
#[utoipa::path(get, path = "/v1/deposit-addresses/{id}", tag = "payments", security(("device_key" = [])),
    params(("id" = String, Path, description = "`adr_…`")),
    responses((status = 200, body = DepositAddress), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
) -> Result<Json<DepositAddress>, ApiError> {
    let row = gateway.store.address(sequence(&id, "adr_")?).await?;
    row.map(|row| Json(row.address)).ok_or_else(|| unknown("address", &id))
}

/// A deposit address with everything that it takes to check it with the genesis alone.
#[utoipa::path(get, path = "/v1/deposit-addresses/{id}/proof", tag = "payments", security(("device_key" = [])),
    params(("id" = String, Path, description = "`adr_…`")),
    responses((status = 200, body = AddressFile), (status = "default", body = Problem)))]
pub async fn proof(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
) -> Result<Json<AddressFile>, ApiError> {
    let row = gateway.store.address(sequence(&id, "adr_")?).await?;
    let address = row.ok_or_else(|| unknown("address", &id))?.address;
    file(&gateway, address).await.map(Json)
}

/// An address with its wallet's certificate.
pub async fn file(gateway: &Gateway, address: DepositAddress) -> Result<AddressFile, ApiError> {
    let certificate = gateway.store.wallet(&address.wallet).await?;
    let certificate = certificate.ok_or_else(|| ApiError::internal("an address has no wallet"))?;
    Ok(AddressFile::new(address, &certificate, &gateway.genesis.chain()))
}

/// The wallet and the stock that addresses of it come from.
pub fn lane(
    gateway: &Gateway,
    id: WalletId,
    network: Network,
    account: Option<u32>,
) -> Result<(Arc<Wallet>, Lane), ApiError> {
    let wallet = gateway.coordinator.wallet(&id).ok_or_else(|| {
        let detail = format!("this gateway knows no wallet {id}, or it is destroyed");
        ApiError::new(StatusCode::NOT_FOUND, "unknown_wallet", detail)
    })?;
    watched(gateway, &network)?;
    let account = account.unwrap_or(0);
    let many = matches!(network, Network::Bitcoin { .. });
    if !many && account != 0 {
        let problem = format!("{network} gives each deposit address an account of its own; leave it out");
        return Err(IntentError::field("account", problem).into());
    }
    if account >= quorate_chains::DEPOSIT_ACCOUNTS {
        let problem = format!("must be below {}", quorate_chains::DEPOSIT_ACCOUNTS);
        return Err(IntentError::field("account", problem).into());
    }
    Ok((wallet, Lane { wallet: id, network, account }))
}

/// Whether anybody would see what is paid there: a gateway that watches networks makes no addresses on others. One that watches
/// none leaves it to its client.
fn watched(gateway: &Gateway, network: &Network) -> Result<(), ApiError> {
    if gateway.watch.all().is_empty() || gateway.watch.of(network).is_some() {
        return Ok(());
    }
    let detail =
        format!("this gateway does not watch {network}, so nothing that is paid there would be seen");
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "not_watched", detail).field("network"))
}

/// A text that clients choose: some characters, none of them a control character. An empty one is none.
pub fn text(field: &'static str, value: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.chars().count() > MAX_TEXT || value.chars().any(quorate_intent::intent::hidden) {
        let problem = format!("must have at most {MAX_TEXT} characters and none that cannot be seen");
        return Err(IntentError::field(field, problem).into());
    }
    Ok(Some(value))
}

/// The place that an id names.
pub fn sequence(id: &str, prefix: &str) -> Result<u64, ApiError> {
    let digits = id.strip_prefix(prefix).filter(|digits| {
        digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| {
        let detail = format!("must be {prefix} and 16 lower-case hex digits");
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_id", detail).field("id")
    })
}

/// There is no such thing.
pub fn unknown(what: &str, id: &str) -> ApiError {
    let detail = format!("this gateway knows no {what} {id:.40}");
    ApiError::new(StatusCode::NOT_FOUND, &format!("unknown_{what}"), detail)
}

impl From<AddressError> for ApiError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Chain(error) => error.into(),
            AddressError::Store(error) => error.into(),
            AddressError::Broken(error) => Self::internal(error),
            AddressError::UsedUp => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no_more_addresses", error.to_string())
            }
            AddressError::Nodes { .. } | AddressError::Slow => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_attested", error.to_string())
            }
        }
    }
}

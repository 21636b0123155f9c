//! Networks that are watched: how they stand, what wallets hold there, what fees are, and a higher fee for what waits.

use super::ApiError;
use super::auth::Caller;
use super::extract::{Id, Json as Body, Params};
use crate::gateway::Gateway;
use crate::intents;
use crate::watch;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::api::{Balance, Bump, FeesView, IntentView, NetworkView, Page, Problem};
use quorate_intent::{Amount, IntentId, Network, U256};
use quorate_networks::Fees;
use serde::Deserialize;
use std::sync::Arc;

/// Which network.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// `bitcoin:regtest`, `evm:1`, `solana:devnet` and the like.
    network: String,
}

/// The networks that this gateway watches.
#[utoipa::path(get, path = "/v1/networks", tag = "networks", security(("device_key" = [])),
    responses((status = 200, body = Page<NetworkView>), (status = "default", body = Problem)))]
pub async fn list(State(gateway): State<Arc<Gateway>>) -> Json<Page<NetworkView>> {
    let items = gateway.watch.all().iter().map(|watched| watched.view()).collect();
    Json(Page { items, next_cursor: None })
}

/// What wallets hold, by the watched networks. Not paged: one entry for each wallet, account and asset.
#[utoipa::path(get, path = "/v1/balances", tag = "networks", security(("device_key" = [])),
    responses((status = 200, body = Page<Balance>), (status = "default", body = Problem)))]
pub async fn balances(State(gateway): State<Arc<Gateway>>) -> Result<Json<Page<Balance>>, ApiError> {
    Ok(Json(Page { items: watch::balances(&gateway).await?, next_cursor: None }))
}

/// What fees are now.
#[utoipa::path(get, path = "/v1/fees", tag = "networks", params(Which), security(("device_key" = [])),
    responses((status = 200, body = FeesView), (status = "default", body = Problem)))]
pub async fn fees(
    State(gateway): State<Arc<Gateway>>,
    Params(which): Params<Which>,
) -> Result<Json<FeesView>, ApiError> {
    let network = quorate_networks::parse_network(&which.network);
    let watched = network.and_then(|network| Some((network, gateway.watch.of(&network)?)));
    let Some((network, watched)) = watched else {
        let detail =
            format!("{:.60?} is no network that this gateway watches; see /v1/networks", which.network);
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_network", detail).field("network"));
    };
    Ok(Json(view(network, watched.status().fees, gateway.signing.fee_rate)))
}

fn view(network: Network, fees: Option<Fees>, assumed_rate: u64) -> FeesView {
    let assumed = fees.is_none();
    let (unit, [fast, normal, slow]) = match (fees, network) {
        (Some(Fees::Bitcoin(rates)), _) => ("sat_per_kvb", rates.map(Amount::from)),
        (None, Network::Bitcoin { .. }) => ("sat_per_kvb", [Amount::from(assumed_rate * 1_000); 3]),
        (Some(Fees::Evm(fees)), _) => {
            let price = |base: u128| Amount(U256::from(base.saturating_add(fees.tip)));
            ("wei_per_gas", [price(fees.base.saturating_mul(2)), price(fees.base), price(fees.base)])
        }
        (None, Network::Evm { .. }) => ("wei_per_gas", [Amount::from(0); 3]),
        (Some(Fees::Solana(lamports)), _) => ("lamports_per_signature", [Amount::from(lamports); 3]),
        (None, Network::Solana { .. }) => ("lamports_per_signature", [Amount::from(5_000); 3]),
    };
    FeesView { network, unit: unit.into(), fast, normal, slow, assumed }
}

/// Raises the fee of a transaction that waits to be mined: signs another form of the same intent, which conflicts with the
/// earlier ones. For its initiator, clients and administrators.
#[utoipa::path(post, path = "/v1/intents/{id}/bump", tag = "intents", security(("device_key" = [])),
    request_body = Bump, params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn bump(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<IntentId>,
    Body(wish): Body<Bump>,
) -> Result<Json<IntentView>, ApiError> {
    if !caller.operates {
        let row = gateway.store.intent(&id).await?.ok_or_else(|| intents::unknown(&id))?;
        let detail = "only its initiator, clients and administrators may raise a fee";
        intents::check_initiator(&row, &caller.key, detail)?;
    }
    watch::bump::raise(&gateway, &id, &wish).await.map(Json)
}

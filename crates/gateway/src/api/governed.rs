//! Policies, address book and assets, as governance has them. They are changed by intents.

use super::ApiError;
use crate::gateway::Gateway;
use axum::Json;
use axum::extract::State;
use quorate_coordination::api::{AddressBookView, AssetsView, PoliciesView, PolicyView, Problem};
use quorate_intent::Genesis;
use quorate_policy::Ruling;
use std::sync::Arc;

/// Every policy that was in force, the newest first; none while the rules of the genesis decide.
#[utoipa::path(get, path = "/v1/policies", tag = "governance", security(("device_key" = [])),
    responses((status = 200, body = PoliciesView), (status = "default", body = Problem)))]
pub async fn policies(State(gateway): State<Arc<Gateway>>) -> Result<Json<PoliciesView>, ApiError> {
    let chain = gateway.genesis.chain();
    let mut items: Vec<PolicyView> = Vec::new();
    // Each step names the version before it; the last version is named by none.
    let before = chain.steps().iter().filter_map(|step| chain.version(&step.intent.intent.governance));
    for version in before.chain([chain.current()]) {
        let Some(view) = view(version)? else { continue };
        if items.last().is_none_or(|last| last.hash != view.hash) {
            items.push(view);
        }
    }
    items.reverse();
    Ok(Json(PoliciesView { items, frozen: chain.current().frozen() }))
}

fn view(version: &Genesis) -> Result<Option<PolicyView>, ApiError> {
    let ruling = Ruling::of(version).map_err(ApiError::internal)?;
    let Some((policy, hash)) = ruling.own().zip(ruling.policy_hash()) else { return Ok(None) };
    let document = serde_json::to_value(policy).map_err(ApiError::internal)?;
    let (number, since) = (policy.number, version.number());
    Ok(Some(PolicyView { number, hash, since, policy: document, text: quorate_policy::file::write(policy) }))
}

/// The address book in force.
#[utoipa::path(get, path = "/v1/address-book", tag = "governance", security(("device_key" = [])),
    responses((status = 200, body = AddressBookView), (status = "default", body = Problem)))]
pub async fn address_book(State(gateway): State<Arc<Gateway>>) -> Json<AddressBookView> {
    let governed = gateway.genesis.current().governed.unwrap_or_default();
    Json(AddressBookView { items: governed.book })
}

/// The asset registry in force.
#[utoipa::path(get, path = "/v1/assets", tag = "governance", security(("device_key" = [])),
    responses((status = 200, body = AssetsView), (status = "default", body = Problem)))]
pub async fn assets(State(gateway): State<Arc<Gateway>>) -> Json<AssetsView> {
    let governed = gateway.genesis.current().governed.unwrap_or_default();
    Json(AssetsView { items: governed.assets })
}

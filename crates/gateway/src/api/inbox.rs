//! What approvers need: what waits for them, and what they would approve. A client that trusts nobody takes the plan and
//! makes the view itself; the view of this gateway is for consoles that it serves.

use super::auth::Caller;
use super::extract::{Id, Params};
use super::{ApiError, cursor, page};
use crate::gateway::Gateway;
use crate::intents::{self, unknown, wallet_key};
use crate::judging;
use crate::store::{ListFilter, now};
use axum::extract::State;
use axum::{Extension, Json};
use quorate_coordination::api::{IntentView, Page, PlanView, Problem, State as IntentState};
use quorate_intent::{IntentId, PublicKey};
use quorate_view::{Input, View, deciding, intended};
use serde::Deserialize;
use std::sync::Arc;

/// A page of the inbox.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// Intents that wait for the caller's own verdict, newest first. A page may have fewer entries than it looked at.
#[utoipa::path(get, path = "/v1/inbox", tag = "approvals", params(List), security(("device_key" = [])),
    responses((status = 200, body = Page<IntentView>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Params(list): Params<List>,
) -> Result<Json<Page<IntentView>>, ApiError> {
    let (limit, before) = page(list.limit, list.cursor.as_deref())?;
    let state = Some(IntentState::PendingApproval);
    let filter = ListFilter { state, wallet: None, before, limit: limit + 1, ..ListFilter::default() };
    let mut rows = gateway.store.intents(&filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    let ruling = judging::ruling(&gateway)?;
    let name = ruling.directory().person(&caller.key);
    let mut items = Vec::new();
    for row in rows {
        let approvals = gateway.store.approvals(&row.id).await?;
        // With whichever of their devices.
        let own = |key: &PublicKey| {
            *key == caller.key || (name.is_some() && ruling.directory().person(key) == name)
        };
        let spoke = approvals.iter().any(|approval| own(&approval.approver));
        let deciding = {
            let intent = &row.signed.intent;
            deciding(&ruling, intent, intended(intent).as_ref(), &approvals, now())
        };
        let waits = !spoke && name.is_some_and(|name| deciding.waits_for(name));
        if waits && !own(&row.signed.intent.initiator) && row.signed.intent.expires > now() {
            items.push(intents::view(&gateway, row).await?);
        }
    }
    Ok(Json(Page { items, next_cursor }))
}

/// The plan of an intent in canonical bytes, from which its transaction is built anew.
#[utoipa::path(get, path = "/v1/intents/{id}/plan", tag = "approvals", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = PlanView), (status = "default", body = Problem)))]
pub async fn plan(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
) -> Result<Json<PlanView>, ApiError> {
    let row = gateway.store.intent(&id).await?.ok_or_else(|| unknown(&id))?;
    let plan = row.plan.filter(|_| row.signed.intent.body.planned());
    Ok(Json(PlanView { plan: plan.map(hex::encode) }))
}

/// What an approver sees, by this gateway's word: what will be signed, decoded from the transaction itself; amounts with
/// their decimals, names of the address book, the rule that decides, who approved, who is missing, what is unknown.
#[utoipa::path(get, path = "/v1/intents/{id}/view", tag = "approvals", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = Object), (status = "default", body = Problem)))]
pub async fn view(State(gateway): State<Arc<Gateway>>, Id(id): Id<IntentId>) -> Result<Json<View>, ApiError> {
    let row = gateway.store.intent(&id).await?.ok_or_else(|| unknown(&id))?;
    let approvals = gateway.store.approvals(&id).await?;
    let key = match row.signed.intent.body.signing_wallet() {
        Some(wallet) => Some(wallet_key(&gateway, &wallet).await?),
        None => None,
    };
    let ruling = judging::ruling(&gateway)?;
    let made = tokio::task::spawn_blocking(move || {
        quorate_view::view(&Input {
            intent: &row.signed.intent,
            key: key.as_ref(),
            plan: row.plan.as_deref(),
            ruling: &ruling,
            approvals: &approvals,
            now: now(),
        })
    });
    let made = made.await.map_err(ApiError::internal)?;
    made.map(Json).map_err(|error| {
        let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
        ApiError::new(status, "no_view", error.to_string())
    })
}

//! Intents and approvals.

use super::auth::Caller;
use super::extract::{Id, Json as Body, Params};
use super::{ApiError, cursor, page};
use crate::coordinator::{by_file, signed};
use crate::gateway::Gateway;
use crate::store::ListFilter;
use crate::{held, intents, replan};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::api::{
    IntentView, NewIntent, NewPlan, NewSigningCall, NewTransaction, Page, Problem, SigningCallView,
    State as IntentState,
};
use quorate_intent::{Approval, IntentId, WalletId};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Which intents to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only in this state.
    state: Option<IntentState>,
    /// Only of this wallet.
    #[param(value_type = Option<String>)]
    wallet: Option<WalletId>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// Takes a signed intent in. 201 when it is new, 200 when it is known.
#[utoipa::path(post, path = "/v1/intents", tag = "intents", request_body = NewIntent, security(("device_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "same key and request: the first answer")),
    responses((status = 201, body = IntentView), (status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn submit(
    State(gateway): State<Arc<Gateway>>,
    Body(new): Body<NewIntent>,
) -> Result<(StatusCode, Json<IntentView>), ApiError> {
    let (new, view) = intents::submit(&gateway, new).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(view)))
}

/// Intents, newest first.
#[utoipa::path(get, path = "/v1/intents", tag = "intents", params(List), security(("device_key" = [])),
    responses((status = 200, body = Page<IntentView>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(list): Params<List>,
) -> Result<Json<Page<IntentView>>, ApiError> {
    let (limit, before) = page(list.limit, list.cursor.as_deref())?;
    let filter = ListFilter {
        state: list.state,
        wallet: list.wallet,
        before,
        limit: limit + 1,
        ..ListFilter::default()
    };
    let mut rows = gateway.store.intents(&filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(intents::view(&gateway, row).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// How long an answer may be held back.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Holds the answer back until nothing more happens to the intent by itself, at most so many seconds (0 to 20).
    #[param(minimum = 0, maximum = 20)]
    wait: Option<u64>,
}

/// One intent; with `wait`, as soon as nothing more happens to it by itself: it has ended, or is signed for a network that is not
/// watched.
#[utoipa::path(get, path = "/v1/intents/{id}", tag = "intents", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`"), Hold),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
    Params(hold): Params<Hold>,
) -> Result<Json<IntentView>, ApiError> {
    let wait = hold.wait.unwrap_or(0);
    if wait > held::LONGEST {
        let detail = format!("wait must be 0 to {} seconds", held::LONGEST);
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail).field("wait"));
    }
    if wait > 0 {
        held::until_it_ends(&gateway, &id, Duration::from_secs(wait)).await?;
    }
    intents::find(&gateway, &id).await.map(Json)
}

/// Takes an approver's signed verdict in.
#[utoipa::path(post, path = "/v1/intents/{id}/approvals", tag = "intents", security(("device_key" = [])),
    request_body(content = Object, description = "intent (hash), approver (key), verdict (approve or reject), signature"),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn approve(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
    Body(approval): Body<Approval>,
) -> Result<Json<IntentView>, ApiError> {
    let view = intents::approve(&gateway, &id, &approval).await?;
    if let Some(assertion) = &approval.passkey {
        // Genuine and a member's, as was checked; so a browser that has the credential alone can sign in by it.
        gateway.store.note_passkey(&assertion.passkey, None).await?;
    }
    Ok(Json(view))
}

/// The whole signing call of an approved transfer with `by_file`, for signers that are called by file. The intent is
/// `signing` from then on; each call has fresh nonces, and earlier ones stay as good as they were.
#[utoipa::path(post, path = "/v1/intents/{id}/signing-call", tag = "intents", security(("device_key" = [])),
    request_body = NewSigningCall, params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = SigningCallView), (status = "default", body = Problem)))]
pub async fn signing_call(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
    Body(new): Body<NewSigningCall>,
) -> Result<Json<SigningCallView>, ApiError> {
    by_file::prepare(&gateway, &id, new.signers.as_deref()).await.map(Json)
}

/// Gives a transfer on an EVM chain or Solana its plan, or another one, as its initiator, until nodes are asked to sign it.
#[utoipa::path(post, path = "/v1/intents/{id}/plan", tag = "intents", security(("device_key" = [])),
    request_body = NewPlan, params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn plan(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<IntentId>,
    Body(new): Body<NewPlan>,
) -> Result<Json<IntentView>, ApiError> {
    replan::set(&gateway, &id, new.plan, &caller.key).await.map(Json)
}

/// Takes in what the partial signatures of a transfer with `by_file` were combined to. Each signature is verified; the
/// intent is `signed` from then on, also when it had expired, and the nodes are told.
#[utoipa::path(post, path = "/v1/intents/{id}/transaction", tag = "intents", security(("device_key" = [])),
    request_body = NewTransaction, params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn transaction(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<IntentId>,
    Body(new): Body<NewTransaction>,
) -> Result<Json<IntentView>, ApiError> {
    signed::hand_in(&gateway, &id, new).await.map(Json)
}

/// Takes an intent back, as its initiator.
#[utoipa::path(post, path = "/v1/intents/{id}/cancel", tag = "intents", security(("device_key" = [])),
    params(("id" = String, Path, description = "`int_…`")),
    responses((status = 200, body = IntentView), (status = "default", body = Problem)))]
pub async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<IntentId>,
) -> Result<Json<IntentView>, ApiError> {
    intents::cancel(&gateway, &id, &caller.key).await.map(Json)
}

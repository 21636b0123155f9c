//! Webhooks, their deliveries, and the keys that sign them.

use super::auth::Caller;
use super::deposit_addresses::{sequence, text, unknown};
use super::extract::{Id, Json as Body, Params};
use super::wallets::Paged;
use super::{ApiError, cursor, page};
use crate::gateway::Gateway;
use crate::store::WebhookRow;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::api::{Delivery, NewWebhook, Page, Problem, Webhook, WebhookChange, WebhookKeys};
use quorate_intent::IntentError;
use std::sync::Arc;

/// Most webhooks.
const MAX_WEBHOOKS: usize = 64;
/// Most kinds of events that one asks for.
const MAX_KINDS: usize = 50;
/// What only clients do.
const MANAGE: &str = "manage webhooks";

/// Adds a webhook. It is told of what happens from now on.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook,
    security(("device_key" = [])), responses((status = 201, body = Webhook), (status = "default", body = Problem)))]
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewWebhook>,
) -> Result<(StatusCode, Json<Webhook>), ApiError> {
    caller.must_operate(MANAGE)?;
    if gateway.store.webhooks().await?.len() >= MAX_WEBHOOKS {
        let detail = format!("there are {MAX_WEBHOOKS} webhooks already; remove one");
        return Err(ApiError::new(StatusCode::CONFLICT, "too_many_webhooks", detail));
    }
    let webhook = Webhook {
        id: String::new(),
        url: new.url,
        description: text("description", new.description)?,
        events: new.events.unwrap_or_else(|| vec!["*".into()]),
        enabled: true,
        created_ms: 0,
        allow_private: new.allow_private,
    };
    check(&gateway, &webhook)?;
    let mut tx = gateway.store.begin().await?;
    let place = tx.add_webhook(&webhook).await?;
    tx.commit().await?;
    gateway.webhooks.wake();
    let row = gateway.store.webhook(place).await?.ok_or_else(|| ApiError::internal("a webhook vanished"))?;
    Ok((StatusCode::CREATED, Json(row.webhook)))
}

fn check(gateway: &Gateway, webhook: &Webhook) -> Result<(), ApiError> {
    let field = |field, problem: String| ApiError::from(IntentError::field(field, problem));
    gateway.webhooks.target(&webhook.url, webhook.allow_private).map_err(|problem| field("url", problem))?;
    let plain = |kind: &String| {
        !kind.is_empty()
            && kind.len() <= 64
            && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._*".contains(&b))
    };
    if webhook.events.is_empty() || webhook.events.len() > MAX_KINDS || !webhook.events.iter().all(plain) {
        let problem = format!("must be 1 to {MAX_KINDS} of *, invoice.*, deposit.credited and the like");
        return Err(field("events", problem));
    }
    Ok(())
}

/// Webhooks, newest first.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("device_key" = [])),
    responses((status = 200, body = Page<Webhook>), (status = "default", body = Problem)))]
pub async fn list(State(gateway): State<Arc<Gateway>>) -> Result<Json<Page<Webhook>>, ApiError> {
    let items = gateway.store.webhooks().await?.into_iter().map(|row| row.webhook).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

async fn find(gateway: &Gateway, id: &str) -> Result<WebhookRow, ApiError> {
    gateway.store.webhook(sequence(id, "whk_")?).await?.ok_or_else(|| unknown("webhook", id))
}

/// One webhook.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("device_key" = [])),
    params(("id" = String, Path, description = "`whk_…`")),
    responses((status = 200, body = Webhook), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
) -> Result<Json<Webhook>, ApiError> {
    Ok(Json(find(&gateway, &id).await?.webhook))
}

/// Changes a webhook.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = WebhookChange,
    params(("id" = String, Path, description = "`whk_…`")), security(("device_key" = [])),
    responses((status = 200, body = Webhook), (status = "default", body = Problem)))]
pub async fn change(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
    Body(change): Body<WebhookChange>,
) -> Result<Json<Webhook>, ApiError> {
    caller.must_operate(MANAGE)?;
    let mut row = find(&gateway, &id).await?;
    let webhook = &mut row.webhook;
    if change.description.is_some() {
        webhook.description = text("description", change.description)?;
    }
    webhook.url = change.url.unwrap_or_else(|| webhook.url.clone());
    webhook.events = change.events.unwrap_or_else(|| webhook.events.clone());
    webhook.enabled = change.enabled.unwrap_or(webhook.enabled);
    webhook.allow_private = change.allow_private.unwrap_or(webhook.allow_private);
    check(&gateway, webhook)?;
    let mut tx = gateway.store.begin().await?;
    tx.set_webhook(&row).await?;
    if row.webhook.enabled {
        tx.hurry(row.sequence).await?;
    }
    tx.commit().await?;
    gateway.webhooks.wake();
    Ok(Json(row.webhook))
}

/// Removes a webhook with its deliveries.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("device_key" = [])),
    params(("id" = String, Path, description = "`whk_…`")),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn remove(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    caller.must_operate(MANAGE)?;
    let mut tx = gateway.store.begin().await?;
    if !tx.drop_webhook(sequence(&id, "whk_")?).await? {
        return Err(unknown("webhook", &id));
    }
    tx.commit().await?;
    gateway.webhooks.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a `webhook.ping` to this webhook alone.
#[utoipa::path(post, path = "/v1/webhooks/{id}/ping", tag = "webhooks", security(("device_key" = [])),
    params(("id" = String, Path, description = "`whk_…`")),
    responses((status = 202, body = Delivery), (status = "default", body = Problem)))]
pub async fn ping(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    caller.must_operate(MANAGE)?;
    let row = find(&gateway, &id).await?;
    let mut tx = gateway.store.begin().await?;
    let place = tx.ping_webhook(&row).await?;
    tx.commit().await?;
    gateway.webhooks.wake();
    delivery(&gateway, place).await.map(|delivery| (StatusCode::ACCEPTED, Json(delivery)))
}

async fn delivery(gateway: &Gateway, place: u64) -> Result<Delivery, ApiError> {
    let row = gateway.store.delivery(place).await?;
    row.map(|row| row.delivery).ok_or_else(|| ApiError::internal("a delivery vanished"))
}

/// A webhook's deliveries, newest first. The last ten thousand are kept.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", params(Paged,
    ("id" = String, Path, description = "`whk_…`")), security(("device_key" = [])),
    responses((status = 200, body = Page<Delivery>), (status = "default", body = Problem)))]
pub async fn deliveries(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
    Params(paged): Params<Paged>,
) -> Result<Json<Page<Delivery>>, ApiError> {
    let row = find(&gateway, &id).await?;
    let (limit, before) = page(paged.limit, paged.cursor.as_deref())?;
    let mut rows = gateway.store.deliveries(row.sequence, before, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    Ok(Json(Page { items: rows.into_iter().map(|row| row.delivery).collect(), next_cursor }))
}

/// Makes a delivery once more, with a full set of attempts and the same `webhook-id`.
#[utoipa::path(post, path = "/v1/deliveries/{id}/resend", tag = "webhooks", security(("device_key" = [])),
    params(("id" = String, Path, description = "`dlv_…`")),
    responses((status = 202, body = Delivery), (status = "default", body = Problem)))]
pub async fn resend(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    caller.must_operate(MANAGE)?;
    let place = sequence(&id, "dlv_")?;
    let mut tx = gateway.store.begin().await?;
    if !tx.resend(place).await? {
        return Err(unknown("delivery", &id));
    }
    tx.commit().await?;
    gateway.webhooks.wake();
    delivery(&gateway, place).await.map(|delivery| (StatusCode::ACCEPTED, Json(delivery)))
}

/// The public keys that webhooks are signed by.
#[utoipa::path(get, path = "/v1/webhook-keys", tag = "webhooks", security(("device_key" = [])),
    responses((status = 200, body = WebhookKeys), (status = "default", body = Problem)))]
pub async fn keys(State(gateway): State<Arc<Gateway>>) -> Json<WebhookKeys> {
    Json(gateway.webhooks.keys.public())
}

/// Makes the next key the current one. The key before signs beside it for a day.
#[utoipa::path(post, path = "/v1/webhook-keys/rotate", tag = "webhooks", security(("device_key" = [])),
    responses((status = 200, body = WebhookKeys), (status = "default", body = Problem)))]
pub async fn rotate(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<WebhookKeys>, ApiError> {
    caller.must_operate(MANAGE)?;
    // What a stolen session could do here would outlast it.
    if caller.session {
        let detail = "a session does not rotate keys; sign the request with a device key";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "needs_device_key", detail));
    }
    tokio::task::spawn_blocking(move || gateway.webhooks.keys.rotate())
        .await
        .map_err(ApiError::internal)?
        .map(Json)
        .map_err(ApiError::internal)
}

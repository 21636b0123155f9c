//! Invoices and what is given back of them.

use super::auth::Caller;
use super::deposit_addresses::{lane, sequence, text, unknown};
use super::extract::{Id, Json as Body, Params};
use super::{ApiError, cursor, page};
use crate::gateway::Gateway;
use crate::invoices::{self, Draft};
use crate::store::{InvoiceFilter, InvoiceRow, NewInvoiceRow, now, refund_memo, same_asset};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use quorate_coordination::api::{
    Invoice, InvoiceState, NewInvoice, NewInvoiceOption, NewRefund, Page, Problem, UnsignedIntent,
};
use quorate_intent::{Amount, Asset, Body as Intent, IntentError, Network, Transfer};
use serde::Deserialize;
use std::sync::Arc;

/// Most ways to pay one invoice.
const MAX_OPTIONS: usize = 8;
/// Shortest, usual and longest time to pay, in seconds.
const LIFETIME: [u64; 3] = [60, 3600, 366 * 24 * 3600];

/// Which invoices.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only in this state.
    state: Option<InvoiceState>,
    /// Only of this customer.
    customer: Option<String>,
    /// Only with this number of the client's own.
    reference: Option<String>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// Asks a customer to pay. `page` is the payment link: put this gateway's public address before it.
#[utoipa::path(post, path = "/v1/invoices", tag = "payments", request_body = NewInvoice,
    security(("device_key" = [])), responses((status = 201, body = Invoice), (status = "default", body = Problem)))]
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewInvoice>,
) -> Result<(StatusCode, Json<Invoice>), ApiError> {
    caller.must_operate("make invoices")?;
    let draft = draft(&gateway, new)?;
    let row = invoices::create(&gateway, draft).await?;
    Ok((StatusCode::CREATED, Json(row.invoice)))
}

fn draft(gateway: &Gateway, new: NewInvoice) -> Result<Draft, ApiError> {
    let field = |name, problem: String| ApiError::from(IntentError::field(name, problem));
    let lifetime = new.lifetime.unwrap_or(LIFETIME[1]);
    if !(LIFETIME[0]..=LIFETIME[2]).contains(&lifetime) {
        let problem = format!("must be {} to {} seconds", LIFETIME[0], LIFETIME[2]);
        return Err(field("lifetime", problem));
    }
    if new.options.is_empty() || new.options.len() > MAX_OPTIONS {
        return Err(field("options", format!("must be 1 to {MAX_OPTIONS} ways to pay")));
    }
    for (at, option) in new.options.iter().enumerate() {
        check(option)?;
        counted(gateway, option)?;
        let same = |other: &NewInvoiceOption| {
            other.network == option.network && same_asset(&other.asset, &option.asset)
        };
        if new.options[..at].iter().any(same) {
            return Err(field("options", format!("{} on {} stands twice", option.asset, option.network)));
        }
    }
    let (wallet, account) = (new.wallet, new.account);
    let mut options = Vec::new();
    for option in new.options {
        let many = matches!(option.network, Network::Bitcoin { .. });
        let account = account.filter(|_| many);
        let (key, lane) = lane(gateway, option.wallet.unwrap_or(wallet), option.network, account)?;
        options.push((option, key, lane));
    }
    let row = NewInvoiceRow {
        token: String::new(),
        wallet,
        reference: text("reference", new.reference)?,
        customer: text("customer", new.customer)?,
        description: text("description", new.description)?,
        options: Vec::new(),
        expires: now().saturating_add(lifetime),
    };
    Ok(Draft { row, options })
}

/// Where networks are watched, tokens count by the registry alone: one that it does not name is never credited.
fn counted(gateway: &Gateway, option: &NewInvoiceOption) -> Result<(), ApiError> {
    let token = matches!(option.asset, Asset::Token { .. });
    if token
        && gateway.watch.of(&option.network).is_some()
        && invoices::unit(gateway, &option.network, &option.asset).1.is_none()
    {
        let problem =
            format!("{} is not in the asset registry, so payments in it are not counted", option.asset);
        return Err(IntentError::field("asset", problem).into());
    }
    Ok(())
}

fn check(option: &NewInvoiceOption) -> Result<(), ApiError> {
    let field = |name, problem: String| ApiError::from(IntentError::field(name, problem));
    if option.amount == Amount::default() {
        return Err(field("amount", "must be above 0".into()));
    }
    match (&option.network, &option.asset) {
        (Network::Evm { .. }, _) => {}
        // Both count in 64 bits; more could never be paid.
        _ => {
            option.amount.to_u64("amount")?;
        }
    }
    match (&option.network, &option.asset) {
        (Network::Bitcoin { .. }, Asset::Token { .. }) => Err(field("asset", "Bitcoin has no tokens".into())),
        (network, Asset::Token { contract }) => quorate_chains::check_destination(network, contract)
            .map_err(|error| field("asset", error.to_string())),
        _ => Ok(()),
    }
}

/// Invoices, newest first.
#[utoipa::path(get, path = "/v1/invoices", tag = "payments", params(Filter), security(("device_key" = [])),
    responses((status = 200, body = Page<Invoice>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(query): Params<Filter>,
) -> Result<Json<Page<Invoice>>, ApiError> {
    let (limit, before) = page(query.limit, query.cursor.as_deref())?;
    let Filter { state, customer, reference, .. } = query;
    let filter = InvoiceFilter { state, customer, reference, before, limit: limit + 1 };
    let mut rows = gateway.store.invoices(&filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor(row.sequence));
    Ok(Json(Page { items: rows.into_iter().map(|row| row.invoice).collect(), next_cursor }))
}

async fn find(gateway: &Gateway, id: &str) -> Result<InvoiceRow, ApiError> {
    gateway.store.invoice(sequence(id, "inv_")?).await?.ok_or_else(|| unknown("invoice", id))
}

/// One invoice.
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "payments", security(("device_key" = [])),
    params(("id" = String, Path, description = "`inv_…`")),
    responses((status = 200, body = Invoice), (status = "default", body = Problem)))]
pub async fn show(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
) -> Result<Json<Invoice>, ApiError> {
    Ok(Json(find(&gateway, &id).await?.invoice))
}

/// Takes an invoice back to which nothing was paid yet. What comes in spite of that makes it `late`.
#[utoipa::path(post, path = "/v1/invoices/{id}/cancel", tag = "payments", security(("device_key" = [])),
    params(("id" = String, Path, description = "`inv_…`")),
    responses((status = 200, body = Invoice), (status = "default", body = Problem)))]
pub async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
) -> Result<Json<Invoice>, ApiError> {
    caller.must_operate("cancel invoices")?;
    let place = sequence(&id, "inv_")?;
    let mut tx = gateway.store.begin().await?;
    let row = tx.invoice(place).await?.ok_or_else(|| unknown("invoice", &id))?;
    let coming = row.standings.iter().any(|option| option.pending > Amount::default());
    match row.invoice.state {
        InvoiceState::Cancelled => return Ok(Json(row.invoice)),
        InvoiceState::Open | InvoiceState::Expired if !coming => {}
        _ => {
            let detail = "money has come for this invoice, or is on its way; it cannot be cancelled, refund it instead";
            return Err(ApiError::new(StatusCode::CONFLICT, "invoice_paid", detail));
        }
    }
    tx.cancel_invoice(place).await?;
    let row = tx.invoice(place).await?.ok_or_else(|| unknown("invoice", &id))?;
    tx.commit().await?;
    Ok(Json(row.invoice))
}

/// The transfer that gives money of an invoice back, for the client to sign and submit like any other: the gateway signs
/// nothing, and the policy judges it. Its memo ties it to the invoice.
#[utoipa::path(post, path = "/v1/invoices/{id}/refunds", tag = "payments", request_body = NewRefund,
    params(("id" = String, Path, description = "`inv_…`")), security(("device_key" = [])),
    responses((status = 200, body = UnsignedIntent), (status = "default", body = Problem)))]
pub async fn refund(
    State(gateway): State<Arc<Gateway>>,
    Id(id): Id<String>,
    Body(new): Body<NewRefund>,
) -> Result<Json<UnsignedIntent>, ApiError> {
    let row = find(&gateway, &id).await?;
    let field = |name, problem: String| ApiError::from(IntentError::field(name, problem));
    let (Some(option), Some(standing)) = (row.options.get(new.option), row.standings.get(new.option)) else {
        return Err(field("option", format!("the invoice has {} options", row.options.len())));
    };
    quorate_chains::check_destination(&option.network, &new.to)?;
    let back = gateway.store.refunded(&row, option).await?;
    let left = Amount(standing.received.0.saturating_sub(back.0));
    let amount = new.amount.unwrap_or(left);
    if amount == Amount::default() || amount > left {
        let problem = format!("must be above 0 and at most {left}, what was received and not given back");
        return Err(field("amount", problem));
    }
    let transfer = Transfer {
        wallet: option.wallet,
        account: new.account.unwrap_or(option.path[0]),
        network: option.network,
        asset: option.asset.clone(),
        to: new.to,
        amount,
        max_fee: new.max_fee,
        memo: refund_memo(row.sequence),
    };
    Ok(Json(UnsignedIntent { body: Intent::Transfer(transfer) }))
}

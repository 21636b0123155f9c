//! Refreshes by schedule (docs/spec §1.8): an approved order says which wallet, which parties and how often; this gateway only
//! keeps the time. It survives restarts, and says when a refresh did not come to its end.

use super::reshare::{self, Job};
use super::{End, Work};
use crate::gateway::Gateway;
use crate::intents::positive;
use crate::store::{IntentRow, ScheduleRow, now};
use quorate_coordination::api::State;
use quorate_intent::{Body, Order, PublicKey};
use std::sync::Arc;
use std::time::Duration;

/// Shortest and longest pause before a refresh that failed is tried again, in seconds.
const AGAIN: (u64, u64) = (10, 3600);

/// Takes a schedule up.
pub async fn begin(gateway: &Arc<Gateway>, row: &IntentRow, order: &Order) -> Result<End, sqlx::Error> {
    let Some((parties, threshold, _)) = order.schedule() else {
        return Ok(End::new(State::Failed, "the order has no schedule"));
    };
    let wallet = gateway.coordinator.wallet(&order.wallet);
    let fits = wallet.is_some_and(|wallet| {
        wallet.certificate.record.parties == parties && wallet.keys.threshold() == usize::from(threshold)
    });
    if !fits {
        let reason = "the wallet has other parties or another threshold than the schedule; ask for it anew";
        return Ok(End::new(State::Failed, reason));
    }
    replace(gateway, row, order).await?;
    Ok(End::new(State::Completed, "the schedule is in force"))
}

/// Puts what an order says of schedules in place of the wallet's schedule: a new one, or none.
pub async fn replace(gateway: &Arc<Gateway>, row: &IntentRow, order: &Order) -> Result<(), sqlx::Error> {
    let new = match order.schedule() {
        Some((_, _, repeat)) => {
            let known = gateway.store.wallet_row(&order.wallet).await?;
            let since = known.map_or(0, |row| row.since);
            Some((row.id, since.max(1).saturating_add(repeat.interval).max(now())))
        }
        None => None,
    };
    gateway.store.set_schedule(&order.wallet, new).await
}

/// Has every due refresh carried out.
pub async fn look(gateway: &Gateway) -> Result<(), sqlx::Error> {
    for due in gateway.store.due_schedules(now()).await? {
        gateway.coordinator.enqueue(Work::Refresh(due.wallet));
    }
    Ok(())
}

/// Refreshes a wallet whose schedule is due.
pub async fn refresh(gateway: &Arc<Gateway>, row: &ScheduleRow) -> Result<(), sqlx::Error> {
    let now_ = now();
    let Some(intent) = gateway.store.intent(&row.intent).await?.filter(|_| row.due <= now_) else {
        return Ok(());
    };
    let Body::Order(order) = intent.signed.intent.body.clone() else { return Ok(()) };
    let Some((parties, _, repeat)) = order.schedule() else { return Ok(()) };
    if now_ >= repeat.end {
        tracing::info!(wallet = %row.wallet, "a schedule has come to its end");
        return gateway.store.set_schedule(&row.wallet, None).await;
    }
    let problem = run(gateway, &intent, parties, (repeat.interval, repeat.end)).await?;
    let (due, problem) = match problem {
        None => {
            tracing::info!(wallet = %row.wallet, "refreshed by schedule");
            gateway.coordinator.enqueue(Work::Prepare(row.wallet));
            (now().saturating_add(repeat.interval), None)
        }
        Some(problem) => {
            let again = repeat.interval.clamp(AGAIN.0, AGAIN.1);
            tracing::error!(wallet = %row.wallet, %problem, "ALARM: a refresh by schedule did not come to its end; the old epoch signs on");
            (now().saturating_add(again), Some(problem))
        }
    };
    gateway.store.move_schedule(&row.wallet, &row.intent, due, problem.as_deref()).await
}

/// Runs one refresh; gives why it failed.
async fn run(
    gateway: &Arc<Gateway>,
    intent: &IntentRow,
    parties: &[PublicKey],
    (interval, end): (u64, u64),
) -> Result<Option<String>, sqlx::Error> {
    let Body::Order(order) = &intent.signed.intent.body else { return Ok(None) };
    let Some(base) = gateway.coordinator.wallet(&order.wallet) else {
        return Ok(Some("the wallet is not known, or destroyed".into()));
    };
    if intent.signed.intent.governance != gateway.genesis.hash() {
        let problem = "the governance version under which the schedule was approved is not in force any more; approve a new schedule";
        return Ok(Some(problem.into()));
    }
    let approvals = positive(gateway.store.approvals(&intent.id).await?);
    // It comes again; who waits for a long time for one machine keeps the alert back.
    let patience = gateway.signing.order_timeout.min(Duration::from_secs(interval.max(AGAIN.0)));
    let job = Job { row: intent, approvals, base, recipients: parties, expires: end, patience };
    Ok(match reshare::attempt(gateway, &job).await {
        Ok(()) => None,
        Err(end) => Some(end.reason.unwrap_or_else(|| "no reason is given".into())),
    })
}

//! Webhooks: every event that a webhook asks for is sent to it at least once, in order for each object, by a task of its own,
//! so that a dead receiver slows nobody else. The queue is durable; what was under way at a stop is sent again.

mod keys;
mod send;

pub use keys::Keys;
pub use send::Target;

use crate::gateway::Gateway;
use crate::store::{DeliveryRow, Outcome, WebhookRow, now, now_ms};
use quorate_coordination::api::{DeliveryState, Event};
use quorate_payments::retry;
use quorate_payments::webhook::wants;
use rand_core::{OsRng, RngCore};
use send::{Message, Sender};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Attempts of one webhook at once.
const AT_ONCE: u32 = 16;
/// Pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Longest wait for something to happen: a safety net, since everything that matters wakes the task.
const LONGEST: Duration = Duration::from_secs(60);

/// What webhooks share.
pub struct Webhooks {
    /// The keys that sign.
    pub keys: Keys,
    /// Hosts that may be private or speak plain HTTP, by the operator's word.
    pub private_hosts: Vec<String>,
    sender: Sender,
    /// Counts the changes of the list.
    changed: watch::Sender<u64>,
}

impl Webhooks {
    /// With these keys.
    ///
    /// # Errors
    /// [`crate::GatewayError`] when TLS cannot be set up.
    pub fn new(keys: Keys, private_hosts: Vec<String>) -> Result<Self, crate::GatewayError> {
        let sender = Sender::new().map_err(|error| crate::GatewayError::Webhooks(error.to_string()))?;
        let private_hosts = private_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self { keys, private_hosts, sender, changed: watch::Sender::new(0) })
    }

    /// A webhook or a delivery was added, changed or removed.
    pub fn wake(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Looks at a URL; private addresses only where both the webhook and the operator allow them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn target(&self, url: &str, allow_private: bool) -> Result<Target, String> {
        let target = Target::parse(url, allow_private)?;
        if allow_private && !self.private_hosts.iter().any(|host| host == target.host()) {
            return Err(format!(
                "private receivers need the operator's word: start the gateway with --webhook-private-host {}",
                target.host()
            ));
        }
        Ok(target)
    }
}

/// Keeps one task for each webhook that is switched on, until it is dropped.
pub async fn run(gateway: Arc<Gateway>) {
    let mut changed = gateway.webhooks.changed.subscribe();
    let mut tasks = JoinSet::new();
    let mut running: HashMap<u64, (WebhookRow, AbortHandle)> = HashMap::new();
    loop {
        changed.borrow_and_update();
        match gateway.store.webhooks().await {
            Ok(rows) => {
                let on: HashMap<u64, WebhookRow> = rows
                    .into_iter()
                    .filter(|row| row.webhook.enabled)
                    .map(|row| (row.sequence, row))
                    .collect();
                running.retain(|sequence, (row, task)| {
                    let same = on.get(sequence).is_some_and(|now| now.webhook == row.webhook);
                    if !same || task.is_finished() {
                        task.abort();
                    }
                    same && !task.is_finished()
                });
                for (sequence, row) in on {
                    running.entry(sequence).or_insert_with(|| {
                        let (gateway, row_) = (Arc::clone(&gateway), row.clone());
                        (row, tasks.spawn(async move { serve(&gateway, &row_).await }))
                    });
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot read the webhooks; trying again");
                sleep(STORE_PAUSE).await;
                continue;
            }
        }
        while tasks.try_join_next().is_some() {}
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Serves one webhook until it is dropped or switched off.
async fn serve(gateway: &Arc<Gateway>, row: &WebhookRow) {
    let (mut told, mut changed) = (gateway.store.told(), gateway.webhooks.changed.subscribe());
    loop {
        told.borrow_and_update();
        changed.borrow_and_update();
        match turn(gateway, row).await {
            Ok(Turn::More) => {}
            Ok(Turn::Off) => return,
            Ok(Turn::Idle(next)) => {
                let wait = next.map_or(LONGEST, |next| Duration::from_millis(next.saturating_sub(now_ms())));
                let something = async {
                    tokio::select! { _ = told.changed() => {}, _ = changed.changed() => {} }
                };
                let _ = timeout(wait.clamp(Duration::from_millis(10), LONGEST), something).await;
            }
            Err(error) => {
                tracing::error!(webhook = %row.webhook.id, %error, "the store failed; trying again");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

enum Turn {
    /// There may be more to do at once.
    More,
    /// Nothing until this time, Unix milliseconds, or until something happens.
    Idle(Option<u64>),
    /// It is switched off.
    Off,
}

async fn turn(gateway: &Arc<Gateway>, row: &WebhookRow) -> Result<Turn, sqlx::Error> {
    let mut more = false;
    if gateway.store.webhook_lags(row.sequence).await? {
        let mut tx = gateway.store.begin().await?;
        more = tx.queue_deliveries(row.sequence, |kind| wants(&row.webhook.events, kind)).await?;
        tx.commit().await?;
    }
    let due = gateway.store.due_deliveries(row.sequence, AT_ONCE).await?;
    if due.is_empty() {
        let next = gateway.store.next_delivery(row.sequence).await?;
        return Ok(if more { Turn::More } else { Turn::Idle(next) });
    }
    let mut attempts = JoinSet::new();
    for delivery in due {
        let (gateway, row) = (Arc::clone(gateway), row.clone());
        attempts.spawn(async move { attempt(&gateway, &row, &delivery).await });
    }
    let mut outcomes = Vec::new();
    for outcome in attempts.join_all().await {
        outcomes.push(outcome?);
    }
    let gone = outcomes.iter().any(|outcome| outcome.status == Some(410));
    let mut tx = gateway.store.begin().await?;
    tx.set_outcomes(row.sequence, &outcomes).await?;
    // After failures alone there is anything to hurry; a receiver that answers is tried with all that waits.
    let back = |outcome: &Outcome| outcome.state == DeliveryState::Delivered && outcome.attempt > 1;
    if outcomes.iter().any(back) {
        tx.hurry(row.sequence).await?;
    }
    let gone = gone && tx.switch_off(row.sequence, &row.webhook.url).await?;
    tx.commit().await?;
    if gone {
        tracing::warn!(webhook = %row.webhook.id, "the receiver says that it is gone (410); the webhook is switched off");
        return Ok(Turn::Off);
    }
    Ok(Turn::More)
}

/// Sends one delivery once.
async fn attempt(
    gateway: &Gateway,
    row: &WebhookRow,
    delivery: &DeliveryRow,
) -> Result<Outcome, sqlx::Error> {
    let event = gateway.store.event(delivery.event).await?;
    let attempt = delivery.delivery.attempt + 1;
    let sent = match (event, gateway.webhooks.target(&row.webhook.url, row.webhook.allow_private)) {
        (Some(event), Ok(target)) => {
            let message = message(gateway, &event);
            gateway.webhooks.sender.send(&target, &message).await
        }
        (_, Err(problem)) => Err(format!("the URL {problem}")),
        (None, _) => Err("the event is not kept any more".into()),
    };
    let mut outcome = Outcome {
        sequence: delivery.sequence,
        attempt,
        state: DeliveryState::Delivered,
        status: None,
        error: None,
        next_ms: None,
    };
    match sent {
        Ok(status) if (200..300).contains(&status) => outcome.status = Some(status),
        other => {
            outcome.status = other.as_ref().ok().copied();
            outcome.error = Some(match other {
                Ok(status) if (300..400).contains(&status) => {
                    format!("HTTP {status}: redirects are not followed; give the webhook its new URL")
                }
                Ok(status) => format!("HTTP {status}"),
                Err(problem) => problem.chars().take(300).collect(),
            });
            let pause = retry::pause(attempt, OsRng.next_u32() as u16);
            outcome.state = if pause.is_some() { DeliveryState::Pending } else { DeliveryState::Failed };
            let millis = |pause: Duration| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            outcome.next_ms = pause.map(|pause| now_ms().saturating_add(millis(pause)));
        }
    }
    Ok(outcome)
}

/// What an event is on the wire. The id is the event's, so a receiver knows it again at every attempt; the time is that of the
/// attempt.
fn message(gateway: &Gateway, event: &Event) -> Message {
    let body = serde_json::to_vec(event).unwrap_or_default();
    let timestamp = now();
    let signature = gateway.webhooks.keys.sign(&event.id, timestamp, &body);
    Message { id: event.id.clone(), timestamp, signature, body }
}

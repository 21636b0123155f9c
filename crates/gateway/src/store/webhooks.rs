//! Webhooks and their deliveries: a queue for each webhook, filled from the events.

use super::events::NewEvent;
use super::{Result, Store, Tx, corrupt, int, now_ms, uint};
use quorate_coordination::api::{Delivery, DeliveryState, Webhook};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Deliveries of one webhook that may wait; further events wait in their own table.
const MAX_WAITING: i64 = 1000;
/// Events that are looked at in one write.
const BATCH: i64 = 500;
/// Finished deliveries of one webhook that are kept.
const LOG: i64 = 10_000;

/// A webhook with its place in the list.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// Its place.
    pub sequence: u64,
    /// The webhook.
    pub webhook: Webhook,
}

/// A delivery with what it takes to make it.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// Its place.
    pub sequence: u64,
    /// The place of its event.
    pub event: u64,
    /// The delivery.
    pub delivery: Delivery,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which delivery.
    pub sequence: u64,
    /// How often it was tried now.
    pub attempt: u32,
    /// Where it is now.
    pub state: DeliveryState,
    /// What the receiver answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it is tried again, Unix milliseconds.
    pub next_ms: Option<u64>,
}

impl Tx<'_> {
    /// Keeps a new webhook. It is told of what happens from now on.
    pub async fn add_webhook(&mut self, new: &Webhook) -> Result<u64> {
        let done = sqlx::query(
            "INSERT INTO webhooks (url, description, events, enabled, allow_private, created, place)
             VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(sequence), 0) FROM events))",
        )
        .bind(&new.url)
        .bind(&new.description)
        .bind(json(&new.events)?)
        .bind(new.enabled)
        .bind(new.allow_private)
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        Ok(uint(done.last_insert_rowid()))
    }

    /// Changes a webhook.
    pub async fn set_webhook(&mut self, row: &WebhookRow) -> Result<()> {
        sqlx::query("UPDATE webhooks SET url = ?, description = ?, events = ?, enabled = ?, allow_private = ? WHERE sequence = ?")
            .bind(&row.webhook.url)
            .bind(&row.webhook.description)
            .bind(json(&row.webhook.events)?)
            .bind(row.webhook.enabled)
            .bind(row.webhook.allow_private)
            .bind(int(row.sequence))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Forgets a webhook and its deliveries; whether there was one.
    pub async fn drop_webhook(&mut self, sequence: u64) -> Result<bool> {
        let done = sqlx::query("DELETE FROM webhooks WHERE sequence = ?")
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Switches a webhook off whose receiver at this URL is gone.
    pub async fn switch_off(&mut self, sequence: u64, url: &str) -> Result<bool> {
        let done = sqlx::query("UPDATE webhooks SET enabled = 0 WHERE sequence = ? AND url = ?")
            .bind(int(sequence))
            .bind(url)
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Its receiver is there (again): what waits for a later try is tried now.
    pub async fn hurry(&mut self, webhook: u64) -> Result<()> {
        sqlx::query("UPDATE deliveries SET next = ?1 WHERE webhook = ?2 AND state = 'pending' AND next > ?1")
            .bind(int(now_ms()))
            .bind(int(webhook))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Queues what a webhook is still to be told of; whether there may be more. `wants` judges a kind of event.
    pub async fn queue_deliveries(&mut self, webhook: u64, wants: impl Fn(&str) -> bool) -> Result<bool> {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE webhook = ? AND state = 'pending'")
                .bind(int(webhook))
                .fetch_one(&mut *self.tx)
                .await?;
        let batch = BATCH.min(MAX_WAITING - waiting);
        if batch <= 0 {
            return Ok(false);
        }
        let rows = sqlx::query(
            "SELECT sequence, kind, object FROM events
             WHERE sequence > (SELECT place FROM webhooks WHERE sequence = ?) ORDER BY sequence LIMIT ?",
        )
        .bind(int(webhook))
        .bind(batch)
        .fetch_all(&mut *self.tx)
        .await?;
        let Some(last) = rows.last() else { return Ok(false) };
        let place: i64 = last.try_get("sequence")?;
        for row in &rows {
            let kind: String = row.try_get("kind")?;
            // Pings are for one webhook, and queued when they are made.
            if !kind.starts_with("webhook.") && wants(&kind) {
                let event: i64 = row.try_get("sequence")?;
                self.add_delivery(webhook, uint(event), row.try_get("object")?).await?;
            }
        }
        sqlx::query("UPDATE webhooks SET place = ? WHERE sequence = ?")
            .bind(place)
            .bind(int(webhook))
            .execute(&mut *self.tx)
            .await?;
        Ok(i64::try_from(rows.len()).unwrap_or(0) == batch)
    }

    async fn add_delivery(&mut self, webhook: u64, event: u64, object: &str) -> Result<u64> {
        let now = int(now_ms());
        let done = sqlx::query(
            "INSERT INTO deliveries (webhook, event, object, attempt, state, at, next)
             VALUES (?, ?, ?, 0, 'pending', ?, ?)",
        )
        .bind(int(webhook))
        .bind(int(event))
        .bind(object)
        .bind(now)
        .bind(now)
        .execute(&mut *self.tx)
        .await?;
        Ok(uint(done.last_insert_rowid()))
    }

    /// Queues a ping for one webhook; gives its delivery.
    pub async fn ping_webhook(&mut self, row: &WebhookRow) -> Result<u64> {
        let data = serde_json::json!({ "id": row.webhook.id, "url": row.webhook.url });
        let object = &row.webhook.id;
        let event = self.add_event(&NewEvent { kind: "webhook.ping", object, data: &data }).await?;
        self.add_delivery(row.sequence, event, object).await
    }

    /// Has a delivery made once more from the beginning.
    pub async fn resend(&mut self, sequence: u64) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE deliveries SET state = 'pending', attempt = 0, next = ?, status = NULL, error = NULL
             WHERE sequence = ?",
        )
        .bind(int(now_ms()))
        .bind(int(sequence))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes down what came of attempts of one webhook, and forgets its oldest finished ones beyond the log's length. What
    /// was asked for again meanwhile stays pending.
    pub async fn set_outcomes(&mut self, webhook: u64, outcomes: &[Outcome]) -> Result<()> {
        for outcome in outcomes {
            sqlx::query(
                "UPDATE deliveries SET attempt = ?, state = ?, status = ?, error = ?, at = ?, next = ?
                 WHERE sequence = ? AND attempt = ? - 1",
            )
            .bind(i64::from(outcome.attempt))
            .bind(outcome.state.as_str())
            .bind(outcome.status.map(i64::from))
            .bind(&outcome.error)
            .bind(int(now_ms()))
            .bind(outcome.next_ms.map(int))
            .bind(int(outcome.sequence))
            .bind(i64::from(outcome.attempt))
            .execute(&mut *self.tx)
            .await?;
        }
        sqlx::query(
            "DELETE FROM deliveries WHERE webhook = ?1 AND state <> 'pending' AND sequence <= (SELECT sequence
             FROM deliveries WHERE webhook = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(int(webhook))
        .bind(LOG)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Store {
    /// All webhooks, newest first.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRow>> {
        let rows = sqlx::query("SELECT * FROM webhooks ORDER BY sequence DESC").fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// One webhook.
    pub async fn webhook(&self, sequence: u64) -> Result<Option<WebhookRow>> {
        let row = sqlx::query("SELECT * FROM webhooks WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Whether events wait behind a webhook's place.
    pub async fn webhook_lags(&self, sequence: u64) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM events WHERE sequence > (SELECT place FROM webhooks WHERE sequence = ?))",
        )
        .bind(int(sequence))
        .fetch_one(&self.pool)
        .await
    }

    /// Deliveries of a webhook that may be made now: of each object the oldest that waits, and only when its time has come.
    pub async fn due_deliveries(&self, webhook: u64, limit: u32) -> Result<Vec<DeliveryRow>> {
        let rows = sqlx::query(
            "SELECT * FROM deliveries WHERE sequence IN (SELECT min(sequence) FROM deliveries
             WHERE webhook = ? AND state = 'pending' GROUP BY object) AND next <= ? ORDER BY sequence LIMIT ?",
        )
        .bind(int(webhook))
        .bind(int(now_ms()))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_delivery).collect()
    }

    /// When the next of them is due, Unix milliseconds.
    pub async fn next_delivery(&self, webhook: u64) -> Result<Option<u64>> {
        let next: Option<i64> = sqlx::query_scalar(
            "SELECT min(next) FROM deliveries WHERE sequence IN (SELECT min(sequence) FROM deliveries
             WHERE webhook = ? AND state = 'pending' GROUP BY object)",
        )
        .bind(int(webhook))
        .fetch_one(&self.pool)
        .await?;
        Ok(next.map(uint))
    }

    /// Deliveries of a webhook before a place, newest first.
    pub async fn deliveries(
        &self,
        webhook: u64,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>> {
        let rows = sqlx::query(
            "SELECT * FROM deliveries WHERE webhook = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
        )
        .bind(int(webhook))
        .bind(before.map_or(i64::MAX, int))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_delivery).collect()
    }

    /// One delivery.
    pub async fn delivery(&self, sequence: u64) -> Result<Option<DeliveryRow>> {
        let row = sqlx::query("SELECT * FROM deliveries WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_delivery).transpose()
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

fn read(row: &SqliteRow) -> Result<WebhookRow> {
    let sequence = uint(row.try_get("sequence")?);
    let events: String = row.try_get("events")?;
    let webhook = Webhook {
        id: format!("whk_{sequence:016x}"),
        url: row.try_get("url")?,
        description: row.try_get("description")?,
        events: serde_json::from_str(&events).map_err(|_| corrupt("a webhook's events are no JSON"))?,
        enabled: row.try_get("enabled")?,
        created_ms: uint(row.try_get("created")?),
        allow_private: row.try_get("allow_private")?,
    };
    Ok(WebhookRow { sequence, webhook })
}

fn read_delivery(row: &SqliteRow) -> Result<DeliveryRow> {
    let sequence = uint(row.try_get("sequence")?);
    let event = uint(row.try_get("event")?);
    let state: String = row.try_get("state")?;
    let small = |number: i64| u32::try_from(number).map_err(|_| corrupt("a count is out of range"));
    let status: Option<i64> = row.try_get("status")?;
    let delivery = Delivery {
        id: format!("dlv_{sequence:016x}"),
        webhook: format!("whk_{:016x}", uint(row.try_get("webhook")?)),
        event: super::events::event_id(event),
        attempt: small(row.try_get("attempt")?)?,
        state: DeliveryState::parse(&state).ok_or_else(|| corrupt("a delivery has an unknown state"))?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        error: row.try_get("error")?,
        at_ms: uint(row.try_get("at")?),
        next_ms: row.try_get::<Option<i64>, _>("next")?.map(uint),
    };
    Ok(DeliveryRow { sequence, event, delivery })
}

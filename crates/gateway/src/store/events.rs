//! What happened, in order. An event is written in the same transaction as what it tells of.

use super::{Result, Store, Tx, corrupt, int, now_ms, uint};
use quorate_coordination::api::Event;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// An event that is to be told.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// `deposit.credited` and the like.
    pub kind: &'a str,
    /// The id of the object.
    pub object: &'a str,
    /// The object as it is now.
    pub data: &'a serde_json::Value,
}

impl Tx<'_> {
    /// Writes an event down; gives its place.
    pub async fn add_event(&mut self, event: &NewEvent<'_>) -> Result<u64> {
        let done = sqlx::query("INSERT INTO events (kind, object, data, at) VALUES (?, ?, ?, ?)")
            .bind(event.kind)
            .bind(event.object)
            .bind(event.data.to_string())
            .bind(int(now_ms()))
            .execute(&mut *self.tx)
            .await?;
        Ok(uint(done.last_insert_rowid()))
    }
}

impl Store {
    /// Events behind a place, the oldest first, with their places.
    pub async fn events_after(&self, after: u64, limit: u32) -> Result<Vec<(u64, Event)>> {
        let rows = sqlx::query("SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?")
            .bind(int(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<(u64, Event)> {
    let sequence = uint(row.try_get("sequence")?);
    let data: String = row.try_get("data")?;
    let event = Event {
        id: format!("evt_{sequence:016x}"),
        kind: row.try_get("kind")?,
        object: row.try_get("object")?,
        at_ms: uint(row.try_get("at")?),
        data: serde_json::from_str(&data).map_err(|_| corrupt("an event is no JSON"))?,
    };
    Ok((sequence, event))
}

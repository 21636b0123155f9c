//! What happened, in order. An event is written in the same transaction as what it tells of.

use super::{Result, Store, Tx, corrupt, int, now_ms, uint};
use quorate_coordination::api::Event;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

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
        let place = uint(done.last_insert_rowid());
        self.event = Some(place);
        Ok(place)
    }
}

/// Which events, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only behind this place.
    pub after: u64,
    /// Only of this object.
    pub object: Option<String>,
    /// Most rows.
    pub limit: u32,
}

/// The id of the event at a place.
pub fn event_id(sequence: u64) -> String {
    format!("evt_{sequence:016x}")
}

impl Store {
    /// Events behind a place, the oldest first, with their places.
    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<(u64, Event)>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM events WHERE sequence > ");
        query.push_bind(int(filter.after));
        if let Some(object) = &filter.object {
            query.push(" AND object = ").push_bind(object);
        }
        query.push(" ORDER BY sequence LIMIT ").push_bind(i64::from(filter.limit));
        query.build().fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The event at a place.
    pub async fn event(&self, sequence: u64) -> Result<Option<Event>> {
        let row = sqlx::query("SELECT * FROM events WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose().map(|row| row.map(|(_, event)| event))
    }
}

fn read(row: &SqliteRow) -> Result<(u64, Event)> {
    let sequence = uint(row.try_get("sequence")?);
    let data: String = row.try_get("data")?;
    let event = Event {
        id: event_id(sequence),
        kind: row.try_get("kind")?,
        object: row.try_get("object")?,
        at_ms: uint(row.try_get("at")?),
        data: serde_json::from_str(&data).map_err(|_| corrupt("an event is no JSON"))?,
    };
    Ok((sequence, event))
}

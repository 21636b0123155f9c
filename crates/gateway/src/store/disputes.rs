//! The dispute graph's events and reports, soft edges, how far each node's list was read, and since when epochs are known.

use super::{Result, Store, decode, encode, int, now, uint};
use quorate_coordination::disputes::{Event, Graph, Pair, Report, SoftEdge};
use quorate_intent::{Hash, PublicKey};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Most rows about one party by one reporter; the oldest go first, but for those that condemn.
const MAX_ROWS: i64 = 32;

/// One report, or one event that healed a pair.
#[derive(Clone, Debug)]
pub struct DisputeRow {
    /// Its number.
    pub number: u64,
    /// What it did to the graph.
    pub event: Event,
    /// When it was recorded here, Unix seconds.
    pub at: u64,
    /// What it was found to be, for people.
    pub what: String,
    /// The report behind it, if there is one.
    pub report: Option<Report>,
}

/// What is to be kept.
pub struct NewDispute<'a> {
    /// Who says it.
    pub reporter: PublicKey,
    /// Of whom.
    pub accused: PublicKey,
    /// What it does to the graph.
    pub event: Event,
    /// What it was found to be, for people.
    pub what: &'a str,
    /// The report behind it, if there is one.
    pub report: Option<&'a Report>,
}

impl Store {
    /// Keeps an event.
    pub async fn add_dispute(&self, new: &NewDispute<'_>) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO disputes (reporter, accused, condemns, event, at, what, report) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.reporter.0.as_slice())
        .bind(new.accused.0.as_slice())
        .bind(matches!(new.event, Event::Condemned { .. }))
        .bind(encode(&new.event))
        .bind(int(now()))
        .bind(new.what)
        .bind(new.report.map(encode))
        .execute(&mut *tx.tx)
        .await?;
        // In each group the newest stay, so what the graph comes to stays too.
        sqlx::query(
            "DELETE FROM disputes WHERE condemns = 0 AND reporter = ?1 AND accused = ?2 AND number NOT IN
             (SELECT number FROM disputes WHERE reporter = ?1 AND accused = ?2 ORDER BY number DESC LIMIT ?3)",
        )
        .bind(new.reporter.0.as_slice())
        .bind(new.accused.0.as_slice())
        .bind(MAX_ROWS)
        .execute(&mut *tx.tx)
        .await?;
        tx.commit().await
    }

    /// Up to `limit` events, oldest first, from `from` on.
    pub async fn disputes(&self, from: u64, limit: u32) -> Result<Vec<DisputeRow>> {
        let rows = sqlx::query("SELECT * FROM disputes WHERE number >= ? ORDER BY number LIMIT ?")
            .bind(int(from))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The graph as its events made it.
    pub async fn graph(&self) -> Result<Graph> {
        let mut graph = Graph::default();
        let events: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT event FROM disputes ORDER BY number").fetch_all(&self.pool).await?;
        for event in events {
            graph.apply(&decode(&event)?);
        }
        let soft: Vec<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT pair, edge FROM soft_edges").fetch_all(&self.pool).await?;
        for (pair, edge) in soft {
            graph.restore_soft(decode(&pair)?, decode(&edge)?);
        }
        Ok(graph)
    }

    /// Keeps a soft edge in place of the pair's last one.
    pub async fn set_soft_edge(&self, pair: &Pair, edge: &SoftEdge) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO soft_edges (pair, edge) VALUES (?, ?) ON CONFLICT DO UPDATE SET edge = excluded.edge")
            .bind(encode(pair))
            .bind(encode(edge))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// The next number to read of a node's list.
    pub async fn dispute_cursor(&self, node: &PublicKey) -> Result<u64> {
        let next: Option<i64> = sqlx::query_scalar("SELECT next FROM dispute_cursors WHERE node = ?")
            .bind(node.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(next.map_or(1, uint))
    }

    /// Notes how far a node's list was read.
    pub async fn set_dispute_cursor(&self, node: &PublicKey, next: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO dispute_cursors (node, next) VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next")
            .bind(node.0.as_slice())
            .bind(int(next))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// Since when the epoch of this record is known here, Unix seconds; noted at the first time it is asked for.
    pub async fn epoch_since(&self, record: &Hash) -> Result<u64> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO epochs (record, since) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(record.0.as_slice())
            .bind(int(now()))
            .execute(&mut *tx.tx)
            .await?;
        let since: i64 = sqlx::query_scalar("SELECT since FROM epochs WHERE record = ?")
            .bind(record.0.as_slice())
            .fetch_one(&mut *tx.tx)
            .await?;
        tx.commit().await?;
        Ok(uint(since))
    }
}

fn read(row: &SqliteRow) -> Result<DisputeRow> {
    let report: Option<Vec<u8>> = row.try_get("report")?;
    Ok(DisputeRow {
        number: uint(row.try_get("number")?),
        event: decode(row.try_get("event")?)?,
        at: uint(row.try_get("at")?),
        what: row.try_get("what")?,
        report: report.map(|bytes| decode(&bytes)).transpose()?,
    })
}

//! SQLite: one file and its write-ahead log.

mod rows;
mod schema;

use crate::VaultError;
pub use rows::Rows;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

/// How long one statement waits for another program that reads the file.
const BUSY: Duration = Duration::from_millis(250);
/// How often a checkpoint that found a reader is tried before it is reported as pending.
const CHECKPOINT_TRIES: u32 = 4;

/// One open database. One connection, used by one task at a time, so that no reader of our own ever stands in the way
/// of a checkpoint.
pub struct Store(SqliteConnection);

/// A transaction: nothing of it is visible or durable before `commit` returns. Dropped, it is undone.
pub struct Tx<'a>(Transaction<'a, Sqlite>);

impl Store {
    /// Opens an existing file, an empty one too, and sees that every setting took hold.
    pub async fn connect(path: &Path) -> Result<Self, VaultError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("fullfsync", "ON")
            .pragma("checkpoint_fullfsync", "ON")
            .disable_statement_logging();
        let mut store = Self(options.connect().await?);
        for (pragma, wanted) in [
            ("PRAGMA synchronous", "2"),
            ("PRAGMA secure_delete", "1"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA temp_store", "2"),
        ] {
            let found: i64 = sqlx::query_scalar(pragma).fetch_one(&mut store.0).await?;
            if found.to_string() != wanted {
                return Err(VaultError::Storage(format!("{pragma} is {found}, it must be {wanted}")));
            }
        }
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut store.0).await?;
        if mode != "wal" {
            return Err(VaultError::Storage(format!(
                "journal_mode is {mode}; the file system must allow WAL"
            )));
        }
        Ok(store)
    }

    /// Brings the schema up to date, and checks that it is exactly ours and the file sound.
    pub async fn prepare(&mut self, fresh: bool) -> Result<(), VaultError> {
        schema::prepare(&mut self.0, fresh).await
    }

    /// Begins a write.
    pub async fn begin(&mut self) -> Result<Tx<'_>, VaultError> {
        Ok(Tx(self.0.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// The rows, for reading outside a transaction.
    pub fn rows(&mut self) -> Rows<'_> {
        Rows(&mut self.0)
    }

    /// Moves everything out of the write-ahead log and cuts it to nothing, so that no erased row is left in it (§2.3).
    /// False when another reader stood in the way each time.
    pub async fn checkpoint(&mut self) -> Result<bool, VaultError> {
        for _ in 0..CHECKPOINT_TRIES {
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut self.0).await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Copies all live rows into an empty file.
    pub async fn copy(&mut self, to: &Path) -> Result<(), VaultError> {
        let name = to
            .to_str()
            .ok_or_else(|| VaultError::File { path: to.into(), problem: "the path must be text".into() })?;
        sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut self.0).await?;
        Ok(())
    }

    /// Closes the file, after SQLite's own last checkpoint.
    pub async fn close(self) -> Result<(), VaultError> {
        Ok(self.0.close().await?)
    }
}

impl Tx<'_> {
    /// The rows as this transaction sees and changes them.
    pub fn rows(&mut self) -> Rows<'_> {
        Rows(&mut self.0)
    }

    /// Makes it durable: when this returns Ok, the write-ahead log is synced.
    pub async fn commit(self) -> Result<(), VaultError> {
        Ok(self.0.commit().await?)
    }

    /// Undoes it now.
    pub async fn rollback(self) -> Result<(), VaultError> {
        Ok(self.0.rollback().await?)
    }
}

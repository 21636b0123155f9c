//! The gateway's database: SQLite. All SQL of the crate stands below this module. What an API answer acknowledges has been
//! committed and synced before the answer leaves.

mod addresses;
mod blocks;
mod certificates;
mod coins;
mod deposits;
mod disputes;
mod events;
mod governance;
mod idempotency;
mod intents;
mod invoices;
mod outgoing;
mod schema;
mod sessions;
mod sweeps;
mod wallets;
mod webhooks;
mod writer;

pub use addresses::{AddressFilter, AddressRow, Lane, NewAddress, Stocked};
pub use blocks::{BalanceRow, Own};
pub use coins::{CoinRow, NewCoin};
pub use deposits::{DepositFilter, DepositRow, NewDeposit};
pub use disputes::{DisputeRow, NewDispute};
pub use events::EventFilter;
#[cfg(test)]
pub use events::NewEvent;
pub use idempotency::{Kept, Seen};
pub use intents::{Change, IntentRow, ListFilter, NewRow};
pub use invoices::{InvoiceFilter, InvoiceRow, NewInvoiceRow, StoredOption, refund_memo, same_asset};
pub use outgoing::{FormRow, NewForm, Outgoing};
pub use sweeps::{Funded, Moved, gas_memo};
pub use wallets::{ScheduleRow, WalletRow};
pub use webhooks::{DeliveryRow, Outcome, WebhookRow};

use crate::GatewayError;
use quorate_coordination::api::State;
use quorate_intent::{Hash, IntentId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, watch};
use writer::{Turn, Writer};

/// Changes of state that somebody who waits may miss before it looks for itself.
const MOVES: usize = 1024;

/// The database, with one writer at a time and readers beside it.
pub struct Store {
    pool: SqlitePool,
    writer: Writer,
    /// The place of the last event that is durable.
    told: watch::Sender<u64>,
    /// Intents that came to another state, once that is durable.
    moved: broadcast::Sender<Move>,
}

/// A write; undone when dropped without [`Tx::commit`].
pub struct Tx<'s> {
    tx: Turn,
    told: &'s watch::Sender<u64>,
    moves: &'s broadcast::Sender<Move>,
    moved: Vec<Move>,
    /// The place of the last event of this write.
    event: Option<u64>,
}

/// An intent, and the state that it came to.
pub type Move = (IntentId, State);

/// Results of this module.
pub type Result<T> = std::result::Result<T, sqlx::Error>;

impl Store {
    /// Opens or makes the file, brings its schema up to date, and sees that it belongs to this cluster.
    pub async fn open(path: &Path, genesis: Hash) -> std::result::Result<Self, GatewayError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            // A file has no connection that goes away; asking each time costs two changes of threads.
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.clone())
            .await?;
        schema::prepare(&pool).await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT max(sequence) FROM events").fetch_one(&pool).await?;
        let told = watch::Sender::new(uint(last.unwrap_or(0)));
        let moved = broadcast::Sender::new(MOVES);
        let store = Self { pool, writer: Writer::connect(&options).await?, told, moved };
        store.check_genesis(genesis).await?;
        Ok(store)
    }

    async fn check_genesis(&self, genesis: Hash) -> std::result::Result<(), GatewayError> {
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'genesis'")
            .fetch_optional(&self.pool)
            .await?;
        match found {
            None => {
                sqlx::query("INSERT INTO meta (name, value) VALUES ('genesis', ?)")
                    .bind(genesis.0.as_slice())
                    .execute(&self.pool)
                    .await?;
                Ok(())
            }
            Some(found) if found == genesis.0 => Ok(()),
            Some(_) => Err(GatewayError::Store(
                "belongs to another genesis; give the genesis it was made with, or another file".into(),
            )),
        }
    }

    /// Begins a write, after all earlier ones.
    pub async fn begin(&self) -> Result<Tx<'_>> {
        let (moves, moved) = (&self.moved, Vec::new());
        Ok(Tx { tx: self.writer.begin().await?, told: &self.told, moves, moved, event: None })
    }

    /// Tells the place of the last event that is durable, and every later one.
    pub fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Tells every intent that comes to another state, once that is durable.
    pub fn moves(&self) -> broadcast::Receiver<Move> {
        self.moved.subscribe()
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.writer.flush().await;
        self.pool.close().await;
    }
}

impl Tx<'_> {
    /// Makes it durable, together with whatever is written at the same time.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        for moved in self.moved {
            // Nobody may be waiting.
            let _ = self.moves.send(moved);
        }
        if let Some(place) = self.event {
            // Writes that became durable together may end in any order.
            self.told.send_if_modified(|last| {
                let more = place > *last;
                *last = place.max(*last);
                more
            });
        }
        Ok(())
    }
}

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Unix seconds.
pub fn now() -> u64 {
    now_ms() / 1000
}

/// A number as SQLite has it.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that SQLite had.
fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Bytes of a fixed length out of a row.
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| corrupt("a value has a wrong length"))
}

/// A row that this program cannot have written.
fn corrupt(problem: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{problem}; the file is damaged, restore it from a copy").into())
}

/// Canonical bytes out of a row.
fn decode<T: borsh::BorshDeserialize>(bytes: &[u8]) -> Result<T> {
    borsh::from_slice(bytes).map_err(|error| corrupt(&error.to_string()))
}

/// Canonical bytes for a row.
fn encode<T: borsh::BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).unwrap_or_default()
}

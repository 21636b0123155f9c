//! The database behind one interface. Nothing above this module knows which database it is: rows come in and go out as
//! sealed bytes, and meaning is given to them above.
//!
//! `sqlite` is what every node uses. `memory` exists in tests alone: the same rows on a disk that can be made to fail at
//! any write and any sync, so that whole clusters are run through crashes.

#[cfg(any(test, feature = "test-util"))]
pub mod memory;
mod rows;
mod sqlite;

use crate::VaultError;
pub use rows::{Bytes, LedgerRow, Rows, ShareRow};
use std::path::Path;

/// One open database, used by one task at a time.
pub enum Store {
    /// A file.
    Sqlite(sqlite::Store),
    /// A disk in memory.
    #[cfg(any(test, feature = "test-util"))]
    Memory(memory::Store),
}

/// A transaction: nothing of it is visible or durable before `commit` returns. Dropped, it is undone.
pub enum Tx<'a> {
    /// Of a file.
    Sqlite(sqlite::Tx<'a>),
    /// Of a disk in memory.
    #[cfg(any(test, feature = "test-util"))]
    Memory(memory::Tx<'a>),
}

impl Store {
    /// Opens an existing file, an empty one too, and sees that every setting took hold.
    pub async fn connect(path: &Path) -> Result<Self, VaultError> {
        sqlite::Store::connect(path).await.map(Self::Sqlite)
    }

    /// Brings the schema up to date, and checks that it is exactly ours and the database sound.
    pub async fn prepare(&mut self, fresh: bool) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(store) => store.prepare(fresh).await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(_) => Ok(()),
        }
    }

    /// Begins a write.
    pub async fn begin(&mut self) -> Result<Tx<'_>, VaultError> {
        match self {
            Self::Sqlite(store) => store.begin().await.map(Tx::Sqlite),
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(store) => store.begin().map(Tx::Memory),
        }
    }

    /// The rows, for reading outside a transaction.
    pub fn rows(&mut self) -> Rows<'_> {
        match self {
            Self::Sqlite(store) => Rows::Sqlite(store.rows()),
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(store) => Rows::Memory(store.rows()),
        }
    }

    /// Moves everything out of the write-ahead log and cuts it to nothing, so that no erased row is left in it (§2.3).
    /// False when another reader stood in the way each time.
    pub async fn checkpoint(&mut self) -> Result<bool, VaultError> {
        match self {
            Self::Sqlite(store) => store.checkpoint().await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(store) => store.checkpoint(),
        }
    }

    /// Copies all live rows into an empty file.
    pub async fn copy(&mut self, to: &Path) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(store) => store.copy(to).await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(_) => {
                Err(VaultError::Storage("a disk in memory is copied by its own snapshot".into()))
            }
        }
    }

    /// Closes the database, after its last checkpoint.
    pub async fn close(self) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(store) => store.close().await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(mut store) => store.checkpoint().map(drop),
        }
    }
}

impl Tx<'_> {
    /// The rows as this transaction sees and changes them.
    pub fn rows(&mut self) -> Rows<'_> {
        match self {
            Self::Sqlite(tx) => Rows::Sqlite(tx.rows()),
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(tx) => Rows::Memory(tx.rows()),
        }
    }

    /// Makes it durable: when this returns Ok, the write-ahead log is synced.
    pub async fn commit(self) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(tx) => tx.commit(),
        }
    }

    /// Undoes it now.
    pub async fn rollback(self) -> Result<(), VaultError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            #[cfg(any(test, feature = "test-util"))]
            Self::Memory(_) => Ok(()),
        }
    }
}

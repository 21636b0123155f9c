//! A database on a disk in memory that fails as it is told: for tests of whole clusters.
//!
//! Like the real one it is a base and a write-ahead log of frames, each with a chained checksum. A change is appended to the
//! log; a commit appends a mark and syncs; recovery replays frames up to the last whole mark. What a crash leaves of the
//! frames that were not synced is chosen by the test, byte for byte.

mod disk;
mod journal;
mod rows;
mod tables;

pub use disk::{Disk, Fault, Leaves, Snapshot};
pub use rows::Rows;

use crate::VaultError;
use journal::Change;
use tables::Tables;

/// One open database. It is dead once the machine under it went down.
pub struct Store {
    disk: Disk,
    life: u64,
    tables: Tables,
}

/// A transaction on it.
pub struct Tx<'a> {
    store: &'a mut Store,
    tables: Tables,
}

impl Store {
    /// Opens what the disk holds, after recovery. One store at a time.
    pub fn connect(disk: &Disk) -> Result<Self, VaultError> {
        let (life, tables) = disk.open()?;
        Ok(Self { disk: disk.clone(), life, tables })
    }

    pub(in crate::store) fn begin(&mut self) -> Result<Tx<'_>, VaultError> {
        self.disk.alive(self.life)?;
        let tables = self.tables.clone();
        Ok(Tx { store: self, tables })
    }

    pub(in crate::store) fn rows(&mut self) -> Rows<'_> {
        Rows::new(&mut self.tables, &self.disk, self.life, false)
    }

    pub(in crate::store) fn checkpoint(&mut self) -> Result<bool, VaultError> {
        self.disk.checkpoint(self.life)?;
        Ok(true)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.disk.release(self.life);
    }
}

impl Tx<'_> {
    pub(in crate::store) fn rows(&mut self) -> Rows<'_> {
        Rows::new(&mut self.tables, &self.store.disk, self.store.life, true)
    }

    pub(in crate::store) fn commit(mut self) -> Result<(), VaultError> {
        let Self { store, tables } = &mut self;
        store.disk.write(store.life, &Change::Commit)?;
        store.disk.sync(store.life)?;
        store.tables = std::mem::take(tables);
        Ok(())
    }
}

impl Drop for Tx<'_> {
    /// What was not committed is out of the log; after a commit there is nothing to undo.
    fn drop(&mut self) {
        self.store.disk.undo(self.store.life);
    }
}

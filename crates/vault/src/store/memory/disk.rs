//! The disk: what outlives the process, and when and how it fails.

use super::journal::{self, Change};
use super::tables::Tables;
use crate::VaultError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk with one database. All clones are one disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// What a fault leaves of the frames that were written and not synced, the one under way included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaves {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// All but the last one whole; of that one half, with a flipped bit.
    Torn,
}

impl Leaves {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Everything, Self::Torn];
}

/// What happens at a write or sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The machine goes down: nothing more is read or written until the database is opened anew.
    Crash(Leaves),
    /// This one write or sync reports an error; the process lives on. What was written before a failed sync may be there
    /// after a restart all the same, and here it is.
    Error,
}

/// All bytes of a disk at one time, as a backup of the folder would have them.
#[derive(Clone)]
pub struct Snapshot {
    base: Tables,
    log: Vec<u8>,
}

#[derive(Default)]
struct State {
    base: Tables,
    log: Vec<u8>,
    synced: usize,
    /// Where the frames of the open transaction start.
    settled: usize,
    points: u64,
    fault: Option<(u64, Fault)>,
    down: bool,
    /// Counts openings; a store of an earlier one is dead.
    life: u64,
    open: bool,
    /// Checkpoints are not made.
    pretends: bool,
}

fn went_down() -> VaultError {
    VaultError::Storage("the machine went down".into())
}

impl State {
    fn alive(&self, life: u64) -> Result<(), VaultError> {
        if self.down || self.life != life { Err(went_down()) } else { Ok(()) }
    }

    fn go_down(&mut self, leaves: Leaves, last: usize) {
        match leaves {
            Leaves::Nothing => self.log.truncate(self.synced),
            Leaves::Everything => (),
            Leaves::Torn => {
                let kept = last + (self.log.len() - last) / 2;
                self.log.truncate(kept.max(self.synced));
                if self.log.len() > self.synced
                    && let Some(byte) = self.log.last_mut()
                {
                    *byte ^= 1;
                }
            }
        }
        // What is looked at while the machine is down is what it left.
        self.settled = self.settled.min(self.log.len());
        (self.down, self.open) = (true, false);
    }

    /// Passes one write or sync; `last` is where the frame under way starts.
    fn point(&mut self, last: usize) -> Result<(), VaultError> {
        self.points += 1;
        match self.fault.take_if(|(at, _)| *at == self.points) {
            None => Ok(()),
            Some((_, Fault::Error)) => Err(VaultError::Storage("the disk reports an error".into())),
            Some((_, Fault::Crash(leaves))) => {
                self.go_down(leaves, last);
                Err(went_down())
            }
        }
    }
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many writes and syncs there were.
    pub fn points(&self) -> u64 {
        self.state().points
    }

    /// Lets a fault happen at the write or sync of this number, from 1. One fault at a time.
    pub fn fail_at(&self, point: u64, fault: Fault) {
        self.state().fault = Some((point, fault));
    }

    /// Whether a fault is still to happen.
    pub fn fault_is_due(&self) -> bool {
        self.state().fault.is_some()
    }

    /// Whether the machine is down: from a crash until the next opening.
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// The machine goes down now, between two writes.
    pub fn cut_power(&self, leaves: Leaves) {
        let mut state = self.state();
        let settled = state.settled;
        state.go_down(leaves, settled);
    }

    /// A copy of all bytes.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot { base: state.base.clone(), log: state.log[..state.settled].to_vec() }
    }

    /// Puts an earlier copy in place of all bytes, while the machine is down.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut state = self.state();
        (state.base, state.log) = (snapshot.base.clone(), snapshot.log.clone());
        (state.down, state.open) = (true, false);
    }

    /// Shares and certificates as a restart would find them; the other tables are not whole.
    fn epochs(&self) -> Tables {
        let state = self.state();
        let (shares, certificates) = (state.base.shares.clone(), state.base.certificates.clone());
        let mut tables = Tables { shares, certificates, ..Tables::default() };
        journal::replay(&mut tables, &state.log);
        tables
    }

    /// The attempts of a key's shares as a restart would find them, and its certificate's attempt.
    pub fn attempts(&self, wallet: &[u8]) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
        let tables = self.epochs();
        let own = tables.shares.keys().filter(|(of, _)| of == wallet).map(|(_, attempt)| attempt.clone());
        (own.collect(), tables.certificates.get(wallet).map(|(attempt, _)| attempt.clone()))
    }

    /// The sealed secrets of a key's shares by attempt, as a restart would find them: what must be nowhere once it is erased.
    pub fn sealed_shares(&self, wallet: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let own = self.epochs().shares.into_iter().filter(|((of, _), _)| of == wallet);
        own.map(|((_, attempt), (secret, _))| (attempt, secret)).collect()
    }

    /// From now on checkpoints do nothing and say that they are done: a defect that tests put in on purpose.
    pub fn pretend_checkpoints(&self) {
        self.state().pretends = true;
    }

    /// Whether these bytes stand anywhere on the disk, erased rows and the log included.
    pub fn contains(&self, needle: &[u8]) -> bool {
        let state = self.state();
        let has = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        has(&state.log) || state.base.shares.values().any(|(secret, public)| has(secret) || has(public))
    }

    pub(super) fn open(&self) -> Result<(u64, Tables), VaultError> {
        let mut state = self.state();
        if state.open {
            return Err(VaultError::Locked("a disk in memory".into()));
        }
        let mut tables = state.base.clone();
        let counts = journal::replay(&mut tables, &state.log);
        state.log.truncate(counts);
        (state.synced, state.settled) = (counts, counts);
        (state.down, state.open) = (false, true);
        state.life += 1;
        Ok((state.life, tables))
    }

    pub(super) fn release(&self, life: u64) {
        let mut state = self.state();
        if state.life == life {
            state.open = false;
        }
    }

    pub(super) fn alive(&self, life: u64) -> Result<(), VaultError> {
        self.state().alive(life)
    }

    pub(super) fn write(&self, life: u64, change: &Change) -> Result<(), VaultError> {
        let mut state = self.state();
        state.alive(life)?;
        let frame = journal::frame(&state.log, change);
        let last = state.log.len();
        state.log.extend_from_slice(&frame);
        state.point(last)
    }

    pub(super) fn sync(&self, life: u64) -> Result<(), VaultError> {
        let mut state = self.state();
        state.alive(life)?;
        // The mark of the commit is the last frame: torn, it counts for nothing.
        let last = state.log.len().saturating_sub(journal::frame(&[], &Change::Commit).len());
        let result = state.point(last);
        state.settled = state.log.len();
        result?;
        state.synced = state.settled;
        Ok(())
    }

    pub(super) fn undo(&self, life: u64) {
        let mut state = self.state();
        if state.alive(life).is_ok() {
            let settled = state.settled;
            state.log.truncate(settled);
        }
    }

    /// Moves the log into the base. A crash in the middle leaves both as they were: the log is cut last.
    pub(super) fn checkpoint(&self, life: u64) -> Result<(), VaultError> {
        let mut state = self.state();
        state.alive(life)?;
        if state.pretends {
            return Ok(());
        }
        let end = state.log.len();
        state.point(end)?;
        let mut tables = std::mem::take(&mut state.base);
        journal::replay(&mut tables, &state.log);
        state.base = tables;
        state.point(end)?;
        state.log.clear();
        (state.synced, state.settled) = (0, 0);
        Ok(())
    }
}

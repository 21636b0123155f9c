//! The event log: compact enough to be kept for every failure, and enough to see what happened.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt::Write as _;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// Milliseconds of the world's clock.
    pub time: u64,
    /// At which party; none for the world.
    pub party: Option<u8>,
    /// What.
    pub what: String,
}

/// A run's events, if they are kept.
#[derive(Default)]
pub struct Log {
    keep: bool,
    entries: Vec<Entry>,
}

/// The file that a failure leaves.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct File {
    /// Which scenario, as the command line names it.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The commit that ran.
    pub commit: String,
    /// What was found.
    pub violation: String,
    /// What happened.
    pub entries: Vec<Entry>,
}

impl Log {
    /// A log that keeps nothing, or everything.
    pub fn new(keep: bool) -> Self {
        Self { keep, entries: Vec::new() }
    }

    /// Whether to describe events at all.
    pub fn keeps(&self) -> bool {
        self.keep
    }

    /// Adds an event; the text is made only when it is kept.
    pub fn add(&mut self, time: u64, party: Option<usize>, what: impl FnOnce() -> String) {
        if self.keep {
            let party = party.and_then(|at| u8::try_from(at).ok());
            self.entries.push(Entry { time, party, what: what() });
        }
    }

    /// Everything so far.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The viewer: one line for each event, with a column for each party.
pub fn render(entries: &[Entry]) -> String {
    let parties =
        entries.iter().filter_map(|entry| entry.party).max().map_or(0, |most| usize::from(most) + 1);
    let mut text = String::new();
    for Entry { time, party, what } in entries {
        let mut columns = ".".repeat(parties);
        if let Some(at) = party.map(usize::from) {
            columns.replace_range(at..=at, "#");
        }
        let _ = writeln!(text, "{time:>8} {columns} {what}");
    }
    text
}

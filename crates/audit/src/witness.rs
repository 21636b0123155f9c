//! What a witness remembers of another node's log, and what it makes of a head that it is shown (docs/audit.md).
//!
//! A head is cosigned when it continues the last one. A node that was restored from a backup has lost entries; it goes on under
//! a new name that its `Restored` entry gives, from a head that the witness has seen. Anything else is evidence.

use crate::AuditError;
use crate::checkpoint::Checkpoint;
use crate::merkle::verify_consistency;
use crate::note::Note;
use crate::proven::{Included, LogOf, restored_at};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, PublicKey};

/// Most heads that are remembered of one log; older ones are thinned out, so that a restore finds one near its backup.
pub const MAX_HEADS: usize = 32;

/// A head that a node shows to a witness, with the proof that it continues what the witness has seen.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Shown {
    /// The checkpoint, signed by the log's node.
    pub note: String,
    /// The size that the proof begins at; 0 proves nothing.
    pub from: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The entry of the restore that this branch of the log began with, in this checkpoint.
    pub restored: Option<Included>,
    /// Repeats the number of the question that this answers; none when it comes unasked.
    pub answers: Option<u64>,
}

/// The heads that a witness has seen of one node's log, ascending, as signed by that node.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Memory {
    heads: Vec<String>,
}

/// Two heads that do not fit together, for whoever wants to see them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Alarm {
    /// Whose log.
    pub node: PublicKey,
    /// What does not fit.
    pub what: String,
    /// The head that was seen before, signed by the node.
    pub before: String,
    /// The head that was shown now, signed by the node.
    pub now: String,
    /// When it was found, Unix seconds by the witness's clock.
    pub time: u64,
}

/// What to do with a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Remember this, durably, then cosign.
    Take {
        /// What to remember from now on; none where nothing changes.
        memory: Option<Memory>,
        /// How many entries that were seen before are gone by a restore.
        lost: u64,
    },
    /// Ask for the proof from this size on.
    Ask(u64),
    /// The log does not continue what was seen; why, for people.
    Alarm(String),
}

impl Memory {
    /// The last head, as signed by its node.
    pub fn last(&self) -> Option<&str> {
        self.heads.last().map(String::as_str)
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, AuditError> {
        // They were verified before they were remembered, and the store is sealed.
        self.heads.iter().map(|note| Checkpoint::parse(&Note::parse(note)?.text)).collect()
    }

    fn with(&self, keep: usize, note: &Note) -> Self {
        let mut heads: Vec<String> = self.heads.iter().take(keep).cloned().collect();
        heads.push(note.encode());
        if heads.len() > MAX_HEADS {
            // Every second one of the older half.
            let half = heads.len() / 2;
            let mut at = 0;
            heads.retain(|_| {
                at += 1;
                at > half || at % 2 == 1
            });
        }
        Self { heads }
    }

    /// Judges a head. `asked` is the number of a question that is open, so that an old message is not taken for a log that
    /// shrank.
    ///
    /// # Errors
    /// [`AuditError`] when it is not even signed by the node, or what comes with it is malformed; that says nothing
    /// against the node, since anybody can say such things.
    pub fn judge(&self, log: &LogOf, shown: &Shown, asked: Option<u64>) -> Result<Step, AuditError> {
        let mut note = Note::parse(&shown.note)?;
        let next = log.open(&note)?;
        let key = log.log_key(next.origin())?;
        // Remembered is what the node signed, and nothing that others put under it.
        note.signatures.retain(|line| key.made(line));
        let seen = self.checkpoints()?;
        let Some(last) = seen.last() else {
            return Ok(Step::Take { memory: Some(self.with(0, &note)), lost: 0 });
        };
        if last.origin() != next.origin() {
            return self.branch(log, shown, &note, &next, &seen);
        }
        if next.size() < last.size() {
            return Ok(if shown.answers.is_some() && shown.answers == asked {
                Step::Alarm(format!("the log had {} entries and has {} now", last.size(), next.size()))
            } else {
                Step::Ask(last.size())
            });
        }
        if next.size() == last.size() {
            return Ok(if next.root() == last.root() {
                Step::Take { memory: None, lost: 0 }
            } else {
                Step::Alarm(format!("two logs of {} entries", next.size()))
            });
        }
        if shown.from != last.size() {
            return Ok(Step::Ask(last.size()));
        }
        Ok(match verify_consistency(last.size(), &last.root(), next.size(), &next.root(), &shown.proof) {
            Ok(()) => Step::Take { memory: Some(self.with(seen.len(), &note)), lost: 0 },
            Err(error) => Step::Alarm(format!("what was seen before was changed: {error}")),
        })
    }

    fn branch(
        &self,
        log: &LogOf,
        shown: &Shown,
        note: &Note,
        next: &Checkpoint,
        seen: &[Checkpoint],
    ) -> Result<Step, AuditError> {
        let Some(included) = &shown.restored else {
            return Ok(Step::Alarm("the log went back to a name that it had left".into()));
        };
        let entry = included.check(next.size(), &next.root())?;
        let size = restored_at(log, next.origin(), &entry)?;
        let keep = seen.iter().take_while(|head| head.size() <= size).count();
        let lost = seen.last().map_or(0, |last| last.size().saturating_sub(size));
        let taken = Step::Take { memory: Some(self.with(keep, note)), lost };
        let Some(anchor) = keep.checked_sub(1).and_then(|at| seen.get(at)) else { return Ok(taken) };
        if shown.from != anchor.size() {
            return Ok(Step::Ask(anchor.size()));
        }
        Ok(match verify_consistency(anchor.size(), &anchor.root(), next.size(), &next.root(), &shown.proof) {
            Ok(()) => taken,
            Err(error) => Step::Alarm(format!("a restored log that is not what was seen before: {error}")),
        })
    }
}

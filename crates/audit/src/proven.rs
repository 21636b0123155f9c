//! Entries that a stranger can check: an entry, the proof that it is in a node's log, and that log's signed and cosigned head.
//!
//! The names of logs and of witnesses in notes follow from the cluster's genesis and the node's identity key, so nobody needs to
//! be told a key that the genesis does not name already.

use crate::checkpoint::{Checkpoint, Witnessed, verify_cosignatures};
use crate::merkle::{leaf_hash, verify_inclusion};
use crate::note::{KeyType, Note, NoteKey};
use crate::{AuditError, Body, Entry};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, PublicKey};

/// Whose log it is: the genesis that the operators pinned, and the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOf {
    /// Hash of the genesis, version 0 of the governance chain.
    pub cluster: Hash,
    /// The node's identity key.
    pub node: PublicKey,
}

/// An entry with the proof that it is in a log whose head is known.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Included {
    /// The entry's canonical bytes; its sequence number is its index.
    pub entry: Vec<u8>,
    /// The inclusion proof (RFC 6962).
    pub proof: Vec<Hash>,
}

/// An entry, and the signed head of the log that it is in.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proven {
    /// The entry and its proof.
    pub included: Included,
    /// The checkpoint: a note signed by the log's node, cosigned by witnesses.
    pub checkpoint: String,
}

/// A proven entry that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The entry.
    pub entry: Entry,
    /// The log's head.
    pub checkpoint: Checkpoint,
    /// Who cosigned, and when.
    pub witnessed: Vec<Witnessed>,
}

impl LogOf {
    /// The name of the node in notes, and of its log before any restore.
    pub fn name(&self) -> String {
        format!("quorate/{}/{}", self.cluster, self.node)
    }

    /// The name of the log after a restore from a backup: that restore's entry is part of it (docs/audit.md).
    pub fn branch(&self, restored: Option<&Hash>) -> String {
        let name = self.name();
        restored.map_or(name.clone(), |entry| {
            let short: String = entry.to_string().chars().take(16).collect();
            format!("{name}/{short}")
        })
    }

    /// Whether a log with this name can be the node's, as it began or after a restore.
    pub fn owns(&self, origin: &str) -> bool {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match origin.strip_prefix(&self.name()) {
            Some("") => true,
            Some(rest) => rest.len() == 17 && rest.starts_with('/') && rest.bytes().skip(1).all(hex),
            None => false,
        }
    }

    /// The key that signs the log called `origin`.
    ///
    /// # Errors
    /// [`AuditError::Note`] when that is no log of this node.
    pub fn log_key(&self, origin: &str) -> Result<NoteKey, AuditError> {
        if !self.owns(origin) {
            return Err(AuditError::Note(format!("{origin:.160?} is no log of node {}", self.node)));
        }
        NoteKey::new(origin, self.node, KeyType::Plain)
    }

    /// The key by which the node cosigns others' logs.
    ///
    /// # Errors
    /// [`AuditError::Note`]; never for names of this form.
    pub fn witness_key(&self) -> Result<NoteKey, AuditError> {
        NoteKey::new(&self.name(), self.node, KeyType::Cosignature)
    }

    /// Opens a checkpoint of this node's log.
    ///
    /// # Errors
    /// [`AuditError::Note`] when the node did not sign it.
    pub fn open(&self, note: &Note) -> Result<Checkpoint, AuditError> {
        let origin = note.text.split('\n').next().unwrap_or_default();
        Checkpoint::open(note, &self.log_key(origin)?)
    }

    /// Opens a checkpoint together with every cosignature under it. Strict: each line must be the node's own or of one of the
    /// witnesses, once each, and hold; so nothing under a note can be changed unseen.
    ///
    /// # Errors
    /// [`AuditError::Note`].
    pub fn open_cosigned(
        &self,
        note: &Note,
        witnesses: &[PublicKey],
    ) -> Result<(Checkpoint, Vec<Witnessed>), AuditError> {
        let checkpoint = self.open(note)?;
        let log = self.log_key(checkpoint.origin())?;
        let mut keys = Vec::new();
        for node in witnesses.iter().filter(|node| **node != self.node) {
            keys.push(Self { cluster: self.cluster, node: *node }.witness_key()?);
        }
        let mut seen = Vec::new();
        for line in &note.signatures {
            let known = log.made(line) || keys.iter().any(|key| key.made(line));
            if !known || seen.contains(&(&line.name, line.id)) {
                let problem =
                    format!("a signature line of {:.160?} is unknown here or stands twice", line.name);
                return Err(AuditError::Note(problem));
            }
            seen.push((&line.name, line.id));
        }
        let witnessed = verify_cosignatures(note, &keys, 0)?;
        Ok((checkpoint, witnessed))
    }
}

impl Included {
    /// Checks that the entry is in the log of `size` entries with this root, and gives it.
    ///
    /// # Errors
    /// [`AuditError`] that says what does not hold.
    pub fn check(&self, size: u64, root: &Hash) -> Result<Entry, AuditError> {
        let entry = Entry::decode(&self.entry)?;
        let leaf = leaf_hash(&crate::entry::hash_of(&self.entry).0);
        verify_inclusion(leaf, entry.sequence, size, &self.proof, root)?;
        Ok(entry)
    }
}

impl Proven {
    /// Checks the node's signature under the checkpoint, every cosignature, and that the entry is in the log.
    ///
    /// # Errors
    /// [`AuditError`] that says what does not hold.
    pub fn check(&self, log: &LogOf, witnesses: &[PublicKey]) -> Result<Checked, AuditError> {
        let note = Note::parse(&self.checkpoint)?;
        let (checkpoint, witnessed) = log.open_cosigned(&note, witnesses)?;
        let entry = self.included.check(checkpoint.size(), &checkpoint.root())?;
        Ok(Checked { entry, checkpoint, witnessed })
    }
}

/// How many witnesses make a checkpoint a complete one, of `parties` nodes: more than half of the other nodes. Two heads of one
/// log that do not continue one another can then not both be complete, unless some witness cosigned both.
pub fn witness_quorum(parties: usize) -> usize {
    parties.saturating_sub(1) / 2 + 1
}

/// The `Restored` entry behind a branch of a log: its place, if it says what such an entry must say.
///
/// # Errors
/// [`AuditError::Note`].
pub(crate) fn restored_at(log: &LogOf, origin: &str, entry: &Entry) -> Result<u64, AuditError> {
    let Body::Restored { size } = entry.body else {
        return Err(AuditError::Note("a log's new branch must begin with the entry of a restore".into()));
    };
    if size != entry.sequence || log.branch(Some(&entry.hash()?)) != origin {
        return Err(AuditError::Note(
            "the restore that is shown is not the one that the log is named for".into(),
        ));
    }
    Ok(size)
}

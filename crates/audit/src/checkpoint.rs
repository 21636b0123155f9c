//! Checkpoints (c2sp.org/tlog-checkpoint): the signed head of a node's Merkle log, cosigned by the other nodes as witnesses
//! (c2sp.org/tlog-cosignature).
//!
//! A witness cosigns only a checkpoint that continues the last one that it saw of this log ([`follow`]). So a node that rewrites or
//! forks its log needs witnesses who look away.

use crate::AuditError;
use crate::merkle::verify_consistency;
use crate::note::{KeyType, Note, NoteKey, SignatureLine, decode};
use base64ct::{Base64, Encoding};
use quorate_intent::Hash;

/// The first line of what a witness signs. No log may have this name, or its own signature could pass for a cosignature.
const COSIGNATURE: &str = "cosignature/v1";

/// The head of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

/// A witness and the time at which it cosigned, Unix seconds by its own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The witness's name.
    pub witness: String,
    /// When.
    pub time: u64,
}

fn wrong(problem: impl Into<String>) -> AuditError {
    AuditError::Note(problem.into())
}

impl Checkpoint {
    /// The head of the log that is called `origin`.
    ///
    /// # Errors
    /// [`AuditError::Note`] when no log can be called so.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, AuditError> {
        if origin.is_empty()
            || origin.len() > 255
            || origin.chars().any(char::is_control)
            || origin == COSIGNATURE
        {
            return Err(wrong(format!("no log can be called {origin:.40?}")));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle root.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The note's text: name, size, root, one line each.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, Base64::encode_string(&self.root.0))
    }

    /// Reads a note's text. Lines after the third are not supported: they mean different things to different people.
    ///
    /// # Errors
    /// [`AuditError::Note`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(wrong("a checkpoint has three lines: name, size, root"));
        };
        let number: u64 = size.parse().map_err(|_| wrong("a checkpoint's second line is its size"))?;
        if number.to_string() != *size {
            return Err(wrong("a checkpoint's size is written with digits and no leading zeros"));
        }
        let root = decode(root, 32)?.try_into().map_err(|_| wrong("a checkpoint's root has 32 bytes"))?;
        Self::new(origin, number, Hash(root))
    }

    /// The checkpoint as a note, signed by the node whose log it is.
    ///
    /// # Errors
    /// [`AuditError::Note`].
    pub fn sign(&self, key: &NoteKey, secret: &ed25519_dalek::SigningKey) -> Result<Note, AuditError> {
        let mut note = Note::new(self.text())?;
        note.sign(key, secret);
        Ok(note)
    }

    /// Reads a note that the log's own node signed.
    ///
    /// # Errors
    /// [`AuditError::Note`] when it did not.
    pub fn open(note: &Note, log: &NoteKey) -> Result<Self, AuditError> {
        if log.kind() != KeyType::Plain {
            return Err(wrong("the key of a witness does not sign a log"));
        }
        note.verify(log)?;
        Self::parse(&note.text)
    }
}

/// What a witness signs.
fn statement(text: &str, time: u64) -> Vec<u8> {
    format!("{COSIGNATURE}\ntime {time}\n{text}").into_bytes()
}

/// Adds a witness's cosignature. It says that at `time` this was the largest head of the log that the witness knew, so call it
/// after [`follow`] alone, and durably remember the checkpoint first (docs/spec §1.7). `key` must belong to `secret`.
pub fn cosign(note: &mut Note, key: &NoteKey, secret: &ed25519_dalek::SigningKey, time: u64) {
    let signature = ed25519_dalek::Signer::sign(secret, &statement(&note.text, time));
    let bytes = time.to_be_bytes().into_iter().chain(signature.to_bytes()).collect();
    note.add(key, bytes);
}

/// Checks the cosignatures of these witnesses. One that does not verify spoils the note; signatures by others are ignored.
///
/// # Errors
/// [`AuditError::Note`] for a bad cosignature, or fewer than `quorum` witnesses.
pub fn verify_cosignatures(
    note: &Note,
    witnesses: &[NoteKey],
    quorum: usize,
) -> Result<Vec<Witnessed>, AuditError> {
    let mut seen: Vec<Witnessed> = Vec::new();
    for key in witnesses {
        if key.kind() != KeyType::Cosignature {
            return Err(wrong(format!("{} is no key of a witness", key.name())));
        }
        let times =
            note.signatures.iter().filter(|line| key.made(line)).map(|line| cosigned(note, key, line));
        // The latest one, where a witness cosigned twice.
        let latest = times.collect::<Result<Vec<_>, _>>()?.into_iter().max();
        if let Some(time) = latest
            && !seen.iter().any(|other| other.witness == key.name())
        {
            seen.push(Witnessed { witness: key.name().to_owned(), time });
        }
    }
    if seen.len() < quorum {
        return Err(wrong(format!("{} of {quorum} witnesses cosigned the checkpoint", seen.len())));
    }
    Ok(seen)
}

fn cosigned(note: &Note, key: &NoteKey, line: &SignatureLine) -> Result<u64, AuditError> {
    let bad = || wrong(format!("the cosignature of {} does not verify", key.name()));
    let (time, signature) = line.bytes.split_first_chunk::<8>().ok_or_else(bad)?;
    let time = u64::from_be_bytes(*time);
    let signature = signature.try_into().map_err(|_| bad())?;
    if time >= 1 << 63 || !key.verifies(&statement(&note.text, time), signature) {
        return Err(bad());
    }
    Ok(time)
}

/// What a witness checks before it cosigns: the node signed it, it is the log that the witness follows, and it continues the
/// last head (none at first). Gives the new head, to be remembered.
///
/// # Errors
/// [`AuditError::Note`] or [`AuditError::Proof`]; the latter is evidence that the node changed its log.
pub fn follow(
    last: Option<&Checkpoint>,
    note: &Note,
    log: &NoteKey,
    proof: &[Hash],
) -> Result<Checkpoint, AuditError> {
    let next = Checkpoint::open(note, log)?;
    let start = Checkpoint::new(next.origin(), 0, Hash([0; 32]))?;
    let last = last.unwrap_or(&start);
    if last.origin != next.origin {
        return Err(wrong(format!("this is a checkpoint of {}, not of {}", next.origin, last.origin)));
    }
    verify_consistency(last.size, &last.root, next.size, &next.root, proof)?;
    Ok(next)
}

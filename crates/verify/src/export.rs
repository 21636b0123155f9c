//! Exported logs as JSON Lines, and checking them: each by itself, and against the heads that other nodes saw of it.

use crate::VerifyError;
use crate::error::refused;
use quorate_audit::{Alarm, Body, Chain, Entry, Head, LogOf, Note, Tree};
use quorate_intent::{Genesis, Hash, PublicKey};
use serde::{Deserialize, Serialize};

/// Version of an export.
pub const VERSION: u16 = 1;

/// One line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first line: whose log it is.
    Log {
        /// [`VERSION`].
        version: u16,
        /// The genesis.
        cluster: Hash,
        /// The node's identity key.
        node: PublicKey,
    },
    /// An entry.
    Entry {
        /// Its canonical bytes in hex; what counts.
        bytes: String,
        /// Its place, for people.
        sequence: u64,
        /// Its time, Unix seconds, for people.
        time: u64,
        /// What happened, for people.
        what: String,
    },
    /// The node's own checkpoint, with the cosignatures that it had.
    Checkpoint {
        /// The note.
        note: String,
    },
    /// The last head that this node saw of another one's log.
    Seen {
        /// Whose.
        node: PublicKey,
        /// The note.
        note: String,
    },
    /// A log that did not continue what this node had seen.
    Alarm {
        /// Whose.
        node: PublicKey,
        /// What did not fit.
        what: String,
        /// The head seen before.
        before: String,
        /// The head that was shown.
        now: String,
        /// When, Unix seconds.
        time: u64,
    },
}

/// An export as read.
#[derive(Clone, Debug)]
pub struct Export {
    cluster: Hash,
    node: PublicKey,
    entries: Vec<Vec<u8>>,
    checkpoints: Vec<String>,
    seen: Vec<(PublicKey, String)>,
    alarms: Vec<Alarm>,
}

/// What checking one export found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// The node's name.
    pub node: String,
    /// Its identity key.
    pub key: PublicKey,
    /// How many entries.
    pub size: u64,
    /// The Merkle root.
    pub root: Hash,
    /// How many heads of other nodes' sight fit.
    pub heads: usize,
    /// What does not fit; the log is sound where there is nothing.
    pub problems: Vec<String>,
}

impl Line {
    /// An entry's line.
    ///
    /// # Errors
    /// [`VerifyError::Format`] when these are not the bytes of an entry.
    pub fn entry(bytes: &[u8]) -> Result<Self, VerifyError> {
        let entry = Entry::decode(bytes).map_err(|error| wrong(0, error))?;
        Ok(Self::Entry {
            bytes: hex::encode(bytes),
            sequence: entry.sequence,
            time: entry.time,
            what: format!("{:?}", entry.body),
        })
    }
}

fn wrong(line: usize, problem: impl std::fmt::Display) -> VerifyError {
    VerifyError::Format { what: "log export", problem: format!("line {}: {problem}", line + 1) }
}

impl Export {
    /// Reads an export.
    ///
    /// # Errors
    /// [`VerifyError::Format`] that names the line.
    pub fn parse(text: &str) -> Result<Self, VerifyError> {
        let mut lines = text.lines().enumerate();
        let first = lines.next().map(|(_, line)| serde_json::from_str(line));
        let Some(Ok(Line::Log { version: VERSION, cluster, node })) = first else {
            return Err(wrong(0, format!("the first line must name the log, of version {VERSION}")));
        };
        let mut export = Self {
            cluster,
            node,
            entries: Vec::new(),
            checkpoints: Vec::new(),
            seen: Vec::new(),
            alarms: Vec::new(),
        };
        for (at, line) in lines {
            match serde_json::from_str(line).map_err(|error| wrong(at, error))? {
                Line::Log { .. } => return Err(wrong(at, "a second log begins")),
                Line::Entry { bytes, sequence, time, what } => {
                    let bytes = hex::decode(&bytes).map_err(|error| wrong(at, error))?;
                    // What people read must be what the bytes say.
                    if Line::entry(&bytes).ok()
                        != Some(Line::Entry { bytes: hex::encode(&bytes), sequence, time, what })
                    {
                        return Err(wrong(at, "what it says for people is not what its bytes say"));
                    }
                    export.entries.push(bytes);
                }
                Line::Checkpoint { note } => export.checkpoints.push(note),
                Line::Seen { node, note } => export.seen.push((node, note)),
                Line::Alarm { node, what, before, now, time } => {
                    export.alarms.push(Alarm { node, what, before, now, time });
                }
            }
        }
        Ok(export)
    }
}

/// A log whose chain was followed to its end.
struct Walked {
    tree: Tree,
    head: Head,
    /// Each restore: its place, and the name that the log has from there on.
    branches: Vec<(u64, String)>,
}

fn walk(export: &Export) -> Result<Walked, VerifyError> {
    let log = LogOf { cluster: export.cluster, node: export.node };
    let mut chain = Chain::new(Head::start(&export.node));
    let mut walked = Walked { tree: Tree::new(), head: chain.head(), branches: vec![(0, log.name())] };
    for bytes in &export.entries {
        let entry = chain.take(bytes).map_err(|error| refused("the log", error))?;
        let hash = chain.head().hash;
        walked.tree.append(&hash.0);
        if let Body::Restored { .. } = entry.body {
            walked.branches.push((entry.sequence, log.branch(Some(&hash))));
        }
    }
    walked.head = chain.head();
    Ok(walked)
}

/// Checks exports of one cluster together: each chain from its start, each own checkpoint, and every head that any of the
/// others saw.
///
/// # Errors
/// [`VerifyError`] when an export is not of this cluster. What is wrong with a log stands in its report.
pub fn verify_exports(exports: &[Export], genesis: &Genesis) -> Result<Vec<LogReport>, VerifyError> {
    let cluster = genesis.hash();
    if let Some(other) = exports.iter().find(|export| export.cluster != cluster) {
        let problem = format!("it is of the cluster {}, the genesis is {cluster}", other.cluster);
        return Err(refused("the log", problem));
    }
    Ok(exports.iter().map(|export| judge(export, exports, genesis)).collect())
}

fn judge(export: &Export, all: &[Export], genesis: &Genesis) -> LogReport {
    let name =
        |key: &PublicKey| genesis.party(key).map_or_else(|| key.to_string(), |party| party.name.clone());
    let mut report = LogReport {
        node: name(&export.node),
        key: export.node,
        size: 0,
        root: Hash([0; 32]),
        heads: 0,
        problems: Vec::new(),
    };
    let walked = match walk(export) {
        Ok(walked) => walked,
        Err(error) => {
            report.problems.push(error.to_string());
            return report;
        }
    };
    report.size = walked.head.size;
    report.root = walked.tree.root(walked.head.size).unwrap_or(report.root);
    let mut look = |from: &str, note: &str| match head(export, &walked, note) {
        Ok(()) => report.heads += 1,
        Err(problem) => report.problems.push(format!("{from}: {problem}")),
    };
    for note in &export.checkpoints {
        look("its own checkpoint", note);
    }
    for other in all.iter().filter(|other| other.node != export.node) {
        let from = format!("the head that {} saw", name(&other.node));
        for (_, note) in other.seen.iter().filter(|(node, _)| *node == export.node) {
            look(&from, note);
        }
        for alarm in other.alarms.iter().filter(|alarm| alarm.node == export.node) {
            look(
                &format!("the head that {} saw before its alarm ({})", name(&other.node), alarm.what),
                &alarm.before,
            );
            look(
                &format!("the head at which {} raised its alarm ({})", name(&other.node), alarm.what),
                &alarm.now,
            );
        }
    }
    report
}

/// Whether a head that the node signed is one of this log.
fn head(export: &Export, walked: &Walked, note: &str) -> Result<(), String> {
    let log = LogOf { cluster: export.cluster, node: export.node };
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    let checkpoint = log.open(&note).map_err(|error| error.to_string())?;
    let at = walked.branches.iter().position(|(_, name)| name == checkpoint.origin());
    let Some(at) = at else {
        return Err(format!("the log has no restore that leads to {}", checkpoint.origin()));
    };
    let (size, here) = (checkpoint.size(), walked.head.size);
    // What a restored node had written after its backup is gone, and its log says so.
    let restored = walked.branches.get(at + 1).map(|(sequence, _)| *sequence);
    if restored.is_some_and(|sequence| size > sequence) {
        return Ok(());
    }
    match walked.tree.root(size) {
        None => Err(format!(
            "the node signed a log of {size} entries, {here} are shown: the rest was taken away, or this export is older than that head"
        )),
        Some(root) if root == checkpoint.root() => Ok(()),
        Some(_) => Err(format!("the node signed another log of {size} entries than the one that is shown")),
    }
}

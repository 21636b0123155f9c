//! Audit: what a node did and why, in an order that cannot be changed afterwards.
//!
//! For: names of epochs and what a party may do with them (docs/spec §2.3); the types of log entries, their canonical bytes
//! and hashes, the chain that binds each entry to the one before it, and the offline verifier of that chain (docs/spec §1.7,
//! §7: no signature without an earlier entry); the Merkle tree over the entries with its proofs; checkpoints, and the other
//! nodes' cosignatures under them. No I/O.
//! Not for: storing the log (`vault`), deciding what goes into it (`node`).
//!
//! An entry's hash is the leaf data of the Merkle log (RFC 6962); its sequence number is the leaf's index.
#![forbid(unsafe_code)]

pub mod attempt;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod epochs;
pub mod error;
pub mod event;
pub mod merkle;
pub mod note;
pub mod proven;
pub mod witness;

pub use attempt::Attempt;
pub use chain::{Chain, Head, verify};
pub use checkpoint::Checkpoint;
pub use entry::Entry;
pub use epochs::{AcceptedOrder, AttemptRefusal, Certified, Epochs, GENERATE, OrderRefusal};
pub use error::AuditError;
pub use event::{Body, Ceremony, CeremonyKind, Dispute, Judged, Severity, Spent, WillSign};
pub use merkle::Tree;
pub use note::{KeyType, Note, NoteKey};
pub use proven::{Included, LogOf, Proven, witness_quorum};
pub use witness::{Alarm, Memory, Shown};

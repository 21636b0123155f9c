//! Coordination: what the coordinator (in the gateway) and the nodes say to one another.
//!
//! For: the public record and certificate of a key, the signing request and its assignments (docs/spec §4.4), partial
//! signatures with their makers' signatures, checking and combining them with no node running, the dispute graph and the
//! choice of signers (§5), and the calls from gateway to node. Canonical borsh bytes; no I/O.
//! Not for: what a transaction is (`chains`), who may sign what (`policy`), sockets (`transport`).
#![forbid(unsafe_code)]

pub mod api;
pub mod attest;
pub mod certificate;
pub mod combine;
pub mod disputes;
pub mod drill;
pub mod file;
pub mod governance;
pub mod keys;
pub mod partial;
pub mod record;
pub mod request;
pub mod resharing;
pub mod rpc;

pub use attest::{AddressFile, AttestError, check_attested};
pub use certificate::{Certificate, Proof, Reshared};
pub use combine::{CombineError, check_partial, combine};
pub use file::{CallFile, CertifiedFile, Combined, EvidenceFile, FileError, PartialFile, combine_files};
pub use governance::InForce;
pub use keys::KeySet;
pub use partial::{Material, OwnedCommitment, Part, Partial};
pub use quorate_chains::RawSignature;
pub use record::{RecordError, WalletRecord};
pub use request::{Assignment, Item, SignedAssignment, SigningRequest};
pub use resharing::Resharing;
pub use rpc::{NodeError, NodeRequest, NodeResponse};

//! Verify: what a stranger can check with files alone, and the genesis that the operators pinned.
//!
//! For: a transaction's certificate, its one file form, and its verifier, which rebuilds everything as each node did
//! (docs/audit.md); exported logs, each by itself and against the heads that other nodes saw of it. No I/O.
//! Not for: collecting what a certificate consists of (`gateway`), keeping logs (`vault`).
#![forbid(unsafe_code)]

pub mod certificate;
mod check;
pub mod error;
pub mod export;
mod footing;
mod log;
pub mod report;
mod rule;

pub use certificate::{Signing, TransactionCertificate, Verdict};
pub use check::verify;
pub use error::VerifyError;
pub use export::{Export, LogReport, verify_exports};
pub use footing::Verifier;
pub use report::{Report, SignedBy};

//! Vault: what a node must not forget, and what it must be able to forget for good.
//!
//! For: the node's identity, the pinned genesis, accepted orders, key shares by epoch (docs/spec §2.3), the ledger of
//! signed forms and the audit log in one durable write (§1.7), disputes and small settings. One SQLite file per node,
//! every row sealed. The only room with a database in a node.
//! Not for: pair states, presignatures and nonces, which live in memory alone (§1.9); deciding anything about policy.
//!
//! All SQL stands in `store::sqlite`; another database is another implementation beside it. There is one more, in memory
//! and for tests alone (feature `test-util`), whose disk fails as it is told.
//! Out of reach: remanence of the medium (SSD, copy-on-write) after erasing, and a rollback of the whole file, which
//! certificates, boot ids and cosigned checkpoints answer (§1.9, §2.4).
#![forbid(unsafe_code)]

mod backup;
mod commit;
mod core;
mod disputes;
mod error;
mod files;
mod ledger;
mod open;
mod orders;
mod passkeys;
mod seal;
mod settings;
mod shares;
mod store;
mod tree;
mod unlock;
mod verify;

#[cfg(test)]
mod tests;

pub use crate::core::Vault;
pub use disputes::{DisputeRecord, MAX_EVIDENCE, Renewal};
pub use error::VaultError;
pub use open::Identity;
pub use settings::{MAX_SETTING, MAX_SETTING_NAME};
pub use shares::{Activation, Erasure, MAX_PUBLIC, MAX_SECRET, Share};
#[cfg(any(test, feature = "test-util"))]
pub use store::memory::{Disk, Fault, Leaves, Snapshot};
pub use unlock::Unlock;

pub use quorate_audit::{
    AcceptedOrder, Attempt, Body, Dispute, Entry, Epochs, GENERATE, Head, OrderRefusal, Severity, WillSign,
};

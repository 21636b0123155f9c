//! End to end: a cluster of real processes for tests, made with the steps that operators take.
//!
//! For: starting, killing and stopping nodes and gateway, each in a network of its own where the machine allows it; wallets
//! and transfers through the REST API; judging what was signed with other code than what signed it, and by real chains;
//! looking for secrets in memory and files; a gateway that lies.
//! Not for: anything that ships. Nothing depends on it.
#![forbid(unsafe_code)]

pub mod browser;
pub mod chains;
pub mod cluster;
pub mod liar;
pub mod log;
pub mod looks;
pub mod namespaces;
pub mod orders;
pub mod parts;
pub mod people;
pub mod program;
pub mod receiver;
pub mod scan;
pub mod secrets;
pub mod transfers;

pub use browser::Browser;
pub use cluster::Cluster;
pub use liar::Liar;
pub use people::{Person, Wallet};

/// Whether the long versions of the tests were asked for.
pub fn long() -> bool {
    std::env::var_os("QUORATE_LONG").is_some()
}

//! Node: the party. It holds one share of each key, judges every transaction for itself, and gives partial signatures.
//!
//! For: channels to peers and the gateway, running ceremonies, the memory-only stock, the way from a call to a signed
//! partial signature. Trusts no other machine: everything that a call carries is checked against what the operator
//! pinned.
//! Not for: cryptographic rounds (`protocols`), what a transaction is (`chains`), what is allowed (`policy`), rows
//! (`vault`).
#![forbid(unsafe_code)]

mod attest;
mod budget;
mod calls;
mod ceremonies;
mod certificates;
mod clock;
pub mod control;
mod disputes;
mod error;
#[cfg(feature = "fault-injection")]
pub mod faults;
mod generate;
mod governance;
mod inbound;
mod judging;
mod ledger;
mod log;
mod memory;
mod mesh;
mod news;
mod node;
mod own;
mod pairs;
mod passkeys;
mod presign;
mod records;
mod reshare;
mod routes;
mod sign;
mod stock;
mod tasks;
#[cfg(test)]
mod tests;
mod turns;
mod wallets;
mod witness;

pub use error::StartError;
pub use memory::{MemoryProtection, protect_memory};
pub use mesh::{Mesh, Transport};
pub use node::{Config, Node};

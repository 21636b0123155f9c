//! Ceremonies: each protocol's rounds as the session driver runs them.
//!
//! For: which message of a protocol is a broadcast and which is private, when views are compared, what must be durable
//! before what leaves (docs/spec §1.7), and what comes out for the node. No I/O.
//! Not for: the mathematics (`protocols`), signing, sealing and time-outs of messages (`session`), storage (`vault`).
#![forbid(unsafe_code)]

pub mod generate;
pub mod pair;
pub mod presign;
pub mod reshare;

#[cfg(test)]
mod tests;

pub use generate::{Generate, Generated, Pending};
pub use pair::Pair;
pub use presign::Presign;

//! Every decoder under mutated bytes.
//!
//! For: plain functions, one a decoder, that must hold for any bytes whatever: no panic, no memory out of proportion, and what
//! is accepted encodes to the very bytes that were read (§1.2: one value, one encoding). The same functions run three ways: the
//! corpus and a short deterministic mutation of it in the normal tests, as many mutations as one likes by `cargo xtask fuzz`,
//! and under libFuzzer, which sees the coverage, by `cargo xtask fuzz --libfuzzer`.
//! Not for: whether decoded values are judged rightly. That is for the tests of the rooms and for the simulation.
//!
//! Where a decoder must know something beforehand, such as t, the input's first bytes say it.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod limits;
pub mod mutate;
pub mod seeds;
pub mod targets;

pub use limits::{Problem, try_one};
pub use targets::{TARGETS, Target};

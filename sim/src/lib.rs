//! Simulation: a whole cluster in one thread, from one seed.
//!
//! For: real sessions (`session`), real ceremonies (`ceremonies`) and the real vault (`vault`, on a disk in memory that
//! fails as it is told) under random order, loss, repetition, delay, partition, crash and restart, and with dishonest
//! parties; with oracles that are asked after every step. The same seed gives the same run, event for event.
//! Not for: sockets, processes and real files (`e2e`), nor for what a node does around all this (`node`).
//!
//! | | |
//! |---|---|
//! | [`world`] | the event loop: packets, stores, clocks, machines that go down |
//! | [`node`] | one party: what it keeps on disk and what in memory alone |
//! | [`oracle`] | what must never happen, and the memory that it takes to see it |
//! | [`kind`] | the ceremonies as the world starts them; a new one is one file |
//! | [`scenario`] | what happens in one seed |
//! | [`byzantine`] | dishonest parties: every field of every round × every way to falsify it |
//! | [`crash`] | every write and every sync × what it leaves |
//! | [`campaign`] | many seeds on all cores, totals, and what a failure writes |
#![forbid(unsafe_code)]

pub mod byzantine;
pub mod campaign;
pub mod crash;
pub mod kind;
pub mod log;
pub mod node;
pub mod oracle;
pub mod people;
pub mod random;
pub mod run;
pub mod scenario;
pub mod world;

pub use node::Node;
pub use oracle::Violation;
pub use random::Dice;
pub use world::World;

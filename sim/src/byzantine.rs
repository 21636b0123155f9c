//! Dishonest parties: every field of every message of every round × every way to falsify it, and every way to treat the
//! messages as a whole. A dishonest party signs and seals its own messages properly; what it cannot do is sign for others.

pub mod aftermath;
pub mod chance;
pub mod expect;
pub mod layout;
pub mod lie;
pub mod matrix;
pub mod mutation;
pub mod network;
pub mod online;

pub use lie::{Lie, tell};

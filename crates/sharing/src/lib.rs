//! Sharing: groups, secret scalars, the one transcript, Shamir and Feldman.
//!
//! For: the arithmetic that every protocol stands on. A scalar or point that leaves this room's decoders is
//! canonical and in the prime-order group; a secret is erased on drop and cannot be printed or copied.
//! Not for: messages, rounds, parties on machines, I/O. `no_std`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod curve;
pub mod curves;
pub mod feldman;
pub mod index;
pub mod lagrange;
pub mod prg;
pub mod secp;
pub mod secret;
pub mod toy;
pub mod transcript;

pub use curve::{Curve, DecodeError};
pub use curves::{Ed25519, Secp256k1};
pub use feldman::{Commitment, Polynomial};
pub use index::{Index, IndexError, Indices};
pub use secret::SecretScalar;
pub use transcript::Transcript;

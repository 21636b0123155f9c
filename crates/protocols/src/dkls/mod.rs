//! Threshold ECDSA on secp256k1: presigning and the one-message online step (docs/spec §4.3–§4.8).
//!
//! For: DKLs23 (Doerner, Kondi, Lee, shelat, eprint 2023/765) in the form of a message-independent presignature that is
//! bound to one signer set, with partial signatures that anybody can check. The algebra, its simulator and what is not
//! proved are in `docs/spec/ecdsa-algebra.md`.
//! Not for: the oblivious transfer below it (`ot`), carrying, signing and echoing messages (`session`), deciding what
//! may be signed (`node`).
//!
//! | step | function | leaves |
//! |---|---|---|
//! | 1 | [`presign::round1`] | a broadcast, one OLE request for each peer |
//! | 2 | [`presign::round2`] | a broadcast, one OLE reply for each peer |
//! | 3 | [`presign::round3`] | a broadcast |
//! | 4 | [`presign::round4`] | a broadcast to be signed: the hash `pd` of each presignature |
//! | – | [`presign::finish`] | nothing; gives the [`Presignature`]s |
//! | online | [`online::sign`] | one partial signature |

pub mod algebra;
pub mod key;
pub mod messages;
pub mod online;
pub mod pairs;
pub mod pedersen;
pub mod points;
pub mod presign;
pub mod presignature;
pub mod sigma;

#[cfg(test)]
mod tests;

pub use key::KeyShareView;
pub use messages::{Broadcast1, Broadcast2, Broadcast3, Broadcast4, Shape};
pub use online::{CombineError, Partial, Request, SignError, Signature};
pub use pairs::{Ole, OleFailure, PairAccess};
pub use presignature::{Member, Presignature, PresignaturePublic};

use quorate_sharing::{Curve, Secp256k1, SecretScalar};

/// An integer modulo the order of secp256k1.
pub type Scalar = <Secp256k1 as Curve>::Scalar;
/// A point of secp256k1.
pub type Point = <Secp256k1 as Curve>::Point;
/// A secret integer modulo the order of secp256k1.
pub type Secret = SecretScalar<Secp256k1>;

/// The most presignatures that one run makes; a cap on what a message may hold.
pub const MAX_BATCH: usize = 256;

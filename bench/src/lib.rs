//! Benchmarks: what the protocols cost, step by step, and beside other implementations.
//!
//! For: drivers that run every party of one protocol in one thread ([`ours`], [`peers`]), a clock and an interleaved
//! race between them ([`race`]), and the checks that what was measured is a valid key or signature ([`judge`]).
//! Not for: anything that ships. This package is a workspace of its own, so that what it needs never enters the
//! product's lock file.
//!
//! What is counted: the pure rounds of all parties, and the encoding and strict decoding of each message by each
//! recipient. What is not: signing and sealing messages in a session, echoes' signatures, storage, and the network.
#![forbid(unsafe_code)]

pub mod judge;
pub mod ours;
pub mod peers;
pub mod race;
pub mod table;
pub mod targets;

use quorate_sharing::IndexError;
use std::fmt;

/// Why a run ended without a result. Every run here is honest, so any failure is a defect of what is measured.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// A protocol's round refused, with its own words.
    Round(String),
    /// A finished run gave a key or signature that is not valid.
    Invalid(&'static str),
}

impl BenchError {
    /// The error of a library that has no `std::error::Error`.
    pub fn other(error: impl fmt::Debug) -> Self {
        Self::Round(format!("{error:?}"))
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Round(what) => write!(f, "an honest run failed, so its numbers mean nothing: {what}"),
            Self::Invalid(what) => write!(f, "a measured run gave a wrong result: {what}"),
        }
    }
}

impl std::error::Error for BenchError {}

macro_rules! from {
    ($($error:ty),*) => {$(
        impl From<$error> for BenchError {
            fn from(error: $error) -> Self {
                Self::Round(error.to_string())
            }
        }
    )*};
}

from!(
    quorate_protocols::Abort,
    quorate_protocols::Malformed,
    quorate_protocols::frost::FrostError,
    quorate_protocols::dkls::SignError,
    quorate_protocols::dkls::CombineError,
    IndexError
);

impl<C: frost_core::Ciphersuite> From<frost_core::Error<C>> for BenchError {
    fn from(error: frost_core::Error<C>) -> Self {
        Self::Round(error.to_string())
    }
}

/// How many sign, t, of how many, n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// t
    pub t: u16,
    /// n
    pub n: u16,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.t, self.n)
    }
}

/// The settings of every table.
pub const SETTINGS: [Setting; 4] =
    [Setting { t: 2, n: 2 }, Setting { t: 2, n: 3 }, Setting { t: 3, n: 5 }, Setting { t: 7, n: 10 }];

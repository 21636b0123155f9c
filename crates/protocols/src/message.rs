//! Encodings of round messages: exact lengths, canonical, sizes checked before anything is allocated.

use alloc::vec::Vec;
use core::fmt;
use quorate_sharing::{Curve, DecodeError};

/// A message of a round. `P` is what the decoder must know beforehand, such as t.
pub trait Message<P = ()>: Sized {
    /// The canonical bytes.
    fn encode(&self) -> Vec<u8>;
    /// Decodes exactly these bytes: nothing missing, nothing left over.
    fn decode(bytes: &[u8], parameters: P) -> Result<Self, Malformed>;
}

/// Why bytes are not the expected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Too short or too long.
    Length,
    /// A scalar or point inside is wrong.
    Value(DecodeError),
    /// Some other field is wrong.
    Field(&'static str),
}

impl From<DecodeError> for Malformed {
    fn from(error: DecodeError) -> Self {
        Self::Value(error)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("message has the wrong length"),
            Self::Value(error) => write!(f, "message holds a bad value: {error}"),
            Self::Field(what) => write!(f, "message holds a bad field: {what}"),
        }
    }
}

impl core::error::Error for Malformed {}

/// Reads fixed-length fields from a message.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(Malformed::Length)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Length)
    }

    /// A point; the identity is legal.
    pub fn point<C: Curve>(&mut self) -> Result<C::Point, Malformed> {
        Ok(C::decode_point(self.take(C::POINT_BYTES)?)?)
    }

    /// A point that is not the identity.
    pub fn nonzero_point<C: Curve>(&mut self) -> Result<C::Point, Malformed> {
        Ok(C::decode_nonzero_point(self.take(C::POINT_BYTES)?)?)
    }

    /// A scalar; zero is legal.
    pub fn scalar<C: Curve>(&mut self) -> Result<C::Scalar, Malformed> {
        Ok(C::decode_scalar(self.take(C::SCALAR_BYTES)?)?)
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Checks that nothing is left over.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Length) }
    }
}

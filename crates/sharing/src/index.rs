//! Party indices: non-zero, unique, distinct modulo the group order. One checked constructor.

use crate::Curve;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU16;

/// The evaluation point of one party, 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(NonZeroU16);

/// The largest number of parties in one sharing.
pub const MAX_PARTIES: usize = 64;

/// Why numbers are not party indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexError {
    /// Zero would be the secret itself.
    Zero,
    /// Two parties with one index, or with indices equal modulo the group order.
    Duplicate(u16),
    /// Nobody, or more than [`MAX_PARTIES`].
    Count(usize),
}

impl Index {
    /// Checks that the number is not zero.
    pub fn new(number: u16) -> Result<Self, IndexError> {
        NonZeroU16::new(number).map(Self).ok_or(IndexError::Zero)
    }

    /// The number, 1 to 65535.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// The index as an element of the field.
    pub fn scalar<C: Curve>(self) -> C::Scalar {
        C::Scalar::from(u64::from(self.get()))
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A sorted set of indices, usable as evaluation points on the curve that it was checked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices(Vec<Index>);

impl Indices {
    /// Sorts and checks: 1 to [`MAX_PARTIES`] numbers, none zero, no two equal modulo the order of `C`.
    pub fn new<C: Curve>(numbers: impl IntoIterator<Item = u16>) -> Result<Self, IndexError> {
        let mut indices: Vec<Index> = Vec::new();
        for number in numbers {
            let index = Index::new(number)?;
            let scalar = index.scalar::<C>();
            if bool::from(ff::Field::is_zero(&scalar)) {
                return Err(IndexError::Zero);
            }
            if indices.iter().any(|other| other.scalar::<C>() == scalar) {
                return Err(IndexError::Duplicate(number));
            }
            if indices.len() == MAX_PARTIES {
                return Err(IndexError::Count(MAX_PARTIES + 1));
            }
            indices.push(index);
        }
        indices.sort_unstable();
        if indices.is_empty() { Err(IndexError::Count(0)) } else { Ok(Self(indices)) }
    }

    /// The indices in ascending order.
    pub fn as_slice(&self) -> &[Index] {
        &self.0
    }

    /// The indices in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Index> + '_ {
        self.0.iter().copied()
    }

    /// How many.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the index is in the set.
    pub fn contains(&self, index: Index) -> bool {
        self.0.binary_search(&index).is_ok()
    }
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("a party index must not be zero"),
            Self::Duplicate(index) => write!(f, "party index {index} stands twice"),
            Self::Count(count) => write!(f, "{count} parties; 1 to {MAX_PARTIES} are supported"),
        }
    }
}

impl core::error::Error for IndexError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::Toy13;

    #[test]
    fn exhaustive_on_the_toy_group() {
        for a in 0..40u16 {
            for b in 0..40u16 {
                let got = Indices::new::<Toy13>([a, b]);
                let legal = a % 13 != 0 && b % 13 != 0 && a % 13 != b % 13;
                assert_eq!(got.is_ok(), legal, "{a} {b}");
            }
        }
    }

    #[test]
    fn counts_are_limited() {
        assert_eq!(Indices::new::<crate::Secp256k1>([]), Err(IndexError::Count(0)));
        assert!(Indices::new::<crate::Secp256k1>(1..=64).is_ok());
        assert_eq!(Indices::new::<crate::Secp256k1>(1..=65), Err(IndexError::Count(65)));
    }
}

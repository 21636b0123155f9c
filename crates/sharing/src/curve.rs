//! The one group abstraction: RustCrypto's `group`/`ff` traits, plus the strict encodings that they leave open.

use alloc::vec::Vec;
use core::fmt::{self, Debug};
use ff::PrimeField;
use group::Group;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A prime-order group with strict encodings (docs/spec §1.6).
///
/// Arithmetic comes from [`group::Group`] and [`ff::PrimeField`]; this trait adds only what those do not promise:
/// canonical, torsion-free decoding, reduction of wide hashes, and a name for transcripts.
pub trait Curve: Copy + Debug + Eq + Send + Sync + 'static {
    /// Integers modulo the group order.
    type Scalar: PrimeField + Zeroize + ConstantTimeEq;
    /// Group elements. Values made by [`Curve::decode_point`] or by arithmetic are always in the prime-order group.
    type Point: Group<Scalar = Self::Scalar> + Zeroize;

    /// Name as it enters transcripts.
    const NAME: &'static str;
    /// Length of an encoded scalar in bytes.
    const SCALAR_BYTES: usize;
    /// Length of an encoded point in bytes.
    const POINT_BYTES: usize;
    /// False for the toy groups, on which proofs are unsound and zero values are common (docs/spec §2.6).
    const REAL: bool = true;

    /// Encodes in the curve's usual form: big-endian for secp256k1, little-endian for Ed25519.
    fn encode_scalar(scalar: &Self::Scalar) -> Vec<u8>;
    /// Decodes exactly [`Curve::SCALAR_BYTES`] bytes below the group order; zero is legal.
    fn decode_scalar(bytes: &[u8]) -> Result<Self::Scalar, DecodeError>;
    /// Encodes a point (SEC1 compressed, or RFC 8032). The identity of secp256k1 is 33 zero bytes.
    fn encode_point(point: &Self::Point) -> Vec<u8>;
    /// Decodes exactly [`Curve::POINT_BYTES`] canonical bytes of a point in the prime-order group; identity is legal.
    fn decode_point(bytes: &[u8]) -> Result<Self::Point, DecodeError>;
    /// Reduces 64 uniform bytes (big-endian) modulo the order; bias below 2^-250 on the real curves.
    fn reduce_wide(bytes: &[u8; 64]) -> Self::Scalar;

    /// Σ sᵢ·Pᵢ over **public** values; may take variable time.
    fn lincomb_vartime(terms: &[(Self::Scalar, Self::Point)]) -> Self::Point {
        terms.iter().map(|(s, p)| *p * s).sum()
    }

    /// Several sums over shared points, Σ s·points\[at\] over the (at, s) of each, of **public** values; may take
    /// variable time.
    fn lincombs_vartime(points: &[Self::Point], sums: &[Vec<(usize, Self::Scalar)>]) -> Vec<Self::Point> {
        let one = |terms: &Vec<(usize, Self::Scalar)>| {
            let terms: Vec<_> = terms.iter().map(|(at, scalar)| (*scalar, points[*at])).collect();
            Self::lincomb_vartime(&terms)
        };
        sums.iter().map(one).collect()
    }

    /// Whether Σ sᵢ·Pᵢ over **public** values is the identity; may take variable time.
    fn vanishes_vartime(terms: &[(Self::Scalar, Self::Point)]) -> bool {
        bool::from(Self::lincomb_vartime(terms).is_identity())
    }

    /// k·P for a small **public** k, by doublings and additions; takes variable time.
    fn mul_small_vartime(point: &Self::Point, k: u16) -> Self::Point {
        (0..16 - k.leading_zeros()).rev().fold(Self::Point::identity(), |sum, bit| {
            let doubled = sum.double();
            if k >> bit & 1 == 1 { doubled + point } else { doubled }
        })
    }

    /// The encodings of many points, one after another; may share work between them.
    fn encode_points(points: &[Self::Point]) -> Vec<u8> {
        points.iter().flat_map(Self::encode_point).collect()
    }

    /// s·G for **public** s; may take variable time.
    fn mul_base_vartime(scalar: &Self::Scalar) -> Self::Point {
        Self::mul_base(scalar)
    }

    /// s·G in constant time.
    fn mul_base(scalar: &Self::Scalar) -> Self::Point {
        Self::Point::generator() * scalar
    }

    /// s·G of many in constant time; may share work between them.
    fn mul_base_each(scalars: &[&Self::Scalar]) -> Vec<Self::Point> {
        scalars.iter().map(|scalar| Self::mul_base(scalar)).collect()
    }

    /// Decodes a scalar that must not be zero.
    fn decode_nonzero_scalar(bytes: &[u8]) -> Result<Self::Scalar, DecodeError> {
        let scalar = Self::decode_scalar(bytes)?;
        if bool::from(ff::Field::is_zero(&scalar)) { Err(DecodeError::Zero) } else { Ok(scalar) }
    }

    /// Decodes a point that must not be the identity.
    fn decode_nonzero_point(bytes: &[u8]) -> Result<Self::Point, DecodeError> {
        let point = Self::decode_point(bytes)?;
        if bool::from(point.is_identity()) { Err(DecodeError::Zero) } else { Ok(point) }
    }
}

/// Why bytes are not a scalar or a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Wrong number of bytes.
    Length {
        /// What this curve needs.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// Not below the group order, or not the canonical encoding of a point of the curve.
    NotCanonical,
    /// On the curve, but outside the prime-order subgroup.
    Torsion,
    /// Zero or the identity, where that is not allowed.
    Zero,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => write!(f, "expected {expected} bytes, found {found}"),
            Self::NotCanonical => f.write_str("not a canonical encoding"),
            Self::Torsion => f.write_str("point is outside the prime-order group"),
            Self::Zero => f.write_str("zero or identity is not allowed here"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Checks a length and gives the bytes as an array.
pub(crate) fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Length { expected: N, found: bytes.len() })
}

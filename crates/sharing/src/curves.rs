//! The two real curves.

use crate::curve::{Curve, DecodeError, exact};
use crate::secp::Point;
use alloc::vec::Vec;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use ff::PrimeField;
use k256::U256;
use k256::elliptic_curve::ops::Reduce;

/// secp256k1 (SEC 2), for ECDSA and BIP340 keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secp256k1;

/// Edwards25519 (RFC 7748), the prime-order subgroup only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl Curve for Secp256k1 {
    type Scalar = k256::Scalar;
    type Point = Point;
    const NAME: &'static str = "secp256k1";
    const SCALAR_BYTES: usize = 32;
    const POINT_BYTES: usize = 33;

    fn encode_scalar(scalar: &k256::Scalar) -> Vec<u8> {
        scalar.to_bytes().to_vec()
    }

    fn decode_scalar(bytes: &[u8]) -> Result<k256::Scalar, DecodeError> {
        let bytes = exact::<32>(bytes)?;
        Option::from(k256::Scalar::from_repr(bytes.into())).ok_or(DecodeError::NotCanonical)
    }

    fn encode_point(point: &Point) -> Vec<u8> {
        // declassify: points are encoded to be shown or hashed with what is shown.
        crate::secp::normalize(core::slice::from_ref(point))[0].encoding().to_vec()
    }

    fn decode_point(bytes: &[u8]) -> Result<Point, DecodeError> {
        let bytes = exact::<33>(bytes)?;
        // RustCrypto also takes the compact tag 5 and any tail behind a zero tag; only 02, 03 and 33 zero bytes
        // are canonical here.
        if !matches!(bytes[0], 2 | 3) && bytes != [0u8; 33] {
            return Err(DecodeError::NotCanonical);
        }
        if bytes == [0u8; 33] {
            return Ok(Point::IDENTITY);
        }
        crate::secp::decode(&bytes).ok_or(DecodeError::NotCanonical)
    }

    fn reduce_wide(bytes: &[u8; 64]) -> k256::Scalar {
        <k256::Scalar as Reduce<k256::elliptic_curve::bigint::U512>>::reduce(
            k256::elliptic_curve::bigint::U512::from_be_slice(bytes),
        )
    }

    fn lincomb_vartime(terms: &[(k256::Scalar, Point)]) -> Point {
        crate::secp::lincomb(terms)
    }

    fn lincombs_vartime(points: &[Point], sums: &[Vec<(usize, k256::Scalar)>]) -> Vec<Point> {
        crate::secp::lincombs(points, sums)
    }

    fn vanishes_vartime(terms: &[(k256::Scalar, Point)]) -> bool {
        crate::secp::is_identity(terms)
    }

    fn mul_base_vartime(scalar: &k256::Scalar) -> Point {
        crate::secp::mul_generator_vartime(scalar)
    }

    fn mul_base(scalar: &k256::Scalar) -> Point {
        crate::secp::generator().mul(scalar)
    }

    fn mul_base_each(scalars: &[&k256::Scalar]) -> Vec<Point> {
        let sums: Vec<_> =
            scalars.iter().map(|scalar| alloc::vec![(crate::secp::generator(), *scalar)]).collect();
        crate::secp::fixed_sums(&sums)
    }

    fn encode_points(points: &[Point]) -> Vec<u8> {
        let affine = crate::secp::normalize(points);
        affine.iter().flat_map(Point::encoding).collect()
    }
}

/// Reduces a 32-byte big-endian integer modulo the order of secp256k1, as ECDSA does with digests.
pub fn secp256k1_reduce(bytes: &[u8; 32]) -> k256::Scalar {
    <k256::Scalar as Reduce<U256>>::reduce(U256::from_be_slice(bytes))
}

/// The same for a number in words, the least significant first.
pub fn secp256k1_reduce_words(words: [u64; 4]) -> k256::Scalar {
    <k256::Scalar as Reduce<U256>>::reduce(U256::from_words(words))
}

/// Whether 32 big-endian bytes are below the order of secp256k1. Variable time: for what may be seen.
pub fn secp256k1_canonical_vartime(bytes: &[u8; 32]) -> bool {
    const ORDER: [u8; 32] = {
        let mut order = [0xff; 32];
        let low: [u8; 17] = [
            0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41,
            0x41,
        ];
        let mut at = 0;
        while at < 17 {
            order[15 + at] = low[at];
            at += 1;
        }
        order
    };
    *bytes < ORDER
}

impl Curve for Ed25519 {
    type Scalar = curve25519_dalek::Scalar;
    type Point = EdwardsPoint;
    const NAME: &'static str = "ed25519";
    const SCALAR_BYTES: usize = 32;
    const POINT_BYTES: usize = 32;

    fn encode_scalar(scalar: &curve25519_dalek::Scalar) -> Vec<u8> {
        scalar.to_bytes().to_vec()
    }

    fn decode_scalar(bytes: &[u8]) -> Result<curve25519_dalek::Scalar, DecodeError> {
        let bytes = exact::<32>(bytes)?;
        Option::from(curve25519_dalek::Scalar::from_canonical_bytes(bytes)).ok_or(DecodeError::NotCanonical)
    }

    fn encode_point(point: &EdwardsPoint) -> Vec<u8> {
        point.compress().to_bytes().to_vec()
    }

    fn decode_point(bytes: &[u8]) -> Result<EdwardsPoint, DecodeError> {
        let compressed = CompressedEdwardsY(exact::<32>(bytes)?);
        let point = compressed.decompress().ok_or(DecodeError::NotCanonical)?;
        // Decompression accepts y ≥ p and a negative zero; only what we would write ourselves is canonical.
        if point.compress() != compressed {
            return Err(DecodeError::NotCanonical);
        }
        if point.is_identity() || point.is_torsion_free() { Ok(point) } else { Err(DecodeError::Torsion) }
    }

    fn reduce_wide(bytes: &[u8; 64]) -> curve25519_dalek::Scalar {
        let mut little = *bytes;
        little.reverse();
        curve25519_dalek::Scalar::from_bytes_mod_order_wide(&little)
    }

    fn lincomb_vartime(terms: &[(curve25519_dalek::Scalar, EdwardsPoint)]) -> EdwardsPoint {
        EdwardsPoint::vartime_multiscalar_mul(terms.iter().map(|t| t.0), terms.iter().map(|t| t.1))
    }

    fn mul_base(scalar: &curve25519_dalek::Scalar) -> EdwardsPoint {
        EdwardsPoint::mul_base(scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use group::Group;

    #[test]
    fn secp256k1_refuses_scalars_at_or_above_the_order() {
        let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap();
        assert_eq!(Secp256k1::decode_scalar(&order), Err(DecodeError::NotCanonical));
        let mut below = order.clone();
        below[31] -= 1;
        assert_eq!(Secp256k1::decode_scalar(&below), Ok(-k256::Scalar::ONE));
        let canonical = |bytes: &[u8]| secp256k1_canonical_vartime(bytes.try_into().unwrap());
        assert!(!canonical(&order) && canonical(&below) && canonical(&[0; 32]) && !canonical(&[255; 32]));
        assert_eq!(
            Secp256k1::decode_scalar(&order[1..]),
            Err(DecodeError::Length { expected: 32, found: 31 })
        );
    }

    #[test]
    fn secp256k1_points_have_one_encoding() {
        let g = Secp256k1::encode_point(&Point::GENERATOR);
        assert_eq!(hex::encode(&g), "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
        assert_eq!(Secp256k1::decode_point(&g), Ok(Point::GENERATOR));
        assert_eq!(Secp256k1::decode_point(&[0; 33]), Ok(Point::IDENTITY));
        assert_eq!(Secp256k1::decode_nonzero_point(&[0; 33]), Err(DecodeError::Zero));
        let mut tail = [0u8; 33];
        tail[32] = 1;
        assert_eq!(Secp256k1::decode_point(&tail), Err(DecodeError::NotCanonical));
        // Uncompressed, hybrid and compact tags.
        for tag in [4u8, 5, 6, 7, 1, 255] {
            let mut bad = g.clone();
            bad[0] = tag;
            assert!(Secp256k1::decode_point(&bad).is_err(), "tag {tag}");
        }
        // x not on the curve, and x ≥ p.
        let mut off = g.clone();
        off[1..].fill(0);
        off[32] = 5;
        assert_eq!(Secp256k1::decode_point(&off), Err(DecodeError::NotCanonical));
        let mut big = g;
        big[1..].fill(0xff);
        assert_eq!(Secp256k1::decode_point(&big), Err(DecodeError::NotCanonical));
    }

    #[test]
    fn ed25519_refuses_torsion_and_other_spellings() {
        for torsion in &curve25519_dalek::constants::EIGHT_TORSION[1..] {
            let bytes = torsion.compress().to_bytes();
            assert_eq!(Ed25519::decode_point(&bytes), Err(DecodeError::Torsion));
            let mixed = (EdwardsPoint::generator() + torsion).compress().to_bytes();
            assert_eq!(Ed25519::decode_point(&mixed), Err(DecodeError::Torsion));
        }
        let identity = EdwardsPoint::identity().compress().to_bytes();
        assert_eq!(Ed25519::decode_nonzero_point(&identity), Err(DecodeError::Zero));
        // y = 1 with the sign bit set, and y = p + 1: both spell the identity again.
        let mut negative = identity;
        negative[31] |= 0x80;
        assert!(Ed25519::decode_point(&negative).is_err());
        let mut above = [0xff; 32];
        above[0] = 0xee;
        above[31] = 0x7f;
        assert!(Ed25519::decode_point(&above).is_err());
    }

    #[test]
    fn reduction_is_big_endian_on_both() {
        let mut wide = [0u8; 64];
        wide[63] = 7;
        assert_eq!(Secp256k1::reduce_wide(&wide), k256::Scalar::from(7u64));
        assert_eq!(Ed25519::reduce_wide(&wide), curve25519_dalek::Scalar::from(7u64));
    }
}

//! Many points at once: encoding with one field inversion, weights for batched checks, secret linear combinations.

use super::{Point, Scalar};
use alloc::vec::Vec;
use group::{Curve as _, Group, GroupEncoding};
use k256::AffinePoint;
use k256::elliptic_curve::ops::LinearCombinationExt;
use quorate_sharing::{Curve, Secp256k1};
use rand_core::{CryptoRng, RngCore};

/// The encodings of many points, with one inversion for all of them.
pub fn encode_each(points: &[Point]) -> Vec<[u8; 33]> {
    if points.is_empty() {
        return Vec::new();
    }
    // k256 0.13.4 panics on an identity that comes out of a sum: it compares z with zero before reducing it. Only the
    // constant is safe.
    let reduced = |point: &Point| if bool::from(point.is_identity()) { Point::IDENTITY } else { *point };
    let points: Vec<Point> = points.iter().map(reduced).collect();
    let mut affine = alloc::vec![AffinePoint::IDENTITY; points.len()];
    Point::batch_normalize(&points, &mut affine);
    affine.iter().map(|point| point.to_bytes().into()).collect()
}

/// The encodings of many points, one after another.
pub fn encode(points: &[Point]) -> Vec<u8> {
    encode_each(points).concat()
}

/// A random 128-bit weight: a false statement passes a weighted sum with probability 2^-128.
pub fn weight(rng: &mut (impl RngCore + CryptoRng)) -> Scalar {
    Scalar::from((u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64()))
}

/// Σ sᵢ·Pᵢ for **secret** scalars, in constant time.
pub fn lincomb_secret(terms: &[(Point, Scalar)]) -> Point {
    Point::lincomb_ext(terms)
}

/// Σ sᵢ·Pᵢ for public scalars.
pub fn lincomb(terms: &[(Scalar, Point)]) -> Point {
    Secp256k1::lincomb_vartime(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn batched_encodings_are_the_plain_ones() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(3);
        let mut points: Vec<Point> = (0..9).map(|_| Point::random(&mut rng)).collect();
        points[4] = Point::IDENTITY;
        let plain: Vec<u8> = points.iter().flat_map(Secp256k1::encode_point).collect();
        assert_eq!(encode(&points), plain);
        assert!(encode(&[]).is_empty());
        assert_eq!(encode(&[Point::IDENTITY]), [0; 33]);
        // Identities that are the result of arithmetic.
        let three = Scalar::from(3u64);
        let sums = [points[0] - points[0], points[1] * three - points[1].double() - points[1], points[2]];
        assert_eq!(encode(&sums[..2]), [0; 66]);
        assert_eq!(encode(&sums)[66..], Secp256k1::encode_point(&points[2]));
    }
}

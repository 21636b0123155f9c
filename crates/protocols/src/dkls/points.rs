//! Many points at once: encoding with one field inversion, weights for batched checks, secret linear combinations, and
//! bases that are multiplied often.

use super::{Point, Scalar};
use alloc::vec::Vec;
use k256::elliptic_curve::ops::LinearCombinationExt;
use quorate_sharing::secp::{FixedBase, short_weight};
use quorate_sharing::{Curve, Secp256k1};
use rand_core::{CryptoRng, RngCore};

/// The encodings of many points, with one inversion for all of them.
pub fn encode_each(points: &[Point]) -> Vec<[u8; 33]> {
    let bytes = Secp256k1::encode_points(points);
    bytes.as_chunks().0.to_vec()
}

/// The encodings of many points, one after another.
pub fn encode(points: &[Point]) -> Vec<u8> {
    Secp256k1::encode_points(points)
}

/// A random weight, one of 2^128: a false statement passes a weighted sum with probability 2^-128.
pub fn weight(rng: &mut (impl RngCore + CryptoRng)) -> Scalar {
    short_weight(rng.next_u64(), rng.next_u64())
}

/// A public base: as it is, or with a table, which pays from about five products on.
pub enum Base {
    /// As it is.
    Plain(Point),
    /// With a table.
    Table(FixedBase),
}

impl Base {
    /// Makes a table if `products` are enough.
    pub fn new(point: &Point, products: usize) -> Self {
        if products < 8 { Self::Plain(*point) } else { Self::Table(FixedBase::new(point)) }
    }

    /// s·base for a **secret** s, in constant time.
    pub fn mul(&self, scalar: &Scalar) -> Point {
        match self {
            Self::Plain(point) => *point * scalar,
            Self::Table(table) => table.mul(scalar),
        }
    }
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
    use group::Group;
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

    #[test]
    fn a_base_with_and_without_table_gives_the_same() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(4);
        let point = Point::random(&mut rng);
        assert!(
            matches!(Base::new(&point, 7), Base::Plain(_)) && matches!(Base::new(&point, 8), Base::Table(_))
        );
        for scalar in [weight(&mut rng), Scalar::ZERO, -Scalar::ONE] {
            let expected = point * scalar;
            assert_eq!([7, 8].map(|products| Base::new(&point, products).mul(&scalar)), [expected; 2]);
        }
    }
}

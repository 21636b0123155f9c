//! Many points at once: encoding with one field inversion, weights for batched checks, secret linear combinations, and
//! bases that are multiplied often.

use super::{Point, Scalar, Secret, pedersen};
use alloc::vec::Vec;
use quorate_sharing::secp::{FixedBase, fixed_sums, generator, secret_sums, short_weight};
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

/// A public base: as it is, or with a table, which pays from about a dozen products on.
pub enum Base {
    /// As it is.
    Plain(Point),
    /// With a table.
    Table(FixedBase),
}

impl Base {
    /// Makes a table if `products` are enough.
    pub fn new(point: &Point, products: usize) -> Self {
        if products < FEWEST { Self::Plain(*point) } else { Self::Table(FixedBase::new(point)) }
    }
}

/// From how many products on a table pays.
const FEWEST: usize = 14;

/// For each (a, b, c) the sums a·G + b·H and a·base + c·H over the Pedersen base H, for **secret** scalars, in constant
/// time.
pub fn hidden_each(base: &Base, secrets: &[[&Secret; 3]]) -> Vec<[Point; 2]> {
    let h = pedersen::table();
    let mut sums = Vec::with_capacity(2 * secrets.len());
    for [a, b, c] in secrets.iter().map(|secrets| secrets.map(|secret| secret.expose())) {
        sums.push(alloc::vec![(generator(), a), (h, b)]);
        sums.push(match base {
            Base::Plain(_) => alloc::vec![(h, c)],
            Base::Table(table) => alloc::vec![(table, a), (h, c)],
        });
    }
    let mut sums = fixed_sums(&sums);
    let pairs = sums.as_chunks_mut().0.iter_mut();
    if let Base::Plain(point) = base {
        let products: Vec<_> = secrets.iter().map(|[a, _, _]| alloc::vec![(0, a.expose())]).collect();
        let products = secret_sums(&[*point], &products);
        pairs.zip(products).for_each(|([_, sum], product)| *sum += product);
    }
    sums.as_chunks().0.to_vec()
}

/// Σ sᵢ·Pᵢ for **secret** scalars, in constant time.
pub fn lincomb_secret(terms: &[(Point, Scalar)]) -> Point {
    let bases: Vec<Point> = terms.iter().map(|(base, _)| *base).collect();
    secret_sums(&bases, &[terms.iter().map(|(_, scalar)| scalar).enumerate().collect()])[0]
}

/// Σ sᵢ·Pᵢ for public scalars.
pub fn lincomb(terms: &[(Scalar, Point)]) -> Point {
    Secp256k1::lincomb_vartime(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use group::Group;
    use group::ff::Field;
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
        let bases = [FEWEST - 1, FEWEST].map(|products| Base::new(&point, products));
        assert!(matches!(bases, [Base::Plain(_), Base::Table(_)]));
        let h = pedersen::base();
        for scalar in [weight(&mut rng), Scalar::ZERO, -Scalar::ONE] {
            let [a, b, c] = [scalar, Scalar::random(&mut rng), -scalar].map(Secret::new);
            let [first, second] =
                [Point::GENERATOR * a.expose() + h * b.expose(), point * a.expose() + h * c.expose()];
            for base in &bases {
                assert_eq!(hidden_each(base, &[[&a, &b, &c], [&a, &b, &c]]), [[first, second]; 2]);
            }
        }
    }
}

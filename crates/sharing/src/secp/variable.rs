//! Sums of products of **secret** scalars with public bases that come once, in **constant time**: Straus' interleaving over
//! signed digits of fixed places, with the endomorphism. All bases of a call share the curve that their tables are scaled
//! to, all products of a sum its doublings, and all sums one inversion.

use super::comb::{Entry, digits_of, parts, select};
use super::field::Fe;
use super::jacobian::{Affine, Jacobian, scaled_of};
use super::naf::{BETA, halves, signed};
use super::point::{Point, Scaled, divided, normalize};
use alloc::vec::Vec;
use k256::Scalar;
use subtle::Choice;
use zeroize::{Zeroize, Zeroizing};

/// Bits of a digit.
const WIDTH: usize = 5;
/// Digits of half a scalar, of 128 bits.
const PLACES: usize = 26;
/// Multiples of a base.
const ROW: usize = 1 << (WIDTH - 1);

/// Half a scalar: its sign and the digits of its size.
struct Half {
    negative: Choice,
    digits: Zeroizing<[i8; PLACES]>,
}

/// Σ s·bases\[at\] over the (at, s) of each sum, for **secret** s. Bases and which of them stand in a sum are public.
pub fn secret_sums(bases: &[Point], sums: &[Vec<(usize, &Scalar)>]) -> Vec<Point> {
    let (tables, scale) = tables(bases);
    let curve = Scaled::new(&scale);
    let one = |terms: &Vec<(usize, &Scalar)>| {
        // Room for all, since what a list outgrows is not erased.
        let mut halves: Vec<(&[Entry; ROW], [Half; 2])> = Vec::with_capacity(terms.len());
        halves
            .extend(terms.iter().filter_map(|(at, scalar)| Some((tables[*at].as_ref()?, halves_of(scalar)))));
        sum(&curve, &halves).unscaled(&scale)
    };
    // Z of a product can tell of its scalar.
    divided(&Zeroizing::new(sums.iter().map(one).collect::<Vec<_>>()))
}

fn sum(curve: &Scaled, terms: &[(&[Entry; ROW], [Half; 2])]) -> Point {
    let mut sum = Point::IDENTITY;
    for place in (0..PLACES).rev() {
        if place + 1 < PLACES {
            (0..WIDTH).for_each(|_| sum = sum.doubled(curve));
        }
        for (table, [one, two]) in terms {
            let (size, minus, none) = parts(one.digits[place]);
            sum.add_words(curve, &select(table, size), minus ^ one.negative, none);
            let (size, minus, none) = parts(two.digits[place]);
            sum.add_words(curve, &turned(&select(table, size)), minus ^ two.negative, none);
        }
    }
    sum
}

/// λ times a multiple.
fn turned(entry: &Entry) -> Entry {
    let point = Affine::from_words(entry);
    let mut turned = *entry;
    turned[..4].copy_from_slice(&point.x.mul(&BETA).words());
    turned
}

fn halves_of(scalar: &Scalar) -> [Half; 2] {
    let mut halves = halves(scalar);
    let split = halves.each_ref().map(|half| {
        let (negative, size) = signed(half);
        let bytes = Zeroizing::new(size.to_le_bytes());
        Half { negative, digits: Zeroizing::new(digits_of::<WIDTH, PLACES>(&*bytes)) }
    });
    halves.iter_mut().for_each(Zeroize::zeroize);
    split
}

/// The multiples 1 to 16 of each base, `None` for the identity, all on one scaled curve.
fn tables(bases: &[Point]) -> (Vec<Option<[Entry; ROW]>>, Fe) {
    let mut multiples = Vec::with_capacity(bases.len() * ROW);
    let mut present = Vec::with_capacity(bases.len());
    for base in normalize(bases) {
        let base = base.affine();
        present.push(base.is_some());
        let Some(base) = base else { continue };
        let mut multiple = Jacobian::IDENTITY;
        for _ in 0..ROW {
            multiple = multiple.add(&base);
            multiples.push(multiple);
        }
    }
    let (scaled, scale) = scaled_of(&multiples);
    // None is the identity: they are small multiples of points that are not.
    let entries: Vec<Entry> = scaled.iter().flatten().map(Affine::words).collect();
    let mut rows = entries.as_chunks().0.iter();
    (present.into_iter().map(|there| there.then(|| rows.next().copied()).flatten()).collect(), scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    #[test]
    fn sums_are_sums_of_products() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(12);
        let mut scalars: Vec<Scalar> = (0..20).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([0u64, 1, 15, 16, 17, 32, 33].map(Scalar::from));
        scalars.extend([1u64, 2, 16].map(|small| -Scalar::from(small)));
        scalars.extend([u128::MAX, 1 << 127].map(Scalar::from));
        let bases: Vec<Point> = vec_of([Point::random(&mut rng), Point::IDENTITY, Point::GENERATOR]);
        let turned = normalize(&bases[..1])[0];
        let lambda_base = Point { x: turned.x.mul(&BETA), ..turned };
        for scalar in &scalars {
            let other = Scalar::random(&mut rng);
            let sums = [
                alloc::vec![],
                alloc::vec![(0, scalar)],
                alloc::vec![(1, scalar)],
                alloc::vec![(0, scalar), (0, scalar)],
                alloc::vec![(0, scalar), (1, &other), (2, &other)],
            ];
            let wanted = [
                Point::IDENTITY,
                Point::from(&(k256::ProjectivePoint::from(&bases[0]) * scalar)),
                Point::IDENTITY,
                bases[0] * scalar.double(),
                bases[0] * scalar + bases[2] * other,
            ];
            assert_eq!(secret_sums(&bases, &sums), wanted, "{scalar:?}");
            let opposite = -*scalar;
            let none = secret_sums(&bases, &[alloc::vec![(0, scalar), (0, &opposite)]]);
            assert_eq!(none, [Point::IDENTITY]);
            let turned = secret_sums(&[bases[0], lambda_base], &[alloc::vec![(0, scalar), (1, scalar)]]);
            assert_eq!(turned, [bases[0] * scalar + lambda_base * scalar]);
        }
        assert!(secret_sums(&[], &[]).is_empty());
    }

    fn vec_of<const N: usize>(points: [Point; N]) -> Vec<Point> {
        points.to_vec()
    }
}

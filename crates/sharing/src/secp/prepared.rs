//! **Public** bases that are multiplied soon and in a hurry: their odd multiples are made beforehand, also those of 2⁶⁴
//! times the base, so that a sum takes a quarter of a scalar's doublings. Variable time.

use super::jacobian::{Affine, Jacobian, affine_of, odd_multiples, to_points};
use super::naf::{BETA, Digits, PLACES, split};
use super::point::{Point, normalize};
use alloc::boxed::Box;
use alloc::vec::Vec;
use k256::Scalar;
use once_cell::race::OnceBox;

/// Where a half's digits are cut.
const CUT: usize = 64;
/// Digit widths: of a base in general, and of the generator, whose table is made once.
const WIDTH: u32 = 5;
const WIDEST: u32 = 8;

/// A base with its tables, 2 KB; that of the identity has none.
#[derive(Clone, Debug)]
pub struct Prepared {
    base: Point,
    width: u32,
    /// Odd multiples of P, λ·P, 2⁶⁴·P, λ·2⁶⁴·P.
    tables: [Vec<Affine>; 4],
}

/// The tables follow from the base.
impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base
    }
}

impl Eq for Prepared {}

impl Prepared {
    /// Prepares many, with two inversions for all.
    pub fn each(points: &[Point]) -> Vec<Self> {
        Self::with_width(points, WIDTH)
    }

    fn with_width(points: &[Point], width: u32) -> Vec<Self> {
        let bases = normalize(points);
        let raised: Vec<Jacobian> = bases
            .iter()
            .map(|base| {
                let start = base.affine().map_or(Jacobian::IDENTITY, |base| Jacobian::IDENTITY.add(&base));
                (0..CUT).fold(start, |point, _| point.double())
            })
            .collect();
        let count = 1 << (width - 2);
        let mut all = Vec::with_capacity(2 * count * points.len());
        for (base, raised) in bases.iter().zip(affine_of(&raised)) {
            for point in [base.affine(), raised].into_iter().flatten() {
                odd_multiples(&point, count, &mut all);
            }
        }
        // None is the identity: they are odd multiples below the order of points that are not.
        let mut multiples = affine_of(&all).into_iter().flatten();
        let mut table = |base: &Point| -> Vec<Affine> {
            if base.affine().is_some() { multiples.by_ref().take(count).collect() } else { Vec::new() }
        };
        let turned = |table: &[Affine]| table.iter().map(|p| Affine { x: p.x.mul(&BETA), y: p.y }).collect();
        bases
            .iter()
            .map(|base| {
                let (low, high) = (table(base), table(base));
                let tables = [low.clone(), turned(&low), high.clone(), turned(&high)];
                Self { base: *base, width, tables }
            })
            .collect()
    }

    /// That of the generator.
    pub fn generator() -> &'static Self {
        static GENERATOR: OnceBox<Vec<Prepared>> = OnceBox::new();
        &GENERATOR.get_or_init(|| Box::new(Self::with_width(&[Point::GENERATOR], WIDEST)))[0]
    }

    /// The base, in affine form.
    pub fn base(&self) -> &Point {
        &self.base
    }
}

fn sum(terms: &[(Scalar, &Prepared)]) -> Jacobian {
    let mut rows: Vec<(Digits, &[Affine], &[Affine])> = Vec::with_capacity(2 * terms.len());
    for (scalar, base) in terms.iter().filter(|(_, base)| !base.tables[0].is_empty()) {
        let [low, low_turned, high, high_turned] = &base.tables;
        let [one, two] = split(scalar, base.width);
        rows.extend([(one, low.as_slice(), high.as_slice()), (two, low_turned, high_turned)]);
    }
    let mut sum = Jacobian::IDENTITY;
    for place in (0..PLACES - CUT).rev() {
        sum = sum.double();
        for (digits, low, high) in &rows {
            let low = if place < CUT { (digits.at[place], *low) } else { (0, *low) };
            for (digit, table) in [low, (digits.at[place + CUT], *high)] {
                if digit != 0 {
                    let multiple = table[usize::from(digit.unsigned_abs() / 2)];
                    sum = sum.add(&if digit < 0 { multiple.negated() } else { multiple });
                }
            }
        }
    }
    sum
}

/// Σ sᵢ·Pᵢ for public scalars, in affine form.
pub fn prepared_sum(terms: &[(Scalar, &Prepared)]) -> Point {
    to_points(&[sum(terms)])[0]
}

/// Whether Σ sᵢ·Pᵢ is the identity.
pub fn prepared_vanishes(terms: &[(Scalar, &Prepared)]) -> bool {
    sum(terms).is_identity()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    #[test]
    fn sums_are_those_of_products() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(15);
        let points = [Point::random(&mut rng), Point::IDENTITY, Point::random(&mut rng)];
        let prepared = Prepared::each(&points);
        assert!(prepared.iter().zip(&points).all(|(prepared, point)| prepared.base() == point));
        let two = Scalar::from(2u64);
        let mut scalars: Vec<Scalar> = (0..20).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(u128::MAX)]);
        for power in [62u64, 63, 64, 65, 66, 127, 128, 129, 255] {
            let value = two.pow_vartime([power]);
            scalars.extend([value, value - Scalar::ONE, -value, value + Scalar::from(31u64)]);
        }
        for scalar in &scalars {
            let other = Scalar::random(&mut rng);
            assert_eq!(prepared_sum(&[(*scalar, &prepared[0])]), points[0] * scalar);
            assert_eq!(prepared_sum(&[(*scalar, &prepared[1])]), Point::IDENTITY);
            let three =
                [(*scalar, &prepared[0]), (other, &prepared[2]), (*scalar + other, Prepared::generator())];
            let wanted = points[0] * scalar + points[2] * other + Point::GENERATOR * (*scalar + other);
            assert_eq!(prepared_sum(&three), wanted);
            assert!(!prepared_vanishes(&three));
            assert!(prepared_vanishes(&[(*scalar, &prepared[0]), (-*scalar, &prepared[0])]));
        }
        assert_eq!(prepared_sum(&[]), Point::IDENTITY);
        assert!(Prepared::each(&[]).is_empty());
    }
}

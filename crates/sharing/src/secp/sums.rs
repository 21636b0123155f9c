//! Sums of many products for **public** values: Straus' interleaving over non-adjacent forms, with the endomorphism.
//!
//! All tables of a call are brought to affine form on one curve that is scaled so that this takes no inversion; the results
//! share one. The generator's table is larger, and made once.

use super::comb::mul_generator_vartime;
use super::field::Fe;
use super::jacobian::{Affine, Jacobian, affine_of, odd_multiples, scaled_of, to_points};
use super::naf::{BETA, Digits, split};
use super::point::{Point, normalize};
use alloc::boxed::Box;
use alloc::vec::Vec;
use k256::Scalar;
use once_cell::race::OnceBox;

/// Digit widths: of a base that is used a few times, of one that is used often, and of the generator.
const NARROW: u32 = 5;
const WIDE: u32 = 6;
const WIDEST: u32 = 8;
/// From how many uses on a base gets the wider table.
const OFTEN: usize = 6;

/// P, 3P, 5P, … and the same times λ.
struct Table {
    width: u32,
    plain: Vec<Affine>,
    turned: Vec<Affine>,
}

/// Where the multiples of a base are.
enum Base {
    Identity,
    Generator,
    Own(Table),
}

/// One scalar's half, with the table that it looks up, and whether that is still to be scaled.
type Row<'a> = (Digits, &'a [Affine], bool);

/// The bases of a call, on the curve scaled by `scale`.
struct Bases {
    each: Vec<Base>,
    scale: Fe,
}

impl Table {
    fn new(width: u32, plain: Vec<Affine>) -> Self {
        let turned = plain.iter().map(|point| Affine { x: point.x.mul(&BETA), y: point.y }).collect();
        Self { width, plain, turned }
    }

    fn rows<'a>(&'a self, scalar: &Scalar, unscaled: bool, rows: &mut Vec<Row<'a>>) {
        let [one, two] = split(scalar, self.width);
        rows.extend([(one, self.plain.as_slice(), unscaled), (two, self.turned.as_slice(), unscaled)]);
    }
}

/// Count of odd multiples for a width.
fn multiples(width: u32) -> usize {
    1 << (width - 2)
}

fn generator() -> &'static Table {
    static TABLE: OnceBox<Table> = OnceBox::new();
    TABLE.get_or_init(|| {
        let mut all = Vec::new();
        if let Some(point) = Point::GENERATOR.affine() {
            odd_multiples(&point, multiples(WIDEST), &mut all);
        }
        Box::new(Table::new(WIDEST, affine_of(&all).into_iter().flatten().collect()))
    })
}

/// The bases' tables.
fn prepare(bases: &[Point], width: impl Fn(usize) -> u32) -> Bases {
    let mut all = Vec::new();
    let mut each = Vec::with_capacity(bases.len());
    for (at, base) in normalize(bases).iter().enumerate() {
        each.push(match base.affine() {
            None => Base::Identity,
            Some(_) if *base == Point::GENERATOR => Base::Generator,
            Some(point) => {
                let width = width(at);
                odd_multiples(&point, multiples(width), &mut all);
                Base::Own(Table { width, plain: Vec::new(), turned: Vec::new() })
            }
        });
    }
    let (scaled, scale) = scaled_of(&all);
    // None is the identity: they are odd multiples below the order of a point that is not.
    let mut rest = scaled.into_iter().flatten();
    for base in &mut each {
        if let Base::Own(table) = base {
            *table = Table::new(table.width, rest.by_ref().take(multiples(table.width)).collect());
        }
    }
    Bases { each, scale }
}

impl Bases {
    fn sum<'a>(&'a self, terms: impl Iterator<Item = (&'a Scalar, usize)>) -> Jacobian {
        let mut rows: Vec<Row<'a>> = Vec::new();
        for (scalar, at) in terms {
            match &self.each[at] {
                Base::Identity => {}
                Base::Generator => generator().rows(scalar, true, &mut rows),
                Base::Own(table) => table.rows(scalar, false, &mut rows),
            }
        }
        let places = rows.iter().map(|(digits, ..)| digits.used).max().unwrap_or(0);
        let mut sum = Jacobian::IDENTITY;
        for place in (0..places).rev() {
            sum = sum.double();
            for (digits, table, unscaled) in &rows {
                let digit = digits.at[place];
                if digit == 0 {
                    continue;
                }
                let mut multiple = table[usize::from(digit.unsigned_abs() / 2)];
                if *unscaled {
                    multiple = multiple.scaled(&self.scale);
                }
                sum = sum.add(&if digit < 0 { multiple.negated() } else { multiple });
            }
        }
        sum.unscaled(&self.scale)
    }
}

/// Σ sᵢ·Pᵢ before it is brought to affine form.
fn product(terms: &[(Scalar, Point)]) -> Jacobian {
    let points: Vec<Point> = terms.iter().map(|(_, point)| *point).collect();
    prepare(&points, |_| NARROW).sum(terms.iter().map(|(scalar, _)| scalar).zip(0..))
}

/// Σ sᵢ·Pᵢ. Variable time: only for values that may be seen.
pub(crate) fn lincomb(terms: &[(Scalar, Point)]) -> Point {
    match terms {
        [(scalar, point)] if *point == Point::GENERATOR => mul_generator_vartime(scalar),
        _ => to_points(&[product(terms)])[0],
    }
}

/// Whether Σ sᵢ·Pᵢ is the identity. Variable time: only for values that may be seen.
pub(crate) fn is_identity(terms: &[(Scalar, Point)]) -> bool {
    product(terms).is_identity()
}

/// Several sums of scalars times points that are named by their place. Variable time.
pub(crate) fn lincombs(bases: &[Point], sums: &[Vec<(usize, Scalar)>]) -> Vec<Point> {
    let mut uses = alloc::vec![0usize; bases.len()];
    sums.iter().flatten().for_each(|(at, _)| uses[*at] += 1);
    let bases = prepare(bases, |at| if uses[at] < OFTEN { NARROW } else { WIDE });
    let all: Vec<Jacobian> =
        sums.iter().map(|terms| bases.sum(terms.iter().map(|(at, scalar)| (scalar, *at)))).collect();
    to_points(&all)
}

#[cfg(test)]
mod tests {
    use super::super::naf::{MINUS_LAMBDA, from_uint};
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    fn naive(terms: &[(Scalar, Point)]) -> Point {
        terms.iter().map(|(s, p)| *p * s).sum()
    }

    #[test]
    fn agrees_with_plain_multiplication() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(7);
        for size in [0usize, 1, 2, 3, 7, 20] {
            for round in 0..10 {
                let mut terms: Vec<_> =
                    (0..size).map(|_| (Scalar::random(&mut rng), Point::random(&mut rng))).collect();
                if let (Some(term), 0) = (terms.last_mut(), round % 3) {
                    term.1 = Point::GENERATOR;
                }
                assert_eq!(lincomb(&terms), naive(&terms));
                assert_eq!(is_identity(&terms), size == 0);
                terms.push((-Scalar::ONE, naive(&terms)));
                assert!(is_identity(&terms));
            }
        }
    }

    #[test]
    fn agrees_on_edge_scalars_and_the_identity() {
        let two = Scalar::from(2u64);
        let lambda = -from_uint(MINUS_LAMBDA);
        let turned = k256::ProjectivePoint::GENERATOR.endomorphism();
        assert_eq!(k256::ProjectivePoint::from(&(Point::GENERATOR * lambda)), turned);
        let mut scalars = alloc::vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, lambda, -lambda];
        for power in [4u64, 5, 31, 32, 63, 64, 126, 127, 128, 129, 192, 254, 255] {
            let value = two.pow_vartime([power]);
            scalars.extend([value, value - Scalar::ONE, value + Scalar::ONE, -value, value * lambda]);
        }
        // All windows of a run of ones and of 31s and 16s, where carries go furthest.
        for value in [u128::MAX, u128::MAX - 1, u128::MAX / 3, 0xf83e_0f83_e0f8_3e0f_83e0_f83e_0f83_e0f8] {
            scalars.extend([Scalar::from(value), -Scalar::from(value)]);
        }
        let point = Point::GENERATOR * Scalar::from(12345u64);
        for point in [point, Point::GENERATOR] {
            for scalar in &scalars {
                assert_eq!(lincomb(&[(*scalar, point)]), point * scalar, "{scalar:?}");
                assert_eq!(lincomb(&[(*scalar, point), (Scalar::ONE, point)]), point * scalar + point);
                assert_eq!(lincomb(&[(*scalar, point - point)]), Point::IDENTITY);
                assert!(is_identity(&[(*scalar, point), (-*scalar, point)]));
            }
        }
    }

    #[test]
    fn many_sums_share_their_bases() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(10);
        let mut bases: Vec<_> = (0..5).map(|_| Point::random(&mut rng)).collect();
        bases[1] = Point::GENERATOR;
        bases[2] = bases[0] - bases[0];
        for count in [0usize, 1, 3, 12] {
            let sums: Vec<Vec<(usize, Scalar)>> = (0..count)
                .map(|k| (0..k % 6).map(|at| (at % 5, Scalar::random(&mut rng))).collect())
                .collect();
            let got = lincombs(&bases, &sums);
            let term = |(at, scalar): &(usize, Scalar)| bases[*at] * scalar;
            let wanted: Vec<Point> = sums.iter().map(|terms| terms.iter().map(term).sum()).collect();
            assert_eq!(got, wanted);
        }
    }
}

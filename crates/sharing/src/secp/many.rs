//! Many sums of multiples of fixed bases at once, for **secret** scalars: all sums take their next multiple together, in
//! affine coordinates, and share the inversion of that step. An addition then takes half of what a complete one does.
//!
//! The affine formula has exceptions: equal points, opposite ones, the identity. Every sum therefore starts at [`offset`],
//! to which nobody knows a logarithm, and loses it at the end. With bases whose logarithms somebody knows, or that are hashes of
//! their own, a multiple that met one of the exceptions before that would give the logarithm away. A base could be made out of
//! [`offset`] itself; so exceptions are looked for all the same, and sums that met one are made anew by complete formulas. The
//! last step has one that happens, a sum of zero, which is told apart without a branch.

use super::comb::{Entry, FixedBase, PLACES, ROW, parts, select, signed_digits};
use super::field::Fe;
use super::jacobian::fe_of;
use super::point::Point;
use crate::Transcript;
use alloc::boxed::Box;
use alloc::vec::Vec;
use k256::Scalar;
use once_cell::race::OnceBox;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

/// From how many sums on the inversions pay.
pub(super) const FEWEST: usize = 40;

/// A sum on its way.
#[derive(Clone, Copy)]
struct Lane {
    x: Fe,
    y: Fe,
    /// What is added next, and whether nothing is.
    next: [Fe; 2],
    none: Choice,
    /// The difference of the two x, and the product of all such before it.
    difference: Fe,
    before: Fe,
}

impl Zeroize for Lane {
    fn zeroize(&mut self) {
        let Self { x, y, next: [next_x, next_y], none: _, difference, before } = self;
        [x, y, next_x, next_y, difference, before].into_iter().for_each(Zeroize::zeroize);
    }
}

/// A point to which nobody knows a logarithm: the first hash under a fixed tag that is the x of one. What goes in is a
/// constant, so the time tells nothing.
fn offset() -> &'static Point {
    static OFFSET: OnceBox<Point> = OnceBox::new();
    OFFSET.get_or_init(|| {
        let candidate = |counter: u64| {
            let mut bytes = [2; 33];
            let hash = Transcript::new("sharing/offset").number("counter", counter).digest();
            bytes[1..].copy_from_slice(&hash);
            super::decode(&bytes)
        };
        // Half of all numbers are an x.
        Box::new((0..).find_map(candidate).unwrap_or_default())
    })
}

/// As [`super::fixed_sums`]; nothing when a multiple met an exception on its way.
pub(super) fn sums(sums: &[Vec<(&FixedBase, &Scalar)>]) -> Option<Vec<Point>> {
    let rows = |terms: &Vec<(&FixedBase, &Scalar)>| {
        // Room for all, since what a list outgrows is not erased.
        let mut digits = Zeroizing::new(Vec::with_capacity(terms.len() * PLACES));
        for (_, scalar) in terms.iter().filter(|(base, _)| !base.rows().is_empty()) {
            digits.extend_from_slice(&*Zeroizing::new(signed_digits(scalar)));
        }
        digits
    };
    let digits: Vec<Zeroizing<Vec<i8>>> = sums.iter().map(rows).collect();
    let tables: Vec<Vec<&[Entry; ROW]>> =
        sums.iter().map(|terms| terms.iter().flat_map(|(base, _)| base.rows()).collect()).collect();
    let Point { x, y, z: _ } = *offset();
    let start = Lane { x, y, next: [x, y], none: Choice::from(1), difference: Fe::ONE, before: Fe::ONE };
    let mut lanes = Zeroizing::new(alloc::vec![start; sums.len()]);
    let mut met = Choice::from(0);
    for step in 0..tables.iter().map(Vec::len).max().unwrap_or(0) {
        for ((lane, tables), digits) in lanes.iter_mut().zip(&tables).zip(&digits) {
            let Some(table) = tables.get(step) else {
                lane.none = Choice::from(1);
                continue;
            };
            let (size, minus, none) = parts(digits[step]);
            let [x, y] = fe_of(&select(table, size));
            lane.next = [x, Fe::select(&y, &y.negate(), minus)];
            lane.none = none;
        }
        met |= add_next(&mut lanes).into_iter().fold(Choice::from(0), |one, other| one | other);
    }
    // declassify: it happens with bases alone that were made for it, and then tells what their maker knows.
    if bool::from(met) {
        return None;
    }
    lanes.iter_mut().for_each(|lane| (lane.next, lane.none) = ([x, y.negate()], Choice::from(0)));
    let zero = add_next(&mut lanes);
    let point = |(lane, zero): (&Lane, Choice)| {
        Point::conditional_select(&Point { x: lane.x, y: lane.y, z: Fe::ONE }, &Point::IDENTITY, zero)
    };
    Some(lanes.iter().zip(zero).map(point).collect())
}

/// Adds to each sum what is next. Tells where the two had one x and should have been added: those sums are left as they are.
fn add_next(lanes: &mut [Lane]) -> Vec<Choice> {
    let mut same = Vec::with_capacity(lanes.len());
    let mut product = Fe::ONE;
    for lane in lanes.iter_mut() {
        let difference = lane.next[0].sub(&lane.x);
        let zero = difference.is_zero();
        same.push(zero & !lane.none);
        // Where nothing is added the difference may be anything but zero: no point has x = 0.
        lane.none |= zero;
        lane.difference = Fe::select(&difference, &Fe::ONE, zero);
        lane.before = product;
        product = product.mul(&lane.difference);
    }
    let mut inverse = product.invert();
    for lane in lanes.iter_mut().rev() {
        let slope = lane.next[1].sub(&lane.y).mul(&inverse.mul(&lane.before));
        inverse = inverse.mul(&lane.difference);
        let x = slope.square().sub(&lane.x).sub(&lane.next[0]);
        let y = slope.mul(&lane.x.sub(&x)).sub(&lane.y);
        lane.x = Fe::select(&x, &lane.x, lane.none);
        lane.y = Fe::select(&y, &lane.y, lane.none);
    }
    same
}

#[cfg(test)]
mod tests {
    use super::super::generator;
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    #[test]
    fn sums_are_those_of_one_at_a_time() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(14);
        let point = Point::random(&mut rng);
        let (base, none) = (FixedBase::new(&point), FixedBase::new(&Point::IDENTITY));
        let mut scalars: Vec<Scalar> = (0..8).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([0u64, 1, 15, 16, 17, 32, 33].map(Scalar::from));
        scalars.extend([1u64, 16].map(|small| -Scalar::from(small)));
        let mut all = alloc::vec![alloc::vec![]];
        let mut wanted = alloc::vec![Point::IDENTITY];
        for scalar in &scalars {
            for other in &scalars[6..] {
                all.push(alloc::vec![(&base, scalar), (&none, other), (generator(), other)]);
                wanted.push(point * scalar + Point::GENERATOR * other);
                all.push(alloc::vec![(&base, scalar), (&base, other)]);
                wanted.push(point * (*scalar + other));
            }
            all.push(alloc::vec![(generator(), scalar)]);
            wanted.push(Point::GENERATOR * scalar);
        }
        assert!(all.len() > FEWEST);
        assert_eq!(sums(&all), Some(wanted));
        assert_eq!(sums(&[]), Some(Vec::new()));
    }

    /// A base that is a multiple of the starting point, with digits that bring a sum back to it.
    #[test]
    fn a_base_made_for_an_exception_gives_the_right_sums() {
        for (times, scalar) in [(1u64, 1u64), (1, 33), (1, 31), (2, 16)] {
            for base in [*offset() * Scalar::from(times), -(*offset() * Scalar::from(times))] {
                let (table, scalar) = (FixedBase::new(&base), Scalar::from(scalar));
                let all = alloc::vec![alloc::vec![(&table, &scalar)]; FEWEST];
                let wanted = alloc::vec![base * scalar; FEWEST];
                assert_eq!(super::super::fixed_sums(&all), wanted, "{times}");
            }
        }
        let (table, one) = (FixedBase::new(offset()), Scalar::ONE);
        assert_eq!(sums(&alloc::vec![alloc::vec![(&table, &one)]; FEWEST]), None);
    }

    #[test]
    fn pinned() {
        use crate::{Curve, Secp256k1};
        assert_eq!(
            hex::encode(Secp256k1::encode_point(offset())),
            "02670838f64bd20e62382d3e9b0d35635ca1014619059791dfe6654513b6499ad1"
        );
    }
}

//! Lagrange interpolation, in the scalars and in the exponent.

use crate::{Curve, Index, Indices};
use alloc::vec::Vec;
use ff::Field;

/// λ_i(S) at 0: the factor with which party `i` of `set` enters the sum. `None` if `i` is not in the set.
pub fn coefficient<C: Curve>(set: &Indices, i: Index) -> Option<C::Scalar> {
    coefficient_at::<C>(set, i, &C::Scalar::ZERO)
}

/// λ_i(S) at x for every i of the set, ascending, with one inversion for all.
pub fn coefficients_at<C: Curve>(set: &Indices, x: &C::Scalar) -> Vec<C::Scalar> {
    let own: Vec<C::Scalar> = set.iter().map(|i| i.scalar::<C>()).collect();
    let product = |at: usize, factor: &dyn Fn(&C::Scalar) -> C::Scalar| {
        let others = own.iter().enumerate().filter(|(other, _)| *other != at);
        others.fold(C::Scalar::ONE, |product, (_, other)| product * factor(other))
    };
    let denominators: Vec<C::Scalar> =
        own.iter().enumerate().map(|(at, i)| product(at, &|other| *i - other)).collect();
    // Montgomery's trick. Never zero: `Indices` are distinct modulo the order.
    let all: C::Scalar = denominators.iter().fold(C::Scalar::ONE, |all, d| all * d);
    let mut inverse = Option::<C::Scalar>::from(all.invert()).unwrap_or(C::Scalar::ZERO);
    let mut before = Vec::with_capacity(own.len());
    denominators.iter().fold(C::Scalar::ONE, |all, d| {
        before.push(all);
        all * d
    });
    let mut coefficients: Vec<C::Scalar> = (0..own.len())
        .rev()
        .map(|at| {
            let coefficient = inverse * before[at] * product(at, &|other| *x - other);
            inverse *= denominators[at];
            coefficient
        })
        .collect();
    coefficients.reverse();
    coefficients
}

/// λ_i(S) at any point x.
pub fn coefficient_at<C: Curve>(set: &Indices, i: Index, x: &C::Scalar) -> Option<C::Scalar> {
    if !set.contains(i) {
        return None;
    }
    let own = i.scalar::<C>();
    let mut numerator = C::Scalar::ONE;
    let mut denominator = C::Scalar::ONE;
    for other in set.iter().filter(|j| *j != i) {
        let other = other.scalar::<C>();
        numerator *= *x - other;
        denominator *= own - other;
    }
    // Never zero: `Indices` are distinct modulo the order.
    Option::<C::Scalar>::from(denominator.invert()).map(|inverse| numerator * inverse)
}

/// The point at 0 of the polynomial in the exponent through `(index, point)`; the indices are those of `set`, in order.
pub fn interpolate_point<C: Curve>(set: &Indices, points: &[C::Point]) -> Option<C::Point> {
    if points.len() != set.len() {
        return None;
    }
    let terms: Vec<_> =
        coefficients_at::<C>(set, &C::Scalar::ZERO).into_iter().zip(points.iter().copied()).collect();
    Some(C::lincomb_vartime(&terms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secp256k1;
    use crate::toy::Toy13;

    fn all_agree_with_single<C: Curve>(numbers: &[u16], x: u64) {
        let set = Indices::new::<C>(numbers.iter().copied()).unwrap();
        let x = C::Scalar::from(x);
        let single: Vec<_> = set.iter().map(|i| coefficient_at::<C>(&set, i, &x).unwrap()).collect();
        assert!(coefficients_at::<C>(&set, &x) == single);
    }

    #[test]
    fn coefficients_at_once_are_the_single_ones() {
        for x in [0, 1, 5, 12] {
            for numbers in [&[1][..], &[4, 9], &[1, 2, 3], &[2, 5, 7, 11, 12]] {
                all_agree_with_single::<Secp256k1>(numbers, x);
                all_agree_with_single::<Toy13>(numbers, x);
            }
        }
    }
}

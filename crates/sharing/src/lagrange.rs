//! Lagrange interpolation, in the scalars and in the exponent.

use crate::{Curve, Index, Indices};
use alloc::vec::Vec;
use ff::Field;

/// λ_i(S) at 0: the factor with which party `i` of `set` enters the sum. `None` if `i` is not in the set.
pub fn coefficient<C: Curve>(set: &Indices, i: Index) -> Option<C::Scalar> {
    coefficient_at::<C>(set, i, &C::Scalar::ZERO)
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
    let terms: Option<Vec<_>> =
        set.iter().zip(points).map(|(i, point)| Some((coefficient::<C>(set, i)?, *point))).collect();
    Some(C::lincomb_vartime(&terms?))
}

//! The traits of the `group` crate for [`Point`], and the way to and from the points of `k256`.

use super::field::Fe;
use super::jacobian::Affine;
use super::point::{Plain, Point, normalize};
use super::variable::secret_sums;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use ff::Field;
use group::Group;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar};
use rand_core::RngCore;
use subtle::Choice;

macro_rules! by_reference_and_value {
    ($operator:ident, $function:ident, $assign:ident, $assigned:ident, $other:ty, |$a:ident, $b:ident| $result:expr) => {
        impl $operator<&$other> for Point {
            type Output = Self;
            fn $function(self, other: &$other) -> Self {
                let ($a, $b) = (&self, other);
                $result
            }
        }
        impl $operator<$other> for Point {
            type Output = Self;
            fn $function(self, other: $other) -> Self {
                $operator::$function(self, &other)
            }
        }
        impl $assign<&$other> for Point {
            fn $assigned(&mut self, other: &$other) {
                *self = $operator::$function(*self, other);
            }
        }
        impl $assign<$other> for Point {
            fn $assigned(&mut self, other: $other) {
                *self = $operator::$function(*self, &other);
            }
        }
    };
}

by_reference_and_value!(Add, add, AddAssign, add_assign, Point, |a, b| a.plus(b));
by_reference_and_value!(Sub, sub, SubAssign, sub_assign, Point, |a, b| a.plus(&-*b));
by_reference_and_value!(Mul, mul, MulAssign, mul_assign, Scalar, |point, scalar| {
    secret_sums(core::slice::from_ref(point), &[alloc::vec![(0, scalar)]])[0]
});

impl Neg for Point {
    type Output = Self;
    fn neg(self) -> Self {
        Self { y: self.y.negate(), ..self }
    }
}

impl Sum for Point {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self::IDENTITY, |sum, point| sum.plus(&point))
    }
}

impl<'a> Sum<&'a Self> for Point {
    fn sum<I: Iterator<Item = &'a Self>>(points: I) -> Self {
        points.fold(Self::IDENTITY, |sum, point| sum.plus(point))
    }
}

impl Group for Point {
    type Scalar = Scalar;

    fn random(rng: impl RngCore) -> Self {
        Self::GENERATOR * Scalar::random(rng)
    }

    fn identity() -> Self {
        Self::IDENTITY
    }

    fn generator() -> Self {
        Self::GENERATOR
    }

    fn is_identity(&self) -> Choice {
        self.z.is_zero()
    }

    fn double(&self) -> Self {
        self.doubled(&Plain)
    }
}

/// Of a public point.
impl From<&Point> for AffinePoint {
    fn from(point: &Point) -> Self {
        let Some(Affine { x, y }) = normalize(core::slice::from_ref(point))[0].affine() else {
            return Self::IDENTITY;
        };
        let encoded =
            EncodedPoint::from_affine_coordinates(&x.to_bytes().into(), &y.to_bytes().into(), false);
        Option::from(Self::from_encoded_point(&encoded)).unwrap_or(Self::IDENTITY)
    }
}

/// Of a public point.
impl From<&Point> for ProjectivePoint {
    fn from(point: &Point) -> Self {
        AffinePoint::from(point).into()
    }
}

/// Of a public point.
impl From<&ProjectivePoint> for Point {
    fn from(point: &ProjectivePoint) -> Self {
        let encoded = point.to_encoded_point(false);
        let coordinate = |bytes: Option<&k256::FieldBytes>| Some(Fe::from_canonical(&(*bytes?).into()));
        match (coordinate(encoded.x()), coordinate(encoded.y())) {
            (Some(x), Some(y)) => Affine { x, y }.into(),
            _ => Self::IDENTITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    /// Every operation on pairs with equal points, opposite points and the identity, in affine form and not.
    #[test]
    fn operations_are_those_of_k256() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(13);
        let random = Point::random(&mut rng);
        let mut points = alloc::vec![Point::IDENTITY, Point::GENERATOR, random, -random, random.double()];
        points.extend([random + random, random - random, random + Point::GENERATOR]);
        points.push(normalize(&[random])[0]);
        let theirs: alloc::vec::Vec<ProjectivePoint> = points.iter().map(Into::into).collect();
        let scalar = Scalar::random(&mut rng);
        for (a, x) in points.iter().zip(&theirs) {
            assert_eq!(Point::from(x), *a);
            assert_eq!(ProjectivePoint::from(&-*a), -*x);
            assert_eq!(ProjectivePoint::from(&a.double()), x.double());
            assert_eq!(ProjectivePoint::from(&(*a * scalar)), x * &scalar);
            assert_eq!(bool::from(a.is_identity()), bool::from(x.is_identity()));
            assert_eq!(normalize(&[*a]), [*a]);
            for (b, y) in points.iter().zip(&theirs) {
                assert_eq!(ProjectivePoint::from(&(*a + b)), x + y);
                assert_eq!(ProjectivePoint::from(&(*a - b)), x - y);
                assert_eq!(a == b, x == y);
            }
        }
        assert_eq!(normalize(&points), points);
        assert_eq!(points.iter().sum::<Point>(), Point::from(&theirs.iter().sum::<ProjectivePoint>()));
        assert_eq!(ProjectivePoint::from(&Point::GENERATOR), ProjectivePoint::GENERATOR);
    }
}

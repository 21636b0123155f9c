//! Toy groups of order 13 and 199, on which tests are exhaustive (docs/spec §2.6). Never for keys.
//!
//! The order-13 subgroup of Z*₅₃ and the order-199 subgroup of Z*₇₉₇, so that, as on a real curve, most encodings
//! of the right length are no group element.

use crate::curve::{Curve, DecodeError, exact};
use alloc::vec::Vec;
use core::iter::{Product, Sum};
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use ff::{Field, PrimeField};
use group::Group;
use rand_core::RngCore;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, CtOption};
use zeroize::DefaultIsZeroes;

/// The toy group of order 13.
pub type Toy13 = Toy<13>;
/// The toy group of order 199.
pub type Toy199 = Toy<199>;

/// A toy group of prime order `Q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Toy<const Q: u64>;

/// An integer modulo `Q`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToyScalar<const Q: u64>(u64);

/// An element of the order-`Q` subgroup, by its residue modulo the field prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToyPoint<const Q: u64>(u64);

/// (field prime, generator of the subgroup)
const fn parameters(order: u64) -> (u64, u64) {
    match order {
        13 => (53, 16),   // 2^4
        199 => (797, 16), // 2^4
        _ => panic!("no such toy group"),
    }
}

const fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let (mut result, mut base) = (1, base % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

impl<const Q: u64> DefaultIsZeroes for ToyScalar<Q> {}
impl<const Q: u64> DefaultIsZeroes for ToyPoint<Q> {}

impl<const Q: u64> Default for ToyPoint<Q> {
    fn default() -> Self {
        Self(1)
    }
}

impl<const Q: u64> From<u64> for ToyScalar<Q> {
    fn from(value: u64) -> Self {
        Self(value % Q)
    }
}

impl<const Q: u64> ConstantTimeEq for ToyScalar<Q> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl<const Q: u64> ConditionallySelectable for ToyScalar<Q> {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self(u64::conditional_select(&a.0, &b.0, choice))
    }
}

/// Derives the by-value, by-reference and assigning forms of an operator from one closure.
macro_rules! operator {
    ($type:ident, $rhs:ident, $trait:ident, $fn:ident, $assign:ident, $assign_fn:ident, $body:expr) => {
        impl<const Q: u64> $trait<$rhs<Q>> for $type<Q> {
            type Output = Self;
            fn $fn(self, rhs: $rhs<Q>) -> Self {
                let body: fn(u64, u64) -> u64 = $body;
                Self(body(self.0, rhs.0))
            }
        }
        impl<const Q: u64> $trait<&$rhs<Q>> for $type<Q> {
            type Output = Self;
            fn $fn(self, rhs: &$rhs<Q>) -> Self {
                $trait::$fn(self, *rhs)
            }
        }
        impl<const Q: u64> $assign<$rhs<Q>> for $type<Q> {
            fn $assign_fn(&mut self, rhs: $rhs<Q>) {
                *self = $trait::$fn(*self, rhs);
            }
        }
        impl<const Q: u64> $assign<&$rhs<Q>> for $type<Q> {
            fn $assign_fn(&mut self, rhs: &$rhs<Q>) {
                *self = $trait::$fn(*self, *rhs);
            }
        }
    };
}

operator!(ToyScalar, ToyScalar, Add, add, AddAssign, add_assign, |a, b| (a + b) % Q);
operator!(ToyScalar, ToyScalar, Sub, sub, SubAssign, sub_assign, |a, b| (a + Q - b) % Q);
operator!(ToyScalar, ToyScalar, Mul, mul, MulAssign, mul_assign, |a, b| a * b % Q);
operator!(ToyPoint, ToyPoint, Add, add, AddAssign, add_assign, |a, b| a * b % parameters(Q).0);
operator!(ToyPoint, ToyPoint, Sub, sub, SubAssign, sub_assign, |a, b| a * power(b, Q - 1, parameters(Q).0)
    % parameters(Q).0);
operator!(ToyPoint, ToyScalar, Mul, mul, MulAssign, mul_assign, |a, b| power(a, b, parameters(Q).0));

impl<const Q: u64> Neg for ToyScalar<Q> {
    type Output = Self;
    fn neg(self) -> Self {
        Self((Q - self.0) % Q)
    }
}

impl<const Q: u64> Neg for ToyPoint<Q> {
    type Output = Self;
    fn neg(self) -> Self {
        Self::identity() - self
    }
}

macro_rules! fold {
    ($type:ident, $trait:ident, $fn:ident, $start:expr, $op:tt) => {
        impl<const Q: u64> $trait for $type<Q> {
            fn $fn<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold($start, |a, b| a $op b)
            }
        }
        impl<'a, const Q: u64> $trait<&'a Self> for $type<Q> {
            fn $fn<I: Iterator<Item = &'a Self>>(items: I) -> Self {
                items.fold($start, |a, b| a $op *b)
            }
        }
    };
}

fold!(ToyScalar, Sum, sum, Self(0), +);
fold!(ToyScalar, Product, product, Self(1), *);
fold!(ToyPoint, Sum, sum, Self(1), +);

impl<const Q: u64> Field for ToyScalar<Q> {
    const ZERO: Self = Self(0);
    const ONE: Self = Self(1);

    fn random(mut rng: impl RngCore) -> Self {
        // Rejection keeps it exactly uniform, which the exhaustive secrecy tests lean on.
        loop {
            let candidate = rng.next_u64() & 0xff;
            if candidate < Q {
                return Self(candidate);
            }
        }
    }

    fn square(&self) -> Self {
        *self * *self
    }

    fn double(&self) -> Self {
        *self + *self
    }

    fn invert(&self) -> CtOption<Self> {
        CtOption::new(Self(power(self.0, Q - 2, Q)), !self.is_zero())
    }

    fn sqrt_ratio(num: &Self, div: &Self) -> (Choice, Self) {
        ff::helpers::sqrt_ratio_generic(num, div)
    }

    fn sqrt(&self) -> CtOption<Self> {
        let root = (0..Q).map(Self).find(|r| r.square() == *self);
        CtOption::new(root.unwrap_or_default(), Choice::from(u8::from(root.is_some())))
    }
}

impl<const Q: u64> PrimeField for ToyScalar<Q> {
    type Repr = [u8; 8];
    const MODULUS: &'static str = "toy";
    const NUM_BITS: u32 = u64::BITS - Q.leading_zeros();
    const CAPACITY: u32 = Self::NUM_BITS - 1;
    const TWO_INV: Self = Self(Q.div_ceil(2));
    const MULTIPLICATIVE_GENERATOR: Self = Self(if Q == 13 { 2 } else { 3 });
    const S: u32 = (Q - 1).trailing_zeros();
    const ROOT_OF_UNITY: Self = Self(power(Self::MULTIPLICATIVE_GENERATOR.0, (Q - 1) >> Self::S, Q));
    const ROOT_OF_UNITY_INV: Self = Self(power(Self::ROOT_OF_UNITY.0, Q - 2, Q));
    const DELTA: Self = Self(power(Self::MULTIPLICATIVE_GENERATOR.0, 1 << Self::S, Q));

    fn from_repr(repr: [u8; 8]) -> CtOption<Self> {
        let value = u64::from_be_bytes(repr);
        CtOption::new(Self(value % Q), Choice::from(u8::from(value < Q)))
    }

    fn to_repr(&self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    fn is_odd(&self) -> Choice {
        Choice::from((self.0 & 1) as u8)
    }
}

impl<const Q: u64> Group for ToyPoint<Q> {
    type Scalar = ToyScalar<Q>;

    fn random(rng: impl RngCore) -> Self {
        Self::generator() * ToyScalar::random(rng)
    }

    fn identity() -> Self {
        Self(1)
    }

    fn generator() -> Self {
        Self(parameters(Q).1)
    }

    fn is_identity(&self) -> Choice {
        self.0.ct_eq(&1)
    }

    fn double(&self) -> Self {
        *self + *self
    }
}

impl<const Q: u64> Curve for Toy<Q> {
    type Scalar = ToyScalar<Q>;
    type Point = ToyPoint<Q>;
    const NAME: &'static str = if Q == 13 { "toy13" } else { "toy199" };
    const SCALAR_BYTES: usize = 1;
    const POINT_BYTES: usize = 2;
    const REAL: bool = false;

    fn encode_scalar(scalar: &Self::Scalar) -> Vec<u8> {
        alloc::vec![scalar.0 as u8]
    }

    fn decode_scalar(bytes: &[u8]) -> Result<Self::Scalar, DecodeError> {
        let value = u64::from(exact::<1>(bytes)?[0]);
        if value < Q { Ok(ToyScalar(value)) } else { Err(DecodeError::NotCanonical) }
    }

    fn encode_point(point: &Self::Point) -> Vec<u8> {
        (point.0 as u16).to_be_bytes().to_vec()
    }

    fn decode_point(bytes: &[u8]) -> Result<Self::Point, DecodeError> {
        let value = u64::from(u16::from_be_bytes(exact::<2>(bytes)?));
        let prime = parameters(Q).0;
        if value == 0 || value >= prime {
            return Err(DecodeError::NotCanonical);
        }
        if power(value, Q, prime) == 1 { Ok(ToyPoint(value)) } else { Err(DecodeError::Torsion) }
    }

    fn reduce_wide(bytes: &[u8; 64]) -> Self::Scalar {
        ToyScalar(bytes.iter().fold(0, |value, byte| (value * 256 + u64::from(*byte)) % Q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_laws<const Q: u64>() {
        let g = ToyPoint::<Q>::generator();
        let mut element = ToyPoint::<Q>::identity();
        for k in 0..Q {
            assert_eq!(g * ToyScalar::from(k), element);
            assert_eq!(Toy::<Q>::decode_point(&Toy::<Q>::encode_point(&element)), Ok(element));
            let same = element;
            assert_eq!(element - same, ToyPoint::identity());
            assert_eq!(element + -element, ToyPoint::identity());
            element += g;
        }
        assert_eq!(element, ToyPoint::identity(), "the generator has order {Q}");
        for k in 1..Q {
            let scalar = ToyScalar::<Q>::from(k);
            assert_eq!(scalar * scalar.invert().unwrap(), ToyScalar::ONE);
        }
        let valid = (0..=u16::MAX).filter(|v| Toy::<Q>::decode_point(&v.to_be_bytes()).is_ok()).count();
        assert_eq!(valid as u64, Q, "only the subgroup decodes");
    }

    #[test]
    fn toy_groups_are_groups() {
        group_laws::<13>();
        group_laws::<199>();
    }
}

//! Multiples of a base that stays, from a table of it, in **constant time**.
//!
//! The scalar is written in signed digits of 4 bits, and for each of their 65 places the table has the base's multiples
//! 1·16^i … 8·16^i: one addition a place and no doubling. Every lookup reads the whole row.

use super::jacobian::{Affine, Jacobian};
use super::normalize;
use super::sums::points;
use alloc::boxed::Box;
use alloc::vec::Vec;
use group::Group;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use once_cell::race::OnceBox;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Digits of a scalar.
const PLACES: usize = 65;
/// Multiples of a place.
const ROW: usize = 8;

/// A base with its table of 45 KB.
pub struct FixedBase(Vec<[AffinePoint; ROW]>);

impl FixedBase {
    /// Makes the table: about as much work as six products. The base is public.
    pub fn new(base: &ProjectivePoint) -> Self {
        if bool::from(base.is_identity()) {
            return Self(alloc::vec![[AffinePoint::IDENTITY; ROW]; PLACES]);
        }
        let mut multiples = Vec::with_capacity(PLACES * ROW);
        let mut place = *base;
        for _ in 0..PLACES {
            let mut multiple = place;
            for _ in 0..ROW {
                multiples.push(multiple);
                multiple += &place;
            }
            // 8·2 = 16 times the place's own point.
            place = multiples[multiples.len() - 1].double();
        }
        // None of them is the identity: 8·16^64 is no multiple of the order, which is prime.
        let affine = normalize(&multiples);
        let mut rows = alloc::vec![[AffinePoint::IDENTITY; ROW]; PLACES];
        rows.iter_mut().zip(affine.chunks_exact(ROW)).for_each(|(row, from)| row.copy_from_slice(from));
        Self(rows)
    }

    /// s·base for a **secret** s.
    pub fn mul(&self, scalar: &Scalar) -> ProjectivePoint {
        self.add_product(ProjectivePoint::IDENTITY, scalar)
    }

    /// start + s·base for a **secret** s.
    pub fn add_product(&self, start: ProjectivePoint, scalar: &Scalar) -> ProjectivePoint {
        let digits = Zeroizing::new(signed_digits(scalar));
        let mut sum = start;
        for (row, digit) in self.0.iter().zip(digits.iter()) {
            sum += &select(row, *digit);
        }
        sum
    }
}

/// Σ dᵢ·16ⁱ with −8 ≤ dᵢ ≤ 8.
fn signed_digits(scalar: &Scalar) -> [i8; PLACES] {
    let mut bytes = scalar.to_bytes();
    let mut digits = [0i8; PLACES];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes.iter().rev()) {
        pair[0] = (byte & 15) as i8;
        pair[1] = (byte >> 4) as i8;
    }
    for place in 0..PLACES - 1 {
        let carry = (digits[place] + 8) >> 4;
        digits[place] -= carry << 4;
        digits[place + 1] += carry;
    }
    bytes[..].zeroize();
    digits
}

/// The multiple of a row that a digit asks for.
fn select(row: &[AffinePoint; ROW], digit: i8) -> AffinePoint {
    let sign = digit >> 7;
    let size = ((digit + sign) ^ sign) as u8;
    let mut point = AffinePoint::IDENTITY;
    for (at, multiple) in row.iter().enumerate() {
        point.conditional_assign(multiple, size.ct_eq(&(at as u8 + 1)));
    }
    let negated = -point;
    point.conditional_assign(&negated, Choice::from((sign & 1) as u8));
    point
}

/// The table of the generator, made once.
pub(crate) fn generator() -> &'static FixedBase {
    static TABLE: OnceBox<FixedBase> = OnceBox::new();
    TABLE.get_or_init(|| Box::new(FixedBase::new(&ProjectivePoint::GENERATOR)))
}

/// s·G for a **public** s.
pub(crate) fn mul_generator_vartime(scalar: &Scalar) -> ProjectivePoint {
    static TABLE: OnceBox<Vec<Option<Affine>>> = OnceBox::new();
    let table =
        TABLE.get_or_init(|| Box::new(generator().0.as_flattened().iter().map(Affine::new).collect()));
    let mut sum = Jacobian::IDENTITY;
    for (row, digit) in table.chunks_exact(ROW).zip(signed_digits(scalar)) {
        let Some(at) = usize::from(digit.unsigned_abs()).checked_sub(1) else { continue };
        if let Some(multiple) = &row[at] {
            sum = sum.add(&if digit < 0 { multiple.negated() } else { *multiple });
        }
    }
    points(&[sum])[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use rand_core::SeedableRng;

    #[test]
    fn products_are_those_of_k256() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(9);
        let mut scalars: Vec<Scalar> = (0..40).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(8u64), Scalar::from(24u64)]);
        // Digits of 8 and carries through every place.
        scalars.extend([0x88u8, 0x77, 0xf0].map(|byte| crate::curves::secp256k1_reduce(&[byte; 32])));
        let point = ProjectivePoint::random(&mut rng);
        let base = FixedBase::new(&point);
        let none = FixedBase::new(&(point - point));
        for scalar in &scalars {
            assert_eq!(base.mul(scalar), point * scalar);
            assert_eq!(base.add_product(point, scalar), point * scalar + point);
            assert_eq!(generator().mul(scalar), ProjectivePoint::GENERATOR * scalar);
            assert_eq!(mul_generator_vartime(scalar), ProjectivePoint::GENERATOR * scalar);
            assert_eq!(none.mul(scalar), ProjectivePoint::IDENTITY);
        }
    }
}

//! Scalars as short digit strings: the curve's endomorphism halves their length (Gallant, Lambert, Vanstone, CRYPTO
//! 2001; Guide to Elliptic Curve Cryptography, Algorithm 3.74), and a non-adjacent form makes most digits zero.
//!
//! Digits in variable time are for **public** scalars; the halves are found in constant time.

use super::field::Fe;
use k256::Scalar;
use k256::elliptic_curve::bigint::U256;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::scalar::IsHigh;
use subtle::{Choice, ConditionallySelectable};

/// round(2³⁸⁴·b₂/q) and round(2³⁸⁴·(−b₁)/q) for the short lattice basis (a₁,b₁), (a₂,b₂) of the endomorphism.
const G1: U256 = U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031");
const G2: U256 = U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71");
const MINUS_B1: U256 = U256::from_be_hex("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3");
const MINUS_B2: U256 = U256::from_be_hex("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c");
pub(super) const MINUS_LAMBDA: U256 =
    U256::from_be_hex("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf");

/// β, of λ·(x, y) = (β·x, y).
pub(super) const BETA: Fe = Fe::from_words([
    0xc139_6c28_7195_01ee,
    0x9cf0_4975_12f5_8995,
    0x6e64_479e_ac34_34e9,
    0x7ae9_6a2b_657c_0710,
]);

/// Places of a digit string.
pub(super) const PLACES: usize = 132;

/// A number below 2¹²⁹ in size in non-adjacent form of some width w, least significant place first: each digit is zero
/// or odd and below 2^(w−1) in size, and of w successive places at most one is not zero.
pub(super) struct Digits {
    pub at: [i8; PLACES],
    /// Places up to the highest digit that is not zero.
    pub used: usize,
}

/// [`halves`] as digits. A k that is short already has no second half.
pub(super) fn split(k: &Scalar, width: u32) -> [Digits; 2] {
    if U256::from(*k).bits_vartime() <= 128 {
        return [non_adjacent(k, width), Digits { at: [0; PLACES], used: 0 }];
    }
    halves(k).map(|half| non_adjacent(&half, width))
}

/// k = k₁ + k₂·λ with both halves below 2¹²⁸ in size, in constant time.
pub(super) fn halves(k: &Scalar) -> [Scalar; 2] {
    let value = U256::from(*k);
    let c1 = rounded_product(&value, &G1) * from_uint(MINUS_B1);
    let c2 = rounded_product(&value, &G2) * from_uint(MINUS_B2);
    let k2 = c1 + c2;
    let k1 = *k + k2 * from_uint(MINUS_LAMBDA);
    [k1, k2]
}

/// Whether a half is negative, and its size, in constant time.
pub(super) fn signed(half: &Scalar) -> (Choice, u128) {
    let negative = half.is_high();
    let words = U256::from(Scalar::conditional_select(half, &-*half, negative)).to_words();
    (negative, u128::from(words[1]) << 64 | u128::from(words[0]))
}

/// round(k·g / 2³⁸⁴)
fn rounded_product(k: &U256, g: &U256) -> Scalar {
    let (_low, high): (U256, U256) = k.mul_wide(g);
    // Bit 383 of the product, which rounds, is bit 127 of its upper half.
    let [_, one, two, three] = high.to_words();
    let rounded = (u128::from(three) << 64 | u128::from(two)) + u128::from(one >> 63);
    Scalar::from(rounded)
}

/// The form of k, taken as a number between −2¹²⁸ and 2¹²⁸, of a width of 2 to 8.
fn non_adjacent(k: &Scalar, width: u32) -> Digits {
    let (negative, mut rest) = signed(k);
    let negative = bool::from(negative);
    let mut digits = Digits { at: [0; PLACES], used: 0 };
    let (window, half) = ((1u128 << width) - 1, 1u128 << (width - 1));
    let mut position = 0;
    // One more bit than 128 may be needed after a carry; it is kept beside `rest`.
    let mut carry = 0u128;
    while rest != 0 || carry != 0 {
        let bits = (rest & window) + carry;
        if bits & 1 == 0 {
            // An even window with a carry of one is an odd `rest` plus one: pass the carry on.
            carry &= rest & 1;
            rest >>= 1;
            position += 1;
            continue;
        }
        let digit = if bits >= half { bits as i16 - (1 << width) } else { bits as i16 };
        digits.at[position] = if negative { -digit } else { digit } as i8;
        digits.used = position + 1;
        carry = u128::from(bits >= half);
        rest = rest.checked_shr(width).unwrap_or(0);
        position += width as usize;
    }
    digits
}

/// a + b·λ: 2¹²⁸ different scalars, each of which costs a sum half the doublings of a full one.
///
/// Different pairs give different scalars, because no multiple of the order is a combination of 1 and λ with factors
/// below 2⁶⁵ in size: the shortest one has factors of about 2¹²⁷.
pub fn short_weight(a: u64, b: u64) -> Scalar {
    Scalar::from(a) - from_uint(MINUS_LAMBDA) * Scalar::from(b)
}

pub(super) fn from_uint(value: U256) -> Scalar {
    <Scalar as Reduce<U256>>::reduce(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use rand_core::SeedableRng;

    fn value(digits: &Digits) -> Scalar {
        digits.at.iter().rev().fold(Scalar::ZERO, |sum, digit| {
            let size = Scalar::from(u64::from(digit.unsigned_abs()));
            sum.double() + if *digit < 0 { -size } else { size }
        })
    }

    #[test]
    fn digits_stand_for_the_scalar_at_every_width() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(8);
        let lambda = -from_uint(MINUS_LAMBDA);
        let weight = short_weight(u64::MAX, 0x1234_5678_9abc_def1);
        assert_eq!(weight, Scalar::from(u64::MAX) + lambda * Scalar::from(0x1234_5678_9abc_def1u64));
        let mut scalars: alloc::vec::Vec<Scalar> = (0..50).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([Scalar::ZERO, Scalar::ONE, -Scalar::ONE, lambda, weight, -weight]);
        for width in 2..=8 {
            for scalar in &scalars {
                let [one, two] = split(scalar, width);
                assert_eq!(value(&one) + lambda * value(&two), *scalar);
                for digits in [&one, &two] {
                    let top = digits.at.iter().rposition(|digit| *digit != 0).map_or(0, |at| at + 1);
                    assert_eq!(digits.used, top);
                    for places in digits.at.windows(width as usize) {
                        assert!(places.iter().filter(|digit| **digit != 0).count() <= 1);
                    }
                    let odd = |digit: &i8| *digit == 0 || digit % 2 != 0;
                    assert!(digits.at.iter().all(|d| odd(d) && d.unsigned_abs() < 1 << (width - 1)));
                }
            }
            // A weight made of two short halves stays short: half the doublings.
            assert!(split(&weight, width).iter().all(|digits| digits.used <= 66));
        }
    }
}

//! Multi-scalar multiplication on secp256k1 for **public** values: Straus' interleaving with width-5 non-adjacent forms,
//! and the curve's endomorphism to halve the doublings (Gallant, Lambert, Vanstone, CRYPTO 2001; Guide to Elliptic
//! Curve Cryptography, Algorithm 3.74).
//!
//! Variable time throughout. `k256` offers a constant-time form only, which costs about twice as much.

use alloc::vec::Vec;
use k256::elliptic_curve::bigint::{Encoding, U256};
use k256::elliptic_curve::scalar::IsHigh;
use k256::{ProjectivePoint, Scalar};

/// round(2³⁸⁴·b₂/q) and round(2³⁸⁴·(−b₁)/q) for the short lattice basis (a₁,b₁), (a₂,b₂) of the endomorphism.
const G1: U256 = U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031");
const G2: U256 = U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71");
const MINUS_B1: U256 = U256::from_be_hex("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3");
const MINUS_B2: U256 = U256::from_be_hex("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c");
const MINUS_LAMBDA: U256 =
    U256::from_be_hex("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf");

/// Digits of a number below 2¹²⁹ in width-5 non-adjacent form, least significant first: odd, below 16 in size.
type Digits = [i8; 132];

/// Σ sᵢ·Pᵢ. Variable time: only for values that may be seen.
pub(crate) fn lincomb(terms: &[(Scalar, ProjectivePoint)]) -> ProjectivePoint {
    let mut rows: Vec<(Digits, [ProjectivePoint; 8])> = Vec::with_capacity(2 * terms.len());
    for (scalar, point) in terms {
        let (low, high) = split(scalar);
        let multiples = odd_multiples(point);
        if let Some(digits) = high {
            rows.push((digits, multiples.map(|multiple| multiple.endomorphism())));
        }
        rows.push((low, multiples));
    }
    let mut sum = ProjectivePoint::IDENTITY;
    let mut started = false;
    for position in (0..132).rev() {
        if started {
            sum = sum.double();
        }
        for (digits, multiples) in &rows {
            let digit = digits[position];
            if digit > 0 {
                sum += &multiples[(digit / 2) as usize];
            } else if digit < 0 {
                sum -= &multiples[(-digit / 2) as usize];
            }
            started |= digit != 0;
        }
    }
    sum
}

/// P, 3P, 5P, …, 15P.
fn odd_multiples(point: &ProjectivePoint) -> [ProjectivePoint; 8] {
    let double = point.double();
    let mut multiples = [*point; 8];
    for k in 1..8 {
        multiples[k] = multiples[k - 1] + double;
    }
    multiples
}

/// k = k₁ + k₂·λ with both halves below 2¹²⁸ in size. A k that is short already has no second half.
fn split(k: &Scalar) -> (Digits, Option<Digits>) {
    let value = U256::from(*k);
    if value.bits_vartime() <= 128 {
        return (non_adjacent(k), None);
    }
    let c1 = rounded_product(&value, &G1) * Scalar::from_uint(MINUS_B1);
    let c2 = rounded_product(&value, &G2) * Scalar::from_uint(MINUS_B2);
    let k2 = c1 + c2;
    let k1 = *k + k2 * Scalar::from_uint(MINUS_LAMBDA);
    (non_adjacent(&k1), Some(non_adjacent(&k2)))
}

/// round(k·g / 2³⁸⁴)
fn rounded_product(k: &U256, g: &U256) -> Scalar {
    let (_low, high): (U256, U256) = k.mul_wide(g);
    // Bit 383 of the product, which rounds, is bit 127 of its upper half.
    let up = U256::from(high.shr_vartime(127).bit_vartime(0) as u8);
    Scalar::from_uint(high.shr_vartime(128).wrapping_add(&up))
}

/// The form of k, taken as a number between −2¹²⁸ and 2¹²⁸.
fn non_adjacent(k: &Scalar) -> Digits {
    let negative = bool::from(k.is_high());
    let size = U256::from(if negative { -*k } else { *k });
    debug_assert!(size.bits_vartime() <= 128);
    let bytes = size.to_be_bytes();
    let mut low = [0u8; 16];
    low.copy_from_slice(&bytes[16..]);
    let mut rest = u128::from_be_bytes(low);
    let mut digits = [0i8; 132];
    let mut position = 0;
    // One more bit than 128 may be needed after a carry; it is kept beside `rest`.
    let mut carry = 0u128;
    while rest != 0 || carry != 0 {
        let bits = (rest & 31) + carry;
        if bits & 1 == 0 {
            // An even window with a carry of one is an odd `rest` plus one: pass the carry on.
            carry &= rest & 1;
            rest >>= 1;
            position += 1;
            continue;
        }
        let digit = if bits >= 16 { bits as i8 - 32 } else { bits as i8 };
        digits[position] = if negative { -digit } else { digit };
        carry = u128::from(bits >= 16);
        rest >>= 5;
        position += 5;
    }
    digits
}

trait FromUint {
    fn from_uint(value: U256) -> Self;
}

impl FromUint for Scalar {
    fn from_uint(value: U256) -> Self {
        <Scalar as k256::elliptic_curve::ops::Reduce<U256>>::reduce(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    fn naive(terms: &[(Scalar, ProjectivePoint)]) -> ProjectivePoint {
        terms.iter().map(|(s, p)| p * s).sum()
    }

    #[test]
    fn agrees_with_plain_multiplication() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(7);
        for size in [0usize, 1, 2, 3, 7, 20] {
            for _ in 0..20 {
                let terms: Vec<_> = (0..size)
                    .map(|_| (Scalar::random(&mut rng), ProjectivePoint::random(&mut rng)))
                    .collect();
                assert_eq!(lincomb(&terms), naive(&terms));
            }
        }
    }

    #[test]
    fn agrees_on_edge_scalars_and_the_identity() {
        let two = Scalar::from(2u64);
        let lambda = -Scalar::from_uint(MINUS_LAMBDA);
        assert_eq!(ProjectivePoint::GENERATOR * lambda, ProjectivePoint::GENERATOR.endomorphism());
        let mut scalars = alloc::vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, lambda, -lambda];
        for power in [4u64, 5, 31, 32, 63, 64, 126, 127, 128, 129, 192, 254, 255] {
            let value = two.pow_vartime([power]);
            scalars.extend([value, value - Scalar::ONE, value + Scalar::ONE, -value, value * lambda]);
        }
        // All windows of a run of ones and of 31s and 16s, where carries go furthest.
        for value in [u128::MAX, u128::MAX - 1, u128::MAX / 3, 0xf83e_0f83_e0f8_3e0f_83e0_f83e_0f83_e0f8] {
            scalars.extend([Scalar::from(value), -Scalar::from(value)]);
        }
        let point = ProjectivePoint::GENERATOR * Scalar::from(12345u64);
        for scalar in &scalars {
            assert_eq!(lincomb(&[(*scalar, point)]), point * scalar, "{scalar:?}");
            assert_eq!(lincomb(&[(*scalar, ProjectivePoint::IDENTITY)]), ProjectivePoint::IDENTITY);
            assert_eq!(lincomb(&[(*scalar, point), (-*scalar, point)]), ProjectivePoint::IDENTITY);
        }
    }
}

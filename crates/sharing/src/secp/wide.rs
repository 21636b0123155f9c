//! Sums of many products of **secret** scalars in constant time: the products are added up as integers, and reduced once at
//! the end.

use super::field::mul_add;
use super::naf::from_uint;
use k256::Scalar;
use k256::elliptic_curve::bigint::U256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 2²⁵⁶ less the order.
const FOLD: [u64; 3] = [0x402d_a173_2fc9_bebf, 0x4551_2319_50b7_5fc4, 1];

/// A running sum Σ aᵢ·bᵢ before reduction, of at most 2⁶⁴ products: 576 bits. Erased on drop.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Products([u64; 9]);

/// The words of a scalar, least significant first.
#[inline(always)]
fn words(scalar: &Scalar) -> [u64; 4] {
    U256::from(*scalar).to_words()
}

impl Products {
    /// Adds a·b.
    #[inline(always)]
    pub fn add(&mut self, a: &Scalar, b: &Scalar) {
        let (a, b) = (words(a), words(b));
        let sum = &mut self.0;
        let mut above = 0;
        for (i, a) in a.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in b.iter().enumerate() {
                (sum[i + j], carry) = mul_add(sum[i + j], *a, *b, carry);
            }
            // The carry of each row is added where the row ends, together with what the row before left over.
            let (word, one) = sum[i + 4].overflowing_add(carry);
            let (word, two) = word.overflowing_add(above);
            sum[i + 4] = word;
            above = u64::from(one) + u64::from(two);
        }
        sum[8] = sum[8].wrapping_add(above);
    }

    /// Adds a.
    #[inline(always)]
    pub fn add_scalar(&mut self, a: &Scalar) {
        let mut carry = false;
        for (at, word) in words(a).into_iter().enumerate() {
            let (sum, one) = self.0[at].overflowing_add(word);
            let (sum, two) = sum.overflowing_add(u64::from(carry));
            self.0[at] = sum;
            carry = one | two;
        }
        for word in &mut self.0[4..] {
            (*word, carry) = word.overflowing_add(u64::from(carry));
        }
    }

    /// The sum modulo the order.
    pub fn reduce(&self) -> Scalar {
        // 576 bits, then at most 450, 324 and 257, and a last time what is above 2²⁵⁶.
        let mut sum = folded::<1>(&folded::<2>(&folded::<4>(&folded::<5>(&self.0))));
        let reduced = from_uint(U256::from_words([sum[0], sum[1], sum[2], sum[3]]));
        sum.zeroize();
        reduced
    }
}

/// The same number modulo the order, with what is above 2²⁵⁶, of `ABOVE` words, put below.
#[inline(always)]
fn folded<const ABOVE: usize>(sum: &[u64; 9]) -> [u64; 9] {
    let mut folded = [sum[0], sum[1], sum[2], sum[3], 0, 0, 0, 0, 0];
    for at in 0..ABOVE {
        let above = sum[4 + at];
        let (word, carry) = mul_add(folded[at], above, FOLD[0], 0);
        folded[at] = word;
        let (word, carry) = mul_add(folded[at + 1], above, FOLD[1], carry);
        folded[at + 1] = word;
        let (word, carry) = mul_add(folded[at + 2], above, FOLD[2], carry);
        folded[at + 2] = word;
        // At most one word more is reached, and below it all is filled already.
        let mut carry = carry;
        for word in &mut folded[at + 3..(ABOVE + 3).max(5)] {
            let (low, high) = word.overflowing_add(carry);
            (*word, carry) = (low, u64::from(high));
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use rand_core::SeedableRng;

    #[test]
    fn sums_are_those_of_reduced_products() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(11);
        for count in [0usize, 1, 2, 3, 416] {
            let (mut sum, mut wanted) = (Products::default(), Scalar::ZERO);
            for _ in 0..count {
                let (a, b) = (Scalar::random(&mut rng), Scalar::random(&mut rng));
                sum.add(&a, &b);
                sum.add_scalar(&b);
                wanted += a * b + b;
            }
            assert_eq!(sum.reduce(), wanted);
        }
    }

    /// Carries run through every word, and the ninth is used.
    #[test]
    fn nothing_is_lost_at_the_top() {
        let largest = -Scalar::ONE;
        let (mut sum, mut wanted) = (Products::default(), Scalar::ZERO);
        for _ in 0..5000 {
            sum.add(&largest, &largest);
            sum.add_scalar(&largest);
            wanted += largest * largest + largest;
        }
        assert!(sum.0[8] > 4000);
        assert_eq!(sum.reduce(), wanted);
        let full = Products([u64::MAX; 9]);
        let mut more = Products([u64::MAX; 9]);
        more.0[8] = u64::MAX - 1;
        more.add_scalar(&Scalar::ONE);
        assert_eq!(more.0, [0, 0, 0, 0, 0, 0, 0, 0, u64::MAX]);
        let two_512 = full_low() + Scalar::ONE;
        assert_eq!(full.reduce(), two_512 * Scalar::from(u64::MAX) + full_low());
    }

    /// 2⁵¹² − 1 modulo the order.
    fn full_low() -> Scalar {
        let two = Scalar::from(2u64);
        two.pow_vartime([512]) - Scalar::ONE
    }
}

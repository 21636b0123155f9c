//! Sums of many products of **secret** scalars in constant time: the products are added up as integers, and reduced once at
//! the end.

use super::naf::from_uint;
use k256::Scalar;
use k256::elliptic_curve::bigint::{U256, U512};
use k256::elliptic_curve::ops::Reduce;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 2⁵¹² modulo the order.
const TWO_512: U256 = U256::from_be_hex("9d671cd581c69bc5e697f5e45bcd07c6741496c20e7cf878896cf21467d7d140");

/// A running sum Σ aᵢ·bᵢ before reduction, of at most 2⁶⁴ products: 576 bits. Erased on drop.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Products([u64; 9]);

/// The words of a scalar, least significant first.
#[inline(always)]
fn words(scalar: &Scalar) -> [u64; 4] {
    U256::from(*scalar).to_words()
}

/// a + b·c + carry, as its low word and what is above.
#[inline(always)]
fn mul_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    // At most (2⁶⁴−1) + (2⁶⁴−1)² + (2⁶⁴−1) = 2¹²⁸ − 1.
    let wide = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
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
        let mut low = [0u64; 8];
        low.copy_from_slice(&self.0[..8]);
        let sum = <Scalar as Reduce<U512>>::reduce(U512::from_words(low));
        low.zeroize();
        sum + from_uint(TWO_512) * Scalar::from(self.0[8])
    }
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
        assert_eq!(full.reduce(), from_uint(TWO_512) * Scalar::from(u64::MAX) + full_low());
    }

    /// 2⁵¹² − 1 modulo the order.
    fn full_low() -> Scalar {
        let two = Scalar::from(2u64);
        two.pow_vartime([512]) - Scalar::ONE
    }
}

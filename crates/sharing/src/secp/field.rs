//! The field of secp256k1, p = 2²⁵⁶ − 2³² − 977, in four words of 64 bits. **Constant time.**
//!
//! A value is any number below 2²⁵⁶ and stands for its residue; encoding and comparison bring it below p first. What
//! overflows 2²⁵⁶ comes back as a multiple of [`FOLD`]. A product takes half as long as in the five words of 52 bits
//! that `k256` has, for which compilers find no good code.

use super::inverse::inverse;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// 2²⁵⁶ − p
const FOLD: u64 = 0x1_0000_03d1;
/// p, the least significant word first.
const P: [u64; 4] = [FOLD.wrapping_neg(), u64::MAX, u64::MAX, u64::MAX];

/// A number below 2²⁵⁶ that stands for its residue modulo p.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fe([u64; 4]);

impl Zeroize for Fe {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// a + b·c + carry, as its low word and what is above; it is at most 2¹²⁸ − 1.
#[inline(always)]
pub(super) fn mul_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// [`FOLD`] or nothing.
#[inline(always)]
fn fold_if(carry: bool) -> u64 {
    u64::from(carry).wrapping_neg() & FOLD
}

impl Fe {
    pub const ZERO: Self = Self([0; 4]);
    pub const ONE: Self = Self([1, 0, 0, 0]);

    /// Of words, the least significant first.
    #[inline(always)]
    pub const fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// Below p, in words, the least significant first.
    pub fn words(&self) -> [u64; 4] {
        // One subtraction is enough: 2²⁵⁶ < 2p.
        let (mut less, mut borrow) = ([0; 4], false);
        for (at, less) in less.iter_mut().enumerate() {
            (*less, borrow) = self.0[at].borrowing_sub(P[at], borrow);
        }
        let keep = Choice::from(u8::from(borrow));
        core::array::from_fn(|at| u64::conditional_select(&less[at], &self.0[at], keep))
    }

    /// Of big-endian bytes; `None` unless below p. Tells whether it was.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let own = Self::from_canonical(bytes);
        (own.words() == own.0).then_some(own)
    }

    /// Of bytes that are known to be below p.
    #[inline]
    pub fn from_canonical(bytes: &[u8; 32]) -> Self {
        let mut words = [0u64; 4];
        for (word, bytes) in words.iter_mut().rev().zip(bytes.as_chunks().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        Self(words)
    }

    /// Big-endian bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(self.words().iter().rev()) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    #[inline(always)]
    pub fn add(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        let (r0, c) = a[0].carrying_add(b[0], false);
        let (r1, c) = a[1].carrying_add(b[1], c);
        let (r2, c) = a[2].carrying_add(b[2], c);
        let (r3, c) = a[3].carrying_add(b[3], c);
        let (r0, c) = r0.carrying_add(fold_if(c), false);
        let (r1, c) = r1.carrying_add(0, c);
        let (r2, c) = r2.carrying_add(0, c);
        let (r3, c) = r3.carrying_add(0, c);
        // If it overflows once more, less than FOLD is left, and a second FOLD stays in the lowest word.
        Self([r0.wrapping_add(fold_if(c)), r1, r2, r3])
    }

    #[inline(always)]
    pub fn sub(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        let (r0, c) = a[0].borrowing_sub(b[0], false);
        let (r1, c) = a[1].borrowing_sub(b[1], c);
        let (r2, c) = a[2].borrowing_sub(b[2], c);
        let (r3, c) = a[3].borrowing_sub(b[3], c);
        let (r0, c) = r0.borrowing_sub(fold_if(c), false);
        let (r1, c) = r1.borrowing_sub(0, c);
        let (r2, c) = r2.borrowing_sub(0, c);
        let (r3, c) = r3.borrowing_sub(0, c);
        // If it borrows once more, it is within FOLD of 2²⁵⁶, and a second FOLD comes off the lowest word.
        Self([r0.wrapping_sub(fold_if(c)), r1, r2, r3])
    }

    /// Half of it: of two numbers that stand for it, p apart, one is even.
    #[inline(always)]
    pub fn half(&self) -> Self {
        let odd = (self.0[0] & 1).wrapping_neg();
        let (r0, c) = self.0[0].carrying_add(P[0] & odd, false);
        let (r1, c) = self.0[1].carrying_add(P[1] & odd, c);
        let (r2, c) = self.0[2].carrying_add(P[2] & odd, c);
        let (r3, c) = self.0[3].carrying_add(P[3] & odd, c);
        Self([r0 >> 1 | r1 << 63, r1 >> 1 | r2 << 63, r2 >> 1 | r3 << 63, r3 >> 1 | u64::from(c) << 63])
    }

    #[inline(always)]
    pub fn double(&self) -> Self {
        self.add(self)
    }

    #[inline(always)]
    pub fn negate(&self) -> Self {
        Self::ZERO.sub(self)
    }

    /// The product with a small number.
    #[inline(always)]
    pub fn times(&self, small: u32) -> Self {
        let (a, small) = (&self.0, u64::from(small));
        let (r0, c) = mul_add(0, a[0], small, 0);
        let (r1, c) = mul_add(0, a[1], small, c);
        let (r2, c) = mul_add(0, a[2], small, c);
        let (r3, c) = mul_add(0, a[3], small, c);
        Self::reduced_top([r0, r1, r2, r3], c)
    }

    #[inline(always)]
    pub fn mul(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        let (r0, c) = mul_add(0, a[0], b[0], 0);
        let (r1, c) = mul_add(0, a[0], b[1], c);
        let (r2, c) = mul_add(0, a[0], b[2], c);
        let (r3, r4) = mul_add(0, a[0], b[3], c);
        let (r1, c) = mul_add(r1, a[1], b[0], 0);
        let (r2, c) = mul_add(r2, a[1], b[1], c);
        let (r3, c) = mul_add(r3, a[1], b[2], c);
        let (r4, r5) = mul_add(r4, a[1], b[3], c);
        let (r2, c) = mul_add(r2, a[2], b[0], 0);
        let (r3, c) = mul_add(r3, a[2], b[1], c);
        let (r4, c) = mul_add(r4, a[2], b[2], c);
        let (r5, r6) = mul_add(r5, a[2], b[3], c);
        let (r3, c) = mul_add(r3, a[3], b[0], 0);
        let (r4, c) = mul_add(r4, a[3], b[1], c);
        let (r5, c) = mul_add(r5, a[3], b[2], c);
        let (r6, r7) = mul_add(r6, a[3], b[3], c);
        Self::reduced([r0, r1, r2, r3], [r4, r5, r6, r7])
    }

    #[inline(always)]
    pub fn square(&self) -> Self {
        let a = &self.0;
        // Products of different words, once each, then doubled.
        let (r1, c) = mul_add(0, a[0], a[1], 0);
        let (r2, c) = mul_add(0, a[0], a[2], c);
        let (r3, r4) = mul_add(0, a[0], a[3], c);
        let (r3, c) = mul_add(r3, a[1], a[2], 0);
        let (r4, r5) = mul_add(r4, a[1], a[3], c);
        let (r5, r6) = mul_add(r5, a[2], a[3], 0);
        let r7 = r6 >> 63;
        let r6 = r6 << 1 | r5 >> 63;
        let r5 = r5 << 1 | r4 >> 63;
        let r4 = r4 << 1 | r3 >> 63;
        let r3 = r3 << 1 | r2 >> 63;
        let r2 = r2 << 1 | r1 >> 63;
        let r1 = r1 << 1;
        let (r0, s0) = mul_add(0, a[0], a[0], 0);
        let (s1, s2) = mul_add(0, a[1], a[1], 0);
        let (s3, s4) = mul_add(0, a[2], a[2], 0);
        let (s5, s6) = mul_add(0, a[3], a[3], 0);
        let (r1, c) = r1.carrying_add(s0, false);
        let (r2, c) = r2.carrying_add(s1, c);
        let (r3, c) = r3.carrying_add(s2, c);
        let (r4, c) = r4.carrying_add(s3, c);
        let (r5, c) = r5.carrying_add(s4, c);
        let (r6, c) = r6.carrying_add(s5, c);
        let (r7, _) = r7.carrying_add(s6, c);
        Self::reduced([r0, r1, r2, r3], [r4, r5, r6, r7])
    }

    /// low + 2²⁵⁶·high
    #[inline(always)]
    fn reduced(low: [u64; 4], high: [u64; 4]) -> Self {
        let (r0, c) = mul_add(low[0], high[0], FOLD, 0);
        let (r1, c) = mul_add(low[1], high[1], FOLD, c);
        let (r2, c) = mul_add(low[2], high[2], FOLD, c);
        let (r3, c) = mul_add(low[3], high[3], FOLD, c);
        Self::reduced_top([r0, r1, r2, r3], c)
    }

    /// words + 2²⁵⁶·top for a top of at most 34 bits.
    #[inline(always)]
    fn reduced_top([r0, r1, r2, r3]: [u64; 4], top: u64) -> Self {
        let (r0, c) = mul_add(r0, top, FOLD, 0);
        let (r1, c) = r1.carrying_add(c, false);
        let (r2, c) = r2.carrying_add(0, c);
        let (r3, c) = r3.carrying_add(0, c);
        // If it overflows, less than 2⁶⁸ is left, so a last FOLD ends in the second word.
        let (r0, c) = r0.carrying_add(fold_if(c), false);
        Self([r0, r1.wrapping_add(u64::from(c)), r2, r3])
    }

    /// self^(2^times)
    fn squares(&self, times: usize) -> Self {
        (0..times).fold(*self, |value, _| value.square())
    }

    /// The inverse; zero for zero.
    pub fn invert(&self) -> Self {
        Self(inverse(self.words()))
    }

    /// self^((p+1)/4): a square root if there is one.
    pub fn root(&self) -> Self {
        let x2 = self.square().mul(self);
        let x3 = x2.square().mul(self);
        let x6 = x3.squares(3).mul(&x3);
        let x9 = x6.squares(3).mul(&x3);
        let x11 = x9.squares(2).mul(&x2);
        let x22 = x11.squares(11).mul(&x11);
        let x44 = x22.squares(22).mul(&x22);
        let x88 = x44.squares(44).mul(&x44);
        let x176 = x88.squares(88).mul(&x88);
        let x220 = x176.squares(44).mul(&x44);
        let x223 = x220.squares(3).mul(&x3);
        x223.squares(23).mul(&x22).squares(6).mul(&x2).squares(2)
    }

    pub fn is_zero(&self) -> Choice {
        self.words().as_slice().ct_eq(Self::ZERO.0.as_slice())
    }

    /// The same in **variable** time.
    #[inline(always)]
    pub fn is_zero_vartime(&self) -> bool {
        self.0 == [0; 4] || self.0 == P
    }

    pub fn is_odd(&self) -> Choice {
        Choice::from((self.words()[0] & 1) as u8)
    }

    #[inline(always)]
    pub fn select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self(core::array::from_fn(|at| u64::conditional_select(&a.0[at], &b.0[at], choice)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::FieldElement;
    use proptest::prelude::*;

    fn theirs(value: &Fe) -> FieldElement {
        FieldElement::from_bytes(&value.to_bytes().into()).unwrap()
    }

    fn same(ours: Fe, theirs: FieldElement) -> bool {
        ours.to_bytes() == <[u8; 32]>::from(theirs.normalize().to_bytes())
    }

    fn agree(a: Fe, b: Fe, small: u32) {
        let (x, y) = (theirs(&a), theirs(&b));
        assert!(same(a.add(&b), x + y));
        assert!(same(a.sub(&b), x + y.negate(1)));
        assert!(same(a.negate(), x.negate(1)) && same(a.double(), x.double()));
        assert!(same(a.mul(&b), x * y) && same(a.square(), x.square()));
        assert!(same(a.times(small), x * FieldElement::from(u64::from(small))));
        assert_eq!(bool::from(a.is_zero()), bool::from(x.normalize().is_zero()));
        assert_eq!(bool::from(a.is_zero()), a.is_zero_vartime());
        assert!(same(a.half().double(), x));
        assert_eq!(bool::from(a.is_odd()), bool::from(x.normalize().is_odd()));
        let inverse = a.invert();
        assert!(same(inverse, x.invert().unwrap_or(FieldElement::ZERO)));
        let root: Option<FieldElement> = x.sqrt().into();
        assert_eq!(same(a.root().square(), x), root.is_some());
        assert!(same(Fe::select(&a, &b, Choice::from(1)), y) && same(Fe::select(&a, &b, Choice::from(0)), x));
    }

    /// Everything near the places where something carries, borrows or wraps.
    #[test]
    fn edges_agree_with_k256() {
        let mut edges: alloc::vec::Vec<Fe> = alloc::vec![];
        for low in
            [0, 1, 2, 976, 977, FOLD - 1, FOLD, FOLD + 1, P[0] - 1, P[0], P[0] + 1, u64::MAX - 1, u64::MAX]
        {
            for rest in [[0; 3], [u64::MAX; 3], [0, 0, u64::MAX], [u64::MAX, 0, 1 << 63]] {
                edges.push(Fe([low, rest[0], rest[1], rest[2]]));
            }
        }
        for a in &edges {
            for b in &edges {
                agree(*a, *b, u32::MAX);
            }
        }
    }

    proptest! {
        #[test]
        fn any_agree_with_k256(a: [u64; 4], b: [u64; 4], small: u32) {
            agree(Fe(a), Fe(b), small);
        }

        #[test]
        fn bytes_are_canonical(bytes: [u8; 32]) {
            let read = Fe::from_bytes(&bytes).unwrap();
            prop_assert_eq!(read.to_bytes(), bytes);
            prop_assert_eq!(Fe::from_canonical(&bytes).words(), read.words());
        }
    }

    #[test]
    fn numbers_from_p_on_are_refused() {
        let mut bytes = [0xff; 32];
        assert!(Fe::from_bytes(&bytes).is_none());
        bytes[24..].copy_from_slice(&P[0].to_be_bytes());
        assert!(Fe::from_bytes(&bytes).is_none());
        bytes[31] -= 1;
        assert_eq!(Fe::from_bytes(&bytes).unwrap().words(), Fe::ONE.negate().words());
    }
}

//! Multiples of a base that stays, from a table of it, in **constant time**.
//!
//! The scalar is written in signed digits of 5 bits, and for each of their 52 places the table has the base's multiples
//! 1·32^i … 16·32^i: one addition a place and no doubling. Every lookup reads the whole row. Many sums share one
//! inversion.

use super::jacobian::{Affine, Jacobian, affine_of, to_points};
use super::many;
use super::point::{Plain, Point, divided, normalize};
use alloc::boxed::Box;
use alloc::vec::Vec;
use k256::Scalar;
use once_cell::race::OnceBox;
use subtle::Choice;
use zeroize::{Zeroize, Zeroizing};

/// Bits of a digit.
const WIDTH: usize = 5;
/// Digits of a scalar.
pub(super) const PLACES: usize = 52;
/// Multiples of a place.
pub(super) const ROW: usize = 1 << (WIDTH - 1);

/// A multiple: x, then y, in words, the least significant first.
pub(super) type Entry = [u64; 8];

/// A base with its table of 53 KB; that of the identity is empty.
pub struct FixedBase(Vec<[Entry; ROW]>);

impl FixedBase {
    /// Makes the table: about as much work as eight products. The base is public.
    pub fn new(base: &Point) -> Self {
        let Some(base) = normalize(core::slice::from_ref(base))[0].affine() else { return Self(Vec::new()) };
        let mut places = Vec::with_capacity(PLACES);
        let mut place = Jacobian::IDENTITY.add(&base);
        for _ in 0..PLACES {
            places.push(place);
            place = (0..WIDTH).fold(place, |point, _| point.double());
        }
        let mut multiples = Vec::with_capacity(PLACES * ROW);
        // None of them is the identity: 16·32^51 is no multiple of the order, which is prime.
        for place in affine_of(&places).into_iter().flatten() {
            let mut multiple = Jacobian::IDENTITY;
            for _ in 0..ROW {
                multiple = multiple.add(&place);
                multiples.push(multiple);
            }
        }
        let entries: Vec<Entry> = affine_of(&multiples).iter().flatten().map(Affine::words).collect();
        Self(entries.as_chunks().0.to_vec())
    }

    /// s·base for a **secret** s.
    pub fn mul(&self, scalar: &Scalar) -> Point {
        fixed_sums(&[alloc::vec![(self, scalar)]])[0]
    }

    /// The multiples by place.
    pub(super) fn rows(&self) -> &[[Entry; ROW]] {
        &self.0
    }

    /// Adds s·base.
    fn add_product(&self, sum: &mut Point, scalar: &Scalar) {
        let digits = Zeroizing::new(signed_digits(scalar));
        for (row, digit) in self.0.iter().zip(digits.iter()) {
            let (size, minus, none) = parts(*digit);
            sum.add_words(&Plain, &select(row, size), minus, none);
        }
    }
}

/// Sums of products of **secret** scalars with fixed bases, with one inversion for all.
pub fn fixed_sums(sums: &[Vec<(&FixedBase, &Scalar)>]) -> Vec<Point> {
    if sums.len() >= many::FEWEST
        && let Some(all) = many::sums(sums)
    {
        return all;
    }
    let one = |terms: &Vec<(&FixedBase, &Scalar)>| {
        let mut sum = Point::IDENTITY;
        terms.iter().for_each(|(base, scalar)| base.add_product(&mut sum, scalar));
        sum
    };
    // Z of a product can tell of its scalar.
    divided(&Zeroizing::new(sums.iter().map(one).collect::<Vec<_>>()))
}

/// Σ dᵢ·32ⁱ with −16 ≤ dᵢ ≤ 16.
pub(super) fn signed_digits(scalar: &Scalar) -> [i8; PLACES] {
    let mut bytes = scalar.to_bytes();
    bytes.reverse();
    let digits = digits_of::<WIDTH, PLACES>(&bytes);
    bytes[..].zeroize();
    digits
}

/// The same of little-endian bytes, of any length that leaves room for a carry in the last place.
pub(super) fn digits_of<const WIDTH: usize, const N: usize>(bytes: &[u8]) -> [i8; N] {
    let mut digits = [0i8; N];
    for (place, digit) in digits.iter_mut().enumerate() {
        let (byte, shift) = (place * WIDTH / 8, place * WIDTH % 8);
        let [low, high] = [byte, byte + 1].map(|at| u16::from(bytes.get(at).copied().unwrap_or_default()));
        *digit = ((low | high << 8) >> shift & ((1 << WIDTH) - 1)) as i8;
    }
    for place in 0..N - 1 {
        let carry = (digits[place] + (1 << (WIDTH - 1))) >> WIDTH;
        digits[place] -= carry << WIDTH;
        digits[place + 1] += carry;
    }
    digits
}

/// The size of a digit, whether it is negative, and whether it is zero.
pub(super) fn parts(digit: i8) -> (u8, Choice, Choice) {
    let sign = digit >> 7;
    let size = ((digit + sign) ^ sign) as u8;
    let none = u64::from(size).wrapping_sub(1) >> 63;
    (size, Choice::from((sign & 1) as u8), Choice::from(none as u8))
}

/// The multiple of a row that is `size` times its base; zeros for none.
pub(super) fn select<const N: usize>(row: &[Entry; N], size: u8) -> Entry {
    let mut out = [0u64; 8];
    for (at, multiple) in row.iter().enumerate() {
        let other = u64::from(size ^ (at as u8 + 1));
        // All ones where the two are equal; hidden from the compiler, so that it makes no branch of it.
        let mask = core::hint::black_box((other.wrapping_sub(1) >> 63).wrapping_neg());
        out.iter_mut().zip(multiple).for_each(|(out, word)| *out |= word & mask);
    }
    out
}

/// The table of the generator, made once.
pub fn generator() -> &'static FixedBase {
    static TABLE: OnceBox<FixedBase> = OnceBox::new();
    TABLE.get_or_init(|| Box::new(FixedBase::new(&Point::GENERATOR)))
}

/// s·G for a **public** s.
pub(crate) fn mul_generator_vartime(scalar: &Scalar) -> Point {
    static TABLE: OnceBox<Vec<Affine>> = OnceBox::new();
    let table =
        TABLE.get_or_init(|| Box::new(generator().0.as_flattened().iter().map(Affine::from_words).collect()));
    let mut sum = Jacobian::IDENTITY;
    for (row, digit) in table.chunks_exact(ROW).zip(signed_digits(scalar)) {
        let Some(at) = usize::from(digit.unsigned_abs()).checked_sub(1) else { continue };
        sum = sum.add(&if digit < 0 { row[at].negated() } else { row[at] });
    }
    to_points(&[sum])[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;
    use group::Group;
    use rand_core::SeedableRng;

    #[test]
    fn products_are_those_of_k256() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(9);
        let mut scalars: Vec<Scalar> = (0..40).map(|_| Scalar::random(&mut rng)).collect();
        scalars.extend([0u64, 1, 15, 16, 17, 31, 32, 33, 48, 63, 64].map(Scalar::from));
        scalars.extend([Scalar::ONE, Scalar::from(16u64)].map(|scalar| -scalar));
        // Digits of 16 and carries through every place.
        scalars.extend(
            [0x84u8, 0x42, 0x21, 0xf0, 0x82, 0x08, 0x20, 0xff]
                .map(|byte| crate::curves::secp256k1_reduce(&[byte; 32])),
        );
        let point = Point::random(&mut rng);
        let (base, none) = (FixedBase::new(&point), FixedBase::new(&(point - point)));
        for scalar in &scalars {
            assert_eq!(base.mul(scalar), point * scalar);
            assert_eq!(generator().mul(scalar), Point::GENERATOR * scalar);
            assert_eq!(mul_generator_vartime(scalar), Point::GENERATOR * scalar);
            assert_eq!(none.mul(scalar), Point::IDENTITY);
        }
    }

    /// The same base twice: the sum of equal points, and of a point and its negative, within one sum.
    #[test]
    fn sums_are_right_in_every_special_case() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(10);
        let point = Point::random(&mut rng);
        let base = FixedBase::new(&point);
        let (one, minus, three) = (Scalar::ONE, -Scalar::ONE, Scalar::from(3u64));
        let random = Scalar::random(&mut rng);
        let sums = [
            alloc::vec![],
            alloc::vec![(&base, &one), (&base, &one)],
            alloc::vec![(&base, &one), (&base, &minus)],
            alloc::vec![(&base, &random), (generator(), &three), (&base, &minus)],
            alloc::vec![(&base, &one), (&base, &minus), (&base, &three)],
        ];
        let wanted = [
            Point::IDENTITY,
            point.double(),
            Point::IDENTITY,
            point * (random - one) + Point::GENERATOR * three,
            point * three,
        ];
        assert_eq!(fixed_sums(&sums), wanted);
        assert!(fixed_sums(&[]).is_empty());
    }
}

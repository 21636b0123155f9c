//! Linear algebra over bits: the hash over GF(2^128) of the consistency check, and the bit-matrix transpose.

use alloc::vec;
use alloc::vec::Vec;
use polyval::universal_hash::{KeyInit, UniversalHash};
use polyval::{Block, Polyval};
use zeroize::{Zeroize, Zeroizing};

/// Bits in a block, rows in a transposed square, columns of an extension.
pub(crate) const BLOCK: usize = 128;

/// The product of the field GF(2^128) as POLYVAL defines it: a·b·x^−128 modulo x^128+x^127+x^126+x^121+1
/// (RFC 8452 §3). Up to the constant factor it is the field's product, which is all that a universal hash needs.
fn keyed(key: u128) -> Polyval {
    Polyval::new(&Block::from(key.to_le_bytes()))
}

fn product(key: &Polyval, value: u128) -> u128 {
    // The hash's own state is erased by the crate (its feature `zeroize`), the blocks here.
    let mut block = Block::from(value.to_le_bytes());
    let mut hash = key.clone();
    hash.update(core::slice::from_ref(&block));
    block[..].zeroize();
    let mut tag = hash.finalize();
    let product = tag.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte));
    tag[..].zeroize();
    product
}

/// Hashes each column of `width` = χ.len() + 1 blocks to Σ_j χ_j·block_j + last block (eprint 2022/192, the universal
/// hash of its consistency check: a
/// 2^−128-almost universal linear hash; the last block is the sacrificed one, so the result hides the others).
///
/// Constant time in the columns.
pub(crate) fn linear_hash(chi: &[u128], columns: &[u128]) -> Zeroizing<Vec<u128>> {
    let width = chi.len() + 1;
    let mut sums = Zeroizing::new(vec![0u128; columns.len() / width]);
    for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(width)) {
        *sum = column[width - 1];
    }
    for (j, &coefficient) in chi.iter().enumerate() {
        let key = keyed(coefficient);
        for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(width)) {
            *sum ^= product(&key, column[j]);
        }
    }
    sums
}

/// Transposes a 128 × 128 bit matrix in place: bit c of word r and bit r of word c change places.
pub(crate) fn transpose(matrix: &mut [u128; BLOCK]) {
    // Swap off-diagonal squares of halving size (Hacker's Delight, 7-3).
    let mut size = 64usize;
    let mut mask = u128::MAX >> 64;
    while size != 0 {
        let mut row = 0;
        while row < BLOCK {
            let swap = ((matrix[row] >> size) ^ matrix[row + size]) & mask;
            matrix[row] ^= swap << size;
            matrix[row + size] ^= swap;
            row = (row + size + 1) & !size;
        }
        size >>= 1;
        mask ^= mask << size.max(1);
    }
}

/// Turns 128 columns of `width` blocks into `rows` row words, leaving out the padding and the sacrificed block.
pub(crate) fn rows_of(columns: &[u128], width: usize, rows: usize) -> Zeroizing<Vec<u128>> {
    let mut out = Zeroizing::new(vec![0u128; rows]);
    let mut square = Zeroizing::new([0u128; BLOCK]);
    for (block, target) in out.chunks_mut(BLOCK).enumerate() {
        for (word, column) in square.iter_mut().zip(columns.chunks_exact(width)) {
            *word = column[block];
        }
        transpose(&mut square);
        target.copy_from_slice(&square[..target.len()]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mul(a: u128, b: u128) -> u128 {
        product(&keyed(a), b)
    }

    /// x·a, bit by bit.
    fn times_x(a: u128) -> u128 {
        (a << 1) ^ if a >> 127 == 1 { 1 | 1 << 121 | 1 << 126 | 1 << 127 } else { 0 }
    }

    /// The schoolbook product, then multiplied by x^−128 the slow way: by asking which value times x^128 gives it.
    fn schoolbook(a: u128, b: u128) -> u128 {
        (0..128).rev().fold(0, |sum, i| times_x(sum) ^ if b >> i & 1 == 1 { a } else { 0 })
    }

    proptest! {
        #[test]
        fn product_is_the_fields(a: u128, b: u128) {
            let scaled = (0..128).fold(mul(a, b), |value, _| times_x(value));
            prop_assert_eq!(scaled, schoolbook(a, b));
        }

        #[test]
        fn field_laws(a: u128, b: u128, c: u128) {
            prop_assert_eq!(mul(a, b), mul(b, a));
            prop_assert_eq!(mul(mul(a, b), c), mul(a, mul(b, c)));
            prop_assert_eq!(mul(a, b ^ c), mul(a, b) ^ mul(a, c));
            let one = (0..128).fold(1, |value, _| times_x(value));
            prop_assert_eq!(mul(a, one), a);
            prop_assert_eq!(mul(a, b) == 0, a == 0 || b == 0);
        }

        #[test]
        fn hash_is_linear_and_sees_every_block(
            chi in proptest::collection::vec(1u128.., 4), a in proptest::collection::vec(any::<u128>(), 10),
            b in proptest::collection::vec(any::<u128>(), 10), at in 0usize..10, flip in 1u128..,
        ) {
            let sum: Vec<u128> = a.iter().zip(&b).map(|(a, b)| a ^ b).collect();
            let (ha, hb, hs) = (linear_hash(&chi, &a), linear_hash(&chi, &b), linear_hash(&chi, &sum));
            prop_assert_eq!(hs[0], ha[0] ^ hb[0]);
            prop_assert_eq!(hs[1], ha[1] ^ hb[1]);
            let mut changed = a.clone();
            changed[at] ^= flip;
            let hc = linear_hash(&chi, &changed);
            prop_assert_ne!(hc[at / 5], ha[at / 5]);
            prop_assert_eq!(hc[1 - at / 5], ha[1 - at / 5]);
        }

        #[test]
        fn transpose_is_bitwise(seed: [u8; 16]) {
            let mut matrix = [0u128; BLOCK];
            quorate_sharing::prg::fill(&seed, &mut matrix);
            let before = matrix;
            transpose(&mut matrix);
            for (r, word) in matrix.iter().enumerate() {
                for (c, column) in before.iter().enumerate() {
                    prop_assert_eq!(word >> c & 1, column >> r & 1);
                }
            }
            transpose(&mut matrix);
            prop_assert_eq!(matrix, before);
        }

        #[test]
        fn rows_cross_blocks(rows in 1usize..300, seed: [u8; 16]) {
            let width = rows.div_ceil(BLOCK) + 1;
            let mut columns = alloc::vec![0u128; BLOCK * width];
            quorate_sharing::prg::fill(&seed, &mut columns);
            let out = rows_of(&columns, width, rows);
            prop_assert_eq!(out.len(), rows);
            for (r, word) in out.iter().enumerate() {
                for c in 0..BLOCK {
                    prop_assert_eq!(word >> c & 1, columns[c * width + r / BLOCK] >> (r % BLOCK) & 1);
                }
            }
        }
    }
}

//! Fast expansion of short secrets, for oblivious transfer (docs/spec §4.1).
//!
//! Both primitives take a **salt**, which is a [`crate::Transcript`] digest: it carries the domain tag, the SSID and
//! whatever else the use is bound to. So the one transcript stays the root of all hashing, and the inner loops cost
//! one SHA-256 compression or one AES call each.
//!
//! Why SHA-256 and not fixed-key AES for the rows of an OT extension: the hash is used as a random oracle with one
//! tweak (salt, index) per row, so guessing the extension's Δ costs 2^128 however many rows there are. Fixed-key AES
//! in its best tweakable mode (TMMO, eprint 2019/074) loses a factor of about the number of rows hashed.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block};
use sha2::digest::core_api::Block as HashBlock;
use sha2::{Sha256VarCore, compress256};
use zeroize::Zeroize;

/// How many AES blocks are in flight at once; what the `aes` crate handles in one go with hardware support.
const LANES: usize = 8;

/// The longest secret that [`derive`] takes, in bytes: two blocks of SHA-256 less all that goes around it.
pub const MAX_SECRET: usize = 2 * 64 - 37 - 9;

/// SHA-256's initial state (FIPS 180-4 §5.3.3).
const SHA256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256(salt ‖ index ‖ part ‖ secret), `index` as four big-endian bytes: one compression for secrets of up to
/// 18 bytes. The result is as secret as `secret`; the caller erases it.
///
/// Injective: all fields but the last have fixed lengths. It cannot meet [`crate::Transcript::expand`], which hashes
/// 40 bytes: here there are at least 45 for any secret of 8 bytes or more.
///
/// # Panics
/// If `secret` is longer than [`MAX_SECRET`] bytes: lengths here are constants of the caller's.
pub fn derive(salt: &[u8; 32], index: u32, part: u8, secret: &[u8]) -> [u8; 32] {
    debug_assert!(secret.len() >= 8, "shorter secrets could be mistaken for an expansion's counter");
    assert!(secret.len() <= MAX_SECRET, "a secret of more than {MAX_SECRET} bytes");
    // Blocks of our own and not the crate's hasher, which would leave the secret in its buffer.
    let length = 37 + secret.len();
    let mut blocks = [HashBlock::<Sha256VarCore>::default(); 2];
    let [first, second] = &mut blocks;
    first[..32].copy_from_slice(salt);
    first[32..36].copy_from_slice(&index.to_be_bytes());
    first[36] = part;
    let (head, tail) = secret.split_at(secret.len().min(64 - 37));
    first[37..][..head.len()].copy_from_slice(head);
    second[..tail.len()].copy_from_slice(tail);
    // Padding (FIPS 180-4 §5.1.1): a one bit, zeros, the length in bits at the end of the last block.
    blocks[length / 64][length % 64] = 0x80;
    let used = (length + 9).div_ceil(64);
    blocks[used - 1][62..].copy_from_slice(&(length as u16 * 8).to_be_bytes());
    let out = compress(&blocks[..used]);
    blocks.iter_mut().for_each(|block| block[..].zeroize());
    out
}

/// SHA-256 of padded blocks; the state is erased.
fn compress(blocks: &[HashBlock<Sha256VarCore>]) -> [u8; 32] {
    let mut state = SHA256_START;
    compress256(&mut state, blocks);
    let mut out = [0u8; 32];
    for (bytes, word) in out.chunks_exact_mut(4).zip(&state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    state.zeroize();
    out
}

/// [`derive`] of many 16-byte secrets under one salt, each at the price of bare compressions: the inner loop of OT.
///
/// Each call writes over what the one before left; the last is erased on drop.
pub struct Deriver(HashBlock<Sha256VarCore>);

impl Deriver {
    /// Under a salt, as [`derive`].
    pub fn new(salt: &[u8; 32]) -> Self {
        // 53 bytes of message fit one block with their padding (FIPS 180-4 §5.1.1).
        let mut block = HashBlock::<Sha256VarCore>::default();
        block[..32].copy_from_slice(salt);
        block[53] = 0x80;
        block[62..].copy_from_slice(&(53u16 * 8).to_be_bytes());
        Self(block)
    }

    /// [`derive`] for parts 0 to N − 1, each as a big-endian number in words, the least significant first. As secret as
    /// `secret`; the caller erases them.
    #[inline]
    pub fn numbers<const N: usize>(&mut self, index: u32, secret: &[u8; 16]) -> [[u64; 4]; N] {
        self.0[32..36].copy_from_slice(&index.to_be_bytes());
        self.0[37..53].copy_from_slice(secret);
        let mut out = [[0u64; 4]; N];
        for (part, out) in out.iter_mut().enumerate() {
            self.0[36] = part as u8;
            let mut state = SHA256_START;
            compress256(&mut state, core::slice::from_ref(&self.0));
            for (word, two) in out.iter_mut().rev().zip(state.chunks_exact(2)) {
                *word = u64::from(two[0]) << 32 | u64::from(two[1]);
            }
            state.zeroize();
        }
        out
    }
}

impl Drop for Deriver {
    fn drop(&mut self) {
        self.0[..].zeroize();
    }
}

/// AES-128 in counter mode from zero, little-endian blocks, under one key after another.
///
/// A key must be used once: derive it with [`derive`] under a fresh salt. Constant time (AES instructions, or the
/// bit-sliced code of the `aes` crate); the round keys are erased, and what is in flight on drop.
#[derive(Default)]
pub struct Filler([Block; LANES]);

impl Filler {
    /// Fills `out` with the stream of `key`.
    pub fn fill(&mut self, key: &[u8; 16], out: &mut [u128]) {
        let cipher = Aes128Enc::new(key.into());
        let lanes = &mut self.0;
        let mut counter = 0u128;
        for chunk in out.chunks_mut(LANES) {
            for lane in &mut lanes[..chunk.len()] {
                *lane = counter.to_be_bytes().into();
                counter += 1;
            }
            cipher.encrypt_blocks(&mut lanes[..chunk.len()]);
            for (word, lane) in chunk.iter_mut().zip(&*lanes) {
                *word = u128::from_le_bytes((*lane).into());
            }
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|lane| lane[..].zeroize());
    }
}

/// Fills `out` with the stream of one key, as [`Filler`] does.
pub fn fill(key: &[u8; 16], out: &mut [u128]) {
    Filler::default().fill(key, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use sha2::{Digest, Sha256};

    /// FIPS 197 has no counter-mode vectors with a zero start; these are SP 800-38A's block cipher on counters 0 and 1.
    #[test]
    fn fill_is_aes_of_a_counter() {
        let mut out = [0u128; 19];
        fill(&[0; 16], &mut out);
        // AES-128 with the zero key of the zero block (the subkey H of GCM test case 1) and of the block 1.
        assert_eq!(hex::encode(out[0].to_le_bytes()), "66e94bd4ef8a2c3b884cfa59ca342b2e");
        assert_eq!(hex::encode(out[1].to_le_bytes()), "58e2fccefa7e3061367f1d57a4e7455a");
        let mut short = [0u128; 3];
        fill(&[0; 16], &mut short);
        assert_eq!(short, out[..3]);
        let mut seen = out.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), out.len(), "every block has its own counter");
    }

    #[test]
    fn derive_separates_every_input() {
        let base = derive(&[1; 32], 2, 3, &[4; 16]);
        assert_ne!(base, derive(&[0; 32], 2, 3, &[4; 16]));
        assert_ne!(base, derive(&[1; 32], 0, 3, &[4; 16]));
        assert_ne!(base, derive(&[1; 32], 2, 0, &[4; 16]));
        assert_ne!(base, derive(&[1; 32], 2, 3, &[0; 16]));
        assert_ne!(base, derive(&[1; 32], 2, 3, &[4; 17]));
        let mut flat = [1u8; 53].to_vec();
        flat[32..36].copy_from_slice(&2u32.to_be_bytes());
        flat[36] = 3;
        flat[37..].fill(4);
        assert_eq!(base, <[u8; 32]>::from(Sha256::digest(&flat)));
        for length in 8..=MAX_SECRET {
            flat.truncate(37);
            flat.resize(37 + length, 0x5a);
            let hashed = <[u8; 32]>::from(Sha256::digest(&flat));
            assert_eq!(derive(&[1; 32], 2, 3, &flat[37..]), hashed, "padding for {length} bytes");
        }
        let mut deriver = Deriver::new(&[1; 32]);
        for (index, secret) in [(9, [7; 16]), (2, [4; 16])] {
            let numbers = deriver.numbers::<4>(index, &secret);
            for (part, words) in numbers.iter().enumerate() {
                let bytes: Vec<u8> = words.iter().rev().flat_map(|word| word.to_be_bytes()).collect();
                assert_eq!(bytes, derive(&[1; 32], index, part as u8, &secret));
            }
        }
    }
}

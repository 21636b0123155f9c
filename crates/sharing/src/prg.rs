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
use aes::{Aes128, Block};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// How many AES blocks are in flight at once; what the `aes` crate handles in one go with hardware support.
const LANES: usize = 8;

/// SHA-256(salt ‖ index ‖ part ‖ secret), `index` as four big-endian bytes: one compression for secrets of up to
/// 18 bytes. The result is as secret as `secret`; the caller erases it.
///
/// Injective: all fields but the last have fixed lengths. It cannot meet [`crate::Transcript::expand`], which hashes
/// 40 bytes: here there are at least 45 for any secret of 8 bytes or more.
pub fn derive(salt: &[u8; 32], index: u32, part: u8, secret: &[u8]) -> [u8; 32] {
    debug_assert!(secret.len() >= 8, "shorter secrets could be mistaken for an expansion's counter");
    Sha256::new()
        .chain_update(salt)
        .chain_update(index.to_be_bytes())
        .chain_update([part])
        .chain_update(secret)
        .finalize()
        .into()
}

/// Fills `out` with AES-128 in counter mode from zero, little-endian blocks.
///
/// A key must be used once: derive it with [`derive`] under a fresh salt. Constant time (AES instructions, or the
/// bit-sliced code of the `aes` crate); the round keys are erased.
pub fn fill(key: &[u8; 16], out: &mut [u128]) {
    let cipher = Aes128::new(key.into());
    let mut lanes = [Block::default(); LANES];
    let mut counter = 0u128;
    for chunk in out.chunks_mut(LANES) {
        for lane in &mut lanes[..chunk.len()] {
            *lane = counter.to_be_bytes().into();
            counter += 1;
        }
        cipher.encrypt_blocks(&mut lanes[..chunk.len()]);
        for (word, lane) in chunk.iter_mut().zip(&lanes) {
            *word = u128::from_le_bytes((*lane).into());
        }
    }
    lanes.iter_mut().for_each(|lane| lane.as_mut_slice().zeroize());
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}

//! Deterministic mutation: the same seed gives the same inputs on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// The longest input that is made. Longer seeds are mutated without growing.
const LONGEST: usize = 1 << 16;

/// A stream of mutated inputs.
pub struct Mutator(ChaCha8Rng);

/// Numbers at which decoders have their limits.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

impl Mutator {
    /// A stream by number and name.
    pub fn new(seed: u64, name: &str) -> Self {
        let folded = name
            .bytes()
            .fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(17));
        Self(ChaCha8Rng::seed_from_u64(folded))
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % (limit.max(1) as u64)) as usize
    }

    /// The next input, made of the corpus.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if corpus.is_empty() || self.below(200) == 0 {
            let mut bytes = vec![0; self.below(300)];
            self.0.fill_bytes(&mut bytes);
            return bytes;
        }
        let mut bytes = corpus[self.below(corpus.len())].clone();
        // One change finds most; several at once find what needs two things wrong.
        for _ in 0..[1, 1, 1, 2, 3, 6][self.below(6)] {
            self.change(&mut bytes, corpus);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let some = self.below(32.min(bytes.len() - at) + 1);
        match self.below(11) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            2 if at < bytes.len() => bytes[at] = self.0.next_u32() as u8,
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..at + some)),
            5 if bytes.len() < LONGEST => {
                let mut new = vec![0; self.below(40)];
                self.0.fill_bytes(&mut new);
                bytes.splice(at..at, new);
            }
            // A repetition: one entry of a list twice.
            6 if bytes.len() < LONGEST => {
                let copy = bytes[at..at + some].to_vec();
                bytes.splice(at..at, copy);
            }
            7 => self.number(bytes, at),
            // The rest of another input.
            8 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
                bytes.truncate(LONGEST.max(at));
            }
            9 => bytes[at..at + some].fill([0, 0xff][self.below(2)]),
            _ => {
                // A digit, a sign or a bracket, for texts.
                const MARKS: &[u8] = b"0123456789-+.,:[]{}\"'\\ \n#=eE_/x\x00\x7f\xc3\xff";
                if at < bytes.len() {
                    bytes[at] = MARKS[self.below(MARKS.len())];
                }
            }
        }
    }

    /// Puts a number at a limit, or beside what stands there, in either order of bytes.
    fn number(&mut self, bytes: &mut [u8], at: usize) {
        let width = [1, 2, 4, 8][self.below(4)];
        let Some(place) = bytes.get_mut(at..at + width) else { return };
        let mut value = EDGES[self.below(EDGES.len())];
        if self.below(3) == 0 {
            let mut stands = [0; 8];
            stands[..width].copy_from_slice(place);
            value = u64::from_le_bytes(stands).wrapping_add(self.below(5) as u64).wrapping_sub(2);
        }
        let little = value.to_le_bytes();
        place.copy_from_slice(&little[..width]);
        if self.below(2) == 0 {
            place.reverse();
        }
    }
}

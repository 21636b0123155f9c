//! Randomness: every use has a stream of its own, so that one more draw in one place changes nothing in another.

use quorate_sharing::Transcript;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// A generator for one purpose in one seed.
pub fn stream(seed: u64, purpose: &str, number: u64) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(bytes(seed, purpose, number))
}

/// 32 bytes for one purpose in one seed.
pub fn bytes(seed: u64, purpose: &str, number: u64) -> [u8; 32] {
    Transcript::new("sim/stream")
        .number("seed", seed)
        .field("purpose", purpose.as_bytes())
        .number("number", number)
        .digest()
}

/// Draws that decide what happens.
pub struct Dice(ChaCha20Rng);

impl Dice {
    /// Dice for one purpose in one seed.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(stream(seed, purpose, 0))
    }

    /// A number below `sides`; 0 when there are none.
    pub fn below(&mut self, sides: u64) -> u64 {
        // The bias of 2^-50 decides nothing.
        self.0.next_u64() % sides.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, thousandths: u32) -> bool {
        thousandths > 0 && self.below(1000) < u64::from(thousandths)
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

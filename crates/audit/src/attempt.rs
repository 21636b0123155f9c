//! The name of one run of a key ceremony, and so of an epoch (docs/spec §2.3).

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Hash;
use std::fmt;

/// (order number, try, transcript hash), compared in that order: "above", "below" and "highest" mean this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Attempt {
    /// The order's number; the first order of a key is 1.
    pub order_number: u64,
    /// 1 + the highest try that was told for this order.
    pub attempt_try: u32,
    /// The hash of the ceremony's transcript.
    pub transcript: Hash,
}

/// Length of [`Attempt::to_bytes`].
pub const ATTEMPT_BYTES: usize = 44;

impl Attempt {
    /// The rank of an order that destroys a key: above every attempt of a lower order number (§2.3). No try is 0, so this is no
    /// attempt's name.
    pub fn end(order_number: u64, order: Hash) -> Self {
        Self { order_number, attempt_try: 0, transcript: order }
    }

    /// Whether this is the rank of a destroy and no epoch.
    pub fn is_end(&self) -> bool {
        self.attempt_try == 0
    }

    /// 8 bytes number and 4 bytes try, both big-endian, then the hash: comparing bytes compares attempts.
    pub fn to_bytes(&self) -> [u8; ATTEMPT_BYTES] {
        let mut bytes = [0; ATTEMPT_BYTES];
        bytes[..8].copy_from_slice(&self.order_number.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.attempt_try.to_be_bytes());
        bytes[12..].copy_from_slice(&self.transcript.0);
        bytes
    }

    /// The inverse of [`Attempt::to_bytes`]; none if the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (tried, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            order_number: u64::from_be_bytes(*number),
            attempt_try: u32::from_be_bytes(*tried),
            transcript: Hash(rest.try_into().ok()?),
        })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.transcript.to_string();
        write!(
            f,
            "order {} try {} ({})",
            self.order_number,
            self.attempt_try,
            hash.get(..16).unwrap_or(&hash)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempt() -> impl Strategy<Value = Attempt> {
        // Small numbers often agree, so that all three fields decide.
        (prop_oneof![0u64..3, any::<u64>()], prop_oneof![0u32..3, any::<u32>()], any::<[u8; 32]>()).prop_map(
            |(order_number, attempt_try, hash)| Attempt { order_number, attempt_try, transcript: Hash(hash) },
        )
    }

    proptest! {
        #[test]
        fn bytes_order_as_attempts_do(a in attempt(), b in attempt()) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(Attempt::from_bytes(&a.to_bytes()), Some(a));
            prop_assert_eq!(Attempt::from_bytes(&a.to_bytes()[1..]), None);
        }
    }
}

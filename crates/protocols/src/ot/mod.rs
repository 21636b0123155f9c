//! Oblivious transfer: the two-party half of threshold ECDSA (docs/spec §4.1, §4.2).
//!
//! Four papers, one file each, bottom up:
//! - [`base`]: 128 base OTs a direction, endemic OT (Masny, Rindal, eprint 2019/706) over ristretto255.
//! - [`ggm`]: all-but-one OT by GGM trees, proved and checked once (Roy, SoftSpokenOT, eprint 2022/192, Fig. 13–14).
//! - [`extension`]: SoftSpokenOT with the repetition code: ξ·count OTs from the trees for one session.
//! - [`ole`]: the random vector OLE of DKLs23 (eprint 2023/765 §5) on top of it.
//!
//! [`pair`] holds what two parties keep in memory between sessions, and how they agree on it.
//!
//! Who is who: the **OLE receiver** (holds χ) is the extension's receiver and made the trees, so it was the base OTs'
//! sender. The **OLE sender** (holds the inputs) has Δ, whose bits were its choices in the base OTs. Each pair state
//! has both halves, one for each direction.
//!
//! The iron rule (§4.2) is kept here as far as one value can: every call takes the pair by `&mut`, checks before it
//! gives out a byte that depends on inputs, and erases the pair before it tells of a failed check. What is left to
//! the caller: one lock per pair, dropping everything else with that peer, recording the edge before reporting.

pub(crate) mod base;
pub(crate) mod extension;
pub(crate) mod gf128;
pub(crate) mod ggm;
pub mod ole;
pub mod pair;

#[cfg(test)]
mod tests;

pub use ole::{OleReceiver, OleReply, OleRequest};
pub use pair::{PairCtx, PairMsg1, PairMsg2, PairReplied, PairSetup, PairState};

use crate::Abort;
use core::fmt;
use quorate_sharing::Index;
use subtle::{Choice, ConditionallySelectable};

/// Most batch elements in one extension. A reply of this size has 10 MB.
pub const MAX_COUNT: usize = 256;

/// Most sessions that one pair state serves in each direction before it must be renewed; bounds the memory of the
/// repetition guard (about 3 MB a direction).
pub const MAX_SESSIONS: usize = 65_536;

/// Why the two-party protocol gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OleError {
    /// A check failed. The pair state is erased; draw a hard edge to the peer, then renew the pair.
    Cheated(&'static str),
    /// The pair state was erased after an earlier failed check; renew the pair.
    Poisoned,
    /// This session id was used with this pair before; a repeated id would repeat the pads. Start a fresh session.
    Repeated,
    /// The pair state has served [`MAX_SESSIONS`] sessions; renew the pair.
    Exhausted,
    /// This side called with values that do not fit together.
    Usage(&'static str),
}

impl OleError {
    /// The error as a protocol's outcome, where the peer was `peer`: only a failed check is anybody's fault.
    pub fn abort(self, peer: Index) -> Abort {
        match self {
            Self::Cheated(what) => Abort::hard_edge(peer, what),
            Self::Poisoned => Abort::Usage("the pair state was erased; renew the pair"),
            Self::Repeated => Abort::Usage("session id used before with this pair; start a fresh session"),
            Self::Exhausted => Abort::Usage("the pair state is used up; renew the pair"),
            Self::Usage(what) => Abort::Usage(what),
        }
    }
}

impl fmt::Display for OleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cheated(what) => write!(f, "the peer failed a check, the pair state is erased: {what}"),
            Self::Poisoned => f.write_str("the pair state was erased after a failed check; renew the pair"),
            Self::Repeated => f.write_str("session id was used before with this pair; start a fresh session"),
            Self::Exhausted => {
                f.write_str("the pair state has served its number of sessions; renew the pair")
            }
            Self::Usage(what) => write!(f, "oblivious transfer was called wrongly: {what}"),
        }
    }
}

impl core::error::Error for OleError {}

/// Bit `at` of `word`, for constant-time selection.
pub(crate) fn bit(word: u128, at: usize) -> Choice {
    Choice::from((word >> at & 1) as u8)
}

/// All ones if bit `at` of `word` is set, else zero. By way of a [`Choice`], as the compiler knows of a bit that it is 0 or 1
/// and makes a branch of what is masked with it.
pub(crate) fn mask(word: u128, at: usize) -> u128 {
    u128::conditional_select(&0, &u128::MAX, bit(word, at))
}

/// Exchanges two equally long byte strings if `choice` is set, in constant time.
pub(crate) fn swap_if(choice: Choice, a: &mut [u8], b: &mut [u8]) {
    let mask = choice.unwrap_u8().wrapping_neg();
    for (a, b) in a.iter_mut().zip(b) {
        let change = (*a ^ *b) & mask;
        *a ^= change;
        *b ^= change;
    }
}

/// a ← a ⊕ b.
pub(crate) fn xor_bytes(a: &mut [u8], b: &[u8]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
}

/// a ← a ⊕ b, by blocks.
pub(crate) fn xor_blocks(a: &mut [u128], b: &[u128]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
}

//! Presigning: four rounds, then a batch of presignatures (docs/spec §4.3).
//!
//! The caller carries messages, checks the echo and settles a mismatch (§1.4) before the next round is called.

pub mod judge;
mod round1;
mod round2;
mod round3;
mod round4;

#[cfg(test)]
pub(in crate::dkls) use round1::commit;
pub use round1::{Round1, State1, round1};
pub use round2::{Round2, State2, round2};
pub use round3::{State3, round3};
pub use round4::{State4, finish, round4};

use super::Secret;

/// Products of one element: with r_i, and with sk_i.
type Pair = [Secret; 2];

const OWN_ALTERED: crate::Abort =
    crate::Abort::Usage("this party's own broadcast came back different from what it sent");

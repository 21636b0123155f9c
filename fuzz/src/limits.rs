//! One input to one target, with what must hold around it.

use crate::Target;
use peak_alloc::PeakAlloc;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Counts what is allocated. Whoever wants memory to be judged makes it the program's allocator.
pub static MEMORY: PeakAlloc = PeakAlloc;

/// What a decoder may allocate for an input of a length: what it reads, decoded and encoded again a few times over, and
/// tables of a fixed size.
fn allowed(length: usize) -> usize {
    (4 << 20) + 64 * length
}

/// What is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It panicked: a defect of the decoder, or an accepted value that encodes to other bytes.
    Panic(String),
    /// It took this many bytes of memory, and may take that many.
    Memory(usize, usize),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panic(text) => write!(f, "panic: {text}"),
            Self::Memory(took, may) => write!(f, "took {took} bytes of memory, may take {may}"),
        }
    }
}

/// Whether the target accepts the input.
///
/// # Errors
/// A [`Problem`]. Memory is judged only where [`MEMORY`] is the allocator and no other thread works beside.
pub fn try_one(target: &Target, bytes: &[u8]) -> Result<bool, Problem> {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let accepted = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Problem::Panic(text.unwrap_or_default())
    })?;
    let (took, may) = (MEMORY.peak_usage().saturating_sub(before), allowed(bytes.len()));
    if took > may { Err(Problem::Memory(took, may)) } else { Ok(accepted) }
}

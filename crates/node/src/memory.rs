//! Keeping secrets out of swap files, core dumps and other processes' reach (docs/spec §1.9).

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// What was achieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryProtection {
    /// Whether all memory is locked; if not, why.
    pub locked: Result<(), String>,
    /// Whether core dumps and ptrace by others are off; if not, why.
    pub no_dump: Result<(), String>,
}

/// Locks all present and future memory, and forbids core dumps. Call before any secret is read.
pub fn protect_memory() -> MemoryProtection {
    // ONFAULT: pages are locked when they are first used, so that reserved but unused stacks cost nothing.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let locked = mlockall(flags).map_err(|error| format!("mlockall: {error}"));
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let no_dump = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let no_dump = no_core.and(no_dump).map_err(|error| format!("no core dumps: {error}"));
    MemoryProtection { locked, no_dump }
}

//! Solana's runtime: a small program around the crate `litesvm`, in a workspace of its own.

use super::{cache, pinned, run_command};
use crate::shell::cargo;
use std::path::{Path, PathBuf};

/// What stands before the version in the manifest.
pub const MARKER: &str = "litesvm = { version = \"=";

/// Cargo itself knows whether there is anything to build.
pub fn ensure(home: &Path) -> Result<PathBuf, String> {
    let version = pinned(&home.join("Cargo.toml"), MARKER)?;
    let target = cache()?.join(format!("solana-{version}"));
    let binary = target.join("debug").join("solana-vm");
    if !binary.is_file() {
        eprintln!("parts: building a Solana VM from litesvm {version}, once on this machine");
    }
    run_command(cargo(home, &["build", "--locked", "--quiet", "--target-dir"]).arg(&target))?;
    Ok(binary)
}

//! Real parts: programs that tests meet instead of mocks.

use crate::program::{cargo, target};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Stdio;

/// The path of a part, as `cargo xtask parts` tells it, which makes the part first when this machine does not have it.
///
/// # Errors
/// When it cannot be made; xtask's own words are on standard error.
pub fn part(name: &str) -> Result<PathBuf> {
    let mut xtask = cargo()?;
    xtask.args(["run", "--locked", "--quiet", "--package", "xtask", "--target-dir"]).arg(target()?);
    let output =
        xtask.args(["--", "parts", name]).stderr(Stdio::inherit()).output().context("starting cargo")?;
    if !output.status.success() {
        bail!("`cargo xtask parts {name}` failed; what it says is on standard error");
    }
    let told = String::from_utf8(output.stdout)?;
    let path = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(path.with_context(|| format!("`cargo xtask parts {name}` tells no path: {told:?}"))?.into())
}

//! The program under test.

use anyhow::{Context, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `quorate` binary, built once by each test process so that it is never an old one.
///
/// `QUORATE_BIN` names another binary to test instead.
///
/// # Errors
/// When it cannot be built; cargo's own words are on standard error.
pub fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

/// The node that can be told to lie, built once like [`program`]. `QUORATE_FAULTY_BIN` names another binary.
///
/// # Errors
/// As [`program`].
pub fn faulty() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let build = || match std::env::var_os("QUORATE_FAULTY_BIN") {
        Some(path) => Ok(path.into()),
        None => build(
            &["--package", "quorate-e2e", "--features", "faults", "--bin", "quorate-faulty"],
            "quorate-faulty",
        ),
    };
    let built = PROGRAM.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

fn find() -> Result<PathBuf> {
    match std::env::var_os("QUORATE_BIN") {
        Some(path) => Ok(path.into()),
        None => build(&["--package", "quorate"], "quorate"),
    }
}

fn build(what: &[&str], name: &str) -> Result<PathBuf> {
    let profile = profile()?;
    let mut cargo = cargo()?;
    cargo.args(["build", "--locked"]).args(what).arg("--target-dir").arg(target()?);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    if !cargo.status().context("starting cargo")?.success() {
        bail!("`cargo build {}` failed", what.join(" "));
    }
    Ok(profile.join(name))
}

/// Where this test was built: it lies in `<target>/<profile>/deps`.
fn profile() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    Ok(test.ancestors().nth(2).context("the test's own folder")?.to_owned())
}

/// The folder that this test was built in.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(profile()?.parent().context("the target folder")?.to_owned())
}

/// The cargo that built this test, in the workspace.
pub(crate) fn cargo() -> Result<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    Ok(cargo)
}

/// Runs a command of the program to its end and gives its standard output.
///
/// # Errors
/// When it fails, with its standard error.
pub fn run(arguments: &[&str]) -> Result<String> {
    let output = Command::new(program()?).args(arguments).output().context("starting quorate")?;
    if !output.status.success() {
        bail!("quorate {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

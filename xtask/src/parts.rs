//! `cargo xtask parts`: the real parts that end-to-end tests meet instead of mocks, from package registries, with pinned
//! versions and checksums, kept outside the work tree so that a machine makes each of them once.

mod anvil;
mod axe;
mod bitcoind;
mod solana;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A Bitcoin node, built from Bitcoin Core's source.
    Bitcoind,
    /// An Ethereum node.
    Anvil,
    /// Solana's runtime.
    Solana,
    /// A checker of pages for accessibility.
    Axe,
}

const ALL: [(&str, Part); 4] =
    [("bitcoind", Part::Bitcoind), ("anvil", Part::Anvil), ("solana", Part::Solana), ("axe", Part::Axe)];

/// Makes the parts that are named, or all of them, and prints a line `NAME PATH` for each. True when they are there.
pub fn run(root: &Path, names: &[&str]) -> bool {
    let chosen: Vec<_> = ALL.iter().filter(|(name, _)| names.is_empty() || names.contains(name)).collect();
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|(known, _)| known != *name)) {
        eprintln!("parts: there is no part {unknown}; known are bitcoind, anvil, solana, axe");
        return false;
    }
    let mut good = true;
    for (name, part) in chosen {
        match ensure(root, *part) {
            Ok(path) => println!("{name} {}", path.display()),
            Err(problem) => {
                eprintln!("parts: no {name}: {problem}");
                good = false;
            }
        }
    }
    good
}

fn ensure(root: &Path, part: Part) -> Result<PathBuf, String> {
    let home = root.join("e2e").join("parts");
    match part {
        Part::Bitcoind => bitcoind::ensure(&home.join("bitcoind")),
        Part::Anvil => anvil::ensure(&home.join("anvil")),
        Part::Solana => solana::ensure(&home.join("solana")),
        Part::Axe => axe::ensure(&home.join("axe")),
    }
}

/// The folder of all parts: `quorate` in the user's cache folder.
fn cache() -> Result<PathBuf, String> {
    let given =
        |name| std::env::var_os(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    let base = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")));
    base.map(|base| base.join("quorate")).ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".to_owned())
}

/// The file `binary` of the part `name` (with its version). When it is not there, `make` makes it in the new folder that it
/// is given. Two runs at once make it once; one that is broken off leaves nothing that looks finished.
fn cached(
    name: &str,
    binary: &str,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let cache = cache()?;
    let (folder, new) = (cache.join(name), cache.join(format!("{name}.new")));
    let path = folder.join(binary);
    if path.is_file() {
        return Ok(path);
    }
    let failed = |what: &Path| {
        let what = what.display().to_string();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    fs::create_dir_all(&cache).map_err(failed(&cache))?;
    let lock = cache.join(format!("{name}.lock"));
    let file = File::create(&lock).map_err(failed(&lock))?;
    file.lock().map_err(failed(&lock))?;
    // Another run may have made it while this one waited.
    if path.is_file() {
        return Ok(path);
    }
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).map_err(failed(&new))?;
    make(&new)?;
    if !new.join(binary).is_file() {
        return Err(format!("{binary} was not made in {}", new.display()));
    }
    let _ = fs::remove_dir_all(&folder);
    fs::rename(&new, &folder).map_err(failed(&folder))?;
    Ok(path)
}

/// Runs a command with its output on standard error, which keeps standard output for the paths.
fn run_command(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}; what it says is above")),
        Err(error) => Err(format!("{name} does not start: {error}")),
    }
}

/// That a program is installed; the error names the Debian package.
fn need(program: &str, package: &str) -> Result<(), String> {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    match found {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(format!("{program} is missing; install it (Debian and Ubuntu: apt-get install {package})")),
    }
}

/// The version after `marker` in a manifest, up to the next quotation mark.
fn pinned(manifest: &Path, marker: &str) -> Result<String, String> {
    let text = fs::read_to_string(manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let version =
        text.split_once(marker).and_then(|(_, rest)| rest.split_once('"')).map(|(version, _)| version);
    let exact =
        version.filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'));
    exact.map(str::to_owned).ok_or_else(|| format!("{} pins no exact version", manifest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_pins_one_version_in_manifest_and_lock_file() {
        let home = crate::root().join("e2e/parts");
        let pin = |manifest: &str, marker: &str| pinned(&home.join(manifest), marker).unwrap();
        let version = pin("bitcoind/Cargo.toml", bitcoind::MARKER);
        let lock = fs::read_to_string(home.join("bitcoind/Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"libbitcoinkernel-sys\"\nversion = \"{version}\"")));
        let version = pin("anvil/package.json", anvil::MARKER);
        let lock = fs::read_to_string(home.join("anvil/package-lock.json")).unwrap();
        assert!(lock.contains(&format!("\"@foundry-rs/anvil\": \"{version}\"")));
        assert!(lock.matches("\"integrity\": \"sha512-").count() >= 5, "a package without a checksum");
        let version = pin("axe/package.json", axe::MARKER);
        let lock = fs::read_to_string(home.join("axe/package-lock.json")).unwrap();
        assert!(lock.contains(&format!("\"axe-core\": \"{version}\"")) && lock.contains("\"sha512-"));
        let version = pin("solana/Cargo.toml", solana::MARKER);
        let lock = fs::read_to_string(home.join("solana/Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"litesvm\"\nversion = \"{version}\"")));
    }

    #[test]
    fn an_unknown_part_is_refused() {
        assert!(!run(Path::new("/nonexistent"), &["bitcoin"]));
    }
}

//! An Ethereum node: anvil, whose package ships a binary for each platform.

use super::{cached, need, pinned, run_command};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands before the version in the manifest.
pub const MARKER: &str = "\"@foundry-rs/anvil\": \"";

pub fn ensure(home: &Path) -> Result<PathBuf, String> {
    let version = pinned(&home.join("package.json"), MARKER)?;
    cached(&format!("anvil-{version}"), "anvil", |new| {
        need("npm", "npm")?;
        eprintln!("parts: installing anvil {version} from the npm registry, once on this machine");
        let failed = |error: std::io::Error| format!("{}: {error}", new.display());
        for file in ["package.json", "package-lock.json"] {
            fs::copy(home.join(file), new.join(file)).map_err(failed)?;
        }
        // The binary is in the package for this platform; no script of a package is run.
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=optional"];
        run_command(Command::new("npm").args(options).current_dir(new))?;
        let packages = new.join("node_modules");
        let found = fs::read_dir(packages.join("@foundry-rs")).map_err(failed)?;
        let mut binaries = found.filter_map(|entry| Some(entry.ok()?.path().join("bin").join("anvil")));
        let binary =
            binaries.find(|path| path.is_file()).ok_or("the package has no binary for this platform")?;
        fs::rename(&binary, new.join("anvil")).map_err(failed)?;
        fs::remove_dir_all(&packages).map_err(failed)
    })
}

//! The accessibility checker, a script from the npm registry.

use super::{cached, need, pinned, run_command};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands before the version in the manifest.
pub const MARKER: &str = "\"axe-core\": \"";

pub fn ensure(home: &Path) -> Result<PathBuf, String> {
    let version = pinned(&home.join("package.json"), MARKER)?;
    cached(&format!("axe-{version}"), "axe.min.js", |new| {
        need("npm", "npm")?;
        eprintln!("parts: installing axe-core {version} from the npm registry, once on this machine");
        let failed = |error: std::io::Error| format!("{}: {error}", new.display());
        for file in ["package.json", "package-lock.json"] {
            fs::copy(home.join(file), new.join(file)).map_err(failed)?;
        }
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run_command(Command::new("npm").args(options).current_dir(new))?;
        let packages = new.join("node_modules");
        fs::copy(packages.join("axe-core/axe.min.js"), new.join("axe.min.js")).map_err(failed)?;
        fs::remove_dir_all(&packages).map_err(failed)
    })
}

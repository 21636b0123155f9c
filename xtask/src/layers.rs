//! The house rules of ARCHITECTURE.md as checks. Each gives a list of violations; an empty list is a pass.

mod arrows;
mod attacks;
mod banned;
mod hashing;
mod mutants;
mod purity;
mod sizes;
mod words;

use crate::shell::{capture, cargo};
use crate::source::{code, files, without_tests};
use std::path::Path;

/// Rooms that compute and touch nothing: no clock, no file, no socket, no runtime.
const PURE: [&str; 13] = [
    "sharing",
    "protocols",
    "session",
    "intent",
    "policy",
    "chains",
    "audit",
    "payments",
    "view",
    "console",
    "coordination",
    "ceremonies",
    "verify",
];

/// One Rust file of the house.
struct RustFile {
    /// Path from the root, with forward slashes.
    path: String,
    /// The text as it is.
    text: String,
    /// Without comments and the insides of literals.
    code: String,
    /// `code` without items under `#[cfg(test)]`.
    product: String,
}

impl RustFile {
    fn new(path: &str, text: &str) -> Self {
        let code = code(text);
        let product = without_tests(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, product }
    }

    /// The room's name when this is product source of a room, so neither an integration test nor a benchmark.
    fn room(&self) -> Option<&str> {
        let (room, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        let test = rest.ends_with("/tests.rs") || rest.contains("/tests/");
        (rest.starts_with("src/") && !test).then_some(room)
    }
}

/// Runs every check and prints what is wrong. True when nothing is.
pub fn run(root: &Path) -> bool {
    let (mut rust, mut texts) = (Vec::new(), Vec::new());
    for (path, file) in files(root) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if path.ends_with(".rs") {
            rust.push(RustFile::new(&path, &text));
        }
        texts.push((path, text));
    }
    let results = [
        ("dependency arrows", arrows::run(root)),
        ("rooms without I/O", purity::source(&rust)),
        ("one transcript", hashing::check(&rust)),
        ("sizes", sizes::check(&rust)),
        ("words", words::check(&texts)),
        ("attacks", attacks::check(&rust, &texts)),
        ("planted mutants", mutants::run(root, &texts)),
        ("banned crates", banned::run(root)),
        ("sources", banned::sources(&texts)),
    ];
    for (name, violations) in &results {
        println!("{name}: {}", if violations.is_empty() { "ok" } else { "VIOLATED" });
        violations.iter().for_each(|violation| println!("  {violation}"));
    }
    results.iter().all(|(_, violations)| violations.is_empty())
}

/// Names of all crates that `package` is built from, as `cargo tree` tells them.
fn tree(root: &Path, package: &str) -> Result<Vec<String>, String> {
    let args = [
        "tree",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let text = capture(&mut cargo(root, &args))?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_told_from_their_tests() {
        let room = |path| RustFile::new(path, "").room().map(str::to_owned);
        assert_eq!(room("crates/policy/src/rules/mod.rs").as_deref(), Some("policy"));
        assert_eq!(room("crates/policy/tests/a.rs"), None);
        assert_eq!(room("crates/policy/src/rules/tests.rs"), None);
        assert_eq!(room("crates/policy/src/tests/a.rs"), None);
        assert_eq!(room("xtask/src/main.rs"), None);
    }
}

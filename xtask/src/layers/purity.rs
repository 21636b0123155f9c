//! Pure rooms do not touch files, sockets, processes, the environment or the clock.

use super::{PURE, RustFile};
use crate::source::has_word;

/// Modules of `std` that reach outside.
const MODULES: [&str; 5] = ["fs", "net", "process", "env", "os"];

/// Other names that reach outside.
const PATHS: [&str; 4] = ["Instant::now", "SystemTime::now", "thread::sleep", "thread::spawn"];

/// Finds source of a pure room that reaches outside. Tests may.
pub fn source(files: &[RustFile]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.room().is_some_and(|room| PURE.contains(&room))) {
        let dense: String = file.product.chars().filter(|c| !c.is_whitespace()).collect();
        for module in MODULES.iter().filter(|module| names_module(&dense, module)) {
            violations.push(format!("{} uses std::{module}, but its room does no I/O", file.path));
        }
        for path in PATHS.iter().filter(|path| has_word(&dense, path)) {
            violations.push(format!("{} uses {path}; time comes in as an argument", file.path));
        }
        if has_word(&file.product, "tokio") {
            violations.push(format!("{} uses tokio, but its room does no I/O", file.path));
        }
    }
    violations
}

/// `std::fs` or `std::{…, fs…}` in code without white space.
fn names_module(dense: &str, module: &str) -> bool {
    dense.match_indices("std::").any(|(at, found)| {
        let rest = &dense[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(group) => first_names(group).contains(&module),
            None => first_name(rest) == module,
        }
    })
}

fn first_name(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The first name of every entry of a use group, inner groups left out.
fn first_names(group: &str) -> Vec<&str> {
    let (mut names, mut depth, mut fresh) = (Vec::new(), 1u32, true);
    for (at, c) in group.char_indices() {
        if fresh {
            names.push(first_name(&group[at..]));
            fresh = false;
        }
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, text: &str) -> usize {
        source(&[RustFile::new(path, text)]).len()
    }

    #[test]
    fn reaching_outside_is_found() {
        assert_eq!(at("crates/session/src/a.rs", "use std::fs::File;"), 1);
        assert_eq!(at("crates/session/src/a.rs", "use std::{fmt, net::TcpStream};"), 1);
        assert_eq!(
            at("crates/session/src/a.rs", "use std::{\n    collections::{BTreeMap, BTreeSet},\n    fs,\n};"),
            1
        );
        assert_eq!(at("crates/policy/src/a.rs", "let t = std::time::SystemTime::now();"), 1);
        assert_eq!(at("crates/audit/src/a.rs", "tokio::spawn(f)"), 1);
    }

    #[test]
    fn harmless_code_other_rooms_and_tests_are_not() {
        assert_eq!(
            at("crates/session/src/a.rs", "use std::{fmt, collections::{fs2, BTreeMap}}; let fs = 1;"),
            0
        );
        assert_eq!(at("crates/session/src/a.rs", "// std::fs\nfn f(now: Instant) {}"), 0);
        assert_eq!(at("crates/vault/src/a.rs", "use std::fs::File;"), 0);
        assert_eq!(at("crates/session/tests/a.rs", "use std::fs::File;"), 0);
        assert_eq!(at("crates/session/src/a.rs", "#[cfg(test)]\nmod tests { use std::fs; }"), 0);
    }
}

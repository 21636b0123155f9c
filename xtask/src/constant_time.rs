//! `cargo xtask constant-time`: secret paths under valgrind's memcheck with the secrets marked as undefined (`ct/`).
//!
//! memcheck reports every branch and every address that depends on undefined bytes. A report whose innermost line of the
//! product is marked with a comment `declassify:`, on it or right above it, is about a value that is public from there on.
//! What other crates are known to do harmlessly is in [`KNOWN`], with the version that it was looked at in.

use crate::shell::{capture, cargo, show};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Places in other crates that are known, as a part of a file's path, and why they tell nothing.
const KNOWN: [(&str, &str); 1] = [(
    "crypto-bigint-0.5.5/src/uint/neg_mod.rs",
    "whether a secret scalar, or a half of one, is zero: it is not, but with probability 2^-128",
)];

/// One place that a report is about, innermost call first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Frame {
    function: String,
    file: PathBuf,
    line: usize,
}

/// Walks the paths, all without names. True when the controls are found and nothing else is.
pub fn run(root: &Path, names: &[&str]) -> bool {
    walk_all(root, names).unwrap_or_else(|error| {
        eprintln!("constant-time: {error}");
        false
    })
}

fn walk_all(root: &Path, names: &[&str]) -> Result<bool, String> {
    capture(Command::new("valgrind").arg("--version"))
        .map_err(|_| "valgrind is missing; apt-get install valgrind adds it")?;
    let target = root.join("target").join("ct");
    let manifest = root.join("ct").join("Cargo.toml");
    let manifest = manifest.to_string_lossy();
    let args = ["build", "--release", "--locked", "--manifest-path", &manifest];
    if !show(cargo(root, &args).env("CARGO_TARGET_DIR", &target)) {
        return Err("ct does not compile".to_owned());
    }
    let program = target.join("release").join("quorate-ct");
    let all = capture(&mut Command::new(&program))?;
    let chosen: Vec<&str> = all
        .lines()
        .filter(|path| names.is_empty() || names.iter().any(|name| path.starts_with(name)))
        .collect();
    if chosen.is_empty() {
        return Err(format!(
            "there is no such path; there are: {}",
            all.lines().collect::<Vec<_>>().join(", ")
        ));
    }
    let mut good = true;
    for path in chosen {
        let found = walk(&program, &target, path)?;
        let (open, told): (BTreeSet<_>, BTreeSet<_>) =
            found.into_iter().partition(|frames| !declassified(root, frames));
        let control = path.starts_with("control");
        let right = open.is_empty() != control;
        good &= right;
        let verdict = match (control, right) {
            (true, true) => "found, as it must be",
            (true, false) => "NOT FOUND: the check sees nothing",
            (false, true) => "clean",
            (false, false) => "DEPENDS ON A SECRET",
        };
        println!("{path:28} {verdict}; {} reports, {} of declassified values", open.len(), told.len());
        if !right {
            open.iter().for_each(|frames| print!("{}", shown(root, frames)));
        }
    }
    Ok(good)
}

/// Runs one path and gives what memcheck reports.
fn walk(program: &Path, target: &Path, path: &str) -> Result<BTreeSet<Vec<Frame>>, String> {
    let report = target.join(format!("{path}.xml"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=memcheck", "--xml=yes", "--read-inline-info=yes", "--num-callers=24"]);
    command.args(["--error-limit=no", "--child-silent-after-fork=yes"]);
    command.arg(format!("--xml-file={}", report.display())).arg(program).arg(path);
    let said = capture(&mut command)?;
    if !said.contains(": watched") {
        return Err(format!("{path} was not walked under valgrind: {said}"));
    }
    let text = std::fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    Ok(reports(&text))
}

/// Reports about undefined values in memcheck's XML.
fn reports(xml: &str) -> BTreeSet<Vec<Frame>> {
    let mut found = BTreeSet::new();
    for error in xml.split("<error>").skip(1) {
        let error = error.split("</error>").next().unwrap_or_default();
        if !error.contains("<kind>Uninit") {
            continue;
        }
        // What follows the first stack tells where the value came from.
        let stack = error.split("</stack>").next().unwrap_or_default();
        found.insert(stack.split("<frame>").skip(1).map(frame).collect());
    }
    found
}

fn frame(xml: &str) -> Frame {
    let field = |name: &str| {
        let rest = xml.split_once(&format!("<{name}>"))?.1;
        Some(rest.split('<').next().unwrap_or_default().to_owned())
    };
    let folder = PathBuf::from(field("dir").unwrap_or_default());
    Frame {
        function: field("fn").unwrap_or_default(),
        file: folder.join(field("file").unwrap_or_default()),
        line: field("line").and_then(|line| line.parse().ok()).unwrap_or(0),
    }
}

/// The innermost frame in the product's own source.
fn own<'a>(root: &Path, frames: &'a [Frame]) -> Option<&'a Frame> {
    frames.iter().find(|frame| frame.file.starts_with(root.join("crates")))
}

fn declassified(root: &Path, frames: &[Frame]) -> bool {
    let known = |frame: &Frame| KNOWN.iter().any(|(file, _)| frame.file.to_string_lossy().ends_with(file));
    if frames.iter().take(4).any(known) {
        return true;
    }
    let Some(frame) = own(root, frames) else { return false };
    let Ok(text) = std::fs::read_to_string(&frame.file) else { return false };
    marked(&text, frame.line)
}

/// Whether the line, counted from 1, or the one above it says so.
fn marked(text: &str, line: usize) -> bool {
    let from = line.saturating_sub(2);
    text.lines().skip(from).take(line - from).any(|line| line.contains("// declassify: "))
}

fn shown(root: &Path, frames: &[Frame]) -> String {
    let mut text = String::from("    a branch or an address:\n");
    for Frame { function, file, line } in frames.iter().take(7) {
        let file = file.strip_prefix(root).unwrap_or(file);
        text.push_str(&format!("      {}:{line} {function:.90}\n", file.display()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<error><kind>UninitCondition</kind><stack><frame><fn>inner</fn><dir>/lib/subtle</dir><file>lib.rs</file><line>7</line></frame><frame><fn>a::b</fn><dir>/r/crates/p/src</dir><file>ole.rs</file><line>2</line></frame></stack><auxwhat>x</auxwhat><stack><frame><fn>origin</fn></frame></stack></error><error><kind>Leak_DefinitelyLost</kind><stack></stack></error>";

    #[test]
    fn reports_are_read() {
        let found = reports(XML);
        assert_eq!(found.len(), 1);
        let frames = found.first().unwrap();
        assert_eq!((frames.len(), frames[0].function.as_str()), (2, "inner"));
        let own = own(Path::new("/r"), frames).unwrap();
        assert_eq!((own.file.as_path(), own.line), (Path::new("/r/crates/p/src/ole.rs"), 2));
    }

    #[test]
    fn a_mark_stands_on_the_line_or_right_above_it() {
        let text = "a\n// declassify: everybody hears of it\nif b {\nc";
        assert_eq!((1..=4).map(|line| marked(text, line)).collect::<Vec<_>>(), [false, true, true, false]);
        assert!(!marked(text, 0));
    }
}

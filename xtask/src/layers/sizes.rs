//! Files and functions stay small enough to be read in one go.

use super::RustFile;
use crate::source::functions;

/// Half of the files have at most this many lines.
const MEDIAN: usize = 150;
/// Nine in ten files have at most this many lines.
const MOST: usize = 400;
/// No file has more lines.
const LIMIT: usize = 600;
/// No function has more lines of code.
const FUNCTION: usize = 70;

/// Checks lengths over all Rust files together.
pub fn check(files: &[RustFile]) -> Vec<String> {
    let mut lengths: Vec<(usize, &str)> =
        files.iter().map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    lengths.sort_unstable();
    let mut violations = shares(&lengths);
    for (lines, path) in lengths.iter().filter(|(lines, _)| *lines > LIMIT) {
        violations.push(format!("{path} has {lines} lines; the limit is {LIMIT}"));
    }
    for file in files {
        for (name, lines) in functions(&file.code).into_iter().filter(|(_, lines)| *lines > FUNCTION) {
            violations
                .push(format!("{}: function {name} has {lines} lines; the limit is {FUNCTION}", file.path));
        }
    }
    violations
}

/// Median and ninth decile of sorted lengths.
fn shares(lengths: &[(usize, &str)]) -> Vec<String> {
    let mut violations = Vec::new();
    let Some(last) = lengths.len().checked_sub(1) else { return violations };
    let median = lengths[last / 2].0;
    if median > MEDIAN {
        violations.push(format!("half of the files have {median} lines or more; the limit is {MEDIAN}"));
    }
    let long: Vec<&str> = lengths.iter().filter(|(lines, _)| *lines > MOST).map(|(_, path)| *path).collect();
    if long.len() * 10 > lengths.len() {
        let (count, all) = (long.len(), lengths.len());
        violations.push(format!("{count} of {all} files have more than {MOST} lines: {}", long.join(", ")));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: usize) -> RustFile {
        RustFile::new(&format!("crates/a/src/f{lines}.rs"), &"x;\n".repeat(lines))
    }

    #[test]
    fn long_files_are_found() {
        let many = |lengths: &[usize]| check(&lengths.iter().map(|lines| file(*lines)).collect::<Vec<_>>());
        assert!(many(&[10, 150, 400]).is_empty());
        assert!(many(&[10, 151, 160])[0].starts_with("half of the files"));
        assert!(many(&[10, 10, 10, 401])[0].starts_with("1 of 4 files"));
        assert!(many(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 600]).is_empty());
        assert!(many(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 601])[0].contains("has 601 lines"));
        assert!(many(&[]).is_empty());
    }

    #[test]
    fn long_functions_are_found() {
        let with =
            |lines: usize| RustFile::new("a.rs", &format!("fn f() {{\n{}}}\n", "x;\n// y\n".repeat(lines)));
        assert!(check(&[with(70)]).is_empty());
        assert_eq!(check(&[with(71)]).len(), 1);
    }
}

//! Every attack of docs/attacks.md has tests, and each test that is named there exists.

use super::RustFile;
use std::collections::BTreeMap;

pub const TABLE: &str = "docs/attacks.md";

/// Words that may stand in a row for what no test covers yet.
pub const OPEN: &str = "open:";

/// Checks the table.
pub fn check(files: &[RustFile], texts: &[(String, String)]) -> Vec<String> {
    let Some((_, table)) = texts.iter().find(|(path, _)| path == TABLE) else {
        return vec![format!("{TABLE} is missing")];
    };
    let files: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut violations = Vec::new();
    for row in rows(table) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [attack, _guard, tests] = cells.as_slice() else {
            violations.push(format!("{TABLE}: a row does not have three cells: {row}"));
            continue;
        };
        let named = references(tests);
        if named.is_empty() && !tests.contains(OPEN) {
            violations.push(format!("{TABLE}: no test is named for: {attack}"));
        }
        for (file, test) in named {
            match files.get(file) {
                None => violations.push(format!("{TABLE} names {file}, which does not exist")),
                Some(text) if !has_test(text, test) => {
                    violations.push(format!("{TABLE} names {test}, which is no test of {file}"));
                }
                Some(_) => (),
            }
        }
    }
    violations
}

/// The rows of the first table of the file; what follows it is about something else.
pub fn rows(table: &str) -> impl Iterator<Item = &str> {
    let lines = table.lines().skip_while(|line| !line.starts_with("| "));
    lines.take_while(|line| line.starts_with('|')).filter(|line| line.starts_with("| ")).skip(1)
}

/// Every `` `file.rs::test` `` in a cell.
fn references(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(split).collect()
}

fn split(name: &str) -> Option<(&str, &str)> {
    let at = name.find(".rs::")?;
    Some((&name[..at + 3], &name[at + 5..]))
}

/// Whether a function of this name stands under an attribute that makes it a test.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let Some((_, rest)) = line.split_once("fn ") else { return false };
        let found = rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('('));
        let attributes = lines[..at].iter().rev().take_while(|before| before.starts_with("#["));
        found && attributes.clone().any(|before| before.contains("test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &str) -> Vec<String> {
        let file = RustFile::new(
            "crates/a/src/b.rs",
            "#[test]\nfn good() {}\nfn helper() {}\n#[tokio::test]\nasync fn late() {}",
        );
        let table = format!("| attack | guard | tests |\n|---|---|---|\n{rows}");
        check(&[file], &[(TABLE.to_owned(), table)])
    }

    #[test]
    fn named_tests_must_exist() {
        assert!(found("| x | y | `crates/a/src/b.rs::good`, `crates/a/src/b.rs::late` |").is_empty());
        assert!(found("| x | y | open: nothing yet |").is_empty());
        assert_eq!(found("| x | y | none |").len(), 1);
        assert_eq!(found("| x | y |").len(), 1);
        assert_eq!(found("| x | y | `crates/a/src/b.rs::helper` |").len(), 1);
        assert_eq!(found("| x | y | `crates/a/src/b.rs::goo` |").len(), 1);
        assert_eq!(found("| x | y | `crates/a/src/c.rs::good` |").len(), 1);
        assert_eq!(check(&[], &[]).len(), 1);
    }
}

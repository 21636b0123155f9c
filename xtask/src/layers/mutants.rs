//! The list of planted mutants fits the source, and every row of docs/attacks.md has one.

use super::attacks::{OPEN, TABLE, rows};
use crate::mutants::list::{self, Mutant};
use crate::mutants::place;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows whose guard no mutant takes out, and why.
const WITHOUT: [(&str, &str); 1] =
    [("Timing", "`cargo xtask constant-time` walks paths that leak on purpose in the same run")];

/// Reads the list and checks it.
pub fn run(root: &Path, texts: &[(String, String)]) -> Vec<String> {
    match list::read(root) {
        Ok(mutants) => check(&mutants, texts),
        Err(problem) => vec![problem],
    }
}

fn check(mutants: &[Mutant], texts: &[(String, String)]) -> Vec<String> {
    let texts: BTreeMap<&str, &str> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut violations: Vec<String> = mutants
        .iter()
        .filter_map(|mutant| match texts.get(mutant.file.as_str()) {
            Some(text) => place(text, mutant).err(),
            None => Some(format!("{}: there is no file {}", mutant.name, mutant.file)),
        })
        .collect();
    let table = texts.get(TABLE).copied().unwrap_or_default();
    let attacks: Vec<(&str, bool)> = rows(table)
        .map(|row| (row.trim_matches('|').split('|').next().unwrap_or_default().trim(), row.contains(OPEN)))
        .collect();
    let of = |mutant: &Mutant, attack: &str| attack.starts_with(mutant.guards.as_str());
    for mutant in mutants.iter().filter(|mutant| !mutant.guards.starts_with('§')) {
        if attacks.iter().filter(|(attack, _)| of(mutant, attack)).count() != 1 {
            violations.push(format!("{}: no one row of {TABLE} begins with: {}", mutant.name, mutant.guards));
        }
    }
    for (attack, open) in attacks {
        let without = WITHOUT.iter().any(|(row, _)| attack.starts_with(row));
        if !open && !without && !mutants.iter().any(|mutant| of(mutant, attack)) {
            violations.push(format!("{TABLE}: no mutant takes out the guard against: {attack}"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(row: &str, needle: &str) -> Vec<String> {
        let block = format!("== m\nrow: {row}\nfile: a.rs\nfind: if «{needle}» {{\nput: false\ntest: r t\n");
        let table =
            "| attack | guard | tests |\n|---|---|---|\n| Rogue key | x | `t` |\n| Later | y | open: z |";
        let texts = [
            (TABLE.to_owned(), table.to_owned()),
            ("a.rs".to_owned(), "if good {} if twice { if twice {".to_owned()),
        ];
        check(&list::parse(&block).unwrap(), &texts)
    }

    #[test]
    fn needles_and_rows_must_be_there() {
        assert!(found("Rogue", "good").is_empty());
        assert!(found("Rogue", "bad")[0].contains("0 times"));
        assert!(found("Rogue", "twice")[0].contains("2 times"));
        assert_eq!(found("Nobody", "good").len(), 2);
        assert!(found("§2.1: x", "good")[0].contains("no mutant"));
    }
}

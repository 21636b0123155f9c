//! The list of mutants: `xtask/mutants/*.txt`. Blocks with one field a line:
//!
//! ```text
//! == name
//! row: the beginning of a row of docs/attacks.md, or § and what the guard is there for
//! file: path from the root
//! find: what stands there once, \\n for the end of a line; « and » mark what is replaced
//! put: what stands there instead
//! test: room, or room/integration test; then a part of the tests' names
//! ```
//!
//! What ends in a semicolon is a statement, everything else an expression. `hangs: yes` says that the tests may hang for it,
//! `redundant: why` that another guard behind it catches the same, so that nothing dies; a run checks that it is so.

use crate::source::files;
use std::path::Path;

/// Where the list is.
pub const FOLDER: &str = "xtask/mutants/";

/// One guard taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutant {
    /// Its name, which switches it on.
    pub name: String,
    /// A row of the attack table, or a section of the specification with what it asks for.
    pub guards: String,
    /// The file, from the root.
    pub file: String,
    /// What stands before, is, and stands behind what is replaced.
    pub find: (String, String, String),
    /// What stands there instead.
    pub put: String,
    /// Test binaries with a filter of names. One of the tests must fail.
    pub tests: Vec<(String, String)>,
    /// Why nothing dies of it: another guard behind this one catches the same.
    pub redundant: Option<String>,
    /// A test that hangs counts as one that fails.
    pub hangs: bool,
}

impl Mutant {
    /// The text that must stand in the file once.
    pub fn needle(&self) -> String {
        let (before, what, behind) = &self.find;
        format!("{before}{what}{behind}")
    }

    /// What is replaced, with the switch around it.
    pub fn switch(&self) -> String {
        let (Self { name, put, .. }, what) = (self, &self.find.1);
        let choice = format!("if quorate_mutant::on(\"{name}\") {{ {put} }} else {{ {what} }}");
        if what.ends_with(';') { choice } else { format!("({choice})") }
    }
}

/// Reads the whole list.
pub fn read(root: &Path) -> Result<Vec<Mutant>, String> {
    let mut all: Vec<Mutant> = Vec::new();
    for (path, file) in files(&root.join(FOLDER)) {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{FOLDER}{path}: {error}"))?;
        all.extend(parse(&text).map_err(|problem| format!("{FOLDER}{path}: {problem}"))?);
    }
    let mut names: Vec<&str> = all.iter().map(|mutant| mutant.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("two mutants are called {}", twice[0])),
        None => Ok(all),
    }
}

/// Reads one file of the list.
pub fn parse(text: &str) -> Result<Vec<Mutant>, String> {
    let mut all: Vec<Mutant> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        let wrong = |problem: &str| format!("line {number}: {problem}");
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            all.push(Mutant { name: name.trim().to_owned(), ..Mutant::default() });
            continue;
        }
        let last = all.last_mut().ok_or_else(|| wrong("a field before the first name"))?;
        let (field, value) = line.split_once(": ").ok_or_else(|| wrong("no field"))?;
        match field {
            "row" => value.clone_into(&mut last.guards),
            "file" => value.clone_into(&mut last.file),
            "find" => {
                last.find = marked(value).ok_or_else(|| wrong("find needs one « and one » behind it"))?
            }
            "put" => value.clone_into(&mut last.put),
            "test" => {
                let (binary, filter) =
                    value.split_once(' ').ok_or_else(|| wrong("test: room, then names"))?;
                last.tests.push((binary.to_owned(), filter.trim().to_owned()));
            }
            "redundant" => last.redundant = Some(value.to_owned()),
            "hangs" => last.hangs = value == "yes",
            _ => return Err(wrong(&format!("there is no field {field}"))),
        }
    }
    match all
        .iter()
        .find(|m| [&m.guards, &m.file, &m.find.1].iter().any(|f| f.is_empty()) || m.tests.is_empty())
    {
        Some(poor) => Err(format!("{} lacks a field", poor.name)),
        None => Ok(all),
    }
}

fn marked(text: &str) -> Option<(String, String, String)> {
    // A needle of several lines is written in one.
    let text = text.replace("\\n", "\n");
    let (before, rest) = text.split_once('«')?;
    let (what, behind) = rest.split_once('»')?;
    let more = behind.contains(['«', '»']) || what.contains('«');
    (!more).then(|| (before.to_owned(), what.to_owned(), behind.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "# why\n== a.b\nrow: Rogue key\nfile: x.rs\nfind: if «a != b» {\nput: false\ntest: session x::y\n";

    #[test]
    fn blocks_are_read() {
        let all = parse(GOOD).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].needle().as_str(), all[0].hangs), ("if a != b {", false));
        assert_eq!(all[0].switch(), "(if quorate_mutant::on(\"a.b\") { false } else { a != b })");
        assert_eq!(all[0].tests, [("session".to_owned(), "x::y".to_owned())]);
        let statement = parse(&GOOD.replace("if «a != b» {", "«check()?;»")).unwrap();
        let switched = "if quorate_mutant::on(\"a.b\") { false } else { check()?; }";
        assert_eq!(statement[0].switch(), switched);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, problem) in [
            ("row: Rogue key\n", "", "lacks"),
            ("«", "", "find needs"),
            ("put", "putt", "putt"),
            ("test: session x::y", "test: session", "test:"),
            ("# why", "row: x", "before the first"),
        ] {
            let error = parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}

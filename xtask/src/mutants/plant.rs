//! The copy of the tree with all mutants in it.

use super::list::Mutant;
use crate::source::files;
use std::collections::BTreeMap;
use std::path::Path;

/// Says whether a mutant is switched on.
const SWITCH: &str = "\
//! Which planted mutant is awake.
use std::sync::OnceLock;
static AWAKE: OnceLock<Option<String>> = OnceLock::new();
/// Whether the mutant of this name is awake.
pub fn on(name: &str) -> bool {
    AWAKE.get_or_init(|| std::env::var(\"QUORATE_MUTANT\").ok()).as_deref() == Some(name)
}
";
const MANIFEST: &str = "\
[package]
name = \"quorate_mutant\"
version = \"0.0.0\"
edition = \"2024\"
";

/// Makes the tree at `to` the one at `root` with the mutants planted. Files that are the same already keep their time, so
/// that the next build is short.
pub fn plant(root: &Path, to: &Path, mutants: &[Mutant]) -> Result<(), String> {
    let mut wanted: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (path, file) in files(root) {
        // Workspaces of their own are no part of the build.
        if path.starts_with("bench/") || path.starts_with("e2e/parts/") {
            continue;
        }
        wanted.insert(path, std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    let mut by_file: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in mutants {
        by_file.entry(&mutant.file).or_default().push(mutant);
    }
    for (file, mutants) in by_file {
        let bytes =
            wanted.get_mut(file).ok_or_else(|| format!("{}: there is no file {file}", mutants[0].name))?;
        *bytes = altered(&String::from_utf8_lossy(bytes), &mutants)?.into_bytes();
    }
    let deep = "../../tools/mutant";
    for (path, bytes) in wanted.iter_mut().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let up = if path.starts_with("crates/") { deep } else { &deep[3..] };
        let line = format!("[dependencies]\nquorate_mutant = {{ path = \"{up}\" }}");
        *bytes = text.replacen("[dependencies]", &line, 1).into_bytes();
    }
    if let Some(workspace) = wanted.get_mut("Cargo.toml") {
        let text =
            String::from_utf8_lossy(workspace).replacen("members = [", "members = [\"tools/mutant\", ", 1);
        // What a switch leaves behind is not worth a warning.
        *workspace = text.into_bytes();
    }
    wanted.insert("tools/mutant/Cargo.toml".into(), MANIFEST.into());
    wanted.insert("tools/mutant/src/lib.rs".into(), SWITCH.into());
    for (path, _) in files(to).iter().filter(|(path, _)| !wanted.contains_key(path)) {
        std::fs::remove_file(to.join(path)).map_err(|error| format!("{path}: {error}"))?;
    }
    for (path, bytes) in &wanted {
        write(&to.join(path), bytes).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

/// The file's text with its mutants in it. Their needles may overlap, what they replace may not.
fn altered(text: &str, mutants: &[&Mutant]) -> Result<String, String> {
    let mut places = Vec::new();
    for mutant in mutants {
        let at = place(text, mutant)?;
        places.push((at, at + mutant.find.1.len(), *mutant));
    }
    places.sort_by_key(|(start, _, _)| *start);
    if let Some(pair) = places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        return Err(format!("{} and {} replace the same text", pair[0].2.name, pair[1].2.name));
    }
    let mut text = text.to_owned();
    for (start, end, mutant) in places.into_iter().rev() {
        text.replace_range(start..end, &mutant.switch());
    }
    Ok(text)
}

/// Where what a mutant replaces begins.
pub fn place(text: &str, mutant: &Mutant) -> Result<usize, String> {
    let needle = mutant.needle();
    let mut found = text.match_indices(&needle);
    match (found.next(), found.count()) {
        (Some((at, _)), 0) => Ok(at + mutant.find.0.len()),
        (first, more) => {
            let count = usize::from(first.is_some()) + more;
            Err(format!("{}: {} has {count} times, not once: {needle}", mutant.name, mutant.file))
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::list::parse;

    #[test]
    fn a_needle_must_stand_once() {
        let text = "== m\nrow: x\nfile: f.rs\nfind: if «a» {\nput: false\ntest: r t\n";
        let mutants = parse(text).unwrap();
        let mutants = [&mutants[0]];
        let good = altered("x; if a { y }", &mutants).unwrap();
        assert_eq!(good, "x; if (if quorate_mutant::on(\"m\") { false } else { a }) { y }");
        assert!(altered("x", &mutants).unwrap_err().contains("0 times"));
        assert!(altered("if a { if a { } }", &mutants).unwrap_err().contains("2 times"));
        let clash = altered("x; if a { y }", &[mutants[0], mutants[0]]);
        assert!(clash.unwrap_err().contains("the same text"));
    }
}

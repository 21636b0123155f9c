//! The project stands alone: no file points to a place outside of it, and what code cites of docs/spec exists.

/// Paths that exist on one machine only. Written in parts, so that this file does not name them.
const STRANGE: [&str; 2] = [concat!("shared", "/design"), concat!("/work", "/")];

/// Finds such names in any text file.
pub fn check(texts: &[(String, String)]) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, text) in texts {
        for word in STRANGE.iter().filter(|word| names(text, word)) {
            violations.push(format!("{path} mentions {word}, which is no part of the project"));
        }
    }
    violations.extend(citations(texts));
    violations
}

/// Citations in Rust files of sections that the specification does not have. Papers' sections are cited by the
/// papers' names, so only what follows "docs/spec" is judged.
fn citations(texts: &[(String, String)]) -> Vec<String> {
    const CITED: &str = "docs/spec §";
    let headings: Vec<&str> = texts
        .iter()
        .filter(|(path, _)| path.starts_with("docs/spec/"))
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(" §"))
        .map(number)
        .collect();
    let mut violations = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".rs")) {
        for (at, found) in text.match_indices(CITED) {
            let cited = number(&text[at + found.len()..]);
            if !cited.is_empty() && !headings.contains(&cited) {
                violations.push(format!("{path} cites docs/spec §{cited}, which does not exist"));
            }
        }
    }
    violations
}

/// The section number that the text starts with, such as `4.3`.
fn number(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// An absolute path counts only where a path starts, so that `src/work/x` is legal.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !word.starts_with('/')
            || !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_paths_are_found() {
        let at = |text: String| check(&[("README.md".to_owned(), text)]).len();
        assert_eq!(at(format!("see {}{}/X.md", "shared", "/design")), 1);
        assert_eq!(at(format!("cd {}{}main", "/work", "/")), 1);
        assert_eq!(at("docs/design and src/work/x and network/a".to_owned()), 0);
    }

    #[test]
    fn citations_of_missing_sections_are_found() {
        let spec = ("docs/spec/4.md".to_owned(), "# §4 ECDSA\n\n## §4.3 Presign\n".to_owned());
        let at = |text: &str| check(&[spec.clone(), ("a.rs".to_owned(), text.to_owned())]).len();
        assert_eq!(at(&format!("// {} §4.9.", "docs/spec")), 1);
        assert_eq!(at(&format!("// {} §4.3. And {} §4, too; DKLs23 §5.1", "docs/spec", "docs/spec")), 0);
    }
}

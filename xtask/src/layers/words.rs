//! The project stands alone: no file points to a place outside of it.

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
    violations
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
}

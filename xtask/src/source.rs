//! Just enough understanding of Rust source for the house rules: code without comments, strings and tests.

use std::path::{Path, PathBuf};

/// All files under `root`, sorted, as (path relative to `root`, absolute path). Build output and version control are
/// left out.
pub fn files(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let ours = name != ".git"
                    && name != "node_modules"
                    && name != "target"
                    && !name.starts_with("target-");
                if ours {
                    folders.push(path);
                }
            } else if kind.is_file()
                && let Ok(relative) = path.strip_prefix(root)
            {
                found.push((relative.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    found.sort();
    found
}

/// The source with comments and the insides of literals blanked; lines stay where they are.
pub fn code(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out: Vec<char> = chars.clone();
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            at += 1;
        } else {
            blank(&mut out[at..end]);
            at = end;
        }
    }
    out.into_iter().collect()
}

fn blank(span: &mut [char]) {
    span.iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
}

/// Where the comment, string or character that starts at `at` ends; `at` itself when none starts there.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => seek(chars, at, |c| c == '\n'),
        '/' if next == Some('*') => block_comment(chars, at),
        '"' => quoted(chars, at, '"'),
        'r' if !word_before(chars, at) => raw_string(chars, at),
        '\'' => {
            let character = next == Some('\\') || chars.get(at + 2) == Some(&'\'');
            // Otherwise a lifetime.
            if character { quoted(chars, at, '\'') } else { at }
        }
        _ => at,
    }
}

fn seek(chars: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|i| stop(chars[*i])).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0usize, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn quoted(chars: &[char], at: usize, mark: char) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            c if c == mark => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// `r"…"` or `r#"…"#`; a raw identifier such as `r#fn` is none.
fn raw_string(chars: &[char], at: usize) -> usize {
    let open = seek(chars, at + 1, |c| c != '#');
    if chars.get(open) != Some(&'"') {
        return at;
    }
    let hashes = open - at - 1;
    let closes = |i: &usize| {
        chars[*i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + hashes)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word character stands before, other than the `b` or `c` of a byte or C string.
fn word_before(chars: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    let prefix =
        matches!(chars[before], 'b' | 'c') && !before.checked_sub(1).is_some_and(|i| is_word(chars[i]));
    is_word(chars[before]) && !prefix
}

/// Code (from [`code`]) without the items that stand under `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut chars: Vec<char> = code.chars().collect();
    let mark: Vec<char> = MARK.chars().collect();
    let mut at = 0;
    while at + mark.len() <= chars.len() {
        if chars[at..].starts_with(&mark) {
            let end = item_end(&chars, at + mark.len()).1;
            blank(&mut chars[at..end]);
        }
        at += 1;
    }
    chars.into_iter().collect()
}

/// From inside an item's head: where its body opens (if it has one) and where the item ends.
fn item_end(chars: &[char], from: usize) -> (Option<usize>, usize) {
    let mut depth = 0i32;
    for (i, c) in chars.iter().enumerate().skip(from) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth <= 0 => return (None, i + 1),
            '{' if depth <= 0 => return (Some(i), body_end(chars, i)),
            _ => {}
        }
    }
    (None, chars.len())
}

fn body_end(chars: &[char], open: usize) -> usize {
    let mut depth = 0i32;
    for (i, c) in chars.iter().enumerate().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    chars.len()
}

/// Whether the word stands in the code as a whole.
pub fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Every function with a body, as (name, lines of code between its braces).
pub fn functions(code: &str) -> Vec<(String, usize)> {
    let chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    for at in 0..chars.len().saturating_sub(3) {
        let keyword = chars[at..].starts_with(&['f', 'n', ' '])
            && !at.checked_sub(1).is_some_and(|i| is_word(chars[i]));
        if !keyword {
            continue;
        }
        let name: String = chars[at + 3..].iter().take_while(|c| is_word(**c)).collect();
        if name.is_empty() {
            continue;
        }
        if let (Some(open), end) = item_end(&chars, at + 3) {
            let body: String = chars[open + 1..end.saturating_sub(1).max(open + 1)].iter().collect();
            found.push((name, body.lines().filter(|line| !line.trim().is_empty()).count()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let source = "a // Sha256\nb /* x /* Hmac */ y */ c \"Sha512 \\\" {\" d r#\"{ \" Hmac\"# e '{' '\\'' f<'a> br\"{\" r#fn";
        let code = code(source);
        for gone in ["Sha256", "Hmac", "Sha512", "{", "x", "y"] {
            assert!(!code.contains(gone), "{gone} stands in {code}");
        }
        for kept in ["a", "b", "c", "d", "e", "f<'a>", "r#fn"] {
            assert!(code.contains(kept), "{kept} is missing from {code}");
        }
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn test_items_are_left_out_and_nothing_else() {
        let text = "use a;\n#[cfg(test)]\nmod tests {\n fn x() { Sha256 }\n}\nfn kept() {}\n#[cfg(test)]\nmod more;\nfn too() {}";
        let rest = without_tests(text);
        assert!(!has_word(&rest, "Sha256") && !has_word(&rest, "more"));
        assert!(has_word(&rest, "kept") && has_word(&rest, "too") && has_word(&rest, "a"));
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use sha2::Sha256;", "Sha256"));
        assert!(!has_word("MySha256", "Sha256"));
        assert!(!has_word("Sha256Core", "Sha256"));
        assert!(has_word("Sha256Core, Sha256", "Sha256"));
    }

    #[test]
    fn function_lengths_count_code_alone() {
        let text = code(
            "fn a(x: [u8; 3]) -> T {\n one;\n\n // no\n two {\n }\n}\ntrait B { fn c(&self);\n fn d() {} }",
        );
        assert_eq!(functions(&text), vec![("a".into(), 3), ("d".into(), 0)]);
        assert_eq!(functions("type F = fn (u8); fn e() { x }"), vec![("e".into(), 1)]);
    }
}

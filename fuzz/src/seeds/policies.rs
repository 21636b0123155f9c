//! Policies: the examples of docs/policy.md, and small frames and headers.

use super::{Seeds, scene};
use quorate_intent::api_auth::RequestAuth;
use quorate_policy::file;

const DOCUMENT: &str = include_str!("../../../docs/policy.md");

/// Fenced blocks with this label.
fn blocks(label: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = DOCUMENT.lines();
    while let Some(line) = lines.next() {
        let Some(own) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if own == label {
            found.push(format!("{}\n", text.join("\n")));
        }
    }
    found
}

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    let rules = blocks("toml rules").into_iter().map(|rules| format!("{PRELUDE}{rules}"));
    for text in blocks("toml policy").into_iter().chain(rules).chain([SMALL.to_owned()]) {
        if let Ok(policy) = file::read(&text) {
            seeds.add("policy-canonical", policy.encode());
            seeds.add("policy-file", text);
        }
    }
    for text in blocks("toml local") {
        seeds.add("policy-local-file", text);
    }
    let auth = RequestAuth::sign(&scene::key(scene::CLIENT), "GET", "/v1/wallets", b"", scene::NOW, [3; 16]);
    let lines: Vec<String> = auth.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    seeds.add("intent-api-headers", lines.join("\n"));
    seeds.add("transport-frame", [&5u32.to_be_bytes()[..], b"hello", &0u32.to_be_bytes()].concat());
}

/// Names that the document's rules use.
const PRELUDE: &str = "version = 1\n[wallets]\nops = \"wal_01010101010101010101010101010101\"\ncold = \"wal_02020202020202020202020202020202\"\n";

/// The smallest policy that says something.
const SMALL: &str = "version = 1\nnew-wallets = \"open\"\n\n[[rule]]\nname = \"a\"\ndecision = \"deny\"\n";

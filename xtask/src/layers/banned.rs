//! Crates that must not stand in the dependency graph, and where crates may come from.

use super::{PURE, tree};
use std::path::Path;

/// Rooms that handle shares: no factoring assumption and no class group may come in (docs/spec §4).
const KEY_ROOMS: [&str; 4] = ["sharing", "protocols", "session", "vault"];

/// Cryptography that these rooms must not be built from, by whole name.
const CRYPTOGRAPHY: [&str; 8] =
    ["rsa", "rug", "gmp-mpfr-sys", "num-bigint-dig", "glass_pumpkin", "crypto-primes", "bicycl", "curv-kzen"];

/// The same, by a part of the name.
const CRYPTOGRAPHY_PARTS: [&str; 5] =
    ["paillier", "class_group", "class-group", "classgroup", "unknown_order"];

/// Runtimes, sockets and databases, which the pure rooms must not be built from.
const OUTSIDE_WORLD: [&str; 14] = [
    "tokio",
    "mio",
    "socket2",
    "async-std",
    "async-io",
    "smol",
    "hyper",
    "reqwest",
    "ureq",
    "axum",
    "rustls",
    "sqlx",
    "rusqlite",
    "async-nats",
];

/// Reads the graph of every room concerned and checks it.
pub fn run(root: &Path) -> Vec<String> {
    let mut violations = Vec::new();
    let mut rooms = PURE.to_vec();
    rooms.extend(KEY_ROOMS.iter().filter(|room| !PURE.contains(room)));
    for room in rooms {
        match tree(root, &format!("quorate-{room}")) {
            Ok(crates) => violations.extend(check(room, &crates)),
            Err(error) => violations.push(format!("cargo tree for {room}: {error}")),
        }
    }
    violations
}

fn check(room: &str, crates: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in crates {
        let lower = name.to_lowercase();
        let cryptography = CRYPTOGRAPHY.contains(&lower.as_str())
            || CRYPTOGRAPHY_PARTS.iter().any(|part| lower.contains(part));
        if KEY_ROOMS.contains(&room) && cryptography {
            found.push(format!("{room} is built from {name}, which brings Paillier, RSA or class groups"));
        }
        if PURE.contains(&room) && OUTSIDE_WORLD.contains(&lower.as_str()) {
            found.push(format!("{room} is built from {name}, but does no I/O"));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Every locked crate comes from crates.io; no manifest names a git source.
pub fn sources(texts: &[(String, String)]) -> Vec<String> {
    const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut violations = Vec::new();
    for (path, text) in texts {
        let name = path.rsplit('/').next().unwrap_or(path);
        for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if name == "Cargo.lock" && line.starts_with("source = ") && line != CRATES_IO {
                violations.push(format!("{path}:{at}: a crate that is not from crates.io: {line}"));
            }
            let git = line
                .split(['{', ','])
                .any(|part| part.split_once('=').is_some_and(|(k, _)| k.trim() == "git"));
            if name == "Cargo.toml" && git {
                violations.push(format!("{path}:{at}: a git dependency"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn banned_cryptography_is_found_in_key_rooms() {
        for name in ["rsa", "kzen-paillier", "class_group", "curv-kzen", "unknown_order"] {
            assert_eq!(check("vault", &names(&["k256", name])).len(), 1, "{name}");
        }
        assert!(check("vault", &names(&["sqlx", "tokio", "universal-hash"])).is_empty());
        assert!(check("policy", &names(&["rsa"])).is_empty());
    }

    #[test]
    fn the_outside_world_is_found_in_pure_rooms() {
        assert_eq!(check("session", &names(&["tokio", "tokio"])).len(), 1);
        assert_eq!(check("chains", &names(&["reqwest", "k256"])).len(), 1);
        assert!(check("audit", &names(&["sha2", "borsh"])).is_empty());
    }

    #[test]
    fn other_sources_are_found() {
        let text = |path: &str, text: &str| sources(&[(path.to_owned(), text.to_owned())]);
        assert_eq!(text("Cargo.lock", "source = \"git+https://example.org/x#1\"").len(), 1);
        assert_eq!(text("Cargo.lock", "source = \"registry+https://example.org/index\"").len(), 1);
        assert!(
            text("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"")
                .is_empty()
        );
        assert_eq!(text("crates/a/Cargo.toml", "x = { git = \"https://example.org/x\" }").len(), 1);
        assert_eq!(text("Cargo.toml", "git = \"https://example.org/x\"").len(), 1);
        assert!(text("Cargo.toml", "github = \"1\"\ngix = { version = \"1\" }").is_empty());
    }
}

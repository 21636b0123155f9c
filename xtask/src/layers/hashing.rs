//! Protocol data is hashed by the one transcript alone (docs/spec §1.2).

use super::RustFile;
use crate::source::has_word;

/// Files, or folders that end in a slash, which may name a hash function, and why.
const ALLOWED: [(&str, &str); 9] = [
    ("crates/sharing/src/transcript.rs", "the transcript itself"),
    ("crates/sharing/src/prg.rs", "the expansion of seeds"),
    ("crates/protocols/src/derive.rs", "BIP32 prescribes HMAC-SHA512"),
    ("crates/session/src/seal.rs", "HKDF derives the sealing key, as the spec says (§1.3)"),
    (
        "crates/audit/src/merkle.rs",
        "RFC 6962 prescribes its hashes, so that anybody's verifier can check the log",
    ),
    ("crates/audit/src/note.rs", "the signed note format prescribes key ids"),
    ("crates/intent/src/passkey.rs", "WebAuthn prescribes its hashes"),
    ("crates/intent/src/passkey_tests.rs", "an authenticator in software, for the same reason"),
    ("crates/chains/", "the chains prescribe their hashes"),
];

/// Names that stand for hashing without the transcript.
const HASHES: [&str; 10] = [
    "Sha256",
    "Sha384",
    "Sha512",
    "Sha3_256",
    "Keccak256",
    "Blake2b512",
    "Blake2s256",
    "Hmac",
    "Hkdf",
    "SimpleHmac",
];

/// Finds uses outside the allowed files. Tests may hash as they like: they compare with published vectors.
pub fn check(files: &[RustFile]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.room().is_some()) {
        if ALLOWED
            .iter()
            .any(|(path, _)| file.path == *path || (path.ends_with('/') && file.path.starts_with(path)))
        {
            continue;
        }
        for hash in HASHES.iter().filter(|hash| has_word(&file.product, hash)) {
            violations.push(format!(
                "{} uses {hash}; hash through quorate_sharing::Transcript, or give the reason in xtask/src/layers/hashing.rs",
                file.path
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, text: &str) -> usize {
        check(&[RustFile::new(path, text)]).len()
    }

    #[test]
    fn direct_hashing_is_found() {
        assert_eq!(at("crates/protocols/src/generate.rs", "use sha2::{Digest, Sha256};"), 1);
        assert_eq!(at("crates/session/src/hello.rs", "fn f() { Sha512::digest(x); Hmac::<u8>::new(y) }"), 2);
        assert_eq!(at("crates/sharing/src/transcript2.rs", "Sha256"), 1);
    }

    #[test]
    fn allowed_places_tests_and_comments_are_not() {
        assert_eq!(at("crates/sharing/src/transcript.rs", "use sha2::Sha256;"), 0);
        assert_eq!(at("crates/chains/src/bitcoin/txid.rs", "use sha2::Sha256;"), 0);
        assert_eq!(at("crates/audit/src/lib.rs", "// not Sha256\nconst X: &str = \"Hmac\";"), 0);
        assert_eq!(at("crates/audit/src/lib.rs", "#[cfg(test)]\nmod tests { use sha2::Sha256; }"), 0);
        assert_eq!(at("crates/audit/tests/vectors.rs", "use sha2::Sha256;"), 0);
    }
}

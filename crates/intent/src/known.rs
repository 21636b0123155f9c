//! Signatures that this process found good: who asks again about the very same bytes is answered without the arithmetic.
//!
//! A node and a gateway look at one approval many times on a transaction's way (when it comes, when the policy counts it, when it
//! is recorded, when the certificate is made), and each look must be a real one: no caller may take another's word for it.
//! Verification is a function of key, message and signature alone, so remembering that it said yes changes no answer. Only a
//! yes is remembered, under a hash of all three. Off until [`remember`] is called: a tool that verifies a file gains nothing.

use quorate_sharing::Transcript;
use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Names in a generation; two are kept. About 3 MB at most.
const GENERATION: usize = 1 << 15;

static GOOD: OnceLock<Mutex<Good>> = OnceLock::new();

/// Two generations, so that what is asked about stays and what is not goes, without a clock.
#[derive(Default)]
struct Good {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Good {
    fn has(&mut self, name: &[u8; 32], generation: usize) -> bool {
        if self.young.contains(name) {
            return true;
        }
        let known = self.old.remove(name);
        if known {
            self.add(*name, generation);
        }
        known
    }

    fn add(&mut self, name: [u8; 32], generation: usize) {
        if self.young.len() >= generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name);
    }
}

/// Remembers good signatures from now on, for as long as this process lives.
pub fn remember() {
    GOOD.get_or_init(Mutex::default);
}

/// What `verify` says, or that it said yes before. `scheme` tells apart what the same bytes mean elsewhere.
pub(crate) fn good(scheme: u8, parts: [&[u8]; 3], verify: impl FnOnce() -> bool) -> bool {
    let Some(good) = GOOD.get() else { return verify() };
    let name = name(scheme, parts);
    let lock = || good.lock().unwrap_or_else(PoisonError::into_inner);
    if lock().has(&name, GENERATION) {
        return true;
    }
    let verified = verify();
    if verified {
        lock().add(name, GENERATION);
    }
    verified
}

fn name(scheme: u8, [key, message, signature]: [&[u8]; 3]) -> [u8; 32] {
    Transcript::new("intent/known")
        .number("scheme", scheme.into())
        .field("key", key)
        .field("message", message)
        .field("signature", signature)
        .digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_about_the_very_same_is_remembered() {
        remember();
        let parts: [&[u8]; 3] = [b"key", b"message", b"signature of the first test"];
        assert!(!good(200, parts, || false) && good(200, parts, || true), "a no was remembered");
        assert!(good(200, parts, || panic!("asked again")));
        assert!(!good(201, parts, || false), "another scheme");
        for at in 0..3 {
            let mut other = parts;
            other[at] = b"other";
            assert!(!good(200, other, || false), "another part {at}");
        }
        let moved: [&[u8]; 3] = [b"keym", b"essage", parts[2]];
        assert!(!good(200, moved, || false), "the same bytes, cut elsewhere");
    }

    #[test]
    fn what_is_asked_about_stays_and_the_rest_goes() {
        let mut known = Good::default();
        let name = |n: u8| [n; 32];
        for n in 0..4 {
            known.add(name(n), 4);
        }
        for n in 4..8 {
            known.add(name(n), 4);
            assert!(known.has(&name(0), 4));
        }
        assert!(!known.has(&name(1), 4) && known.young.len() + known.old.len() <= 8);
    }
}

//! Signing in to the console: tokens, challenges, and how many failures an address has. What a session is allowed is for
//! `api/sessions.rs`.

use quorate_intent::PublicKey;
use quorate_sharing::Transcript;
use rand_core::{OsRng, RngCore};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// How long a session lasts at most, in seconds.
pub const ABSOLUTE: u64 = 12 * 3600;
/// How long it lasts unused, in seconds.
pub const IDLE: u64 = 30 * 60;
/// How exactly its use is noted, in seconds: not every read shall be a write.
pub const TOUCH: u64 = 60;
/// How long a link is good, in seconds.
pub const LINK: u64 = 120;
/// How long a challenge is good, in seconds.
pub const CHALLENGE: u64 = 120;
/// Most failed sign-ins of one address in [`WINDOW`] seconds.
const MAX_FAILURES: u32 = 20;
/// See [`MAX_FAILURES`].
const WINDOW: u64 = 60;
/// Most addresses whose failures are counted; those beyond share one count.
const MAX_ADDRESSES: usize = 4096;

/// What signing in needs to remember besides the database. Challenges are not stored: whoever asks for many costs nothing.
pub struct SignIns {
    secret: Zeroizing<[u8; 32]>,
    used: Mutex<HashMap<[u8; 32], u64>>,
    failures: Mutex<HashMap<Option<IpAddr>, (u64, u32)>>,
}

impl SignIns {
    /// With a secret of this process: challenges of an earlier one are void.
    pub fn new() -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(secret.as_mut());
        Self { secret, used: Mutex::default(), failures: Mutex::default() }
    }

    /// A fresh nonce, and until when it is good: time, 8 random bytes, and the mark that it is from here.
    pub fn challenge(&self, now: u64) -> ([u8; 32], u64) {
        let mut nonce = [0; 32];
        let expires = now.saturating_add(CHALLENGE);
        nonce[..8].copy_from_slice(&expires.to_be_bytes());
        OsRng.fill_bytes(&mut nonce[8..16]);
        let mark = self.mark(&nonce[..16]);
        nonce[16..].copy_from_slice(&mark[..16]);
        (nonce, expires)
    }

    fn mark(&self, head: &[u8]) -> [u8; 32] {
        Transcript::new("console/challenge")
            .field("secret", self.secret.as_slice())
            .field("head", head)
            .digest()
    }

    /// Whether a nonce is from here, in time, and not used up.
    pub fn is_open(&self, nonce: &[u8; 32], now: u64) -> bool {
        let mark = self.mark(&nonce[..16]);
        // Over all bytes, whatever differs: the time it takes tells nothing.
        let differs = nonce[16..].iter().zip(&mark[..16]).fold(0, |all, (a, b)| all | (a ^ b));
        let expires = nonce[..8].try_into().map_or(0, u64::from_be_bytes);
        differs == 0 && now < expires && !lock(&self.used).contains_key(nonce)
    }

    /// Uses a nonce up; false when somebody else did meanwhile. Only good assertions come so far, so this stays small.
    pub fn take(&self, nonce: &[u8; 32], now: u64) -> bool {
        let mut used = lock(&self.used);
        used.retain(|_, expires| now < *expires);
        used.insert(*nonce, now.saturating_add(CHALLENGE)).is_none()
    }

    /// Whether this address may try.
    pub fn may_try(&self, peer: Option<IpAddr>, now: u64) -> bool {
        let failures = lock(&self.failures);
        failures.get(&peer).is_none_or(|(since, count)| now >= since + WINDOW || *count < MAX_FAILURES)
    }

    /// Counts a failure.
    pub fn failed(&self, peer: Option<IpAddr>, now: u64) {
        let mut failures = lock(&self.failures);
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, (since, _)| now < *since + WINDOW);
        }
        let full = failures.len() >= MAX_ADDRESSES && !failures.contains_key(&peer);
        let entry = failures.entry(if full { None } else { peer }).or_insert((now, 0));
        if now >= entry.0 + WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token for a cookie or a link, in hex.
pub fn token() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(bytes.as_mut());
    Zeroizing::new(hex::encode(bytes.as_slice()))
}

/// What is kept of a token; `kind` keeps links and cookies apart. None for what is no token.
pub fn kept(kind: &str, token: &str) -> Option<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(token, bytes.as_mut()).ok()?;
    Some(
        Transcript::new("console/token")
            .field("kind", kind.as_bytes())
            .field("token", bytes.as_slice())
            .digest(),
    )
}

/// Everybody's name by key in the version in force: people, and clients who are no people of the rules.
pub fn name(genesis: &quorate_intent::Genesis, key: &PublicKey) -> Option<String> {
    let listed = genesis.people().find(|member| member.key == *key).map(|member| &member.name);
    let governed = genesis.governed.as_deref().map(|governed| governed.people.as_slice()).unwrap_or_default();
    let person = governed.iter().find(|person| person.keys.contains(key)).map(|person| &person.name);
    listed.or(person).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_and_for_a_while() {
        let ins = SignIns::new();
        let (nonce, expires) = ins.challenge(100);
        assert_eq!(expires, 100 + CHALLENGE);
        assert!(ins.is_open(&nonce, 100) && ins.is_open(&nonce, expires - 1));
        assert!(!ins.is_open(&nonce, expires));
        for at in 0..32 {
            let mut other = nonce;
            other[at] ^= 1;
            assert!(!ins.is_open(&other, 100), "byte {at}");
        }
        assert!(!SignIns::new().is_open(&nonce, 100), "of another process");
        assert!(ins.take(&nonce, 100));
        assert!(!ins.take(&nonce, 100) && !ins.is_open(&nonce, 100));
    }

    #[test]
    fn failures_of_one_address_are_limited_and_forgotten() {
        let ins = SignIns::new();
        let (a, b) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        for _ in 0..MAX_FAILURES {
            assert!(ins.may_try(a, 10));
            ins.failed(a, 10);
        }
        assert!(!ins.may_try(a, 10 + WINDOW - 1) && ins.may_try(b, 10));
        assert!(ins.may_try(a, 10 + WINDOW));
        ins.failed(a, 10 + WINDOW);
        assert!(ins.may_try(a, 10 + WINDOW));
    }

    #[test]
    fn what_is_kept_tells_links_from_cookies() {
        let token = token();
        assert_eq!(token.len(), 64);
        assert_ne!(kept("session", &token), kept("link", &token));
        assert!(kept("session", "zz").is_none() && kept("session", &token[1..]).is_none());
    }
}

//! Child keys that were derived lately: one transfer asks for the same few children a dozen times on its way through a process
//! (plan, digests, request, parts, signature, certificate), and a child of three steps costs more than verifying a signature.
//!
//! Derivation is a function of public values alone, so remembering it changes no answer.

use quorate_protocols::derive::{Derive, DeriveError, Derived, ExtendedKey};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Most that are remembered of a curve; then all are forgotten, about 200 kB.
const MOST: usize = 1024;

type Known<C> = HashMap<([u8; 32], Vec<u32>), (ExtendedKey<C>, Derived<C>)>;

/// What is remembered of one curve, by chain code and path; the key itself is compared.
pub struct Children<C: Curve>(Mutex<Known<C>>);

/// A curve whose children are remembered.
pub trait Remembered: Derive + Sized {
    /// Its children.
    fn children() -> &'static Children<Self>;
}

static SECP256K1: LazyLock<Children<Secp256k1>> = LazyLock::new(Children::new);
static ED25519: LazyLock<Children<Ed25519>> = LazyLock::new(Children::new);

impl Remembered for Secp256k1 {
    fn children() -> &'static Children<Self> {
        &SECP256K1
    }
}

impl Remembered for Ed25519 {
    fn children() -> &'static Children<Self> {
        &ED25519
    }
}

/// The child of `key` at `path`, as [`ExtendedKey::derive`] gives it.
///
/// # Errors
/// Those of [`ExtendedKey::derive`].
pub fn child<C: Remembered>(key: &ExtendedKey<C>, path: &[u32]) -> Result<Derived<C>, DeriveError> {
    C::children().get(key, path)
}

impl<C: Derive> Children<C> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, key: &ExtendedKey<C>, path: &[u32]) -> Result<Derived<C>, DeriveError> {
        let name = (key.chain_code, path.to_vec());
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, derived)) = lock().get(&name)
            && of == key
        {
            return Ok(*derived);
        }
        let derived = key.derive(path)?;
        let mut known = lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, (*key, derived));
        Ok(derived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_sharing::Curve;

    fn key(secret: u64) -> ExtendedKey<Secp256k1> {
        ExtendedKey { key: Secp256k1::mul_base(&secret.into()), chain_code: [7; 32] }
    }

    #[test]
    fn a_remembered_child_is_the_derived_one() {
        let children = Children::new();
        for secret in [1, 2, 1, 2] {
            // The same chain code: another key is another key all the same.
            for path in [&[0, 0, 1][..], &[0, 1], &[]] {
                assert_eq!(children.get(&key(secret), path), key(secret).derive(path));
            }
        }
        assert!(children.get(&key(1), &[1 << 31]).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let children = Children::new();
        for index in 0..1500 {
            children.get(&key(1), &[index]).unwrap();
            assert!(children.0.lock().unwrap().len() <= MOST);
        }
    }
}

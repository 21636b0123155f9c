//! Derivation of child keys without a ceremony (docs/spec §6).
//!
//! secp256k1: BIP32, unhardened, so that an xpub agrees with every other implementation. Ed25519: the same additive
//! construction, ours, for which there is no standard; one child scalar together with the xpub gives the parent.

use crate::message::Malformed;
use alloc::vec::Vec;
use core::fmt;
use group::Group;
use group::ff::Field;
use hmac::{Hmac, Mac};
use k256::elliptic_curve::PrimeField;
use quorate_sharing::{Curve, Ed25519, Secp256k1, Transcript};
use sha2::Sha512;

/// The first hardened index; derivation is unhardened only.
pub const HARDENED: u32 = 1 << 31;
/// Longest path.
pub const MAX_DEPTH: usize = 8;

/// A curve on which children are derived.
pub trait Derive: Curve {
    /// τ of child `index` and the child's chain code, or `None` if this index has no child (probability 2^-127).
    fn step(parent: &Self::Point, chain_code: &[u8; 32], index: u32) -> Option<(Self::Scalar, [u8; 32])>;
}

impl Derive for Secp256k1 {
    /// BIP32 CKDpub: I = HMAC-SHA512(chain code, serP(K) ‖ ser32(i)); τ = I_L, chain code' = I_R.
    fn step(parent: &Self::Point, chain_code: &[u8; 32], index: u32) -> Option<(Self::Scalar, [u8; 32])> {
        let mut mac = Hmac::<Sha512>::new_from_slice(chain_code).ok()?;
        mac.update(&Self::encode_point(parent));
        mac.update(&index.to_be_bytes());
        let out = mac.finalize().into_bytes();
        let (left, right) = out.split_at(32);
        let left: [u8; 32] = left.try_into().ok()?;
        let tau = Option::from(k256::Scalar::from_repr(left.into()))?;
        Some((tau, right.try_into().ok()?))
    }
}

impl Derive for Ed25519 {
    /// τ = 64 bytes of hash over (domain, chain code, X, index) modulo ℓ; the chain code is the next 32 bytes.
    fn step(parent: &Self::Point, chain_code: &[u8; 32], index: u32) -> Option<(Self::Scalar, [u8; 32])> {
        let out = Transcript::new("derive/ed25519")
            .field("chain code", chain_code)
            .point::<Self>("parent", parent)
            .number("index", u64::from(index))
            .expand(96);
        let (wide, code) = out.split_at(64);
        Some((Self::reduce_wide(wide.try_into().ok()?), code.try_into().ok()?))
    }
}

/// A public key with its chain code: everything that deriving addresses needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedKey<C: Curve> {
    /// X.
    pub key: C::Point,
    /// 32 bytes out of the key's generation.
    pub chain_code: [u8; 32],
}

/// A key derived along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived<C: Curve> {
    /// The sum of the steps' tweaks: X' = X + τ·G and x' = x + τ.
    pub tau: C::Scalar,
    /// X' and its chain code.
    pub key: ExtendedKey<C>,
}

/// Why a path cannot be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeriveError {
    /// Hardened steps need the private key, which nobody has.
    Hardened(u32),
    /// More than [`MAX_DEPTH`] steps.
    TooDeep(usize),
    /// This index has no child key; take the next one.
    NoChild(u32),
}

impl<C: Derive> ExtendedKey<C> {
    /// Derives along `path`.
    pub fn derive(&self, path: &[u32]) -> Result<Derived<C>, DeriveError> {
        if path.len() > MAX_DEPTH {
            return Err(DeriveError::TooDeep(path.len()));
        }
        let mut derived = Derived { tau: C::Scalar::ZERO, key: *self };
        for &index in path {
            if index >= HARDENED {
                return Err(DeriveError::Hardened(index));
            }
            let (tau, chain_code) = C::step(&derived.key.key, &derived.key.chain_code, index)
                .ok_or(DeriveError::NoChild(index))?;
            let key = derived.key.key + C::mul_base_vartime(&tau);
            if bool::from(key.is_identity()) {
                return Err(DeriveError::NoChild(index));
            }
            derived = Derived { tau: derived.tau + tau, key: ExtendedKey { key, chain_code } };
        }
        Ok(derived)
    }

    /// The key and the chain code, concatenated.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = C::encode_point(&self.key);
        bytes.extend_from_slice(&self.chain_code);
        bytes
    }

    /// Decodes [`ExtendedKey::encode`]; the key must not be the identity.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = crate::Reader::new(bytes);
        let key = Self { key: reader.nonzero_point::<C>()?, chain_code: reader.array()? };
        reader.finish()?;
        Ok(key)
    }
}

impl fmt::Display for DeriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hardened(index) => write!(
                f,
                "path step {index} is hardened; only unhardened steps (below {HARDENED}) can be derived"
            ),
            Self::TooDeep(depth) => write!(f, "path has {depth} steps; at most {MAX_DEPTH} are supported"),
            Self::NoChild(index) => write!(f, "index {index} has no child key; take the next index"),
        }
    }
}

impl core::error::Error for DeriveError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(hex_key: &str, hex_code: &str) -> ExtendedKey<Secp256k1> {
        let mut bytes = hex::decode(hex_key).unwrap();
        bytes.extend(hex::decode(hex_code).unwrap());
        ExtendedKey::decode(&bytes).unwrap()
    }

    /// BIP32 test vector 2: chain m, then m/0.
    #[test]
    fn agrees_with_bip32() {
        let root = key(
            "03cbcaa9c98c877a26977d00825c956a238e8dddfbd322cce4f74b0b5bd6ace4a7",
            "60499f801b896d83179a4374aeb7822aaeaceaa0db1f85ee3e904c4defbd9689",
        );
        let child = key(
            "02fc9e5af0ac8d9b3cecfe2a888e2117ba3d089d8585886c9c826b6b22a98d12ea",
            "f0909affaa7ee7abe5dd4e100598d4dc53cd709d5a5c2cac40e7412f232f7c9c",
        );
        let derived = root.derive(&[0]).unwrap();
        assert_eq!(derived.key, child);
        assert_eq!(Secp256k1::mul_base(&derived.tau) + root.key, child.key);
    }

    #[test]
    fn refuses_hardened_and_deep_paths() {
        let root = ExtendedKey::<Ed25519> { key: Ed25519::mul_base(&5u64.into()), chain_code: [7; 32] };
        assert_eq!(root.derive(&[HARDENED]), Err(DeriveError::Hardened(HARDENED)));
        assert_eq!(root.derive(&[0; 9]), Err(DeriveError::TooDeep(9)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// x + τ is the private key of X + τG, step by step or all at once.
        #[test]
        fn tweaks_add_up(secret in 1u64.., a in 0..HARDENED, b in 0..HARDENED) {
            fn check<C: Derive>(secret: u64, a: u32, b: u32) {
                let x = C::Scalar::from(secret);
                let root = ExtendedKey::<C> { key: C::mul_base(&x), chain_code: [3; 32] };
                let whole = root.derive(&[a, b]).unwrap();
                assert!(C::mul_base(&(x + whole.tau)) == whole.key.key);
                assert!(root.derive(&[a]).unwrap().key.derive(&[b]).unwrap().key == whole.key);
                assert!(ExtendedKey::<C>::decode(&root.encode()).unwrap() == root);
            }
            check::<Secp256k1>(secret, a, b);
            check::<Ed25519>(secret, a, b);
        }
    }
}

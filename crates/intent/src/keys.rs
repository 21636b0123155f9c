//! Ed25519 keys of parties, approvers, administrators, clients and the gateway: public halves and signatures.

use crate::id::text_form;
use crate::{IntentError, known};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names the scheme for [`known`].
const ED25519: u8 = 0;

/// An Ed25519 public key (RFC 8032, 32 bytes), shown as 64 hex digits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature (64 bytes), shown as 128 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub [u8; 64]);

text_form!(PublicKey, "", "public key");
text_form!(Signature, "", "signature");

impl PublicKey {
    /// Strict verification (no small-order keys, canonical S) of a signature over a 32-byte transcript digest.
    pub fn verify(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        self.verify_bytes(digest, signature)
    }

    /// The same over any bytes, for formats of others that sign a text as it stands (signed notes, passkeys).
    pub fn verify_bytes(&self, message: &[u8], signature: &Signature) -> bool {
        known::good(ED25519, [&self.0, message, &signature.0], || {
            ed25519_dalek::VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
            })
        })
    }

    /// Whether these bytes are a usable key: a canonical point that is not of small order.
    pub fn check(&self, field: &'static str) -> Result<(), IntentError> {
        match ed25519_dalek::VerifyingKey::from_bytes(&self.0) {
            Ok(key) if !key.is_weak() => Ok(()),
            _ => Err(IntentError::field(field, format!("{self} is not an Ed25519 public key"))),
        }
    }

    /// What operators compare by voice: the hash of the key in eight groups of four hex digits (128 bits).
    pub fn fingerprint(&self) -> String {
        fingerprint(&Transcript::new("intent/fingerprint").field("key", &self.0).digest())
    }
}

/// Eight groups of four hex digits out of a digest.
pub fn fingerprint(digest: &[u8; 32]) -> String {
    let groups: Vec<String> = digest[..16].chunks(2).map(hex::encode).collect();
    groups.join("-")
}

/// Signs a 32-byte transcript digest.
pub fn sign(key: &ed25519_dalek::SigningKey, digest: &[u8; 32]) -> Signature {
    Signature(ed25519_dalek::Signer::sign(key, digest).to_bytes())
}

/// The public half of a signing key.
pub fn public(key: &ed25519_dalek::SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

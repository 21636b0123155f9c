//! The signing request and its assignments (docs/spec §4.4).

use crate::KeySet;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_chains::{Built, Payload, ToSign};
use quorate_intent::{Hash, PublicKey, Signature, WalletId};
use quorate_protocols::derive::DeriveError;
use quorate_sharing::Transcript;

/// Most signatures in one request: a Bitcoin transaction's inputs.
pub const MAX_ITEMS: usize = 200;
/// Most attempts that a request may allow.
pub const MAX_ATTEMPTS: u32 = 64;

/// One signature that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Item {
    /// Path of the key, unhardened.
    pub path: Vec<u32>,
    /// X', encoded.
    pub key: Vec<u8>,
    /// What is signed: a 32-byte digest, or for Ed25519 the whole message.
    pub message: Vec<u8>,
}

/// The canonical unsigned request; its hash is rq.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SigningRequest {
    /// The key.
    pub wallet: WalletId,
    /// Hash of the epoch's public record.
    pub record: Hash,
    /// Hash of the intent.
    pub intent: Hash,
    /// What is to be signed.
    pub items: Vec<Item>,
    /// Hash of the governance version (and so of the policy) under which it is judged.
    pub policy: Hash,
    /// 32 random bytes.
    pub nonce: [u8; 32],
    /// Unix seconds; nothing is signed at or after it.
    pub expires: u64,
    /// Attempts are numbered below this.
    pub attempts: u32,
}

impl Item {
    /// One item for each signature that a transaction needs, with each key derived anew.
    pub fn all(keys: &KeySet, built: &Built) -> Result<Vec<Self>, DeriveError> {
        let item = |to_sign: &ToSign| {
            let message = match &to_sign.payload {
                Payload::EcdsaDigest(digest) | Payload::TaprootKeySpend(digest) => digest.to_vec(),
                Payload::Ed25519(message) => message.clone(),
            };
            Ok(Self { path: to_sign.path.clone(), key: keys.child(&to_sign.path)?.key, message })
        };
        built.to_sign.iter().map(item).collect()
    }
}

impl SigningRequest {
    /// rq.
    pub fn hash(&self) -> Hash {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Hash(Transcript::new("signing/request").field("request", &bytes).digest())
    }
}

/// Which nonces or which presignature one item is signed with, in one attempt.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Assignment {
    /// rq.
    pub request: Hash,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Which item, from 0.
    pub index: u32,
    /// pd of the presignature, or the digest of the commitment list.
    pub material: Hash,
}

/// An assignment with the coordinator's signature: a coordinator that signs two for one presignature is caught.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedAssignment {
    /// The assignment.
    pub assignment: Assignment,
    /// The coordinator's signature.
    pub signature: Signature,
}

impl Assignment {
    /// What the coordinator signs.
    pub fn digest(&self) -> [u8; 32] {
        Transcript::new("signing/assignment")
            .field("request", &self.request.0)
            .number("attempt", self.attempt.into())
            .number("index", self.index.into())
            .field("material", &self.material.0)
            .digest()
    }
}

impl SignedAssignment {
    /// Whether the coordinator signed it.
    pub fn verifies(&self, coordinator: &PublicKey) -> bool {
        coordinator.verify(&self.assignment.digest(), &self.signature)
    }
}

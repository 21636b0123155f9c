//! Drills: a set of backups is shown to be good for a restore, and nobody puts shares together (docs/spec §2.5).
//!
//! One challenge goes to all operators. Each opens the own backup and answers with a proof for each share in it: it is the
//! share behind the public share X_i of the epoch that the certificate names. Whoever checks counts the parties of each key
//! whose proofs hold. No machine sees more than its own share, and the key is never made.

use crate::{Certificate, KeySet, WalletRecord};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, PublicKey, Signature, WalletId, keys};
use quorate_protocols::Message;
use quorate_protocols::possession::Possession;
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1, SecretScalar, Transcript};
use rand_core::CryptoRngCore;
use std::collections::BTreeSet;

/// What the operators are asked: which epochs, and a number that nobody could know before.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Challenge {
    /// 32 random bytes.
    pub nonce: [u8; 32],
    /// The certificate of each key's active epoch.
    pub certificates: Vec<Certificate>,
}

/// What one operator's backup holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// The node.
    pub node: PublicKey,
    /// Hash of the challenge.
    pub challenge: Hash,
    /// One proof for each key that the backup holds the right share of.
    pub proofs: Vec<(WalletId, Vec<u8>)>,
    /// The node's signature over all of it.
    pub signature: Signature,
}

/// Why a proof is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// The share does not fit the epoch.
    #[error("the share is not the one behind the certificate: {0}")]
    Share(String),
    /// The answer is of no use.
    #[error("the answer of {node} is not good: {problem}")]
    Answer {
        /// Whose.
        node: PublicKey,
        /// Why.
        problem: &'static str,
    },
}

impl Challenge {
    /// Names the challenge.
    pub fn hash(&self) -> Hash {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Hash(Transcript::new("drill/challenge").field("challenge", &bytes).digest())
    }

    fn context(&self, node: &PublicKey, record: &WalletRecord) -> [u8; 32] {
        Transcript::new("drill/proof")
            .field("challenge", &self.hash().0)
            .field("node", &node.0)
            .field("record", &record.hash().0)
            .digest()
    }

    /// A proof that `secret`, the encoded share of `node`, is the one behind a record of this challenge.
    ///
    /// # Errors
    /// [`DrillError::Share`] when it is not.
    pub fn prove(
        &self,
        node: &PublicKey,
        record: &WalletRecord,
        secret: &[u8],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<u8>, DrillError> {
        let wrong = |problem: String| DrillError::Share(problem);
        let keys = record.keys().map_err(|error| wrong(error.to_string()))?;
        let index = record.index_of(node).ok_or_else(|| wrong("this node is not a party of it".into()))?;
        let index = Index::new(index).map_err(|error| wrong(error.to_string()))?;
        let context = self.context(node, record);
        let expected = keys.public_share(index).unwrap_or_default();
        match keys {
            KeySet::Ed25519(_) => prove::<Ed25519>(&context, secret, &expected, rng),
            _ => prove::<Secp256k1>(&context, secret, &expected, rng),
        }
    }

    /// Signs an answer.
    pub fn answer(&self, identity: &ed25519_dalek::SigningKey, proofs: Vec<(WalletId, Vec<u8>)>) -> Answer {
        let (node, challenge) = (keys::public(identity), self.hash());
        let signature = keys::sign(identity, &digest(&node, &challenge, &proofs));
        Answer { node, challenge, proofs, signature }
    }

    /// The keys whose proofs in an answer hold.
    ///
    /// # Errors
    /// [`DrillError::Answer`] for an answer to another challenge, without a valid signature, or with a proof that does not
    /// hold.
    pub fn covered(&self, answer: &Answer) -> Result<BTreeSet<WalletId>, DrillError> {
        let bad = |problem| DrillError::Answer { node: answer.node, problem };
        if answer.challenge != self.hash() {
            return Err(bad("it answers another challenge"));
        }
        if !answer.node.verify(&digest(&answer.node, &answer.challenge, &answer.proofs), &answer.signature) {
            return Err(bad("its signature does not verify"));
        }
        let mut covered = BTreeSet::new();
        for (wallet, proof) in &answer.proofs {
            let record = self.certificates.iter().map(|c| &c.record).find(|record| record.wallet == *wallet);
            let record = record.ok_or_else(|| bad("it speaks of a key that was not asked for"))?;
            if !self.holds(&answer.node, record, proof) {
                return Err(bad("a proof in it does not hold"));
            }
            covered.insert(*wallet);
        }
        Ok(covered)
    }

    fn holds(&self, node: &PublicKey, record: &WalletRecord, proof: &[u8]) -> bool {
        fn check<C: Curve>(context: &[u8; 32], proof: &[u8], public: &[u8]) -> bool {
            let (Ok(proof), Ok(public)) = (Possession::<C>::decode(proof, ()), C::decode_point(public))
            else {
                return false;
            };
            proof.verifies(context, &public)
        }
        let Ok(keys) = record.keys() else { return false };
        let index = record.index_of(node).and_then(|index| Index::new(index).ok());
        let Some(public) = index.and_then(|index| keys.public_share(index)) else { return false };
        let context = self.context(node, record);
        match keys {
            KeySet::Ed25519(_) => check::<Ed25519>(&context, proof, &public),
            _ => check::<Secp256k1>(&context, proof, &public),
        }
    }
}

fn prove<C: Curve>(
    context: &[u8; 32],
    secret: &[u8],
    expected: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, DrillError> {
    let secret = SecretScalar::<C>::decode(secret).map_err(|error| DrillError::Share(error.to_string()))?;
    if C::encode_point(&secret.public()) != expected {
        return Err(DrillError::Share("it gives another public share".into()));
    }
    Ok(Possession::prove(context, &secret, rng).encode())
}

fn digest(node: &PublicKey, challenge: &Hash, proofs: &[(WalletId, Vec<u8>)]) -> [u8; 32] {
    let bytes = borsh::to_vec(proofs).unwrap_or_default();
    Transcript::new("drill/answer")
        .field("node", &node.0)
        .field("challenge", &challenge.0)
        .field("proofs", &bytes)
        .digest()
}

#[cfg(test)]
mod tests;

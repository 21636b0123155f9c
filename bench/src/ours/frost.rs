//! A full FROST signature by our wrapper: nonces, commitments to all signers, shares to one that combines.

use super::keys;
use crate::race::Wire;
use crate::{BenchError, Setting};
use quorate_protocols::frost::{self, NonceCommitments, Nonces, Schnorr, Share, Task, Tweak};
use quorate_protocols::key::KeyShare;
use quorate_sharing::Index;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;

/// A key and the t parties that sign with it.
pub struct Signers<S: Schnorr> {
    keys: Vec<KeyShare<S::Curve>>,
    rng: ChaCha20Rng,
}

impl<S: Schnorr> Signers<S> {
    /// Generates a key by all n; the t highest indices sign.
    ///
    /// # Errors
    /// If a round refuses.
    pub fn new(setting: Setting) -> Result<Self, BenchError> {
        let mut rng = ChaCha20Rng::from_entropy();
        let mut keys = keys::generate::<S::Curve>(setting, [1; 32], &mut rng, &mut Wire::default())?;
        keys::check(&keys, setting)?;
        Ok(Self { keys: keys.split_off(usize::from(setting.n - setting.t)), rng })
    }

    /// The 32-byte public key.
    ///
    /// # Errors
    /// If it has no encoding.
    pub fn key(&self) -> Result<[u8; 32], BenchError> {
        Ok(frost::verifying_key_bytes::<S>(self.keys[0].public(), &[], Tweak::None)?)
    }

    /// Nonces, shares and the combined, verified signature.
    ///
    /// # Errors
    /// If a party refuses.
    pub fn sign(&mut self, message: &[u8; 32], wire: &mut Wire) -> Result<[u8; 64], BenchError> {
        let committed = self.commit(wire)?;
        let signed = self.shares(committed, message, wire)?;
        self.combine(&signed, message)
    }

    /// Every signer's nonces; the commitments go to each other signer.
    ///
    /// # Errors
    /// If a party refuses.
    pub fn commit(&mut self, wire: &mut Wire) -> Result<Committed<S>, BenchError> {
        let (mut secret, mut commitments) = (Vec::new(), BTreeMap::new());
        for key in &self.keys {
            let (nonces, commitment) = frost::nonces::<S>(key, &mut self.rng)?;
            wire.sent(commitment.as_bytes().len(), self.keys.len() - 1);
            secret.push(nonces);
            commitments.insert(key.index(), commitment);
        }
        Ok((secret, commitments))
    }

    /// Every signer's share; they go to the first signer, which will combine.
    ///
    /// # Errors
    /// If a party refuses.
    pub fn shares(
        &self,
        (secret, commitments): Committed<S>,
        message: &[u8; 32],
        wire: &mut Wire,
    ) -> Result<Signed, BenchError> {
        let mut shares = BTreeMap::new();
        let mut first = None;
        for (key, nonces) in self.keys.iter().zip(secret) {
            let received = receive::<S>(&commitments, key.index())?;
            let task = Task { path: &[], message, tweak: Tweak::None, commitments: &received };
            let share = frost::sign::<S>(key, nonces, &task)?;
            let share = if first.is_none() {
                share
            } else {
                wire.sent(share.as_bytes().len(), 1);
                Share::decode::<S>(share.as_bytes())?
            };
            shares.insert(key.index(), share);
            first.get_or_insert(received);
        }
        Ok((shares, first.ok_or(BenchError::Invalid("no signers"))?))
    }

    /// The first signer combines and verifies.
    ///
    /// # Errors
    /// If it refuses.
    pub fn combine(
        &self,
        (shares, commitments): &Signed,
        message: &[u8; 32],
    ) -> Result<[u8; 64], BenchError> {
        let task = Task { path: &[], message, tweak: Tweak::None, commitments };
        Ok(frost::combine::<S>(self.keys[0].public(), &task, shares)?)
    }
}

/// Each signer's nonces, and all commitments.
pub type Committed<S> = (Vec<Nonces<S>>, BTreeMap<Index, NonceCommitments>);
/// All shares and commitments as the one that combines has them.
pub type Signed = (BTreeMap<Index, Share>, BTreeMap<Index, NonceCommitments>);

/// The commitments as `me` has them: the others' decoded.
fn receive<S: Schnorr>(
    sent: &BTreeMap<Index, NonceCommitments>,
    me: Index,
) -> Result<BTreeMap<Index, NonceCommitments>, BenchError> {
    sent.iter()
        .map(|(index, commitment)| {
            let mine = *index == me;
            let got =
                if mine { commitment.clone() } else { NonceCommitments::decode::<S>(commitment.as_bytes())? };
            Ok((*index, got))
        })
        .collect()
}

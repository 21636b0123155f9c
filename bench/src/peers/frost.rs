//! The `frost` crates by themselves: key generation in three parts, and a full signature.

use crate::race::Wire;
use crate::{BenchError, Setting};
use frost_core::keys::dkg::{self, round1, round2};
use frost_core::keys::{KeyPackage, PublicKeyPackage};
use frost_core::round1::SigningCommitments;
use frost_core::round2::SignatureShare;
use frost_core::{Ciphersuite, Identifier, SigningPackage};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;

/// What each party has after key generation.
pub type Keys<C> = Vec<(KeyPackage<C>, PublicKeyPackage<C>)>;

/// Parts 1 to 3 of all n parties.
///
/// # Errors
/// If a part refuses.
pub fn generate<C: Ciphersuite>(
    setting: Setting,
    rng: &mut ChaCha20Rng,
    wire: &mut Wire,
) -> Result<Keys<C>, BenchError> {
    let others = usize::from(setting.n) - 1;
    let mut first = BTreeMap::new();
    let mut sent = BTreeMap::new();
    for i in 1..=setting.n {
        let id = Identifier::<C>::try_from(i)?;
        let (secret, package) = dkg::part1(id, setting.n, setting.t, &mut *rng)?;
        let bytes = package.serialize()?;
        wire.sent(bytes.len(), others);
        first.insert(id, secret);
        sent.insert(id, bytes);
    }
    let mut boxes: BTreeMap<Identifier<C>, BTreeMap<Identifier<C>, round2::Package<C>>> = BTreeMap::new();
    let mut second = BTreeMap::new();
    for (id, secret) in first {
        let received = sent
            .iter()
            .filter(|(from, _)| **from != id)
            .map(|(from, bytes)| Ok((*from, round1::Package::deserialize(bytes)?)))
            .collect::<Result<BTreeMap<_, _>, BenchError>>()?;
        let (secret, packages) = dkg::part2(secret, &received)?;
        for (to, package) in packages {
            let bytes = package.serialize()?;
            wire.sent(bytes.len(), 1);
            boxes.entry(to).or_default().insert(id, round2::Package::deserialize(&bytes)?);
        }
        second.insert(id, (secret, received));
    }
    second
        .iter()
        .map(|(id, (secret, received))| {
            Ok(dkg::part3(secret, received, boxes.get(id).unwrap_or(&BTreeMap::new()))?)
        })
        .collect()
}

/// Whether all parties have one public side, and each share belongs to it.
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn check<C: Ciphersuite>(keys: &Keys<C>) -> Result<(), BenchError> {
    let same = keys.windows(2).all(|two| two[0].1 == two[1].1);
    let fits = |(key, public): &(KeyPackage<C>, PublicKeyPackage<C>)| {
        public.verifying_shares().get(key.identifier()) == Some(key.verifying_share())
    };
    if same && keys.iter().all(fits) {
        Ok(())
    } else {
        Err(BenchError::Invalid("frost: the parties did not agree on one key"))
    }
}

/// The last 32 bytes of the encoded public key: x-only for BIP340, all of it for Ed25519.
///
/// # Errors
/// If it has no such encoding.
pub fn key<C: Ciphersuite>(keys: &Keys<C>) -> Result<[u8; 32], BenchError> {
    let first = keys.first().ok_or(BenchError::Invalid("no keys"))?;
    let bytes = first.1.verifying_key().serialize()?;
    bytes.last_chunk().copied().ok_or(BenchError::Invalid("short public key"))
}

/// Nonces, shares, and the combined, verified signature of the t last parties; the first of them combines.
///
/// # Errors
/// If a party refuses.
pub fn sign<C: Ciphersuite>(
    keys: &Keys<C>,
    setting: Setting,
    message: &[u8; 32],
    rng: &mut ChaCha20Rng,
    wire: &mut Wire,
) -> Result<[u8; 64], BenchError> {
    let signers = &keys[usize::from(setting.n - setting.t)..];
    let mut nonces = Vec::new();
    let mut sent = BTreeMap::new();
    for (key, _) in signers {
        let (secret, commitments) = frost_core::round1::commit(key.signing_share(), rng);
        let bytes = commitments.serialize()?;
        wire.sent(bytes.len(), signers.len() - 1);
        nonces.push(secret);
        sent.insert(*key.identifier(), (commitments, bytes));
    }
    let mut shares = BTreeMap::new();
    let mut first = None;
    for ((key, _), secret) in signers.iter().zip(nonces) {
        let received = sent
            .iter()
            .map(|(id, (own, bytes))| {
                let mine = id == key.identifier();
                Ok((*id, if mine { *own } else { SigningCommitments::deserialize(bytes)? }))
            })
            .collect::<Result<BTreeMap<_, _>, BenchError>>()?;
        let package = SigningPackage::new(received, message);
        let share = frost_core::round2::sign(&package, &secret, key)?;
        let share = if first.is_none() {
            share
        } else {
            let bytes = share.serialize();
            wire.sent(bytes.len(), 1);
            SignatureShare::deserialize(&bytes)?
        };
        shares.insert(*key.identifier(), share);
        first.get_or_insert(package);
    }
    let package = first.ok_or(BenchError::Invalid("no signers"))?;
    let signature = frost_core::aggregate(&package, &shares, &signers[0].1)?;
    signature.serialize()?.try_into().map_err(|_| BenchError::Invalid("the signature is not 64 bytes"))
}

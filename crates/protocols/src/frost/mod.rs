//! Schnorr signatures by FROST (RFC 9591) for Ed25519 and BIP340 keys (docs/spec §3).
//!
//! The signing code is that of the `frost` crates; this module feeds it from our shares, derives children, applies the
//! Taproot tweak, and keeps the crates' Copy and Clone secrets inside one wrapper that moves by value.

mod suite;

pub use suite::{Bip340, Decoded, Ed25519Schnorr, Schnorr, Tweak};

use crate::derive::{DeriveError, Derived};
use crate::key::{KeyShare, PublicShares};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use frost_core::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_core::round1::{NonceCommitment, SigningCommitments, SigningNonces};
use frost_core::round2::SignatureShare;
use frost_core::{CheaterDetection, Identifier, SigningPackage, VerifyingKey};
use group::Group;
use group::ff::Field;
use quorate_sharing::{Curve, Index, SecretScalar, Transcript};
use rand_core::{CryptoRng, RngCore};
use suite::Point;

/// A pair of nonces, for one signature. Moved into [`sign`], never copied, never stored.
///
/// ```compile_fail
/// fn twice<S: quorate_protocols::frost::Schnorr>(nonces: quorate_protocols::frost::Nonces<S>) {
///     let first = nonces;
///     let second = nonces; // moved already
/// }
/// ```
pub struct Nonces<S: Schnorr>(SigningNonces<S::Frost>);

/// The public side of [`Nonces`]: hiding then binding commitment, each an encoded point. Keeps the decoded points, so
/// that signing and combining need not decode again.
#[derive(Clone, Debug)]
pub struct NonceCommitments {
    bytes: Vec<u8>,
    points: Decoded,
}

/// One party's signature share: an encoded scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share(Vec<u8>);

/// What is signed: the key's derivation, the message, and who signs with which commitments.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// Path from the wallet's key.
    pub path: &'a [u32],
    /// The message: 32 bytes of sighash for Taproot, the whole message for Ed25519.
    pub message: &'a [u8],
    /// Whether the output key of BIP341 signs instead of the internal key.
    pub tweak: Tweak,
    /// The signers and their commitments.
    pub commitments: &'a BTreeMap<Index, NonceCommitments>,
}

/// Why a share or signature was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrostError {
    /// The number of signers is not exactly t.
    SignerCount {
        /// t.
        need: usize,
        /// Given.
        found: usize,
    },
    /// A party that does not hold a share of this key.
    Stranger(Index),
    /// Our own commitment in the list is not the one of the nonces.
    ForeignCommitment,
    /// Bytes that are no commitment, of this party.
    BadCommitment(Index),
    /// Shares that are wrong, of these parties (§3.3).
    BadShares(Vec<Index>),
    /// The path cannot be derived.
    Derive(DeriveError),
    /// The `frost` crates refuse, for a reason that none of the above names.
    Refused(&'static str),
}

impl NonceCommitments {
    /// The bytes: two encoded points.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decodes and checks two points, neither the identity.
    pub fn decode<S: Schnorr>(bytes: &[u8]) -> Result<Self, crate::Malformed> {
        let mut reader = crate::Reader::new(bytes);
        let points = [reader.nonzero_point::<S::Curve>()?, reader.nonzero_point::<S::Curve>()?];
        reader.finish()?;
        Ok(Self { bytes: bytes.to_vec(), points: S::keep(points.each_ref().map(S::element)) })
    }

    /// `None` if they were decoded for another curve.
    fn to_frost<S: Schnorr>(&self) -> Option<SigningCommitments<S::Frost>> {
        let [hiding, binding] = S::kept(&self.points)?;
        Some(SigningCommitments::new(NonceCommitment::new(hiding), NonceCommitment::new(binding)))
    }
}

impl PartialEq for NonceCommitments {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for NonceCommitments {}

impl PartialOrd for NonceCommitments {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NonceCommitments {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Share {
    /// The bytes: one encoded scalar.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Decodes a canonical scalar.
    pub fn decode<S: Schnorr>(bytes: &[u8]) -> Result<Self, crate::Malformed> {
        S::Curve::decode_scalar(bytes)?;
        Ok(Self(bytes.to_vec()))
    }
}

/// Makes nonces ahead of the message, hedged with the share (RFC 9591 §4.1).
pub fn nonces<S: Schnorr>(
    share: &KeyShare<S::Curve>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Nonces<S>, NonceCommitments), FrostError> {
    let secret = signing_share::<S>(share.secret())?;
    let (nonces, commitments) = frost_core::round1::commit(&secret, rng);
    let encode =
        |c: &NonceCommitment<S::Frost>| c.serialize().map_err(|_| FrostError::Refused("identity nonce"));
    let mut bytes = encode(commitments.hiding())?;
    bytes.extend(encode(commitments.binding())?);
    let points = S::keep([commitments.hiding().value(), commitments.binding().value()]);
    Ok((Nonces(nonces), NonceCommitments { bytes, points }))
}

/// The hash of a commitment list: what a share is bound to (§3.3).
pub fn commitments_digest(commitments: &BTreeMap<Index, NonceCommitments>) -> [u8; 32] {
    let start = Transcript::new("frost/commitments").number("signers", commitments.len() as u64);
    commitments
        .iter()
        .fold(start, |t, (index, c)| t.number("signer", index.get().into()).field("commitments", &c.bytes))
        .digest()
}

/// Signs: one signature share. The nonces are gone afterwards, whatever happens.
pub fn sign<S: Schnorr>(
    share: &KeyShare<S::Curve>,
    nonces: Nonces<S>,
    task: &Task<'_>,
) -> Result<Share, FrostError> {
    let package = signing_package::<S>(share.public(), task)?;
    let id = identifier::<S>(share.index())?;
    match package.signing_commitment(&id) {
        Some(own) if own == *nonces.0.commitments() => {}
        Some(_) => return Err(FrostError::ForeignCommitment),
        None => return Err(FrostError::Stranger(share.index())),
    }
    let derived = share.public().derive(task.path).map_err(FrostError::Derive)?;
    let secret = SecretScalar::<S::Curve>::new(*share.secret().expose() + derived.tau);
    let own = share.public().share(share.index()).ok_or(FrostError::Stranger(share.index()))?;
    let key = KeyPackage::new(
        id,
        signing_share::<S>(&secret)?,
        verifying_share::<S>(&(own + offset::<S>(&derived)))?,
        verifying_key::<S>(&derived.key.key)?,
        threshold(share.public()),
    );
    let key = S::finish_share(key, task.tweak);
    let share = frost_core::round2::sign(&package, &nonces.0, &key)
        .map_err(|_| FrostError::Refused("the share could not be made"))?;
    Ok(Share(share.serialize()))
}

/// Checks one party's share by itself.
pub fn verify_share<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    task: &Task<'_>,
    signer: Index,
    share: &Share,
) -> Result<(), FrostError> {
    let package = signing_package::<S>(public, task)?;
    let keys = public_package::<S>(public, task, Some(signer))?;
    let id = identifier::<S>(signer)?;
    let bad = || FrostError::BadShares(alloc::vec![signer]);
    let verifying = keys.verifying_shares().get(&id).ok_or(FrostError::Stranger(signer))?;
    let share = SignatureShare::deserialize(&share.0).map_err(|_| bad())?;
    frost_core::verify_signature_share(id, verifying, &share, &package, keys.verifying_key())
        .map_err(|_| bad())
}

/// Combines t shares into a verified 64-byte signature, or names every party whose share is wrong.
pub fn combine<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    task: &Task<'_>,
    shares: &BTreeMap<Index, Share>,
) -> Result<[u8; 64], FrostError> {
    if !shares.keys().eq(task.commitments.keys()) {
        return Err(FrostError::SignerCount { need: public.threshold(), found: shares.len() });
    }
    let package = signing_package::<S>(public, task)?;
    let keys = public_package::<S>(public, task, None)?;
    let mut decoded = BTreeMap::new();
    for (index, share) in shares {
        let share =
            SignatureShare::deserialize(&share.0).map_err(|_| FrostError::BadShares(alloc::vec![*index]))?;
        decoded.insert(identifier::<S>(*index)?, share);
    }
    // The signature is verified here. The crate's own search for the culprit needs every public share and names one;
    // ours, below, names all.
    let detection = CheaterDetection::Disabled;
    let Ok(signature) = frost_core::aggregate_custom(&package, &decoded, &keys, detection) else {
        let wrong = |(index, share): (&Index, &Share)| {
            verify_share::<S>(public, task, *index, share).is_err().then_some(*index)
        };
        return Err(FrostError::BadShares(shares.iter().filter_map(wrong).collect()));
    };
    let bytes = signature.serialize().map_err(|_| FrostError::Refused("the signature has no encoding"))?;
    bytes.try_into().map_err(|_| FrostError::Refused("the signature is not 64 bytes"))
}

/// The 32-byte key under which the signature verifies: x-only for BIP340, compressed for Ed25519.
pub fn verifying_key_bytes<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    path: &[u32],
    tweak: Tweak,
) -> Result<[u8; 32], FrostError> {
    let commitments = BTreeMap::new();
    let task = Task { path, message: &[], tweak, commitments: &commitments };
    let keys = public_package::<S>(public, &task, None)?;
    let bytes =
        keys.verifying_key().serialize().map_err(|_| FrostError::Refused("the key has no encoding"))?;
    let tail = bytes.len().saturating_sub(32);
    bytes[tail..].try_into().map_err(|_| FrostError::Refused("the key is not 32 bytes"))
}

fn threshold<C: Curve>(public: &PublicShares<C>) -> u16 {
    public.threshold() as u16
}

fn identifier<S: Schnorr>(index: Index) -> Result<Identifier<S::Frost>, FrostError> {
    Identifier::try_from(index.get()).map_err(|_| FrostError::Stranger(index))
}

fn signing_share<S: Schnorr>(secret: &SecretScalar<S::Curve>) -> Result<SigningShare<S::Frost>, FrostError> {
    // declassify: that our own encoding is canonical.
    SigningShare::deserialize(&secret.encode()).map_err(|_| FrostError::Refused("share"))
}

fn verifying_share<S: Schnorr>(
    point: &<S::Curve as Curve>::Point,
) -> Result<VerifyingShare<S::Frost>, FrostError> {
    if bool::from(point.is_identity()) {
        return Err(FrostError::Refused("a public share is the identity"));
    }
    Ok(VerifyingShare::new(S::element(point)))
}

fn verifying_key<S: Schnorr>(
    point: &<S::Curve as Curve>::Point,
) -> Result<VerifyingKey<S::Frost>, FrostError> {
    if bool::from(point.is_identity()) {
        return Err(FrostError::Refused("the public key is the identity"));
    }
    Ok(VerifyingKey::new(S::element(point)))
}

/// The package that all signers of a task share; exactly t of the key's parties.
fn signing_package<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    task: &Task<'_>,
) -> Result<SigningPackage<S::Frost>, FrostError> {
    let (need, found) = (public.threshold(), task.commitments.len());
    if need != found {
        return Err(FrostError::SignerCount { need, found });
    }
    let mut commitments = BTreeMap::new();
    for (index, commitment) in task.commitments {
        if !public.parties().contains(*index) {
            return Err(FrostError::Stranger(*index));
        }
        let decoded = commitment.to_frost::<S>().ok_or(FrostError::BadCommitment(*index))?;
        commitments.insert(identifier::<S>(*index)?, decoded);
    }
    Ok(SigningPackage::new(commitments, task.message))
}

/// τ·G; nothing to compute for a key that is not derived.
fn offset<S: Schnorr>(derived: &Derived<S::Curve>) -> Point<S> {
    if bool::from(derived.tau.is_zero()) {
        Point::<S>::identity()
    } else {
        S::Curve::mul_base_vartime(&derived.tau)
    }
}

/// X', tweaked, and X_i' = X_i + τ·G of one party if asked for.
fn public_package<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    task: &Task<'_>,
    party: Option<Index>,
) -> Result<PublicKeyPackage<S::Frost>, FrostError> {
    let derived = public.derive(task.path).map_err(FrostError::Derive)?;
    let mut shares = BTreeMap::new();
    if let Some(index) = party {
        let point = public.share(index).ok_or(FrostError::Stranger(index))? + offset::<S>(&derived);
        shares.insert(identifier::<S>(index)?, verifying_share::<S>(&point)?);
    }
    let key = verifying_key::<S>(&derived.key.key)?;
    Ok(S::finish_public(PublicKeyPackage::new(shares, key, Some(threshold(public))), task.tweak))
}

impl fmt::Display for FrostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignerCount { need, found } => write!(f, "{found} signers; exactly {need} are needed"),
            Self::Stranger(index) => write!(f, "party {index} holds no share of this key"),
            Self::ForeignCommitment => f.write_str("the commitment in this party's name is not its own"),
            Self::BadCommitment(index) => write!(f, "the commitment of party {index} is malformed"),
            Self::BadShares(parties) => {
                f.write_str("wrong signature share of party")?;
                parties.iter().try_for_each(|index| write!(f, " {index}"))
            }
            Self::Derive(error) => error.fmt(f),
            Self::Refused(what) => write!(f, "signing was refused: {what}"),
        }
    }
}

impl core::error::Error for FrostError {}

#[cfg(test)]
mod tests;

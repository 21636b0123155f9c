//! Sealing of private messages to one-ceremony keys (docs/spec §1.3).
//!
//! A sealed message is: ephemeral public key (32) ‖ commitment to the key (32) ‖ XChaCha20-Poly1305 ciphertext of
//! (inner signature (64) ‖ message), tag (16) at its end. The ephemeral secret dies here; the recipient's dies with the
//! session; so a recording cannot be opened later by anybody.

use crate::Identity;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use quorate_intent::{PublicKey, Signature};
use quorate_sharing::Transcript;
use rand_core::CryptoRngCore;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use x25519_dalek::{EphemeralSecret, PublicKey as Point, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

/// How many bytes sealing adds to a message.
pub const OVERHEAD: usize = 32 + 32 + 64 + 16;

/// The X25519 secret of one party in one session. Erased on drop; without Debug, Clone or an encoding.
pub struct CeremonyKey {
    secret: Box<StaticSecret>,
    public: [u8; 32],
}

impl CeremonyKey {
    /// A fresh key.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        let secret = Box::new(StaticSecret::random_from_rng(rng));
        let public = Point::from(&*secret).to_bytes();
        Self { secret, public }
    }

    /// The half that goes into hello.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }
}

/// Whether a peer's key can be sealed to: not of small order, so the shared secret is never all zero.
pub fn usable(key: &[u8; 32]) -> bool {
    // Every clamped scalar is a multiple of the cofactor, so that any of them shows a small order.
    StaticSecret::from([1; 32]).diffie_hellman(&Point::from(*key)).was_contributory()
}

/// Where a sealed message belongs. All of it goes into the key, the inner signature and the associated data.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// The session id.
    pub ssid: &'a [u8; 32],
    /// The round.
    pub round: u8,
    /// The sender's identity key.
    pub sender: &'a PublicKey,
    /// The recipient's identity key.
    pub recipient: &'a PublicKey,
}

/// Why a sealed message is refused. All of these draw a hard edge, since its outer signature was valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// Too short to be a sealed message.
    Length,
    /// A key of small order.
    SmallOrder,
    /// Sealed for another key or another place.
    Commitment,
    /// Altered.
    Ciphertext,
    /// The inner signature is not the sender's.
    InnerSignature,
}

impl SealError {
    /// What was wrong, for people and logs.
    pub fn what(self) -> &'static str {
        match self {
            Self::Length => "sealed message is too short",
            Self::SmallOrder => "sealed message uses a key of small order",
            Self::Commitment => "sealed message is not for this key and place",
            Self::Ciphertext => "sealed message does not open",
            Self::InnerSignature => "sealed message has no valid inner signature",
        }
    }
}

impl Route<'_> {
    fn bind(&self, domain: &str) -> Transcript {
        Transcript::new(domain)
            .field("ssid", self.ssid)
            .number("round", u64::from(self.round))
            .field("sender", &self.sender.0)
            .field("recipient", &self.recipient.0)
    }

    /// What the inner signature covers.
    fn inner(&self, message: &[u8]) -> [u8; 32] {
        self.bind("session/inner").field("message", message).digest()
    }
}

/// Key, nonce, associated data and the commitment to all three.
struct Keys {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; 24],
    aad: [u8; 32],
    commitment: [u8; 32],
}

impl Keys {
    /// Derives all of it; refuses an all-zero shared secret.
    fn new(
        route: &Route<'_>,
        shared: &SharedSecret,
        ephemeral: &[u8; 32],
        recipient: &[u8; 32],
    ) -> Result<Self, SealError> {
        if !shared.was_contributory() {
            return Err(SealError::SmallOrder);
        }
        let info = route
            .bind("session/seal")
            .field("ephemeral key", ephemeral)
            .field("ceremony key", recipient)
            .digest();
        let mut okm = Zeroizing::new([0u8; 56]);
        Hkdf::<Sha256>::new(Some(b"quorate/v1 seal"), shared.as_bytes())
            .expand(&info, okm.as_mut())
            .map_err(|_| SealError::Length)?;
        let (mut key, mut nonce) = (Zeroizing::new([0u8; 32]), [0u8; 24]);
        key.copy_from_slice(&okm[..32]);
        nonce.copy_from_slice(&okm[32..]);
        let aad = info;
        let commitment = Transcript::new("session/seal commitment")
            .field("key", key.as_ref())
            .field("nonce", &nonce)
            .field("associated data", &aad)
            .digest();
        Ok(Self { key, nonce, aad, commitment })
    }

    fn nonce(&self) -> &XNonce {
        (&self.nonce).into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key: &Key = (&*self.key).into();
        XChaCha20Poly1305::new(key)
    }
}

/// Seals `message` to `recipient_key`, the one-ceremony key from the recipient's hello.
///
/// # Errors
/// [`SealError::SmallOrder`]; hellos with such keys are refused before.
pub fn seal(
    route: &Route<'_>,
    identity: &Identity,
    recipient_key: &[u8; 32],
    message: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, SealError> {
    let secret = EphemeralSecret::random_from_rng(rng);
    let ephemeral = Point::from(&secret).to_bytes();
    let shared = secret.diffie_hellman(&Point::from(*recipient_key));
    let keys = Keys::new(route, &shared, &ephemeral, recipient_key)?;
    let mut inner = Zeroizing::new(Vec::with_capacity(64 + message.len()));
    inner.extend_from_slice(&identity.sign(&route.inner(message)).0);
    inner.extend_from_slice(message);
    let payload = Payload { msg: &inner, aad: &keys.aad };
    let sealed = keys.cipher().encrypt(keys.nonce(), payload);
    let sealed = sealed.map_err(|_| SealError::Length)?;
    Ok([&ephemeral[..], &keys.commitment, &sealed].concat())
}

/// Opens a sealed message and checks who wrote it.
///
/// # Errors
/// A [`SealError`] for anything that [`seal`] would not have made for exactly this place.
pub fn open(route: &Route<'_>, key: &CeremonyKey, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (ephemeral, rest) = sealed.split_first_chunk::<32>().ok_or(SealError::Length)?;
    let (commitment, ciphertext) = rest.split_first_chunk::<32>().ok_or(SealError::Length)?;
    let shared = key.secret.diffie_hellman(&Point::from(*ephemeral));
    let keys = Keys::new(route, &shared, ephemeral, &key.public)?;
    if !bool::from(keys.commitment.ct_eq(commitment)) {
        return Err(SealError::Commitment);
    }
    let payload = Payload { msg: ciphertext, aad: &keys.aad };
    let inner = keys.cipher().decrypt(keys.nonce(), payload);
    let inner = Zeroizing::new(inner.map_err(|_| SealError::Ciphertext)?);
    let (signature, message) = inner.split_first_chunk::<64>().ok_or(SealError::Length)?;
    if !route.sender.verify(&route.inner(message), &Signature(*signature)) {
        return Err(SealError::InnerSignature);
    }
    Ok(Zeroizing::new(message.to_vec()))
}

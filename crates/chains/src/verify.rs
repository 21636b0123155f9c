//! Standalone checks of signatures, with libsecp256k1 and ed25519-dalek: other code than what made them.

use crate::built::{Payload, RawSignature, ToSign};
use crate::key::{SECP, ed25519_key, secp_key};
use crate::{ChainError, WalletKey};
use ::bitcoin::key::TapTweak;
use ::bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId, Signature as EcdsaSignature};
use ::bitcoin::secp256k1::schnorr::Signature as SchnorrSignature;
use ::bitcoin::secp256k1::{Message, PublicKey, XOnlyPublicKey};

/// The public key against which the signature for `to_sign` verifies: the derived key, 33 bytes compressed for ECDSA;
/// the tweaked output key, 32 bytes x-only, for a Taproot key spend (BIP341); 32 bytes for Ed25519.
pub fn public_key(key: &WalletKey, to_sign: &ToSign) -> Result<Vec<u8>, ChainError> {
    match (key, &to_sign.payload) {
        (WalletKey::Ecdsa(key), Payload::EcdsaDigest(_)) => {
            Ok(secp_key(key, &to_sign.path)?.serialize().to_vec())
        }
        (WalletKey::Bip340(key), Payload::TaprootKeySpend(_)) => {
            let (internal, _) = secp_key(key, &to_sign.path)?.x_only_public_key();
            Ok(internal.tap_tweak(&SECP, None).0.serialize().to_vec())
        }
        (WalletKey::Ed25519(key), Payload::Ed25519(_)) => Ok(ed25519_key(key, &to_sign.path)?.to_vec()),
        _ => {
            let problem = format!("a {} wallet does not sign this kind of payload", key.suite());
            Err(ChainError::encoding("payload", problem))
        }
    }
}

/// Verifies one signature over `payload` by `public`, a key in the form of [`public_key`]. ECDSA must be low-s and its
/// recovery id must give the key back; Ed25519 is checked strictly (no small-order points, canonical encodings).
/// The index in the error is 0.
pub fn verify_signature(
    public: &[u8],
    payload: &Payload,
    signature: &RawSignature,
) -> Result<(), ChainError> {
    match (payload, signature) {
        (Payload::EcdsaDigest(digest), RawSignature::Ecdsa { rs, recovery_id }) => {
            ecdsa(public, digest, rs, *recovery_id)
        }
        (Payload::TaprootKeySpend(digest), RawSignature::Schnorr(signature)) => {
            let key = XOnlyPublicKey::from_slice(public)
                .map_err(|error| ChainError::encoding("x-only public key", error))?;
            let signature = SchnorrSignature::from_slice(signature).map_err(refuse)?;
            SECP.verify_schnorr(&signature, &Message::from_digest(*digest), &key).map_err(refuse)
        }
        (Payload::Ed25519(message), RawSignature::Ed25519(signature)) => {
            let key = public
                .try_into()
                .map_err(|_| ChainError::encoding("Ed25519 public key", "must have 32 bytes"))
                .and_then(|bytes| {
                    ed25519_dalek::VerifyingKey::from_bytes(bytes)
                        .map_err(|error| ChainError::encoding("Ed25519 public key", error))
                })?;
            key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
                .map_err(|_| refuse("it does not verify against the key and the message"))
        }
        _ => Err(refuse("it is of another algorithm than what was to be signed")),
    }
}

fn ecdsa(public: &[u8], digest: &[u8; 32], rs: &[u8; 64], recovery_id: u8) -> Result<(), ChainError> {
    let key =
        PublicKey::from_slice(public).map_err(|error| ChainError::encoding("secp256k1 public key", error))?;
    let signature = EcdsaSignature::from_compact(rs).map_err(refuse)?;
    let mut low = signature;
    low.normalize_s();
    if low != signature {
        return Err(refuse("s is in the upper half; give n − s and flip the recovery id's lowest bit"));
    }
    let message = Message::from_digest(*digest);
    SECP.verify_ecdsa(&message, &signature, &key).map_err(refuse)?;
    let id = RecoveryId::from_i32(i32::from(recovery_id))
        .map_err(|_| refuse(format!("recovery id {recovery_id} is not 0 to 3")))?;
    let recovered = RecoverableSignature::from_compact(rs, id)
        .and_then(|signature| SECP.recover_ecdsa(&message, &signature));
    if recovered.is_ok_and(|recovered| recovered == key) {
        Ok(())
    } else {
        Err(refuse(format!("it verifies, but recovery id {recovery_id} does not give the signer's key")))
    }
}

fn refuse(problem: impl ToString) -> ChainError {
    ChainError::Signature { index: 0, problem: problem.to_string() }
}

//! Checks by other code than what made the result, and the unit of cost.

use crate::race::timed;
use crate::{BenchError, Setting};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey, XOnlyPublicKey, ecdsa, schnorr};

/// Checks an ECDSA signature (r ‖ s, low s) under a compressed key with libsecp256k1.
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn ecdsa(key: &[u8], digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), BenchError> {
    let check = || {
        let signature = ecdsa::Signature::from_compact(signature)?;
        SECP256K1.verify_ecdsa(&Message::from_digest(*digest), &signature, &PublicKey::from_slice(key)?)
    };
    check().map_err(|_| BenchError::Invalid("libsecp256k1 refuses the ECDSA signature"))
}

/// Checks a BIP340 signature under an x-only key with libsecp256k1.
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn bip340(key: &[u8; 32], message: &[u8; 32], signature: &[u8; 64]) -> Result<(), BenchError> {
    let check = || {
        let signature = schnorr::Signature::from_slice(signature)?;
        SECP256K1.verify_schnorr(
            &signature,
            &Message::from_digest(*message),
            &XOnlyPublicKey::from_slice(key)?,
        )
    };
    check().map_err(|_| BenchError::Invalid("libsecp256k1 refuses the BIP340 signature"))
}

/// Checks an Ed25519 signature strictly.
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn ed25519(key: &[u8; 32], message: &[u8; 32], signature: &[u8; 64]) -> Result<(), BenchError> {
    ed25519_dalek::VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)))
        .map_err(|_| BenchError::Invalid("ed25519-dalek refuses the Ed25519 signature"))
}

/// U: milliseconds of one ECDSA verification by libsecp256k1, the middle of `rounds` × 200.
pub fn unit(rounds: usize) -> f64 {
    let secret = SecretKey::from_slice(&[0x2b; 32]).expect("a constant below the group order");
    let key = PublicKey::from_secret_key(SECP256K1, &secret);
    let message = Message::from_digest([0x5a; 32]);
    let signature = SECP256K1.sign_ecdsa(&message, &secret);
    let mut times: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let verify = || SECP256K1.verify_ecdsa(&message, &signature, &key).is_ok();
            let (good, ms) = timed(|| (0..200).all(|_| std::hint::black_box(verify())));
            assert!(good, "libsecp256k1 refuses its own signature");
            ms / 200.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Refuses settings that no scheme here can run.
///
/// # Errors
/// [`BenchError::Invalid`] unless 2 ≤ t ≤ n ≤ 64.
pub fn setting(setting: Setting) -> Result<(), BenchError> {
    if (2..=setting.n).contains(&setting.t) && setting.n <= 64 {
        Ok(())
    } else {
        Err(BenchError::Invalid("a setting needs 2 ≤ t ≤ n ≤ 64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_signatures_are_refused() {
        let secret = SecretKey::from_slice(&[7; 32]).unwrap();
        let pair = secret.keypair(SECP256K1);
        let (digest, other) = ([1; 32], [2; 32]);
        let message = Message::from_digest(digest);
        let signature = SECP256K1.sign_ecdsa(&message, &secret).serialize_compact();
        let key = secret.public_key(SECP256K1).serialize();
        assert!(ecdsa(&key, &digest, &signature).is_ok());
        assert!(ecdsa(&key, &other, &signature).is_err());
        let signature = *SECP256K1.sign_schnorr_no_aux_rand(&message, &pair).as_ref();
        let key = pair.x_only_public_key().0.serialize();
        assert!(bip340(&key, &digest, &signature).is_ok());
        assert!(bip340(&key, &other, &signature).is_err());
        assert!(ed25519(&[0; 32], &digest, &[0; 64]).is_err());
    }
}

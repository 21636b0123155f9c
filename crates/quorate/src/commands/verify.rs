//! `verify-signature`: one signature by itself, with libsecp256k1 or strict Ed25519.

use crate::cli::VerifyArgs;
use crate::exit::Refused;
use crate::output;
use anyhow::{Context, Result};
use bitcoin::secp256k1::{self, Message, XOnlyPublicKey, ecdsa, schnorr};
use quorate_intent::Suite;

/// Runs the command.
pub fn run(args: &VerifyArgs, json: bool) -> Result<()> {
    let decode =
        |name: &'static str, text: &str| hex::decode(text).with_context(|| format!("{name}: must be hex"));
    let public = decode("--public-key", &args.public_key)?;
    let message = decode("--message", &args.message)?;
    let signature = decode("--signature", &args.signature)?;
    let valid = verify(args.suite, &public, &message, &signature)?;
    if !valid {
        return Err(Refused("the signature does not hold".to_owned()).into());
    }
    output::result(json, &serde_json::json!({ "valid": true }), || "the signature holds".to_owned())
}

/// Whether a signature holds; an error for values of the wrong form.
pub fn verify(suite: Suite, public: &[u8], message: &[u8], signature: &[u8]) -> Result<bool> {
    let secp = secp256k1::Secp256k1::verification_only();
    let digest = || Message::from_digest_slice(message).context("--message: a digest has 32 bytes");
    Ok(match suite {
        Suite::Ecdsa => {
            let key = secp256k1::PublicKey::from_slice(public).context("--public-key")?;
            let signature = ecdsa::Signature::from_compact(signature).context("--signature")?;
            secp.verify_ecdsa(&digest()?, &signature, &key).is_ok()
        }
        Suite::Bip340 => {
            let key = XOnlyPublicKey::from_slice(public).context("--public-key")?;
            let signature = schnorr::Signature::from_slice(signature).context("--signature")?;
            secp.verify_schnorr(&signature, &digest()?, &key).is_ok()
        }
        Suite::Ed25519 => {
            let key: [u8; 32] = public.try_into().context("--public-key: must have 32 bytes")?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(&key).context("--public-key")?;
            let signature = ed25519_dalek::Signature::from_slice(signature).context("--signature")?;
            key.verify_strict(message, &signature).is_ok()
        }
    })
}

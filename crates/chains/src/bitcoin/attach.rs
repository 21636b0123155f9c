//! Witnesses.

use super::Unsigned;
use crate::built::{RawSignature, SignedTx, ToSign};
use crate::key::secp_key;
use crate::{ChainError, WalletKey};
use ::bitcoin::secp256k1::{ecdsa, schnorr};
use ::bitcoin::sighash::{EcdsaSighashType, TapSighashType};
use ::bitcoin::{Witness, consensus};

/// Puts verified signatures into the witnesses.
pub(super) fn attach(
    unsigned: &Unsigned,
    to_sign: &[ToSign],
    key: &WalletKey,
    signatures: &[RawSignature],
) -> Result<SignedTx, ChainError> {
    let mut tx = unsigned.tx.clone();
    for (index, ((input, entry), signature)) in tx.input.iter_mut().zip(to_sign).zip(signatures).enumerate() {
        input.witness = witness(key, entry, signature)
            .map_err(|error| ChainError::Signature { index, problem: error.to_string() })?;
    }
    Ok(SignedTx { raw: consensus::serialize(&tx), id: tx.compute_txid().to_string() })
}

/// BIP141 and BIP341: signature and key, or the signature alone.
fn witness(key: &WalletKey, entry: &ToSign, signature: &RawSignature) -> Result<Witness, ChainError> {
    match (key, signature) {
        (WalletKey::Ecdsa(key), RawSignature::Ecdsa { .. }) => {
            Ok(Witness::p2wpkh(&ecdsa_signature(signature)?, &secp_key(key, &entry.path)?))
        }
        (WalletKey::Bip340(_), RawSignature::Schnorr(_)) => {
            Ok(Witness::p2tr_key_spend(&taproot_signature(signature)?))
        }
        _ => Err(ChainError::encoding("signature", "it is of another algorithm than the wallet's key")),
    }
}

/// With SIGHASH_ALL, as `build` computed the digest.
pub(super) fn ecdsa_signature(signature: &RawSignature) -> Result<::bitcoin::ecdsa::Signature, ChainError> {
    let RawSignature::Ecdsa { rs, .. } = signature else {
        return Err(ChainError::encoding("signature", "it must be an ECDSA signature"));
    };
    let signature =
        ecdsa::Signature::from_compact(rs).map_err(|error| ChainError::encoding("signature", error))?;
    Ok(::bitcoin::ecdsa::Signature { signature, sighash_type: EcdsaSighashType::All })
}

/// With SIGHASH_DEFAULT, as `build` computed the digest.
pub(super) fn taproot_signature(
    signature: &RawSignature,
) -> Result<::bitcoin::taproot::Signature, ChainError> {
    let RawSignature::Schnorr(bytes) = signature else {
        return Err(ChainError::encoding("signature", "it must be a BIP340 signature"));
    };
    let signature =
        schnorr::Signature::from_slice(bytes).map_err(|error| ChainError::encoding("signature", error))?;
    Ok(::bitcoin::taproot::Signature { signature, sighash_type: TapSighashType::Default })
}

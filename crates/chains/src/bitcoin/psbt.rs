//! Partially signed transactions (BIP174, version 0, with BIP371's Taproot fields), to and from other wallets' tools.
//!
//! A PSBT is only another spelling of a plan and its signatures: what comes in goes through `build` like any plan.

mod import;

pub use import::{Imported, MAX_PSBT_BYTES, psbt_in, psbt_signatures};

use super::Unsigned;
use super::attach::{ecdsa_signature, taproot_signature};
use crate::built::{Built, RawSignature, ToSign, Unsigned as AnyUnsigned};
use crate::key::secp_key;
use crate::verify::{public_key, verify_signature};
use crate::{ChainError, WalletKey};
use ::bitcoin::bip32::{ChildNumber, Fingerprint, KeySource};
use ::bitcoin::psbt::{Input, Output};
use ::bitcoin::{Psbt, PublicKey};

/// Writes a PSBT with the spent outputs, the full previous transactions, the derivations and sighash types. The root is
/// the wallet's own extended key, its fingerprint that of BIP32. `signatures` is empty, or has one entry for each of
/// `built.to_sign`; each that is there is verified first.
pub fn psbt_out(
    key: &WalletKey,
    built: &Built,
    signatures: &[Option<RawSignature>],
) -> Result<Vec<u8>, ChainError> {
    let unsigned = unsigned_of(built)?;
    if !signatures.is_empty() && signatures.len() != built.to_sign.len() {
        return Err(ChainError::SignatureCount { expected: built.to_sign.len(), found: signatures.len() });
    }
    let mut psbt = Psbt::from_unsigned_tx(unsigned.tx.clone())
        .map_err(|error| ChainError::encoding("unsigned transaction", error))?;
    for (index, (entry, input)) in built.to_sign.iter().zip(&mut psbt.inputs).enumerate() {
        input.witness_utxo = unsigned.spent.get(index).cloned();
        input.non_witness_utxo = unsigned.previous.get(index).cloned();
        describe_input(key, &entry.path, input)?;
        if let Some(Some(signature)) = signatures.get(index) {
            put_signature(key, entry, signature, input).map_err(|error| at(index, error))?;
        }
    }
    if let (Some(path), Some(output)) = (&unsigned.change, psbt.outputs.get_mut(1)) {
        describe_output(key, path, output)?;
    }
    Ok(psbt.serialize())
}

/// The Bitcoin transaction of a build, or an error for another chain.
fn unsigned_of(built: &Built) -> Result<&Unsigned, ChainError> {
    match &built.unsigned {
        AnyUnsigned::Bitcoin(unsigned) => Ok(unsigned),
        _ => Err(ChainError::encoding("PSBT", "only Bitcoin transactions have one")),
    }
}

fn at(index: usize, error: ChainError) -> ChainError {
    match error {
        ChainError::Signature { problem, .. } => ChainError::Signature { index, problem },
        other => ChainError::Signature { index, problem: other.to_string() },
    }
}

fn describe_input(key: &WalletKey, path: &[u32], input: &mut Input) -> Result<(), ChainError> {
    let source = source(key, path)?;
    match key {
        WalletKey::Bip340(root) => {
            let (internal, _) = secp_key(root, path)?.x_only_public_key();
            input.tap_internal_key = Some(internal);
            input.tap_key_origins.insert(internal, (Vec::new(), source));
        }
        WalletKey::Ecdsa(root) => {
            input.sighash_type = Some(::bitcoin::EcdsaSighashType::All.into());
            input.bip32_derivation.insert(secp_key(root, path)?, source);
        }
        WalletKey::Ed25519(_) => {}
    }
    Ok(())
}

fn describe_output(key: &WalletKey, path: &[u32], output: &mut Output) -> Result<(), ChainError> {
    let source = source(key, path)?;
    match key {
        WalletKey::Bip340(root) => {
            let (internal, _) = secp_key(root, path)?.x_only_public_key();
            output.tap_internal_key = Some(internal);
            output.tap_key_origins.insert(internal, (Vec::new(), source));
        }
        WalletKey::Ecdsa(root) => {
            output.bip32_derivation.insert(secp_key(root, path)?, source);
        }
        WalletKey::Ed25519(_) => {}
    }
    Ok(())
}

fn put_signature(
    key: &WalletKey,
    entry: &ToSign,
    signature: &RawSignature,
    input: &mut Input,
) -> Result<(), ChainError> {
    verify_signature(&public_key(key, entry)?, &entry.payload, signature)?;
    if let WalletKey::Ecdsa(root) = key {
        let owner = PublicKey::new(secp_key(root, &entry.path)?);
        input.partial_sigs.insert(owner, ecdsa_signature(signature)?);
    } else {
        input.tap_key_sig = Some(taproot_signature(signature)?);
    }
    Ok(())
}

/// Fingerprint of the wallet's extended key (BIP32: the first four bytes of its hash160) and the path below it.
fn source(key: &WalletKey, path: &[u32]) -> Result<KeySource, ChainError> {
    let steps: Result<Vec<ChildNumber>, _> =
        path.iter().map(|step| ChildNumber::from_normal_idx(*step)).collect();
    let steps = steps.map_err(|error| ChainError::encoding("path", error))?;
    Ok((fingerprint(key)?, steps.into()))
}

fn fingerprint(key: &WalletKey) -> Result<Fingerprint, ChainError> {
    let (WalletKey::Ecdsa(root) | WalletKey::Bip340(root)) = key else {
        return Err(ChainError::encoding("PSBT", "an ed25519 wallet has none"));
    };
    let hash = ::bitcoin::CompressedPublicKey(secp_key(root, &[])?).pubkey_hash();
    let bytes: &[u8; 20] = hash.as_ref();
    Ok(Fingerprint::from([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

//! Judging signed transactions from their raw bytes alone, by other code than what built and signed them.

use alloy_primitives::{Address, keccak256};
use alloy_rlp::Header;
use anyhow::{Context, Result, bail, ensure};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Message, Secp256k1, ecdsa};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{EcdsaSighashType, TapSighashType, Transaction, TxOut};
use serde_json::{Value, json};

/// Bitcoin: every input by Bitcoin Core's script engine. Gives digests, keys and signatures.
pub fn bitcoin(raw: &[u8], spent: &[TxOut]) -> Result<Value> {
    let transaction: Transaction = bitcoin::consensus::deserialize(raw).context("not a transaction")?;
    ensure!(transaction.input.len() == spent.len(), "inputs and spent outputs differ in number");
    let scripts: Vec<&[u8]> = spent.iter().map(|output| output.script_pubkey.as_bytes()).collect();
    let outputs: Result<Vec<_>> = spent
        .iter()
        .zip(&scripts)
        .map(|(output, script)| {
            Ok(bitcoinconsensus::Utxo {
                script_pubkey: script.as_ptr(),
                script_pubkey_len: u32::try_from(script.len())?,
                value: i64::try_from(output.value.to_sat())?,
            })
        })
        .collect();
    let outputs = outputs?;
    let flags = bitcoinconsensus::VERIFY_ALL_PRE_TAPROOT | bitcoinconsensus::VERIFY_TAPROOT;
    let mut items = Vec::new();
    for (index, output) in spent.iter().enumerate() {
        let script = output.script_pubkey.as_bytes();
        let amount = output.value.to_sat();
        bitcoinconsensus::verify_with_flags(script, amount, raw, Some(&outputs), index, flags).map_err(
            |error| anyhow::anyhow!("Bitcoin Core's script engine refuses input {index}: {error:?}"),
        )?;
        // The same engine must refuse the same transaction with one bit of the witness changed.
        let damaged = damage(&transaction, index);
        let accepted =
            bitcoinconsensus::verify_with_flags(script, amount, &damaged, Some(&outputs), index, flags)
                .is_ok();
        ensure!(!accepted, "the script engine accepts a damaged signature");
        items.push(bitcoin_item(&transaction, spent, index)?);
    }
    Ok(json!({ "judge": "bitcoinconsensus (Bitcoin Core)", "items": items }))
}

fn damage(transaction: &Transaction, index: usize) -> Vec<u8> {
    let mut damaged = transaction.clone();
    let mut witness = damaged.input[index].witness.to_vec();
    if let Some(byte) = witness.first_mut().and_then(|element| element.get_mut(20)) {
        *byte ^= 1;
    }
    damaged.input[index].witness = bitcoin::Witness::from_slice(&witness);
    bitcoin::consensus::serialize(&damaged)
}

fn bitcoin_item(transaction: &Transaction, spent: &[TxOut], index: usize) -> Result<Value> {
    let mut cache = SighashCache::new(transaction);
    let witness = &transaction.input[index].witness;
    let script = &spent[index].script_pubkey;
    if script.is_p2tr() {
        let digest =
            cache.taproot_key_spend_signature_hash(index, &Prevouts::All(spent), TapSighashType::Default)?;
        let signature = witness.nth(0).context("no witness")?;
        return Ok(json!({
            "suite": "bip340",
            "public_key": hex::encode(&script.as_bytes()[2..]),
            "digest": hex::encode(digest.to_byte_array()),
            "signature": hex::encode(signature),
        }));
    }
    ensure!(script.is_p2wpkh(), "neither P2TR nor P2WPKH");
    let digest = cache.p2wpkh_signature_hash(index, script, spent[index].value, EcdsaSighashType::All)?;
    let (signature, key) = (witness.nth(0).context("no signature")?, witness.nth(1).context("no key")?);
    let der = signature.split_last().context("empty signature")?.1;
    let compact = ecdsa::Signature::from_der(der)?.serialize_compact();
    Ok(json!({
        "suite": "ecdsa-secp256k1",
        "public_key": hex::encode(key),
        "digest": hex::encode(digest.to_byte_array()),
        "signature": hex::encode(compact),
    }))
}

/// EVM, EIP-1559: the sender is recovered from the raw bytes and must be `from`.
pub fn evm(raw: &[u8], from: &str) -> Result<Value> {
    let (kind, mut payload) = raw.split_first().context("empty transaction")?;
    ensure!(*kind == 2, "not an EIP-1559 transaction");
    let header = Header::decode(&mut payload)?;
    ensure!(header.list && header.payload_length == payload.len(), "not one RLP list");
    let mut fields: Vec<&[u8]> = Vec::new();
    while !payload.is_empty() {
        let mut rest = payload;
        let item = Header::decode(&mut rest)?;
        let length = payload.len() - rest.len() + item.payload_length;
        let (field, tail) = payload.split_at_checked(length).context("cut off")?;
        fields.push(field);
        payload = tail;
    }
    ensure!(fields.len() == 12, "an EIP-1559 transaction has 12 fields");
    let unsigned = fields[..9].concat();
    let mut signed = vec![2];
    Header { list: true, payload_length: unsigned.len() }.encode(&mut signed);
    signed.extend_from_slice(&unsigned);
    let digest = keccak256(&signed);
    let number = |field: &[u8]| -> Result<[u8; 32]> {
        let mut rest = field;
        let bytes = Header::decode_bytes(&mut rest, false)?;
        let mut out = [0; 32];
        out.get_mut(32usize.saturating_sub(bytes.len())..).context("long")?.copy_from_slice(bytes);
        Ok(out)
    };
    let compact = [number(fields[10])?, number(fields[11])?].concat();
    let parity = i32::from(number(fields[9])?[31]);
    let recovery = ecdsa::RecoverableSignature::from_compact(&compact, ecdsa::RecoveryId::from_i32(parity)?)?;
    let key = Secp256k1::verification_only().recover_ecdsa(&Message::from_digest(digest.0), &recovery)?;
    let sender = Address::from_raw_public_key(&key.serialize_uncompressed()[1..]);
    if sender.to_string() != from {
        bail!("the recovered sender is {sender}, not {from}");
    }
    Ok(json!({
        "judge": "libsecp256k1 (sender recovered)",
        "items": [{
            "suite": "ecdsa-secp256k1",
            "public_key": hex::encode(key.serialize()),
            "digest": hex::encode(digest.0),
            "signature": hex::encode(compact),
        }],
    }))
}

/// Solana: the signature over the message behind it, strictly, under the fee payer's key.
pub fn solana(raw: &[u8]) -> Result<Value> {
    let (count, rest) = raw.split_first().context("empty transaction")?;
    ensure!(*count == 1, "one signature is expected");
    let (signature, message) = rest.split_at_checked(64).context("cut off")?;
    // Legacy message: three header bytes, number of keys, then the keys; the first pays.
    let key: [u8; 32] = message.get(4..36).context("cut off")?.try_into()?;
    let verifying = ed25519_dalek::VerifyingKey::from_bytes(&key)?;
    verifying.verify_strict(message, &ed25519_dalek::Signature::from_slice(signature)?)?;
    Ok(json!({
        "judge": "ed25519-dalek (strict)",
        "items": [{
            "suite": "ed25519",
            "public_key": hex::encode(key),
            "digest": hex::encode(message),
            "signature": hex::encode(signature),
        }],
    }))
}

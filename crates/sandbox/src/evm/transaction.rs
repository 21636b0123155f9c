//! Signed transactions as bytes: legacy with EIP-155, and EIP-1559.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey};

/// EIP-1559's type.
const DYNAMIC: u8 = 2;
/// What a transaction costs before its data.
const PLAIN_GAS: u64 = 21_000;

/// A transaction whose signature holds.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its id.
    pub hash: B256,
    /// Who signed it.
    pub from: Address,
    /// The sender's number of it.
    pub nonce: u64,
    /// Whom it pays.
    pub to: Address,
    /// Wei.
    pub value: U256,
    /// Data for a contract.
    pub data: Bytes,
    /// Most gas.
    pub gas: u64,
    /// Most wei per gas.
    pub max_fee: u128,
    /// Most of it for who makes the block.
    pub tip: u128,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// Gas that is used up where there are no contracts.
pub fn gas(data: &[u8]) -> u64 {
    data.iter().fold(PLAIN_GAS, |sum, byte| sum + if *byte == 0 { 4 } else { 16 })
}

/// The address of a key.
pub fn address(key: &PublicKey) -> Address {
    Address::from_raw_public_key(&key.serialize_uncompressed()[1..])
}

fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

fn field<T: Decodable>(buffer: &mut &[u8]) -> Result<T, String> {
    T::decode(buffer).map_err(|error| format!("rlp: {error}"))
}

/// Decodes a transaction of this chain and recovers its sender.
pub fn decode(raw: &[u8], chain_id: u64) -> Result<Transaction, String> {
    let dynamic = raw.first() == Some(&DYNAMIC);
    let mut rest = if dynamic { &raw[1..] } else { raw };
    let mut at = Header::decode_bytes(&mut rest, true).map_err(|error| format!("rlp: {error}"))?;
    if !rest.is_empty() {
        return Err("rlp: bytes after the transaction".into());
    }
    let payload = at;
    let chain: u64 = if dynamic { field(&mut at)? } else { chain_id };
    let nonce = field(&mut at)?;
    let (tip, max_fee) = if dynamic {
        (field(&mut at)?, field(&mut at)?)
    } else {
        let price: u128 = field(&mut at)?;
        (price, price)
    };
    let gas = field(&mut at)?;
    let to: Bytes = field(&mut at)?;
    let value = field(&mut at)?;
    let data: Bytes = field(&mut at)?;
    if dynamic && !Header::decode_bytes(&mut at, true).is_ok_and(<[u8]>::is_empty) {
        return Err("access lists are not simulated".into());
    }
    let mut unsigned = payload[..payload.len() - at.len()].to_vec();
    let v: u64 = field(&mut at)?;
    let (r, s): (U256, U256) = (field(&mut at)?, field(&mut at)?);
    if !at.is_empty() || chain != chain_id {
        return Err(format!("invalid chain id for signer: this is chain {chain_id}"));
    }
    let (digest, parity) = if dynamic {
        let mut bytes = vec![DYNAMIC];
        bytes.extend(list(&unsigned));
        (keccak256(bytes), v)
    } else {
        chain_id.encode(&mut unsigned);
        0u8.encode(&mut unsigned);
        0u8.encode(&mut unsigned);
        let parity =
            v.checked_sub(35 + 2 * chain_id).ok_or("only replay-protected (EIP-155) transactions allowed")?;
        (keccak256(list(&unsigned)), parity)
    };
    let from = recover(digest, parity, r, s).ok_or("invalid signature")?;
    let to = Address::try_from(to.as_ref()).map_err(|_| "contracts are not simulated")?;
    Ok(Transaction {
        hash: keccak256(raw),
        from,
        nonce,
        to,
        value,
        data,
        gas,
        max_fee,
        tip,
        raw: raw.to_vec(),
    })
}

/// The signer; none where the signature is none, or the higher of its two forms (EIP-2).
fn recover(digest: B256, parity: u64, r: U256, s: U256) -> Option<Address> {
    let id = RecoveryId::from_i32(i32::try_from(parity).ok().filter(|parity| *parity < 2)?).ok()?;
    let compact = [r.to_be_bytes::<32>(), s.to_be_bytes::<32>()].concat();
    let signature = RecoverableSignature::from_compact(&compact, id).ok()?;
    let mut low = signature.to_standard();
    low.normalize_s();
    if low != signature.to_standard() {
        return None;
    }
    let key =
        Secp256k1::verification_only().recover_ecdsa(&Message::from_digest(digest.0), &signature).ok()?;
    Some(address(&key))
}

/// What the faucet signs.
pub struct Payment {
    /// Which chain.
    pub chain_id: u64,
    /// Its number.
    pub nonce: u64,
    /// Whom it pays.
    pub to: Address,
    /// Wei.
    pub value: U256,
    /// Most wei per gas.
    pub max_fee: u128,
}

/// A plain payment, signed.
pub fn pay(payment: &Payment, key: &SecretKey) -> Vec<u8> {
    let mut fields = Vec::new();
    payment.chain_id.encode(&mut fields);
    payment.nonce.encode(&mut fields);
    1u8.encode(&mut fields);
    payment.max_fee.encode(&mut fields);
    PLAIN_GAS.encode(&mut fields);
    payment.to.encode(&mut fields);
    payment.value.encode(&mut fields);
    Bytes::new().encode(&mut fields);
    fields.extend(list(&[]));
    let mut unsigned = vec![DYNAMIC];
    unsigned.extend(list(&fields));
    let digest = Message::from_digest(keccak256(&unsigned).0);
    let (id, compact) = Secp256k1::signing_only().sign_ecdsa_recoverable(&digest, key).serialize_compact();
    (id.to_i32() == 1).encode(&mut fields);
    U256::from_be_slice(&compact[..32]).encode(&mut fields);
    U256::from_be_slice(&compact[32..]).encode(&mut fields);
    let mut raw = vec![DYNAMIC];
    raw.extend(list(&fields));
    raw
}

//! The two kinds of transactions and their encodings (EIP-1559, EIP-155).

use super::address::of_key;
use crate::ChainError;
use crate::key::SECP;
use ::bitcoin::secp256k1::Message;
use ::bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

/// EIP-2718 type of EIP-1559 transactions.
const TYPE_1559: u8 = 2;

/// An EVM transaction before its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// Type 2.
    Eip1559(Eip1559),
    /// With replay protection.
    Legacy(Legacy),
}

/// The fields that EIP-1559 signs, in its order.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Eip1559 {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) max_priority_fee_per_gas: u128,
    pub(crate) max_fee_per_gas: u128,
    pub(crate) gas_limit: u64,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) data: Bytes,
    pub(crate) access_list: Vec<Access>,
}

/// An entry of an access list (EIP-2930). Ours are always empty.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Access {
    address: Address,
    keys: Vec<B256>,
}

/// The fields that EIP-155 signs, in its order; `r` and `s` stand as zeros there.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Legacy {
    pub(crate) nonce: u64,
    pub(crate) gas_price: u128,
    pub(crate) gas_limit: u64,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) data: Bytes,
    /// The chain id before signing, 2·id + 35 + parity after it.
    pub(crate) v: u64,
    pub(crate) r: U256,
    pub(crate) s: U256,
}

/// EIP-1559 on the wire: the fields, then the signature.
#[derive(RlpEncodable, RlpDecodable)]
struct Signed1559 {
    chain_id: u64,
    nonce: u64,
    max_priority_fee_per_gas: u128,
    max_fee_per_gas: u128,
    gas_limit: u64,
    to: Address,
    value: U256,
    data: Bytes,
    access_list: Vec<Access>,
    y_parity: bool,
    r: U256,
    s: U256,
}

impl Unsigned {
    /// The chain that it is for.
    pub fn chain_id(&self) -> u64 {
        match self {
            Self::Eip1559(tx) => tx.chain_id,
            Self::Legacy(tx) => tx.v,
        }
    }

    /// Whom it names, what it carries, and its data.
    pub(super) fn says(&self) -> (Address, U256, &[u8]) {
        match self {
            Self::Eip1559(tx) => (tx.to, tx.value, &tx.data),
            Self::Legacy(tx) => (tx.to, tx.value, &tx.data),
        }
    }

    /// The most that it can cost beside its value, in wei.
    pub(super) fn max_fee(&self) -> U256 {
        let (limit, price) = match self {
            Self::Eip1559(tx) => (tx.gas_limit, tx.max_fee_per_gas),
            Self::Legacy(tx) => (tx.gas_limit, tx.gas_price),
        };
        U256::from(limit) * U256::from(price) // 64 + 128 bits
    }

    /// The bytes whose keccak256 is signed.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Eip1559(tx) => typed(tx),
            Self::Legacy(tx) => alloy_rlp::encode(tx),
        }
    }

    /// Reads [`Unsigned::encode`] back.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ChainError> {
        match bytes.split_first() {
            Some((&TYPE_1559, rest)) => whole(rest).map(Self::Eip1559),
            _ => whole(bytes).map(Self::Legacy),
        }
    }

    /// The transaction with its signature, as the network takes it.
    pub(super) fn signed(&self, signature: &Signature) -> Result<Vec<u8>, ChainError> {
        let (r, s) = (signature.r(), signature.s());
        match self {
            Self::Eip1559(tx) => Ok(typed(&Signed1559 {
                chain_id: tx.chain_id,
                nonce: tx.nonce,
                max_priority_fee_per_gas: tx.max_priority_fee_per_gas,
                max_fee_per_gas: tx.max_fee_per_gas,
                gas_limit: tx.gas_limit,
                to: tx.to,
                value: tx.value,
                data: tx.data.clone(),
                access_list: tx.access_list.clone(),
                y_parity: signature.v(),
                r,
                s,
            })),
            Self::Legacy(tx) => {
                let v = legacy_v(tx.v).and_then(|v| v.checked_add(u64::from(signature.v())));
                let v = v.ok_or_else(|| ChainError::encoding("chain id", "too large for EIP-155"))?;
                Ok(alloy_rlp::encode(Legacy { v, r, s, ..tx.clone() }))
            }
        }
    }
}

/// v of an even signature on a chain, if it fits.
pub(super) fn legacy_v(chain_id: u64) -> Option<u64> {
    chain_id.checked_mul(2)?.checked_add(35)
}

/// Decodes a signed transaction into its unsigned form and its signature.
pub(super) fn open(raw: &[u8]) -> Result<(Unsigned, Signature), ChainError> {
    let Some((&TYPE_1559, rest)) = raw.split_first() else {
        let tx: Legacy = whole(raw)?;
        let v = tx.v.checked_sub(35);
        let v =
            v.ok_or_else(|| ChainError::encoding("transaction", "it has no replay protection (EIP-155)"))?;
        let signature = Signature::new(tx.r, tx.s, v % 2 == 1);
        return Ok((Unsigned::Legacy(Legacy { v: v / 2, r: U256::ZERO, s: U256::ZERO, ..tx }), signature));
    };
    let tx: Signed1559 = whole(rest)?;
    let unsigned = Eip1559 {
        chain_id: tx.chain_id,
        nonce: tx.nonce,
        max_priority_fee_per_gas: tx.max_priority_fee_per_gas,
        max_fee_per_gas: tx.max_fee_per_gas,
        gas_limit: tx.gas_limit,
        to: tx.to,
        value: tx.value,
        data: tx.data,
        access_list: tx.access_list,
    };
    Ok((Unsigned::Eip1559(unsigned), Signature::new(tx.r, tx.s, tx.y_parity)))
}

/// Who signed a transaction, recovered by libsecp256k1 from its bytes alone.
pub(super) fn sender(raw: &[u8]) -> Result<Address, ChainError> {
    let (unsigned, signature) = open(raw)?;
    let mut rs = [0; 64];
    rs[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    rs[32..].copy_from_slice(&signature.s().to_be_bytes::<32>());
    let digest = keccak256(unsigned.encode());
    recover(&rs, u8::from(signature.v()), &digest.0)
}

/// Who signed a digest, recovered by libsecp256k1.
pub(super) fn recover(rs: &[u8; 64], recovery_id: u8, digest: &[u8; 32]) -> Result<Address, ChainError> {
    RecoveryId::from_i32(i32::from(recovery_id))
        .and_then(|id| RecoverableSignature::from_compact(rs, id))
        .and_then(|signature| SECP.recover_ecdsa(&Message::from_digest(*digest), &signature))
        .map(|key| of_key(&key))
        .map_err(|error| ChainError::encoding("transaction signature", error))
}

fn typed(tx: &impl Encodable) -> Vec<u8> {
    let mut bytes = vec![TYPE_1559];
    tx.encode(&mut bytes);
    bytes
}

/// Decodes all of the bytes.
fn whole<T: Decodable>(mut bytes: &[u8]) -> Result<T, ChainError> {
    let value = T::decode(&mut bytes).map_err(|error| ChainError::encoding("transaction", error))?;
    if bytes.is_empty() {
        return Ok(value);
    }
    Err(ChainError::encoding("transaction", format!("{} bytes too many", bytes.len())))
}

//! Addresses with EIP-55 checksums.

use crate::key::secp_key;
use crate::{ChainError, WalletKey};
use alloy_primitives::{Address, keccak256};
use quorate_intent::Network;

/// The chain id, not 0: a transaction with id 0 could be replayed on other chains.
pub(super) fn chain_id(network: &Network) -> Result<u64, ChainError> {
    match network {
        Network::Evm { chain_id: 0 } => {
            let problem = "chain id 0 is not a network; give the chain's EIP-155 id".into();
            Err(ChainError::Network { network: *network, problem })
        }
        Network::Evm { chain_id } => Ok(*chain_id),
        other => Err(ChainError::Network { network: *other, problem: "this is not an EVM chain".into() }),
    }
}

/// The wallet's address at `path`: the last 20 bytes of keccak256 over the uncompressed key.
pub(super) fn own(key: &WalletKey, network: &Network, path: &[u32]) -> Result<Address, ChainError> {
    chain_id(network)?;
    let WalletKey::Ecdsa(key) = key else {
        return Err(ChainError::Suite { suite: key.suite(), network: *network });
    };
    Ok(of_key(&secp_key(key, path)?))
}

/// The address of a public key.
pub(super) fn of_key(key: &::bitcoin::secp256k1::PublicKey) -> Address {
    let point = key.serialize_uncompressed();
    Address::from_slice(&keccak256(&point[1..])[12..])
}

/// An address from outside: `0x` and 40 hex digits, all of one case or with a right EIP-55 checksum, and not zero.
pub(super) fn parse(network: &Network, text: &str) -> Result<Address, ChainError> {
    let wrong = |problem: &str| ChainError::address(text, network, problem);
    let digits = text.strip_prefix("0x").ok_or_else(|| wrong("must start with 0x"))?;
    let mut bytes = [0; 20];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong("must have 40 hex digits after 0x"))?;
    let address = Address::from(bytes);
    let lower = digits.bytes().any(|b| b.is_ascii_lowercase());
    let upper = digits.bytes().any(|b| b.is_ascii_uppercase());
    if lower && upper && address.to_checksum(None) != text {
        return Err(wrong(
            "its upper and lower case are not the checksum of EIP-55; check for typing errors",
        ));
    }
    if address == Address::ZERO {
        return Err(wrong("it is the zero address, what is sent to it is lost"));
    }
    Ok(address)
}

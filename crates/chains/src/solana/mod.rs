//! Solana: transfers of SOL by the system program, in a legacy message.
//!
//! A message is valid for about 150 blocks after its block hash. Two messages with different block hashes can both be
//! mined, so the only resource of a message is its own hash: a retry must be the very same message. A plan with a durable
//! nonce would be a further variant of `Plan`, with the nonce's value as resource.

mod build;
#[cfg(test)]
mod tests;

use crate::built::{Built, RawSignature, SignedTx, ToSign};
use crate::chain::Chain;
use crate::key::ed25519_key;
use crate::{ChainError, WalletKey};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Network, SolanaNetwork, Transfer};
use quorate_protocols::derive::ExtendedKey;
use quorate_sharing::Ed25519;
use serde::{Deserialize, Serialize};
use solana_message::{Address, Message};
use solana_transaction::Transaction;

/// Lamports per signature.
pub const FEE_PER_SIGNATURE: u64 = 5000;

/// What the gateway chooses for a Solana transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A block hash of the last minutes; the message expires with it. Base58 in JSON.
    #[serde(with = "base58")]
    pub recent_blockhash: [u8; 32],
}

/// A Solana message before its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    pub(crate) message: Message,
}

/// The implementation of the room's trait.
pub(crate) struct Solana;

impl Chain for Solana {
    type Plan = Plan;
    type Unsigned = Unsigned;

    fn address(key: &WalletKey, network: &Network, path: &[u32]) -> Result<String, ChainError> {
        Ok(Address::from(ed25519_key(wallet(key, network)?, path)?).to_string())
    }

    fn check_destination(network: &Network, to: &str) -> Result<(), ChainError> {
        cluster(network)?;
        destination(network, to).map(|_| ())
    }

    fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
        build::build(key, transfer, plan)
    }

    fn attach(
        unsigned: &Unsigned,
        _to_sign: &[ToSign],
        _key: &WalletKey,
        signatures: &[RawSignature],
    ) -> Result<SignedTx, ChainError> {
        let [RawSignature::Ed25519(signature)] = signatures else {
            return Err(ChainError::SignatureCount { expected: 1, found: signatures.len() });
        };
        let signatures = vec![(*signature).into()];
        let id = signatures.first().map(ToString::to_string).unwrap_or_default();
        let transaction = Transaction { signatures, message: unsigned.message.clone() };
        let raw =
            wincode::serialize(&transaction).map_err(|error| ChainError::encoding("transaction", error))?;
        Ok(SignedTx { raw, id })
    }
}

/// The cluster of a network, or an error for another chain.
fn cluster(network: &Network) -> Result<SolanaNetwork, ChainError> {
    match network {
        Network::Solana { network } => Ok(*network),
        other => Err(ChainError::Network { network: *other, problem: "this is not a Solana cluster".into() }),
    }
}

/// The wallet's key, if it is one for Solana.
fn wallet<'k>(key: &'k WalletKey, network: &Network) -> Result<&'k ExtendedKey<Ed25519>, ChainError> {
    cluster(network)?;
    match key {
        WalletKey::Ed25519(key) => Ok(key),
        other => Err(ChainError::Suite { suite: other.suite(), network: *network }),
    }
}

/// A destination: 32 bytes in base58. Program-derived addresses, which are no curve points, are legal.
fn destination(network: &Network, to: &str) -> Result<Address, ChainError> {
    let wrong = |problem: &str| ChainError::address(to, network, problem);
    let address: Address = to
        .parse()
        .map_err(|_| wrong("must be 32 bytes in base58; check for typing errors and the network"))?;
    if address == solana_system_interface::program::ID {
        return Err(wrong("it is the system program (all zeros), coins sent to it are lost"));
    }
    Ok(address)
}

/// 32 bytes as base58 in JSON.
mod base58 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use solana_message::Hash;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Hash::from(*bytes).to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash: Hash = text.parse().map_err(|_| D::Error::custom("must be 32 bytes in base58"))?;
        Ok(hash.to_bytes())
    }
}

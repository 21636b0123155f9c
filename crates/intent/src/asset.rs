//! Networks and assets.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A Bitcoin network; addresses and transactions of one are never valid on another.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum BitcoinNetwork {
    Mainnet,
    Testnet,
    Signet,
    Regtest,
}

/// A Solana cluster.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum SolanaNetwork {
    Mainnet,
    Testnet,
    Devnet,
    Localnet,
}

/// Where a transaction goes. In JSON `{"chain":"bitcoin","network":"regtest"}` or `{"chain":"evm","chain_id":1}`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(tag = "chain", rename_all = "lowercase", deny_unknown_fields)]
pub enum Network {
    /// Bitcoin.
    Bitcoin {
        /// Which Bitcoin.
        network: BitcoinNetwork,
    },
    /// An EVM chain.
    Evm {
        /// EIP-155 chain id, 1 is Ethereum.
        chain_id: u64,
    },
    /// Solana.
    Solana {
        /// Which cluster.
        network: SolanaNetwork,
    },
}

/// What is moved. In JSON `{"kind":"native"}` or `{"kind":"token","contract":"0x…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Asset {
    /// The network's own coin.
    Native,
    /// A token by its contract (ERC-20) or mint (SPL), in the network's own address form.
    Token {
        /// Address of the contract or mint.
        contract: String,
    },
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bitcoin { network } => write!(f, "bitcoin {}", format!("{network:?}").to_lowercase()),
            Self::Evm { chain_id } => write!(f, "evm chain {chain_id}"),
            Self::Solana { network } => write!(f, "solana {}", format!("{network:?}").to_lowercase()),
        }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.write_str("native coin"),
            Self::Token { contract } => write!(f, "token {contract}"),
        }
    }
}

//! Networks: clients of chains' own nodes.
//!
//! For: what a watcher asks a node: its tip, the hash at a height, the payments and the transactions of a block, unconfirmed
//! transactions, fees, nonces and balances, and to broadcast a signed transaction. Bitcoin Core, EVM and Solana JSON-RPC over HTTP, with
//! time-outs, caps on answers, and errors that say what to do. The file that names the nodes (`networks.toml`).
//! Not for: deciding what any of it means (the gateway's watchers), building transactions (`chains`), secrets beyond the password of a node.
//!
//! What a node says is believed: run your own, or one that you trust. A node that lies can hide a deposit or invent one; it
//! cannot have anything signed.
#![forbid(unsafe_code)]

mod bitcoin;
mod client;
mod config;
mod error;
mod evm;
mod http;
mod names;
mod solana;

pub use client::{BitcoinClient, Client, EvmClient, Sent, SolanaClient};
pub use config::{Auth, NetworkConfig, read_networks};
pub use error::NetworkError;
pub use evm::{EvmCall, EvmFees};
pub use http::Rpc;
pub use names::{kind, network_name, parse_network};
pub use solana::BlockHash;

use quorate_intent::{Amount, Asset};

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height of a block, or slot on Solana.
    pub height: u64,
    /// Its hash.
    pub hash: String,
}

/// A payment in a block or in an unconfirmed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who is paid, as [`Client::key`] gives it for an address.
    pub to: String,
    /// What.
    pub asset: Asset,
    /// In minor units.
    pub amount: Amount,
    /// The transaction's id.
    pub transaction: String,
    /// Which output, log entry or account of it.
    pub place: u32,
    /// Whether only the transaction's receipt tells if it did what it says.
    pub unsure: bool,
}

/// A transaction of a block, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its id.
    pub id: String,
    /// What it uses up, named as the chains room names it, in lower case; none on Solana.
    pub uses: Vec<String>,
    /// Whether it is known to have failed.
    pub failed: bool,
}

/// A block as a watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it stands.
    pub head: Head,
    /// Hash of the block before it.
    pub previous: String,
    /// Unix seconds, by its producer.
    pub time: u64,
    /// Who is paid in it.
    pub payments: Vec<Payment>,
    /// Its transactions.
    pub transactions: Vec<Included>,
    /// Whole transactions by id, where coins are made of them (Bitcoin).
    pub raw: std::collections::HashMap<String, Vec<u8>>,
}

/// What fees are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fees {
    /// Satoshi per 1000 virtual bytes, for the next blocks, within the hour, within the day.
    Bitcoin([u64; 3]),
    /// Wei per gas.
    Evm(EvmFees),
    /// Lamports per signature.
    Solana(u64),
}

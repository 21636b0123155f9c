//! Sandbox: small simulated chains, so that `quorate dev` needs no outside node.
//!
//! For: trying things out. One server in one process speaks as much of Bitcoin Core's RPC, EVM JSON-RPC and Solana's RPC as the room
//! `networks` asks, makes a block every few seconds, and has a faucet. What matters is checked as on a real chain: signatures (Bitcoin Core's
//! script engine, libsecp256k1, ed25519), that coins exist and are spent once, nonces, balances, fees, block hashes. What was mined stays in a
//! file, so a sandbox that is started again goes on.
//! Not for: tests of chains' rules (those run against bitcoind, anvil and litesvm), contracts and tokens (there are none), mining,
//! reorganisations, anything of worth. Anybody who can reach the server can take from the faucet.
#![forbid(unsafe_code)]

mod bitcoin;
mod chain;
mod error;
mod evm;
mod journal;
mod server;
mod solana;
#[cfg(test)]
mod tests;

pub use error::SandboxError;
pub use server::{FAUCET, Sandbox};

use quorate_intent::{BitcoinNetwork, Network, SolanaNetwork};

/// The simulated Bitcoin: regtest's rules and addresses.
pub const BITCOIN: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };
/// The simulated EVM chain, under the number that development chains have.
pub const EVM: Network = Network::Evm { chain_id: 31_337 };
/// The simulated Solana cluster.
pub const SOLANA: Network = Network::Solana { network: SolanaNetwork::Localnet };

/// The network whose addresses look like this one.
pub fn network_of(address: &str) -> Network {
    if address.starts_with("0x") {
        EVM
    } else if address.starts_with("bcrt1") {
        BITCOIN
    } else {
        SOLANA
    }
}

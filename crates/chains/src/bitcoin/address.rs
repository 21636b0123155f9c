//! Scripts and addresses: the wallet's own by suite, and destinations by network.

use crate::key::{SECP, secp_key};
use crate::{ChainError, WalletKey};
use ::bitcoin::address::NetworkUnchecked;
use ::bitcoin::{Address, CompressedPublicKey, ScriptBuf};
use quorate_intent::{BitcoinNetwork, Network};

/// The Bitcoin of a network, or an error for another chain.
pub(super) fn bitcoin_network(network: &Network) -> Result<BitcoinNetwork, ChainError> {
    match network {
        Network::Bitcoin { network } => Ok(*network),
        other => {
            Err(ChainError::Network { network: *other, problem: "this is not a Bitcoin network".into() })
        }
    }
}

/// The library's name for the network.
pub(super) fn known(network: BitcoinNetwork) -> ::bitcoin::Network {
    match network {
        BitcoinNetwork::Mainnet => ::bitcoin::Network::Bitcoin,
        BitcoinNetwork::Testnet => ::bitcoin::Network::Testnet,
        BitcoinNetwork::Signet => ::bitcoin::Network::Signet,
        BitcoinNetwork::Regtest => ::bitcoin::Network::Regtest,
    }
}

/// The script of the wallet's address at `path`: P2WPKH for ECDSA, P2TR with an empty tree for BIP340 (BIP86).
pub(super) fn own_script(
    key: &WalletKey,
    network: BitcoinNetwork,
    path: &[u32],
) -> Result<ScriptBuf, ChainError> {
    match key {
        WalletKey::Ecdsa(key) => {
            let key = CompressedPublicKey(secp_key(key, path)?);
            Ok(ScriptBuf::new_p2wpkh(&key.wpubkey_hash()))
        }
        WalletKey::Bip340(key) => {
            let (internal, _) = secp_key(key, path)?.x_only_public_key();
            Ok(ScriptBuf::new_p2tr(&SECP, internal, None))
        }
        WalletKey::Ed25519(_) => {
            Err(ChainError::Suite { suite: key.suite(), network: Network::Bitcoin { network } })
        }
    }
}

/// The wallet's address at `path`.
pub(super) fn own(key: &WalletKey, network: BitcoinNetwork, path: &[u32]) -> Result<String, ChainError> {
    show(&own_script(key, network, path)?, network)
}

/// A script as an address.
pub(super) fn show(script: &ScriptBuf, network: BitcoinNetwork) -> Result<String, ChainError> {
    Address::from_script(script, known(network))
        .map(|address| address.to_string())
        .map_err(|error| ChainError::encoding("output script", error))
}

/// The script of a destination: a valid address of this network and of a type whose spending rules are in force.
/// Testnet and signet share their address forms and cannot be told apart.
pub(super) fn script_of(network: &Network, to: &str) -> Result<ScriptBuf, ChainError> {
    let ours = known(bitcoin_network(network)?);
    let wrong = |problem: String| ChainError::address(to, network, problem);
    let address: Address<NetworkUnchecked> = to.parse().map_err(|error| {
        wrong(format!("not a Bitcoin address ({error}); check for typing errors and the network"))
    })?;
    if !address.is_valid_for_network(ours) {
        return Err(wrong("it belongs to another Bitcoin network".into()));
    }
    let address = address.assume_checked();
    if address.address_type().is_none() {
        // Anyone can spend an output of a witness version that has no rules yet.
        return Err(wrong(
            "its witness program has no spending rules yet, coins sent to it can be taken".into(),
        ));
    }
    Ok(address.script_pubkey())
}

//! Networks as people, queries and files name them.

use quorate_intent::{BitcoinNetwork, Network, SolanaNetwork};

const BITCOIN: [(&str, BitcoinNetwork); 4] = [
    ("mainnet", BitcoinNetwork::Mainnet),
    ("testnet", BitcoinNetwork::Testnet),
    ("signet", BitcoinNetwork::Signet),
    ("regtest", BitcoinNetwork::Regtest),
];

const SOLANA: [(&str, SolanaNetwork); 4] = [
    ("mainnet", SolanaNetwork::Mainnet),
    ("testnet", SolanaNetwork::Testnet),
    ("devnet", SolanaNetwork::Devnet),
    ("localnet", SolanaNetwork::Localnet),
];

/// The network of a name such as `bitcoin:regtest`, `evm:1` or `solana:devnet`.
pub fn parse_network(text: &str) -> Option<Network> {
    let (chain, which) = text.split_once(':')?;
    match chain {
        "bitcoin" => BITCOIN
            .iter()
            .find(|(name, _)| *name == which)
            .map(|(_, network)| Network::Bitcoin { network: *network }),
        "solana" => SOLANA
            .iter()
            .find(|(name, _)| *name == which)
            .map(|(_, network)| Network::Solana { network: *network }),
        "evm" => which.parse().ok().map(|chain_id| Network::Evm { chain_id }),
        _ => None,
    }
}

/// A network's name.
pub fn network_name(network: &Network) -> String {
    let missing = "unknown";
    match network {
        Network::Bitcoin { network } => {
            let name = BITCOIN.iter().find(|(_, known)| known == network).map_or(missing, |(name, _)| name);
            format!("bitcoin:{name}")
        }
        Network::Solana { network } => {
            let name = SOLANA.iter().find(|(_, known)| known == network).map_or(missing, |(name, _)| name);
            format!("solana:{name}")
        }
        Network::Evm { chain_id } => format!("evm:{chain_id}"),
    }
}

/// `bitcoin`, `evm` or `solana`.
pub fn kind(network: &Network) -> &'static str {
    match network {
        Network::Bitcoin { .. } => "bitcoin",
        Network::Evm { .. } => "evm",
        Network::Solana { .. } => "solana",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["bitcoin:mainnet", "bitcoin:regtest", "evm:1", "evm:31337", "solana:localnet"] {
            assert_eq!(parse_network(name).map(|network| network_name(&network)).as_deref(), Some(name));
        }
        for wrong in ["bitcoin", "bitcoin:main", "evm:", "evm:-1", "solana:regtest", "doge:1", ""] {
            assert_eq!(parse_network(wrong), None, "{wrong}");
        }
    }
}

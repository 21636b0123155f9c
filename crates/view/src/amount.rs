//! Amounts for people: with the decimals of the governed registry, or bare where it knows none.

use quorate_intent::{Amount, Asset, Network};
use quorate_policy::Directory;
use serde::Serialize;

/// An amount in minor units and, where the asset is known, as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Minor units.
    pub minor: Amount,
    /// With its decimal point; none where nobody said how many decimals the asset has.
    pub human: Option<String>,
    /// The asset's name in the registry, or the network's own coin; none for an unknown token.
    pub symbol: Option<String>,
}

/// An amount of an asset.
pub(crate) fn shown(amount: Amount, network: &Network, asset: &Asset, directory: &Directory) -> Shown {
    let entry = directory.assets.iter().find(|(_, entry)| entry.is(network, asset));
    let known = entry.map(|(name, entry)| (name.clone(), entry.decimals));
    let known = known.or_else(|| (*asset == Asset::Native).then(|| coin(network)));
    Shown {
        minor: amount,
        human: known.as_ref().map(|(_, decimals)| human(amount, *decimals)),
        symbol: known.map(|(name, _)| name),
    }
}

/// The decimals of a network's own coin are part of its rules: satoshi, wei and lamport.
fn coin(network: &Network) -> (String, u8) {
    match network {
        Network::Bitcoin { .. } => ("BTC".to_owned(), 8),
        Network::Evm { .. } => ("native coin".to_owned(), 18),
        Network::Solana { .. } => ("SOL".to_owned(), 9),
    }
}

/// `1.5` for 150 with two decimals; exact.
pub fn human(amount: Amount, decimals: u8) -> String {
    let digits = amount.to_string();
    let places = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = padded.split_at(padded.len() - places);
    let part = part.trim_end_matches('0');
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

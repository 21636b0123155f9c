//! Classes of transfers that no rule tells apart: wallets, assets, destinations and amounts cut where rules cut them.

use crate::facts::{Directory, canonical};
use crate::model::{AssetName, Limit, NewWallets, Policy, Target};
use quorate_intent::{Amount, Asset, Network, WalletId};
use ruint::aliases::U256;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A kind of destination, with one address that stands for all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// An address that nobody knows.
    Stranger,
    /// An address of a wallet of this cluster, by its name in the policy.
    Own(String),
    /// These entries of the address book, which every rule treats alike.
    Entries(Vec<String>),
    /// An address that a rule names.
    Address(String),
}

/// Amounts from the first to the second, in minor units; without end where the second is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amounts(pub Amount, pub Option<Amount>);

/// Transfers that all rules treat alike, but for time, initiator, fee, account and what was spent before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// The paying wallet's name in the policy; none stands for the wallets that it does not name.
    pub wallet: Option<String>,
    /// The asset's name in the registry.
    pub asset: String,
    /// Where it goes.
    pub to: Destination,
    /// How much.
    pub amounts: Amounts,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("anybody else"),
            Self::Own(name) => write!(f, "own wallet {name}"),
            Self::Entries(names) => f.write_str(&names.join(", ")),
            Self::Address(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wallet = self.wallet.as_deref().unwrap_or("any other wallet");
        let Self { asset, to, amounts: Amounts(from, up), .. } = self;
        match up {
            Some(up) => write!(f, "{wallet} pays {from} to {up} {asset} to {to}"),
            None => write!(f, "{wallet} pays {from} {asset} or more to {to}"),
        }
    }
}

/// How many classes there are, at most: wallets, assets, destinations and cuts multiply.
pub fn class_count(policies: &[&Policy], directory: &Directory) -> usize {
    let wallets: BTreeSet<&String> = policies.iter().flat_map(|policy| policy.wallets.keys()).collect();
    let each = directory.assets.iter().map(|(asset, entry)| {
        let places = destinations(policies, directory, &entry.network.0).len();
        places.saturating_mul(cuts(policies, asset, &entry.asset()).len())
    });
    each.fold(0usize, usize::saturating_add).saturating_mul(wallets.len() + 1)
}

/// All classes of transfers for these policies together.
pub(crate) fn classes(policies: &[&Policy], directory: &Directory) -> Vec<Class> {
    let mut found = Vec::new();
    let mut wallets: BTreeSet<Option<String>> =
        policies.iter().flat_map(|policy| policy.wallets.keys().cloned().map(Some)).collect();
    if policies.iter().any(|policy| policy.new_wallets == NewWallets::Open) {
        wallets.insert(None);
    }
    for wallet in &wallets {
        for (asset, entry) in &directory.assets {
            let network = entry.network.0;
            let destinations = destinations(policies, directory, &network);
            for amounts in cuts(policies, asset, &entry.asset()) {
                let each = destinations.iter().map(|to| Class {
                    wallet: wallet.clone(),
                    asset: asset.clone(),
                    to: to.clone(),
                    amounts,
                });
                found.extend(each);
            }
        }
    }
    found
}

/// Where limits in minor units cut the amounts of an asset. Zero is never paid.
fn cuts(policies: &[&Policy], name: &str, asset: &Asset) -> Vec<Amounts> {
    let mut starts = BTreeSet::from([U256::from(1)]);
    let rules = policies.iter().flat_map(|policy| &policy.rules);
    let concerned = rules.filter(|rule| {
        rule.asset.iter().any(|listed| match listed {
            AssetName::Native => *asset == Asset::Native,
            AssetName::Registered(listed) => listed == name,
        })
    });
    for range in concerned.filter_map(|rule| rule.amount) {
        if let Some(Limit::Minor(min)) = range.min {
            starts.insert(min.0.max(U256::from(1)));
        }
        if let Some(Limit::Minor(max)) = range.max {
            starts.extend(max.0.checked_add(U256::from(1)));
        }
    }
    let starts: Vec<U256> = starts.into_iter().collect();
    let ends = starts.iter().skip(1).map(|next| Some(Amount(*next - U256::from(1)))).chain([None]);
    starts.iter().zip(ends).map(|(start, end)| Amounts(Amount(*start), end)).collect()
}

/// Destinations on a network that some rule could tell apart.
fn destinations(policies: &[&Policy], directory: &Directory, network: &Network) -> Vec<Destination> {
    let targets = || policies.iter().flat_map(|policy| &policy.rules).flat_map(|rule| &rule.to);
    let mut found = vec![Destination::Stranger];
    let own: BTreeSet<&String> = policies.iter().flat_map(|policy| policy.wallets.keys()).collect();
    found.extend(own.into_iter().map(|name| Destination::Own(name.clone())));
    // Entries are alike when the same targets stand for them.
    let mut alike: BTreeMap<Vec<bool>, BTreeSet<String>> = BTreeMap::new();
    for entry in directory.book.entries().iter().filter(|entry| entry.network.0 == *network) {
        let here: Vec<_> = directory.book.find(network, &entry.address).collect();
        let signature = targets().map(|target| match target {
            Target::Entry(name) => here.iter().any(|entry| entry.name == *name),
            Target::Tag(tag) => here.iter().any(|entry| entry.tags.contains(tag)),
            Target::Address(text) => canonical(network, text) == canonical(network, &entry.address),
            _ => false,
        });
        alike.entry(signature.collect()).or_default().insert(entry.name.clone());
    }
    found.extend(alike.into_values().map(|names| Destination::Entries(names.into_iter().collect())));
    let named: BTreeSet<&String> = targets()
        .filter_map(|target| match target {
            Target::Address(text) if directory.book.find(network, text).next().is_none() => Some(text),
            _ => None,
        })
        .collect();
    found.extend(named.into_iter().map(|text| Destination::Address(text.clone())));
    found
}

/// An address of this kind, and the own wallet that it belongs to.
pub(crate) fn sample(
    to: &Destination,
    policy: &Policy,
    directory: &Directory,
    network: &Network,
) -> (String, Option<WalletId>) {
    match to {
        // No address is spelt like this, so no entry can have it.
        Destination::Stranger => ("a stranger".to_owned(), None),
        // A wallet that this version does not name is still an own one.
        Destination::Own(name) => (
            "an own wallet".to_owned(),
            Some(policy.wallets.get(name).copied().unwrap_or(WalletId([0xff; 16]))),
        ),
        Destination::Entries(names) => {
            let mut entries = directory.book.entries().iter();
            let first = entries.find(|entry| entry.network.0 == *network && names.contains(&entry.name));
            (first.map_or_else(String::new, |entry| entry.address.clone()), None)
        }
        Destination::Address(text) => (text.clone(), None),
    }
}

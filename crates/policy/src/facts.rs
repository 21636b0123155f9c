//! What is known when a decision is made: the time, who is who, the address book, the asset registry, prices.

use crate::PolicyError;
use crate::model::names::check_name;
use crate::model::{Currency, NetworkName};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Asset, Network, PublicKey};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Everything that a decision looks at besides rules, subject, history and votes.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Unix seconds by the deciding node's own clock.
    pub now: u64,
    /// Who is who.
    pub directory: &'a Directory,
    /// What things cost.
    pub prices: &'a Prices,
}

/// Who is who, under the governance version in force.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Directory {
    /// People and services by name, each with its device keys. A person counts once, with however many devices.
    pub people: BTreeMap<String, BTreeSet<PublicKey>>,
    /// Groups of people.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Parties by name, with their identity keys.
    pub parties: BTreeMap<String, PublicKey>,
    /// Groups of parties.
    pub party_groups: BTreeMap<String, BTreeSet<String>>,
    /// The asset registry.
    pub assets: BTreeMap<String, AssetEntry>,
    /// The address book.
    pub book: AddressBook,
}

/// An asset of the governed registry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetEntry {
    /// On which network.
    pub network: NetworkName,
    /// Address of the contract or mint; none for the network's own coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How many decimals people see: 10^decimals minor units are one.
    pub decimals: u8,
}

/// One address that has a name.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookEntry {
    /// Name for people; several addresses may share one.
    pub name: String,
    /// On which network.
    pub network: NetworkName,
    /// The address.
    pub address: String,
    /// What kind of destination it is.
    #[serde(default)]
    pub tags: BTreeSet<String>,
}

/// The address book, with an index by address.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<BookEntry>", into = "Vec<BookEntry>")]
pub struct AddressBook {
    entries: Vec<BookEntry>,
    index: HashMap<(Network, String), Vec<usize>>,
    names: HashSet<String>,
}

impl From<Vec<BookEntry>> for AddressBook {
    fn from(entries: Vec<BookEntry>) -> Self {
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            let network = entry.network.0;
            index.entry((network, canonical(&network, &entry.address).into_owned())).or_default().push(at);
        }
        let names = entries.iter().map(|entry| entry.name.clone()).collect();
        Self { entries, index, names }
    }
}

impl From<AddressBook> for Vec<BookEntry> {
    fn from(book: AddressBook) -> Self {
        book.entries
    }
}

impl AddressBook {
    /// All entries.
    pub fn entries(&self) -> &[BookEntry] {
        &self.entries
    }

    /// Whether any entry has this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The entries with this address, in any of its spellings.
    pub fn find(&self, network: &Network, address: &str) -> impl Iterator<Item = &BookEntry> {
        let key = (*network, canonical(network, address).into_owned());
        self.index.get(&key).into_iter().flatten().map(|at| &self.entries[*at])
    }
}

/// One spelling for each address, so that a rule cannot be got round by capital letters: hex and bech32 in lower case.
/// Base58 has one spelling.
pub fn canonical<'a>(network: &Network, address: &'a str) -> Cow<'a, str> {
    let hrp = |address: &str| {
        ["bc1", "tb1", "bcrt1"]
            .iter()
            .any(|hrp| address.get(..hrp.len()).is_some_and(|s| s.eq_ignore_ascii_case(hrp)))
    };
    let fold = match network {
        Network::Evm { .. } => true,
        Network::Bitcoin { .. } => hrp(address),
        Network::Solana { .. } => false,
    };
    if fold && address.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(address.to_ascii_lowercase())
    } else {
        Cow::Borrowed(address)
    }
}

/// The same for an asset.
pub fn canonical_asset(network: &Network, asset: &Asset) -> Asset {
    match asset {
        Asset::Native => Asset::Native,
        Asset::Token { contract } => Asset::Token { contract: canonical(network, contract).into_owned() },
    }
}

/// Whether two addresses of this network are one.
pub(crate) fn same_address(network: &Network, a: &str, b: &str) -> bool {
    a == b || (a.eq_ignore_ascii_case(b) && canonical(network, a) == canonical(network, b))
}

/// What one asset costs in one currency. `hundredths` of the currency for `units` minor units of the asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Hundredths of the currency. Zero is no price.
    pub hundredths: u64,
    /// For so many minor units. Zero is no price.
    pub units: u64,
    /// Unix seconds when this was the price.
    pub time: u64,
}

/// Prices by asset and currency.
#[derive(Clone, Debug, Default)]
pub struct Prices(HashMap<(Network, Asset, Currency), Price>);

impl Prices {
    /// Sets a price; a later call replaces an earlier one.
    pub fn set(&mut self, network: Network, asset: &Asset, currency: Currency, price: Price) {
        self.0.insert((network, canonical_asset(&network, asset), currency), price);
    }

    /// The price, however old. `asset` must be canonical.
    pub fn get(&self, network: &Network, asset: &Asset, currency: Currency) -> Option<&Price> {
        self.0.get(&(*network, asset.clone(), currency))
    }
}

impl AssetEntry {
    /// What it is, as intents name it.
    pub fn asset(&self) -> Asset {
        match &self.token {
            None => Asset::Native,
            Some(contract) => canonical_asset(&self.network.0, &Asset::Token { contract: contract.clone() }),
        }
    }

    /// Whether it is this asset of this network.
    pub fn is(&self, network: &Network, asset: &Asset) -> bool {
        self.network.0 == *network
            && match (&self.token, asset) {
                (None, Asset::Native) => true,
                (Some(ours), Asset::Token { contract }) => same_address(network, ours, contract),
                _ => false,
            }
    }
}

impl Directory {
    /// Whose device key this is.
    pub fn person(&self, key: &PublicKey) -> Option<&str> {
        self.people.iter().find(|(_, keys)| keys.contains(key)).map(|(name, _)| name.as_str())
    }

    /// Which party this identity key belongs to.
    pub fn party(&self, key: &PublicKey) -> Option<&str> {
        self.parties.iter().find(|(_, known)| *known == key).map(|(name, _)| name.as_str())
    }

    /// Checks that names are names, keys belong to one person or party, and groups have known members.
    pub fn check(&self) -> Result<(), PolicyError> {
        let wrong = |problem: String| Err(PolicyError::Directory(problem));
        let mut owners: BTreeMap<PublicKey, &str> = BTreeMap::new();
        let people = self.people.iter().flat_map(|(name, keys)| keys.iter().map(move |key| (name, key)));
        for (name, key) in people.chain(&self.parties) {
            check_name("name", name)?;
            key.check("key")?;
            if let Some(other) = owners.insert(*key, name) {
                return wrong(format!(
                    "{other} and {name} have one key; every person and party needs its own"
                ));
            }
        }
        if let Some((name, _)) = self.people.iter().find(|(_, keys)| keys.is_empty()) {
            return wrong(format!("{name} has no device key"));
        }
        check_groups(&self.groups, |name| self.people.contains_key(name))?;
        check_groups(&self.party_groups, |name| self.parties.contains_key(name))?;
        for name in self.assets.keys() {
            check_name("asset", name)?;
            if name == "native" {
                return wrong("an asset cannot be called native; rules use that word".into());
            }
        }
        for entry in self.book.entries() {
            check_name("address book entry", &entry.name)?;
            entry.tags.iter().try_for_each(|tag| check_name("tag", tag))?;
        }
        Ok(())
    }
}

fn check_groups(
    groups: &BTreeMap<String, BTreeSet<String>>,
    known: impl Fn(&str) -> bool,
) -> Result<(), PolicyError> {
    for (name, members) in groups {
        check_name("group", name)?;
        if let Some(member) = members.iter().find(|member| !known(member)) {
            let problem = format!("{member} in group {name} is nobody; add them or take them out");
            return Err(PolicyError::Directory(problem));
        }
    }
    Ok(())
}

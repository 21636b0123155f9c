//! What a governance version says besides who the machines are: people, groups, address book, assets, policy, settings
//! (docs/spec §1.8). The policy is canonical bytes here; what they mean is for the room `policy`.

use crate::genesis::MAX_ENTRIES;
use crate::intent::check_text;
use crate::{Genesis, IntentError, Member, Network, PublicKey};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most people.
pub const MAX_PEOPLE: usize = 256;
/// Most device keys of one person.
pub const MAX_KEYS: usize = 8;
/// Most members of a group.
pub const MAX_GROUP: usize = 256;
/// Most entries of the asset registry.
pub const MAX_ASSETS: usize = 256;
/// Most entries of the address book.
pub const MAX_BOOK: usize = 2000;
/// Most tags of one address.
pub const MAX_TAGS: usize = 8;
/// Largest policy, in canonical bytes: a change that carries it must fit into one log entry.
pub const MAX_POLICY: usize = 48 * 1024;
/// Largest encoding of all of it together, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;
/// Groups that the lists of the genesis are, under their own names.
pub const BUILT_IN_GROUPS: [&str; 2] = ["approvers", "administrators"];
/// Largest clock difference between nodes that may be set, in seconds.
pub const MAX_CLOCK_SKEW: u32 = 3600;

/// A person or service with all of their device keys. They count once, with however many devices.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name for people.
    pub name: String,
    /// Device keys.
    pub keys: Vec<PublicKey>,
}

/// A group of people, or of parties, by their names.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGroup {
    /// The group's name.
    pub name: String,
    /// Names of its members.
    pub members: Vec<String>,
}

/// An asset of the registry. Its contract and decimals come from here and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetInfo {
    /// Its name, as rules write it.
    pub symbol: String,
    /// On which network.
    pub network: Network,
    /// Address of the contract or mint; none for the network's own coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// 10^decimals minor units are one.
    pub decimals: u8,
}

/// An entry of the address book.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookAddress {
    /// Name for people; several addresses may share one.
    pub name: String,
    /// On which network.
    pub network: Network,
    /// The address, in the network's own form.
    pub address: String,
    /// What kind of destination it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// An address that is to go from the address book.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookKey {
    /// On which network.
    pub network: Network,
    /// The address as it stands in the book.
    pub address: String,
}

/// A policy's canonical bytes, in JSON as hex.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyBytes(pub Vec<u8>);

impl TryFrom<String> for PolicyBytes {
    type Error = IntentError;
    fn try_from(text: String) -> Result<Self, IntentError> {
        if text.len() > 2 * MAX_POLICY {
            return Err(too_many("policy", text.len() / 2, MAX_POLICY));
        }
        let bytes = hex::decode(&text).map_err(|error| IntentError::field("policy", error.to_string()))?;
        Ok(Self(bytes))
    }
}

impl From<PolicyBytes> for String {
    fn from(bytes: PolicyBytes) -> Self {
        hex::encode(bytes.0)
    }
}

/// Everything of a version that was changed by intents of its own kinds. Empty in a genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Governed {
    /// People beside those in the lists of the genesis, or with further devices.
    pub people: Vec<Person>,
    /// Groups of people.
    pub groups: Vec<NamedGroup>,
    /// Groups of parties.
    pub party_groups: Vec<NamedGroup>,
    /// The asset registry.
    pub assets: Vec<AssetInfo>,
    /// The address book.
    pub book: Vec<BookAddress>,
    /// The policy; none while the two rules of the genesis decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyBytes>,
    /// Whether all signing is stopped.
    pub frozen: bool,
    /// How many nodes record a spending before a rule with a window lets it be signed; a wallet's threshold when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_quorum: Option<u16>,
    /// How far clocks of nodes may be apart, in seconds; [`crate::intent::CLOCK_SKEW`] when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<u32>,
}

fn too_many(field: &'static str, found: usize, most: usize) -> IntentError {
    IntentError::field(field, format!("{found}, at most {most} are allowed"))
}

fn cap(field: &'static str, found: usize, most: usize) -> Result<(), IntentError> {
    if found <= most { Ok(()) } else { Err(too_many(field, found, most)) }
}

fn named(field: &'static str, name: &str) -> Result<(), IntentError> {
    if name.is_empty() {
        return Err(IntentError::field(field, "every entry needs a name"));
    }
    check_text(field, name, 64)
}

impl Governed {
    /// Checks the form, against the lists of the version that it belongs to.
    pub(crate) fn check(&self, version: &Genesis) -> Result<(), IntentError> {
        self.check_people(version)?;
        let people = self.names(version);
        let parties: BTreeSet<&str> = version.parties.iter().map(|party| party.name.as_str()).collect();
        check_groups("groups", &self.groups, &people, &BUILT_IN_GROUPS)?;
        check_groups("party_groups", &self.party_groups, &parties, &[])?;
        self.check_assets()?;
        self.check_book()?;
        if let Some(policy) = &self.policy {
            cap("policy", policy.0.len(), MAX_POLICY)?;
        }
        if let Some(quorum) = self.record_quorum
            && !(1..=MAX_ENTRIES).contains(&usize::from(quorum))
        {
            return Err(IntentError::field(
                "record_quorum",
                format!("must be 1 to {MAX_ENTRIES}, found {quorum}"),
            ));
        }
        if let Some(skew) = self.clock_skew
            && !(1..=MAX_CLOCK_SKEW).contains(&skew)
        {
            let problem = format!("must be 1 to {MAX_CLOCK_SKEW} seconds, found {skew}");
            return Err(IntentError::field("clock_skew", problem));
        }
        cap("governed", borsh::to_vec(self).unwrap_or_default().len(), MAX_BYTES)
    }

    /// The names of everybody who has one.
    fn names<'a>(&'a self, version: &'a Genesis) -> BTreeSet<&'a str> {
        let listed = version.people().map(|member| member.name.as_str());
        listed.chain(self.people.iter().map(|person| person.name.as_str())).collect()
    }

    fn check_people(&self, version: &Genesis) -> Result<(), IntentError> {
        cap("people", self.people.len(), MAX_PEOPLE)?;
        let machines: BTreeSet<PublicKey> =
            version.parties.iter().map(|party| party.key).chain([version.gateway]).collect();
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for person in &self.people {
            named("people", &person.name)?;
            let wrong =
                |problem: &str| Err(IntentError::field("people", format!("{} {problem}", person.name)));
            if !names.insert(person.name.as_str()) {
                return wrong("stands twice");
            }
            if person.keys.is_empty() {
                return wrong("has no device key");
            }
            cap("keys of one person", person.keys.len(), MAX_KEYS)?;
            for key in &person.keys {
                key.check("people")?;
                if machines.contains(key) {
                    return wrong("uses a machine's identity key");
                }
                if !keys.insert(*key) {
                    return wrong("has a key that stands twice");
                }
            }
        }
        version.people().try_for_each(|member| self.agrees(member))
    }

    /// A name stands for one person, and a key belongs to one.
    fn agrees(&self, member: &Member) -> Result<(), IntentError> {
        let other = |person: &&Person| (person.name == member.name) != person.keys.contains(&member.key);
        match self.people.iter().find(other) {
            None => Ok(()),
            Some(person) => {
                let problem = format!(
                    "{} of the lists and {} of the people share a name or a key and not both; change both together",
                    member.name, person.name
                );
                Err(IntentError::field("people", problem))
            }
        }
    }

    fn check_assets(&self) -> Result<(), IntentError> {
        cap("assets", self.assets.len(), MAX_ASSETS)?;
        let mut symbols = BTreeSet::new();
        for (at, asset) in self.assets.iter().enumerate() {
            named("assets", &asset.symbol)?;
            if !symbols.insert(asset.symbol.as_str()) {
                return Err(IntentError::field("assets", format!("{} stands twice", asset.symbol)));
            }
            if let Some(contract) = &asset.contract {
                check_text("contract", contract, 128)?;
            }
            let same = |other: &&AssetInfo| {
                let fold = |contract: &Option<String>| contract.as_ref().map(|c| c.to_ascii_lowercase());
                other.network == asset.network && fold(&other.contract) == fold(&asset.contract)
            };
            if let Some(other) = self.assets[..at].iter().find(same) {
                let problem = format!("{} and {} are the same asset", other.symbol, asset.symbol);
                return Err(IntentError::field("assets", problem));
            }
        }
        Ok(())
    }

    fn check_book(&self) -> Result<(), IntentError> {
        cap("address book", self.book.len(), MAX_BOOK)?;
        let mut known = BTreeSet::new();
        for entry in &self.book {
            named("address book", &entry.name)?;
            check_text("address", &entry.address, 128)?;
            cap("tags of one address", entry.tags.len(), MAX_TAGS)?;
            entry.tags.iter().try_for_each(|tag| named("tags", tag))?;
            let network = borsh::to_vec(&entry.network).unwrap_or_default();
            if entry.address.is_empty() || !known.insert((network, entry.address.as_str())) {
                let problem = format!("the address of {} is empty or stands twice", entry.name);
                return Err(IntentError::field("address book", problem));
            }
        }
        Ok(())
    }
}

fn check_groups(
    field: &'static str,
    groups: &[NamedGroup],
    known: &BTreeSet<&str>,
    taken: &[&str],
) -> Result<(), IntentError> {
    cap(field, groups.len(), MAX_ENTRIES)?;
    let mut names = BTreeSet::new();
    for group in groups {
        named(field, &group.name)?;
        let wrong = |problem: String| Err(IntentError::field(field, format!("{}: {problem}", group.name)));
        if taken.contains(&group.name.as_str()) || !names.insert(group.name.as_str()) {
            return wrong("there is a group of this name already".into());
        }
        cap(field, group.members.len(), MAX_GROUP)?;
        let distinct: BTreeSet<&str> = group.members.iter().map(String::as_str).collect();
        if distinct.is_empty() || distinct.len() != group.members.len() {
            return wrong("a group has members, each once".into());
        }
        if let Some(stranger) = distinct.iter().find(|name| !known.contains(**name)) {
            return wrong(format!("{stranger} is nobody; add them first or take them out of the group"));
        }
    }
    Ok(())
}

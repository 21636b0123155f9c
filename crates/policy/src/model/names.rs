//! Names that rules use: networks, assets, destinations, people, quorums.

use crate::PolicyError;
use crate::model::text::as_text;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{BitcoinNetwork, Network, SolanaNetwork};
use std::fmt;
use std::str::FromStr;

/// Longest name of a rule, group, wallet, tag and the like, in bytes.
pub const MAX_NAME: usize = 64;

/// Whether a text can be a name: letters, digits, and `- _ . /` or blanks inside.
pub fn check_name(what: &'static str, name: &str) -> Result<(), PolicyError> {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ' ');
    let edges = name.starts_with(' ') || name.ends_with(' ');
    if name.is_empty() || name.len() > MAX_NAME || edges || !name.chars().all(legal) {
        let problem = format!("{name:.80?} is not 1 to {MAX_NAME} letters, digits, blanks or - _ . /");
        return Err(PolicyError::text(what, problem));
    }
    Ok(())
}

fn named(what: &'static str, name: &str) -> Result<String, PolicyError> {
    check_name(what, name).map(|()| name.to_owned())
}

/// A network as rules write it: `bitcoin:mainnet`, `evm:1`, `solana:devnet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct NetworkName(pub Network);

const BITCOIN: [(BitcoinNetwork, &str); 4] = [
    (BitcoinNetwork::Mainnet, "mainnet"),
    (BitcoinNetwork::Testnet, "testnet"),
    (BitcoinNetwork::Signet, "signet"),
    (BitcoinNetwork::Regtest, "regtest"),
];
const SOLANA: [(SolanaNetwork, &str); 4] = [
    (SolanaNetwork::Mainnet, "mainnet"),
    (SolanaNetwork::Testnet, "testnet"),
    (SolanaNetwork::Devnet, "devnet"),
    (SolanaNetwork::Localnet, "localnet"),
];

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Network::Bitcoin { network } => {
                let name = BITCOIN.iter().find(|(known, _)| *known == network).map_or("", |(_, name)| name);
                write!(f, "bitcoin:{name}")
            }
            Network::Solana { network } => {
                let name = SOLANA.iter().find(|(known, _)| *known == network).map_or("", |(_, name)| name);
                write!(f, "solana:{name}")
            }
            Network::Evm { chain_id } => write!(f, "evm:{chain_id}"),
        }
    }
}

impl FromStr for NetworkName {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let parse = || match text.split_once(':')? {
            ("bitcoin", name) => {
                let network = BITCOIN.iter().find(|(_, known)| *known == name)?.0;
                Some(Network::Bitcoin { network })
            }
            ("solana", name) => {
                let network = SOLANA.iter().find(|(_, known)| *known == name)?.0;
                Some(Network::Solana { network })
            }
            ("evm", id) => {
                let chain_id = id.parse().ok()?;
                (id == format!("{chain_id}")).then_some(Network::Evm { chain_id })
            }
            _ => None,
        };
        let problem = || format!("{text:.40?} is not like bitcoin:mainnet, evm:1 or solana:devnet");
        parse().map(Self).ok_or_else(|| PolicyError::text("network", problem()))
    }
}

/// An asset as rules write it: `native`, or a name of the asset registry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum AssetName {
    /// The coin of whatever network it is.
    Native,
    /// An entry of the governed registry, which says network, contract and decimals.
    Registered(String),
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Registered(name) => name,
        })
    }
}

impl FromStr for AssetName {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text == "native" { Ok(Self::Native) } else { named("asset", text).map(Self::Registered) }
    }
}

/// Where value may go. Text forms: `any`, `own`, `own:WALLET`, `book`, `book:ENTRY`, `tag:TAG`, `address:TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Target {
    /// Anywhere.
    Any,
    /// Any address of a wallet of this cluster.
    Own,
    /// An address of this wallet, by its name in the policy.
    OwnWallet(String),
    /// Any entry of the address book.
    Book,
    /// This entry of the address book.
    Entry(String),
    /// Any entry with this tag.
    Tag(String),
    /// Exactly this address.
    Address(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Own => f.write_str("own"),
            Self::OwnWallet(name) => write!(f, "own:{name}"),
            Self::Book => f.write_str("book"),
            Self::Entry(name) => write!(f, "book:{name}"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::Address(text) => write!(f, "address:{text}"),
        }
    }
}

impl FromStr for Target {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match (text, text.split_once(':')) {
            ("any", _) => Ok(Self::Any),
            ("own", _) => Ok(Self::Own),
            ("book", _) => Ok(Self::Book),
            (_, Some(("own", name))) => named("wallet", name).map(Self::OwnWallet),
            (_, Some(("book", name))) => named("address book entry", name).map(Self::Entry),
            (_, Some(("tag", name))) => named("tag", name).map(Self::Tag),
            (_, Some(("address", address)))
                if (1..=128).contains(&address.len()) && address.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                Ok(Self::Address(address.to_owned()))
            }
            _ => {
                let forms = "any, own, own:WALLET, book, book:ENTRY, tag:TAG or address:TEXT";
                Err(PolicyError::text("destination", format!("{text:.80?} is not one of {forms}")))
            }
        }
    }
}

/// Who asks. Text forms: `NAME`, `group:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Who {
    /// This person or service.
    Person(String),
    /// Any member of this group.
    Group(String),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl FromStr for Who {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text.strip_prefix("group:") {
            Some(name) => named("group", name).map(Self::Group),
            None => named("initiator", text).map(Self::Person),
        }
    }
}

/// So many distinct members of a group. Text form: `2 of finance`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Quorum {
    /// How many, at least 1.
    pub need: u16,
    /// Of which group.
    pub group: String,
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.need, self.group)
    }
}

impl FromStr for Quorum {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let parts = text.split_once(" of ");
        let parsed = parts.and_then(|(need, group)| Some((need.parse::<u16>().ok()?, need, group)));
        match parsed {
            Some((need, digits, group)) if need > 0 && need.to_string() == digits => {
                Ok(Self { need, group: named("group", group)? })
            }
            _ => Err(PolicyError::text("quorum", format!("{text:.80?} is not like \"2 of finance\""))),
        }
    }
}

/// A group's name alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Name(pub String);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        named("name", text).map(Self)
    }
}

as_text!(NetworkName, AssetName, Target, Who, Quorum, Name);

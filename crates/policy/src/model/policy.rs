//! A policy: its rules, its canonical bytes, its hash, and the chain of its versions.

use crate::PolicyError;
use crate::file;
use crate::model::text::as_text;
use crate::model::{Period, Rule};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, WalletId};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The version of file format and encoding.
pub const VERSION: u16 = 1;
/// Largest canonical encoding of a policy, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most rules.
pub const MAX_RULES: usize = 1000;
/// How old a price may be when the policy does not say.
pub const PRICE_AGE: Period = Period(3600);

/// What a wallet that the policy does not name may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NewWallets {
    /// Take deposits and nothing else, until a change of policy names it.
    #[default]
    DepositOnly,
    /// Whatever the rules say.
    Open,
}

impl fmt::Display for NewWallets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DepositOnly => "deposit-only",
            Self::Open => "open",
        })
    }
}

impl FromStr for NewWallets {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "deposit-only" => Ok(Self::DepositOnly),
            "open" => Ok(Self::Open),
            _ => {
                let problem = format!("{text:.40?} is not one of deposit-only, open");
                Err(PolicyError::text("new-wallets", problem))
            }
        }
    }
}

as_text!(NewWallets);

/// One version of the policy of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// [`VERSION`].
    pub version: u16,
    /// Place in the chain of versions, from 1.
    #[serde(default = "first")]
    pub number: u64,
    /// Hash of the version before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// What wallets may do that are not named below.
    #[serde(default)]
    pub new_wallets: NewWallets,
    /// A price that is older than this is not known.
    #[serde(default = "price_age")]
    pub price_age: Period,
    /// Names for wallets. Rules use the names; naming a wallet is what lets it pay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wallets: BTreeMap<String, WalletId>,
    /// The rules, in order.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

fn first() -> u64 {
    1
}

fn price_age() -> Period {
    PRICE_AGE
}

impl Policy {
    /// A first version with these rules and nothing else.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            version: VERSION,
            number: 1,
            previous: None,
            new_wallets: NewWallets::default(),
            price_age: PRICE_AGE,
            wallets: BTreeMap::new(),
            rules,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes canonical bytes, at most [`MAX_BYTES`], and checks the policy.
    pub fn decode(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > MAX_BYTES {
            let problem = format!("{} bytes, at most {MAX_BYTES} are allowed", bytes.len());
            return Err(PolicyError::Encoding(problem));
        }
        let policy: Self =
            borsh::from_slice(bytes).map_err(|error| PolicyError::Encoding(error.to_string()))?;
        policy.validate()?;
        // The decoder takes a map's entries in any order; there is one policy for one sequence of bytes.
        if policy.encode() != bytes {
            return Err(PolicyError::Encoding("its wallets are not in order, or one stands twice".into()));
        }
        // People read and approve the file. What no file says must not stand in the bytes that nodes judge by.
        if file::read(&file::write(&policy)).ok().as_ref() != Some(&policy) {
            return Err(PolicyError::Encoding("it holds a value that a policy file cannot say".into()));
        }
        Ok(policy)
    }

    /// The hash that the next version, approvals and log entries name.
    pub fn hash(&self) -> Hash {
        Hash(Transcript::new("policy").field("policy", &self.encode()).digest())
    }

    /// The same rules as the version that comes after `before`.
    #[must_use]
    pub fn following(mut self, before: &Self) -> Self {
        self.number = before.number.saturating_add(1);
        self.previous = Some(before.hash());
        self
    }

    /// Checks that this version comes right after `before`; that it is the first when there is none.
    pub fn check_follows(&self, before: Option<&Self>) -> Result<(), PolicyError> {
        let (number, hash) = before.map_or((0, None), |before| (before.number, Some(before.hash())));
        let wrong =
            |problem: String| Err(PolicyError::Chain { number: self.number, before: number, problem });
        if number.checked_add(1) != Some(self.number) {
            return wrong("versions are numbered one by one from 1".to_owned());
        }
        if self.previous != hash {
            let show = |hash: Option<Hash>| hash.map_or("none".to_owned(), |hash| hash.to_string());
            return wrong(format!(
                "it names {} as the one before, which is {}",
                show(self.previous),
                show(hash)
            ));
        }
        Ok(())
    }
}

/// The rules of one node's operator. They can only narrow what the policy allows; where none matches, the operator has
/// no objection.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalPolicy {
    /// [`VERSION`].
    pub version: u16,
    /// The rules, in order. Names of wallets are those of the cluster's policy.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

impl LocalPolicy {
    /// The hash that log entries name.
    pub fn hash(&self) -> Hash {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Hash(Transcript::new("policy/local").field("policy", &bytes).digest())
    }
}

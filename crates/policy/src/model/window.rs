//! Rolling windows: how much and how often within a time that ends now.

use crate::PolicyError;
use crate::model::text::{self, as_text};
use crate::model::{Limit, Period, Range};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a window counts apart. Without any, everything that the cluster spends is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Per {
    /// Each wallet by itself.
    Wallet,
    /// Each account of each wallet by itself.
    Account,
    /// Each asset by itself. Limits in minor units always do.
    Asset,
    /// Each destination by itself.
    Destination,
    /// Each initiator by itself.
    Initiator,
    /// Only what this rule decided.
    Rule,
}

const NAMES: [(Per, &str); 6] = [
    (Per::Wallet, "wallet"),
    (Per::Account, "account"),
    (Per::Asset, "asset"),
    (Per::Destination, "destination"),
    (Per::Initiator, "initiator"),
    (Per::Rule, "rule"),
];

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(per, _)| per == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Per {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let found = NAMES.iter().find(|(_, name)| *name == text).map(|(per, _)| *per);
        found.ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            PolicyError::text("per", format!("{text:.40?} is not one of {}", known.join(", ")))
        })
    }
}

as_text!(Per);

/// Amount and number of spendings within `period` before now, the one to be decided included.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Window {
    /// How long. A spending counts while it is younger than this.
    pub period: Period,
    /// What is counted apart.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub per: Vec<Per>,
    /// The sum is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Limit>,
    /// The sum is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Limit>,
    /// There are at least so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u64>,
    /// There are at most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u64>,
}

impl Window {
    /// The limits on the sum.
    pub fn range(&self) -> Range {
        Range { min: self.min, max: self.max }
    }

    /// Whether it counts apart by this. A limit in minor units counts each asset by itself.
    pub fn splits(&self, per: Per) -> bool {
        self.per.contains(&per)
            || (per == Per::Wallet && self.per.contains(&Per::Account))
            || (per == Per::Asset && self.range().limits().any(|limit| limit.is_minor()))
    }
}

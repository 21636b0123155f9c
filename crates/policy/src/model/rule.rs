//! One rule: what it is about, and what it decides.

use crate::PolicyError;
use crate::model::names::Name;
use crate::model::text::{self, as_text};
use crate::model::{
    Argument, AssetName, Kind, Method, NetworkName, Period, Quorum, Range, Target, Week, Who, Window,
};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RuleDecision {
    /// It may happen.
    Allow,
    /// It must not happen.
    Deny,
    /// It may happen once everything that the rule asks for is there.
    Require,
}

impl fmt::Display for RuleDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Require => "require",
        })
    }
}

impl FromStr for RuleDecision {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "allow" => Ok(Self::Allow),
            "deny" => Ok(Self::Deny),
            "require" => Ok(Self::Require),
            _ => {
                Err(PolicyError::text("decision", format!("{text:.40?} is not one of allow, deny, require")))
            }
        }
    }
}

as_text!(RuleDecision);

/// One rule. It matches when every matcher that it has matches; a matcher that is left out matches everything. The first
/// rule that matches decides.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique in the policy. Logs and refusals name it.
    pub name: String,
    /// Kinds of intents; transfers when left out.
    #[serde(default = "transfers", deserialize_with = "text::list", serialize_with = "text::write")]
    pub kind: Vec<Kind>,
    /// Wallets, by their names in the policy.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub wallet: Vec<Name>,
    /// Accounts of the wallet.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub account: Vec<u32>,
    /// Networks.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub network: Vec<NetworkName>,
    /// Assets.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub asset: Vec<AssetName>,
    /// Destinations. Every destination must be among them; in a rule that denies, one is enough.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub to: Vec<Target>,
    /// The whole amount of this transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Range>,
    /// Rolling windows; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub window: Vec<Window>,
    /// Who asks.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub initiator: Vec<Who>,
    /// Times of the week; one must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time: Vec<Week>,
    /// The contract that is called.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub contract: Vec<Target>,
    /// The method that is called.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub method: Vec<Method>,
    /// Limits on its arguments; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argument: Vec<Argument>,
    /// The most that the network's fee can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Range>,
    /// What it decides.
    pub decision: RuleDecision,
    /// Groups of people, each with its quorum; all must be met.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub approvals: Vec<Quorum>,
    /// Groups of parties of which so many must be in the signer set; all must be met.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub parties: Vec<Quorum>,
    /// How long to wait once all approvals are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Period>,
    /// Groups of whom any one member can stop it, besides the approvers.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cancel: Vec<Name>,
    /// Whether this node's own operator must confirm. Only in a node's local rules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
}

fn transfers() -> Vec<Kind> {
    vec![Kind::Transfer]
}

impl Rule {
    /// A rule about transfers that has no matcher.
    pub fn new(name: &str, decision: RuleDecision) -> Self {
        Self {
            name: name.to_owned(),
            kind: transfers(),
            wallet: Vec::new(),
            account: Vec::new(),
            network: Vec::new(),
            asset: Vec::new(),
            to: Vec::new(),
            amount: None,
            window: Vec::new(),
            initiator: Vec::new(),
            time: Vec::new(),
            contract: Vec::new(),
            method: Vec::new(),
            argument: Vec::new(),
            fee: None,
            decision,
            approvals: Vec::new(),
            parties: Vec::new(),
            delay: None,
            cancel: Vec::new(),
            confirm: false,
        }
    }
}

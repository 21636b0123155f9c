//! Orders for key ceremonies (docs/spec §1.8): no ceremony runs without one that the administrators approved.

use crate::{Genesis, IntentError, PublicKey, WalletId};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The signature algorithm of a key. A key serves one only (§3.1).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub enum Suite {
    /// ECDSA on secp256k1: Bitcoin P2WPKH, EVM chains.
    #[serde(rename = "ecdsa-secp256k1")]
    Ecdsa,
    /// BIP340 Schnorr on secp256k1: Bitcoin P2TR.
    #[serde(rename = "bip340")]
    Bip340,
    /// Ed25519: Solana.
    #[serde(rename = "ed25519")]
    Ed25519,
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecdsa => "ecdsa-secp256k1",
            Self::Bip340 => "bip340",
            Self::Ed25519 => "ed25519",
        })
    }
}

/// A key ceremony that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The key that it is about.
    pub wallet: WalletId,
    /// The key's next order number; 1 for generation.
    pub number: u64,
    /// What is to be done.
    pub kind: OrderKind,
}

/// The kinds of key ceremonies.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "ceremony", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum OrderKind {
    /// Make a new key together (§2.1).
    Generate {
        /// Its signature algorithm.
        suite: Suite,
        /// t: how many parties sign.
        threshold: u16,
        /// Identity keys of the parties, strictly ascending; party i of the sharing is the i-th of them, from 1.
        parties: Vec<PublicKey>,
        /// A name for people.
        label: String,
    },
}

/// The most parties that a key may have.
pub const MAX_KEY_PARTIES: usize = 20;

impl Order {
    /// Checks the form: 2 ≤ t ≤ n ≤ 20, parties ascending and all in the genesis, a short label.
    pub fn check(&self, genesis: &Genesis) -> Result<(), IntentError> {
        let OrderKind::Generate { threshold, parties, label, .. } = &self.kind;
        if self.number != 1 {
            return Err(IntentError::field("number", "a generate order has order number 1"));
        }
        let n = parties.len();
        if !(2..=MAX_KEY_PARTIES).contains(&n) {
            return Err(IntentError::field(
                "parties",
                format!("{n} parties; 2 to {MAX_KEY_PARTIES} are supported"),
            ));
        }
        if !(2..=n).contains(&usize::from(*threshold)) {
            return Err(IntentError::field("threshold", format!("must be 2 to {n}, found {threshold}")));
        }
        if !parties.is_sorted_by(|a, b| a < b) {
            return Err(IntentError::field("parties", "must be in strictly ascending order of identity key"));
        }
        for party in parties {
            genesis
                .party(party)
                .ok_or_else(|| IntentError::NotAMember { who: party.to_string(), group: "parties" })?;
        }
        crate::intent::check_text("label", label, 64)
    }
}

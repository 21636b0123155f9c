//! Orders for key ceremonies (docs/spec §1.8): no ceremony runs without one that the administrators approved.

use crate::{Genesis, Hash, IntentError, PublicKey, WalletId};
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
    /// The key's next order number; 1 for generation and for nothing else.
    pub number: u64,
    /// What is to be done.
    pub kind: OrderKind,
}

/// The kinds of key ceremonies. New ones are added at the end: borsh stores a kind by its position.
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
    /// Share the key anew (§2.2). Key, chain code, suite and label stay.
    Reshare {
        /// Hash of the base's public record.
        base: Hash,
        /// Identity keys of the new sharing's parties, strictly ascending; party i of it is the i-th of them, from 1.
        recipients: Vec<PublicKey>,
        /// t': how many of them sign.
        threshold: u16,
        /// What it is for. The parties refuse what does not fit it.
        purpose: Purpose,
        /// From then on, refresh the new sharing by itself; none ends the schedule that there was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule: Option<Repeat>,
    },
    /// Refresh by schedule (§1.8): the base is the active epoch when it comes due, if that still has these parties and t.
    /// Any later order for the key ends it.
    Schedule {
        /// Identity keys of the parties, strictly ascending.
        parties: Vec<PublicKey>,
        /// t.
        threshold: u16,
        /// When.
        repeat: Repeat,
    },
    /// Erase the key for good, at all parties, pending shares included (§2.3). Nobody can undo it.
    Destroy {
        /// Hash of the public record of the epoch that the administrators saw.
        base: Hash,
    },
    /// Lift a dispute (§4.2, §5.2).
    Lift {
        /// Whose.
        dispute: Lifted,
    },
}

/// What a reshare is for. It says to the administrators what they approve, and every party checks it against the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Same parties and threshold.
    Refresh,
    /// Other parties or another threshold.
    Change,
    /// As many parties and the same threshold; somebody new in the place of a lost machine.
    Replace,
    /// Nobody new, and at least one party less.
    Evict,
}

/// When a schedule refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Seconds from one epoch to the next.
    pub interval: u64,
    /// Unix seconds; no refresh begins at or after it. A schedule goes on past the expiry of the intent that carries it.
    pub end: u64,
}

/// A dispute that is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase", deny_unknown_fields)]
pub enum Lifted {
    /// The condemnation of a party.
    Party {
        /// Its identity key.
        party: PublicKey,
    },
    /// The edge between two parties.
    Pair {
        /// One end; the lower identity key.
        first: PublicKey,
        /// The other end.
        second: PublicKey,
    },
}

/// The most parties that a key may have.
pub const MAX_KEY_PARTIES: usize = 20;
/// The shortest interval of a schedule, in seconds.
pub const MIN_INTERVAL: u64 = 10;
/// The longest interval of a schedule, in seconds: ten years.
pub const MAX_INTERVAL: u64 = 10 * 366 * 24 * 3600;

impl Order {
    /// Checks the form: 2 ≤ t ≤ n ≤ 20, parties ascending and all in the genesis, a number that fits the kind.
    pub fn check(&self, genesis: &Genesis) -> Result<(), IntentError> {
        let generates = matches!(self.kind, OrderKind::Generate { .. });
        if generates && self.number != 1 {
            return Err(IntentError::field("number", "a generate order has order number 1"));
        }
        if !generates && self.number < 2 {
            let problem =
                format!("must be above 1, the number of the key's generation, found {}", self.number);
            return Err(IntentError::field("number", problem));
        }
        match &self.kind {
            OrderKind::Generate { threshold, parties, label, .. } => {
                check_sharing("parties", parties, *threshold, genesis)?;
                crate::intent::check_text("label", label, 64)
            }
            OrderKind::Reshare { recipients, threshold, schedule, .. } => {
                check_sharing("recipients", recipients, *threshold, genesis)?;
                schedule.as_ref().map_or(Ok(()), Repeat::check)
            }
            OrderKind::Schedule { parties, threshold, repeat } => {
                check_sharing("parties", parties, *threshold, genesis)?;
                repeat.check()
            }
            OrderKind::Destroy { .. } => Ok(()),
            OrderKind::Lift { dispute } => dispute.check(genesis),
        }
    }

    /// The schedule that this order sets up: parties, t, and when.
    pub fn schedule(&self) -> Option<(&[PublicKey], u16, Repeat)> {
        match &self.kind {
            OrderKind::Reshare { recipients, threshold, schedule: Some(repeat), .. } => {
                Some((recipients, *threshold, *repeat))
            }
            OrderKind::Schedule { parties, threshold, repeat } => Some((parties, *threshold, *repeat)),
            _ => None,
        }
    }
}

impl Purpose {
    /// Whether recipients and t' are what this purpose means for a base with these parties (both ascending) and t.
    pub fn check(
        self,
        base: (&[PublicKey], u16),
        recipients: &[PublicKey],
        threshold: u16,
    ) -> Result<(), IntentError> {
        let (parties, t) = base;
        let new = recipients.iter().any(|key| !parties.contains(key));
        let gone = parties.iter().any(|key| !recipients.contains(key));
        let (fits, rule) = match self {
            Self::Refresh => (!new && !gone && threshold == t, "a refresh keeps parties and threshold"),
            Self::Change => {
                (new || gone || threshold != t, "a change has other parties or another threshold")
            }
            Self::Replace => (
                new && recipients.len() == parties.len() && threshold == t,
                "a replacement keeps threshold and number of parties, and somebody is new",
            ),
            Self::Evict => (!new && gone, "an eviction has at least one party less and nobody new"),
        };
        if fits { Ok(()) } else { Err(IntentError::field("purpose", rule)) }
    }
}

impl Repeat {
    fn check(&self) -> Result<(), IntentError> {
        if (MIN_INTERVAL..=MAX_INTERVAL).contains(&self.interval) {
            return Ok(());
        }
        let problem = format!("must be {MIN_INTERVAL} to {MAX_INTERVAL} seconds, found {}", self.interval);
        Err(IntentError::field("interval", problem))
    }
}

impl Lifted {
    fn check(&self, genesis: &Genesis) -> Result<(), IntentError> {
        match self {
            Self::Party { party } => known(party, genesis),
            Self::Pair { first, second } if first < second => {
                known(first, genesis).and_then(|()| known(second, genesis))
            }
            Self::Pair { .. } => Err(IntentError::field("second", "must be above first")),
        }
    }
}

fn known(party: &PublicKey, genesis: &Genesis) -> Result<(), IntentError> {
    let found = genesis.party(party);
    found.map(|_| ()).ok_or_else(|| IntentError::NotAMember { who: party.to_string(), group: "parties" })
}

fn check_sharing(
    field: &'static str,
    parties: &[PublicKey],
    threshold: u16,
    genesis: &Genesis,
) -> Result<(), IntentError> {
    let n = parties.len();
    if !(2..=MAX_KEY_PARTIES).contains(&n) {
        return Err(IntentError::field(field, format!("{n} parties; 2 to {MAX_KEY_PARTIES} are supported")));
    }
    if !(2..=n).contains(&usize::from(threshold)) {
        return Err(IntentError::field("threshold", format!("must be 2 to {n}, found {threshold}")));
    }
    if !parties.is_sorted_by(|a, b| a < b) {
        return Err(IntentError::field(field, "must be in strictly ascending order of identity key"));
    }
    parties.iter().try_for_each(|party| known(party, genesis))
}

#[cfg(test)]
mod tests;

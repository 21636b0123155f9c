//! The kinds of intents that rules are about, and which matchers say something about which kind.

use crate::PolicyError;
use crate::model::text::as_text;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::str::FromStr;

/// What an intent wants. A rule is about transfers unless it names other kinds, so that no rule written for payments
/// ever lets a policy be changed. New kinds are added at the end: borsh stores a kind by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum Kind {
    /// Move an asset.
    Transfer,
    /// Call a contract.
    Call,
    /// Sign a message (EIP-191, EIP-712).
    Message,
    /// Make a wallet.
    Wallet,
    /// Move a wallet's shares to other parties, or refresh them.
    Reshare,
    /// Destroy a wallet's key.
    Destroy,
    /// Change the policy.
    Policy,
    /// Change people and groups.
    Members,
    /// Change the address book.
    AddressBook,
    /// Change the asset registry.
    Assets,
    /// Stop all signing.
    Freeze,
    /// Let signing go on.
    Thaw,
}

const NAMES: [(Kind, &str); 12] = [
    (Kind::Transfer, "transfer"),
    (Kind::Call, "call"),
    (Kind::Message, "message"),
    (Kind::Wallet, "wallet"),
    (Kind::Reshare, "reshare"),
    (Kind::Destroy, "destroy"),
    (Kind::Policy, "policy"),
    (Kind::Members, "members"),
    (Kind::AddressBook, "address-book"),
    (Kind::Assets, "assets"),
    (Kind::Freeze, "freeze"),
    (Kind::Thaw, "thaw"),
];

/// What an intent has, for a matcher to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// A wallet.
    Wallet,
    /// An account and a network.
    Place,
    /// An asset, amounts, destinations, a fee.
    Spending,
    /// A contract, a method, arguments.
    Call,
}

impl Kind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(kind, _)| *kind)
    }

    /// Whether intents of this kind have this.
    pub fn has(self, what: Trait) -> bool {
        match what {
            Trait::Wallet => matches!(
                self,
                Self::Transfer | Self::Call | Self::Message | Self::Wallet | Self::Reshare | Self::Destroy
            ),
            Trait::Place => matches!(self, Self::Transfer | Self::Call | Self::Message),
            Trait::Spending => matches!(self, Self::Transfer | Self::Call),
            Trait::Call => self == Self::Call,
        }
    }

    /// Whether the wallet's key signs for it, so that a deposit-only wallet refuses it.
    pub fn spends(self) -> bool {
        self.has(Trait::Place)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(kind, _)| kind == self).map_or("unknown", |(_, name)| name))
    }
}

impl FromStr for Kind {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let found = NAMES.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind);
        found.ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            PolicyError::text("kind", format!("{text:.40?} is not one of {}", known.join(", ")))
        })
    }
}

as_text!(Kind);

//! Deposit addresses, deposits and events as the API shows them.

use quorate_intent::{Amount, Asset, Network, PublicKey, Signature, WalletId};
use serde::{Deserialize, Serialize};
use std::fmt;

object! {
    /// One node's word for an address.
    pub struct Attestation {
        /// The node's identity key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub node: PublicKey,
        /// Its signature over wallet, network, path and address.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub signature: Signature,
    }
}

object! {
    /// An address that money is paid to.
    pub struct DepositAddress {
        /// `adr_` and the place in the list, 16 hex digits.
        pub id: String,
        /// Whose key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// Account, branch and index of its key.
        pub path: [u32; 3],
        /// As people and wallets write it.
        pub address: String,
        /// What the client calls it.
        pub label: Option<String>,
        /// Whom it is for, in the client's words.
        pub customer: Option<String>,
        /// The words of at least t nodes of the wallet.
        pub attestations: Vec<Attestation>,
        /// Unix milliseconds.
        pub created_ms: u64,
    }
}

/// Where a deposit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DepositState {
    /// In a block or waiting for one, with too few confirmations.
    Seen,
    /// As many confirmations as the network's setting wants. It counts.
    Credited,
    /// Its block was reorganised away, or its transaction was replaced. It can come back.
    Orphaned,
}

impl DepositState {
    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Credited => "credited",
            Self::Orphaned => "orphaned",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Seen, Self::Credited, Self::Orphaned].into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for DepositState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

object! {
    /// Money that came in.
    pub struct Deposit {
        /// `dep_` and the place in the list, 16 hex digits.
        pub id: String,
        /// Whose key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// What.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub asset: Asset,
        /// The address that was paid.
        pub address: String,
        /// Account, branch and index of its key.
        pub path: [u32; 3],
        /// In minor units.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub amount: Amount,
        /// The transaction.
        pub transaction: String,
        /// Which output, log entry or instruction of it.
        pub place: u32,
        /// Height of its block; none while it waits for one.
        pub height: Option<u64>,
        /// Blocks on it, its own included.
        pub confirmations: u64,
        /// How many of them it takes to count.
        pub required: u64,
        /// Where it is.
        pub state: DepositState,
        /// When it was first seen, Unix milliseconds.
        pub seen_ms: u64,
        /// When it was first credited, Unix milliseconds.
        pub credited_ms: Option<u64>,
    }
}

object! {
    /// Something that happened to an object. Webhooks and the stream of events carry this.
    pub struct Event {
        /// `evt_` and the place in the list, 16 hex digits.
        pub id: String,
        /// `deposit.seen`, `deposit.credited`, `deposit.orphaned`, `invoice.paid`, `intent.completed` and so on.
        #[serde(rename = "type")]
        pub kind: String,
        /// The id of the object.
        pub object: String,
        /// When, Unix milliseconds.
        pub at_ms: u64,
        /// The object as it was then.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub data: serde_json::Value,
    }
}

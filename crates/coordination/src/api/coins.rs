//! A wallet's own addresses and its coins on Bitcoin, as the API shows them.

use quorate_intent::{Amount, IntentId, Network};
use serde::{Deserialize, Serialize};

object! {
    /// An address of a wallet.
    pub struct AddressView {
        /// `account/0/i`.
        pub path: Vec<u32>,
        /// In the network's own form.
        pub address: String,
    }
}

object! {
    /// Transactions that pay a wallet on Bitcoin.
    #[serde(deny_unknown_fields)]
    pub struct Funding {
        /// Which Bitcoin.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// Whole transactions, hex.
        pub transactions: Vec<String>,
        /// Which account is paid, 0 when absent.
        #[serde(default)]
        pub account: u32,
        /// How many addresses beyond the last used one are looked at, 50 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub gap_limit: Option<u32>,
    }
}

object! {
    /// What was found in funding transactions.
    pub struct FundingResult {
        /// Outputs that pay the wallet, known ones too.
        pub found: Vec<Coin>,
        /// Outputs that pay others.
        pub other_outputs: u64,
    }
}

/// Whether an output can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CoinState {
    /// It can.
    Free,
    /// An intent that is not finished, or whose partial signatures are out, uses it.
    Reserved,
    /// A signed transaction spends it.
    Spent,
}

object! {
    /// An output that belongs to a wallet.
    pub struct Coin {
        /// Bitcoin network.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// The transaction.
        pub txid: String,
        /// Which of its outputs.
        pub vout: u32,
        /// Satoshi.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub amount: Amount,
        /// The path of its key.
        pub path: Vec<u32>,
        /// Its address.
        pub address: String,
        /// Whether it can be spent.
        pub state: CoinState,
        /// The intent that uses it.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub intent: Option<IntentId>,
    }
}

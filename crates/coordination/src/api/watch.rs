//! Networks that the gateway watches, balances, fees, and where a transaction stands.

use quorate_intent::{Amount, Asset, Network, WalletId};
use serde::{Deserialize, Serialize};

object! {
    /// Where a transaction stands in its chain.
    pub struct TransactionStatus {
        /// Hash of its block; none while it waits for one.
        pub block: Option<String>,
        /// Height of its block.
        pub height: Option<u64>,
        /// Blocks on it, its own included.
        pub confirmations: u64,
        /// How many it takes to be final.
        pub required: u64,
        /// In how many forms it was signed: more than one after its fee was raised. At most one of them can be mined.
        pub forms: u64,
        /// What the node last said against it.
        pub problem: Option<String>,
    }
}

object! {
    /// A higher fee for a transaction that waits to be mined.
    #[derive(Default)]
    #[serde(deny_unknown_fields)]
    pub struct Bump {
        /// Satoshi per virtual byte, on Bitcoin; as the node estimates when absent, and at least what replaces the earlier form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fee_rate: Option<u64>,
    }
}

object! {
    /// A network that the gateway watches.
    pub struct NetworkView {
        /// Which.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// `bitcoin`, `evm` or `solana`.
        pub kind: String,
        /// Height of the last block that was looked at, a slot on Solana; none before the first.
        pub height: Option<u64>,
        /// Blocks that the node has beyond it.
        pub behind: u64,
        /// Seconds since the gateway was last level with its node.
        pub lag_s: Option<u64>,
        /// Whether the node answers, and the gateway is level with it.
        pub healthy: bool,
        /// What is wrong.
        pub problem: Option<String>,
        /// Blocks on a transaction until it counts.
        pub required: u64,
    }
}

object! {
    /// What a wallet holds of an asset.
    pub struct Balance {
        /// Whose key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// What.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub asset: Asset,
        /// Which account; none for all deposit accounts of an EVM chain or Solana together.
        pub account: Option<u32>,
        /// What counts, in minor units.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub confirmed: Amount,
        /// What is there and does not count yet.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub pending: Amount,
    }
}

object! {
    /// What fees are now.
    pub struct FeesView {
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// `sat_per_kvb`, `wei_per_gas` or `lamports_per_signature`.
        pub unit: String,
        /// To be mined in the next blocks.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub fast: Amount,
        /// Within the hour.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub normal: Amount,
        /// Within the day.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub slow: Amount,
        /// Whether the node cannot tell yet, and these are what the gateway takes without it.
        pub assumed: bool,
    }
}

//! What clients ask for when they take payments.

use quorate_intent::{Amount, Asset, Body, IntentId, Network, WalletId};
use serde::{Deserialize, Serialize};

object! {
    /// A request for a deposit address.
    #[serde(deny_unknown_fields)]
    pub struct NewDepositAddress {
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// The account, on Bitcoin; 0 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub account: Option<u32>,
        /// What the client calls it; at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub label: Option<String>,
        /// Whom it is for; at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub customer: Option<String>,
    }
}

/// Where an invoice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// Nothing is credited yet.
    Open,
    /// Something is credited, less than asked for.
    PartiallyPaid,
    /// Exactly what was asked for is credited.
    Paid,
    /// More than that is credited.
    Overpaid,
    /// The time ran out and nothing is credited or on its way.
    Expired,
    /// Money is credited that came too late, or to a cancelled invoice.
    Late,
    /// It was taken back.
    Cancelled,
}

impl InvoiceState {
    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Overpaid => "overpaid",
            Self::Expired => "expired",
            Self::Late => "late",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        use InvoiceState::{Cancelled, Expired, Late, Open, Overpaid, Paid, PartiallyPaid};
        let all = [Open, PartiallyPaid, Paid, Overpaid, Expired, Late, Cancelled];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

object! {
    /// One way to pay an invoice.
    #[serde(deny_unknown_fields)]
    pub struct NewInvoiceOption {
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// What.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub asset: Asset,
        /// How much, in minor units.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub amount: Amount,
        /// The wallet that is paid, where it is not the invoice's: Solana needs another suite than Bitcoin and EVM chains.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub wallet: Option<WalletId>,
    }
}

object! {
    /// A request for an invoice.
    #[serde(deny_unknown_fields)]
    pub struct NewInvoice {
        /// The wallet that is paid.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Ways to pay it, 1 to 8; any one of them pays the whole.
        pub options: Vec<NewInvoiceOption>,
        /// The account, on Bitcoin; 0 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub account: Option<u32>,
        /// The client's own number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reference: Option<String>,
        /// Whom it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub customer: Option<String>,
        /// What the payer sees.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// How long it can be paid, in seconds: 60 to a year, an hour when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lifetime: Option<u64>,
    }
}

object! {
    /// One way to pay an invoice, and what came that way.
    pub struct InvoiceOption {
        /// The wallet that is paid.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Where.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// What.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub asset: Asset,
        /// How much, in minor units.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub amount: Amount,
        /// The id of the deposit address.
        pub address_id: String,
        /// The address.
        pub address: String,
        /// Credited so far.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub received: Amount,
        /// On its way.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub pending: Amount,
        /// What a payer's wallet opens, for what is still missing.
        pub uri: String,
    }
}

object! {
    /// What a customer is asked to pay.
    pub struct Invoice {
        /// `inv_` and 16 hex digits.
        pub id: String,
        /// The wallet that is paid.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// The client's own number.
        pub reference: Option<String>,
        /// Whom it is for.
        pub customer: Option<String>,
        /// What the payer sees.
        pub description: Option<String>,
        /// Ways to pay it; any one of them pays the whole.
        pub options: Vec<InvoiceOption>,
        /// Where it is.
        pub state: InvoiceState,
        /// Payments that are seen later are late, Unix seconds.
        pub expires: u64,
        /// Unix milliseconds.
        pub created_ms: u64,
        /// When it became paid, Unix milliseconds.
        pub paid_ms: Option<u64>,
        /// The deposits to its addresses, of whatever asset.
        pub deposits: Vec<String>,
        /// The payment page's path on this gateway.
        pub page: String,
        /// Intents that give something back.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub refunds: Vec<IntentId>,
    }
}

object! {
    /// What is to be given back of an invoice.
    #[serde(deny_unknown_fields)]
    pub struct NewRefund {
        /// Which of the invoice's options, from 0; 0 when absent.
        #[serde(default)]
        pub option: usize,
        /// To whom: the payer says it. The sender of a payment is often an exchange's address that is not his.
        pub to: String,
        /// In minor units; all that was received by this option when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub amount: Option<Amount>,
        /// The most that may be spent as network fee, in minor units of the network's coin.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub max_fee: Amount,
        /// The account that pays; the invoice's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub account: Option<u32>,
    }
}

object! {
    /// The body of an intent for the client to sign and submit. The gateway signs nothing.
    pub struct UnsignedIntent {
        /// Its body. A refund is known again by its memo.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub body: Body,
    }
}

object! {
    /// What is to be swept from deposit addresses into one account.
    #[serde(deny_unknown_fields)]
    pub struct NewSweep {
        /// The wallet.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// Where: an EVM chain or Solana. On Bitcoin the deposits of an account are its coins already.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub network: Network,
        /// What.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub asset: Asset,
        /// Into which account; 0 when absent.
        #[serde(default)]
        pub to_account: u32,
        /// The most that each transfer may spend as network fee, in minor units of the network's coin.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub max_fee: Amount,
        /// Less than this is left where it is, in minor units of the asset.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub minimum: Amount,
        /// What a deposit address that holds tokens gets for its fee, in minor units of the coin; twice `max_fee` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub gas: Option<Amount>,
        /// The account that gives it; 0 when absent.
        #[serde(default)]
        pub gas_account: u32,
        /// Most transfers, 1 to 200; 50 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u32>,
    }
}

/// What a transfer of a sweep is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SweepKind {
    /// Moves what was paid.
    Sweep,
    /// Gives a deposit address the coin that its fee takes; sweep again once it has arrived.
    Gas,
}

object! {
    /// One transfer of a sweep.
    pub struct SweepItem {
        /// What it is for.
        pub kind: SweepKind,
        /// The deposit address.
        pub address: String,
        /// Account, branch and index of its key.
        pub path: [u32; 3],
        /// What lies there, in minor units of the asset.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub balance: Amount,
        /// The body of the intent, for the client to sign and submit.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub body: Body,
    }
}

object! {
    /// A deposit address that is left alone.
    pub struct SweepSkipped {
        /// The deposit address.
        pub address: String,
        /// What lies there, in minor units of the asset.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub balance: Amount,
        /// Why.
        pub reason: String,
    }
}

object! {
    /// The transfers that move deposits into one account. None of them is signed.
    pub struct Sweep {
        /// Them.
        pub items: Vec<SweepItem>,
        /// What is left alone.
        pub skipped: Vec<SweepSkipped>,
        /// Whether there is more than `limit`.
        pub more: bool,
    }
}

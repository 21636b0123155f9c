//! The objects of the gateway's REST API, as JSON shows them to the gateway and to its clients alike.
//!
//! Amounts are decimal strings in minor units, keys, hashes and transactions lower-case hex, times Unix milliseconds where
//! the name ends in `_ms` and Unix seconds elsewhere.

use quorate_chains::{Plan, RawSignature, Summary};
use quorate_intent::{
    Amount, Approval, Genesis, Hash, Intent, IntentId, Network, PublicKey, Signature, SignedIntent, Step,
    Suite, WalletId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! object {
    ($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* }) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub $kind $name { $($body)* }
    };
}

mod disputes;
mod governed;
mod service;

pub use disputes::{DisputeKind, DisputeView, DisputesView};
pub use governed::{AddressBookView, AssetsView, PoliciesView, PolicyView};
pub use service::{Attestation, Deposit, DepositAddress, DepositState, Event};

/// Where an intent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Taken in, not yet judged.
    Submitted,
    /// Waits for approvals.
    PendingApproval,
    /// Enough approvals; waits for its turn.
    Approved,
    /// The nodes work on it.
    Signing,
    /// The transaction is signed and verified.
    Signed,
    /// An order was carried out.
    Completed,
    /// An approver said no.
    Rejected,
    /// Its time ran out.
    Expired,
    /// Its initiator took it back.
    Cancelled,
    /// It could not be carried out.
    Failed,
    /// Nodes refuse it.
    Blocked,
}

impl State {
    /// All states.
    pub const ALL: [Self; 11] = [
        Self::Submitted,
        Self::PendingApproval,
        Self::Approved,
        Self::Signing,
        Self::Signed,
        Self::Completed,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
        Self::Blocked,
    ];

    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::PendingApproval => "pending_approval",
            Self::Approved => "approved",
            Self::Signing => "signing",
            Self::Signed => "signed",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Submitted | Self::PendingApproval | Self::Approved | Self::Signing)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

object! {
    /// An error, RFC 9457 (`application/problem+json`).
    pub struct Problem {
        /// `urn:quorate:problem:` and the code.
        #[serde(rename = "type")]
        pub kind: String,
        /// The HTTP status in words.
        pub title: String,
        /// The HTTP status.
        pub status: u16,
        /// What is wrong and what to do.
        pub detail: String,
        /// For programs.
        pub code: String,
        /// Which field or header is wrong, where one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub field: Option<String>,
    }
}

object! {
    /// Whether the gateway answers.
    pub struct Health {
        /// Always `ok`.
        pub status: String,
        /// The program's version.
        pub version: String,
    }
}

object! {
    /// The cluster as this gateway sees it.
    pub struct Cluster {
        /// Who was who at the start.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub genesis: Genesis,
        /// What each operator pinned.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub genesis_hash: Hash,
        /// What operators compare by voice.
        pub fingerprint: String,
        /// Every approved change since, in order: from the genesis and these follows the version in force.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub governance: Vec<Step>,
        /// Fingerprint of the version in force.
        #[serde(default)]
        pub governance_fingerprint: String,
        /// The gateway program's version.
        pub version: String,
        /// The gateway's clock, Unix seconds.
        pub now: u64,
        /// The nodes, as in the governance version in force.
        pub nodes: Vec<NodeView>,
    }
}

object! {
    /// One node as this gateway sees it.
    pub struct NodeView {
        /// Its name in the genesis.
        pub name: String,
        /// Its identity key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub key: PublicKey,
        /// Where it is reached.
        pub address: String,
        /// Whether it answers.
        pub reachable: bool,
        /// Why not, where it does not.
        pub problem: Option<String>,
        /// Its program's version.
        pub version: Option<String>,
        /// The boot id of its process, hex.
        pub boot_id: Option<String>,
        /// Its clock minus ours, in seconds.
        pub clock_skew: Option<i64>,
        /// Whether its operator pinned the genesis that this gateway has.
        pub genesis_matches: Option<bool>,
        /// Nonces and presignatures in its stock.
        pub stock: Option<u64>,
        /// How many keys it has shares of.
        pub wallets: Option<u64>,
        /// Names of the nodes that it has a channel to.
        pub connected: Vec<String>,
        /// How long its last answer took, in milliseconds.
        pub round_trip_ms: Option<u64>,
    }
}

object! {
    /// A new intent.
    #[serde(deny_unknown_fields)]
    pub struct NewIntent {
        /// What is asked for.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub intent: Intent,
        /// The initiator's signature over the intent's hash.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub signature: Signature,
        /// How it becomes a transaction. Needed on EVM chains and Solana, now or with `plan_later`; on Bitcoin the gateway
        /// plans when it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub plan: Option<Plan>,
        /// Satoshi per virtual byte, where the gateway plans.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fee_rate: Option<u64>,
        /// Partial signatures go by file: once approved, the transfer waits for its signing call to be fetched, and the
        /// gateway asks no node to sign it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub by_file: bool,
        /// The plan comes in a call of its own, at the latest after the approvals: a block hash or a nonce may not last as
        /// long as approvals take.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub plan_later: bool,
    }
}

impl From<SignedIntent> for NewIntent {
    fn from(signed: SignedIntent) -> Self {
        Self {
            intent: signed.intent,
            signature: signed.signature,
            plan: None,
            fee_rate: None,
            by_file: false,
            plan_later: false,
        }
    }
}

object! {
    /// How a transfer on an EVM chain or Solana becomes a transaction; in place of an earlier plan, if there was one.
    #[serde(deny_unknown_fields)]
    pub struct NewPlan {
        /// Nonce, gas and fee, or the block hash.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub plan: Plan,
    }
}

object! {
    /// How an intent becomes a transaction, for who builds that anew.
    pub struct PlanView {
        /// The plan in canonical bytes, hex; none while it is still to come, and for what has none.
        pub plan: Option<String>,
    }
}

object! {
    /// The signatures of a transfer whose partial signatures went by file.
    #[serde(deny_unknown_fields)]
    pub struct NewTransaction {
        /// In order of what was signed.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub signatures: Vec<RawSignature>,
        /// Names of the nodes whose partial signatures were combined. Shown as they are told: signatures do not tell.
        pub signers: Vec<String>,
        /// Request, parts and partial signatures as the transaction's certificate has them, canonical, hex; without them there
        /// will be no certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub signing: Option<String>,
    }
}

object! {
    /// Whom a signing call is to be for.
    #[derive(Default)]
    #[serde(deny_unknown_fields)]
    pub struct NewSigningCall {
        /// Names of exactly as many nodes as the wallet's threshold; when absent the gateway chooses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub signers: Option<Vec<String>>,
    }
}

object! {
    /// A whole signing call, for signers that are not called over the network.
    pub struct SigningCallView {
        /// The intent.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub intent: IntentId,
        /// Names of the signers.
        pub signers: Vec<String>,
        /// Until when nodes take it, Unix seconds.
        pub expires: u64,
        /// The key that its assignments are signed with.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub coordinator: PublicKey,
        /// The wallet's certificate in canonical bytes, hex.
        pub certificate: String,
        /// The call in canonical bytes, hex.
        pub call: String,
    }
}

object! {
    /// When an intent came to a state.
    pub struct Transition {
        /// The state.
        pub state: State,
        /// Unix milliseconds.
        pub at_ms: u64,
        /// Why.
        pub reason: Option<String>,
        /// The rule that decided.
        pub deciding_rule: Option<String>,
    }
}

object! {
    /// Whose approvals an intent still needs.
    pub struct Missing {
        /// `approvers` or `administrators`.
        pub group: String,
        /// How many must approve.
        pub quorum: u64,
        /// How many more must.
        pub more: u64,
        /// Names of those who still may.
        pub who_may: Vec<String>,
    }
}

object! {
    /// What signing gave.
    pub struct SignedTransaction {
        /// The transaction as the network takes it, hex.
        pub raw: String,
        /// As the network names it.
        pub id: String,
        /// The signatures, in order of what was signed.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub signatures: Vec<RawSignature>,
        /// Names of the nodes that signed; by the word of who handed the signatures in, where they went by file.
        pub signers: Vec<String>,
        /// Hash of what exactly was signed.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub form: Hash,
    }
}

object! {
    /// An intent and what became of it.
    pub struct IntentView {
        /// `int_` and its hash.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: IntentId,
        /// Where it is.
        pub state: State,
        /// Why it is there.
        pub reason: Option<String>,
        /// The rule that decided.
        pub deciding_rule: Option<String>,
        /// What is asked for.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub intent: Intent,
        /// The initiator's signature.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub signature: Signature,
        /// Everything that approvers said.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub approvals: Vec<Approval>,
        /// Whose approvals are missing, while they are.
        pub missing: Option<Missing>,
        /// What the transaction says, decoded from its own bytes.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub summary: Option<Summary>,
        /// The signed transaction.
        pub transaction: Option<SignedTransaction>,
        /// Attempts at signing so far.
        pub attempts: u32,
        /// Everything that happened, in order.
        pub timings: Vec<Transition>,
    }
}

object! {
    /// One party of a wallet.
    pub struct WalletParty {
        /// Its index in the sharing.
        pub index: u16,
        /// Its name in the genesis, where it is in it.
        pub name: Option<String>,
        /// Its identity key.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub key: PublicKey,
        /// Its public share, hex.
        pub public_share: String,
    }
}

object! {
    /// A wallet: one shared key.
    pub struct WalletView {
        /// `wal_` and 32 hex digits.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: WalletId,
        /// Its name for people.
        pub label: String,
        /// Its signature algorithm.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub suite: Suite,
        /// How many parties sign.
        pub threshold: u16,
        /// The parties.
        pub parties: Vec<WalletParty>,
        /// The key, hex, as its curve encodes it.
        pub public_key: String,
        /// The chain code, hex.
        pub chain_code: String,
        /// The extended public key (BIP32, serialised as for Bitcoin's main network); secp256k1 only.
        pub xpub: Option<String>,
        /// The number of the order that made this epoch.
        pub order_number: u64,
        /// Which try of that order.
        pub order_try: u32,
        /// The order, an intent.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub order: IntentId,
        /// Hash of the epoch's public record.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub record: Hash,
        /// Since when the gateway knows this epoch, Unix seconds; absent where it is not known.
        #[serde(default)]
        pub since: Option<u64>,
        /// When the key was last refreshed or given to other parties, Unix seconds; absent when it never was.
        #[serde(default)]
        pub refreshed: Option<u64>,
        /// Whether the key is destroyed: everything else here is history then.
        #[serde(default)]
        pub destroyed: bool,
        /// The number of the wallet's next order.
        #[serde(default)]
        pub next_order: u64,
        /// When it is refreshed by itself, if it is.
        #[serde(default)]
        pub schedule: Option<ScheduleView>,
    }
}

object! {
    /// A schedule of refreshes.
    pub struct ScheduleView {
        /// The order that carries it.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub order: IntentId,
        /// Seconds from one epoch to the next.
        pub interval: u64,
        /// No refresh begins at or after it, Unix seconds.
        pub end: u64,
        /// When the next refresh is due, Unix seconds.
        pub next: u64,
        /// The alert: why the last refresh did not come to its end.
        pub problem: Option<String>,
    }
}

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

object! {
    /// The certificate of a wallet: the proof of its epoch that needs nobody's word.
    pub struct CertificateView {
        /// The wallet.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub wallet: WalletId,
        /// The whole certificate in canonical bytes, hex.
        pub certificate: String,
        /// The order in it.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub order: SignedIntent,
        /// The administrators' approvals in it.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub approvals: Vec<Approval>,
        /// Hash of the record that the parties signed.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub record: Hash,
        /// Their signatures, in order of index.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub signatures: Vec<Signature>,
    }
}

/// A page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; absent on the last.
    pub next_cursor: Option<String>,
}

//! The objects of the gateway's REST API, as JSON shows them to the gateway and to its clients alike.
//!
//! Amounts are decimal strings in minor units, keys, hashes and transactions lower-case hex, times Unix milliseconds where
//! the name ends in `_ms` and Unix seconds elsewhere.

use quorate_chains::{Plan, RawSignature, Summary};
use quorate_intent::{
    Approval, Assertion, Genesis, Hash, Intent, IntentId, PublicKey, Signature, SignedIntent, Step, Suite,
    WalletId,
};
use serde::{Deserialize, Serialize};

macro_rules! object {
    ($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* }) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub $kind $name { $($body)* }
    };
}

mod coins;
mod disputes;
mod governed;
mod payments;
mod service;
mod sessions;
mod state;
mod watch;
mod webhooks;

pub use coins::{AddressView, Coin, CoinState, Funding, FundingResult};
pub use disputes::{DisputeKind, DisputeView, DisputesView};
pub use governed::{
    AddressBookView, AssetsView, ClassChangeView, ClassView, PathView, PoliciesView, PolicyAnalysis,
    PolicyDifference, PolicyView,
};
pub use payments::{
    Invoice, InvoiceOption, InvoiceState, NewDepositAddress, NewInvoice, NewInvoiceOption, NewRefund,
    NewSweep, Sweep, SweepItem, SweepKind, SweepSkipped, UnsignedIntent,
};
pub use service::{Attestation, Deposit, DepositAddress, DepositState, Event};
pub use sessions::{MembersFile, PasskeyId, PasskeySignIn, SessionView, SignIn, SignInChallenge, SignInLink};
pub use state::State;
pub use watch::{Balance, Bump, FeesView, NetworkView, TransactionStatus};
pub use webhooks::{Delivery, DeliveryState, NewWebhook, Webhook, WebhookChange, WebhookKeys};

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
        /// What the initiator's authenticator signed, for an intent of version 2: passkey, authenticator_data, client_data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub passkey: Option<Box<Assertion>>,
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
            passkey: signed.passkey,
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
        /// What the initiator's authenticator signed, where a passkey asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub passkey: Option<Box<Assertion>>,
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
        /// Where the transaction stands in its chain, where the gateway watches that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub transaction_status: Option<TransactionStatus>,
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

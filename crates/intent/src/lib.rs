//! Intent: what is asked for, and by whom.
//!
//! For: the canonical form of everything that changes state (transfers, orders for key ceremonies), its one hash,
//! the approvals over that hash, the genesis that says whose approvals count, and the chain of its changes. No I/O.
//! Not for: whether something is allowed (`policy`), how it becomes a transaction (`chains`), storage (`vault`).
//!
//! Canonical bytes are borsh: fixed-width little-endian integers, u32 length prefixes, one encoding per value. JSON is
//! only how people and the API see the same values.
#![forbid(unsafe_code)]

pub mod amount;
pub mod api_auth;
pub mod approval;
pub mod asset;
pub mod call;
pub mod error;
pub mod genesis;
pub mod governance;
pub mod governed;
pub mod id;
pub mod intent;
pub mod keys;
pub mod known;
pub mod message;
pub mod order;
pub mod passkey;
pub mod signed;

pub use amount::{Amount, U256};
pub use approval::{Approval, Verdict, approving_members};
pub use asset::{Asset, BitcoinNetwork, Network, SolanaNetwork};
pub use call::ContractCall;
pub use error::IntentError;
pub use genesis::{Genesis, Group, Member, Party};
pub use governance::{Change, Governance, Judge, Step};
pub use governed::Governed;
pub use id::{Hash, IntentId, WalletId};
pub use intent::{Body, Intent, Transfer};
pub use keys::{PublicKey, Signature};
pub use message::{Content, Message};
pub use order::{Lifted, Order, OrderKind, Purpose, Repeat, Suite};
pub use passkey::{Assertion, Passkey};
pub use signed::SignedIntent;

//! Chains: intent → transaction → digests → signed transaction, for each chain.
//!
//! For: addresses, the exact transaction that a transfer and an untrusted plan describe, what has to be signed for it,
//! what it conflicts on, and the signed bytes. Every node runs [`build`] for itself; what the intent does not say is
//! refused. Signatures are verified by other code than what made them before anything leaves.
//! Not for: choosing inputs, fees or nonces (the gateway plans), talking to a chain, deciding whether a transfer is
//! allowed (`policy`), secrets of any kind. No I/O.
//!
//! A chain is one module with one trait: `bitcoin/`, `evm/`, `solana/`.
#![forbid(unsafe_code)]

pub mod bitcoin;
pub mod built;
mod chain;
pub mod children;
mod codec;
pub mod detail;
pub mod error;
pub mod evm;
pub mod key;
pub mod plan;
pub mod solana;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod verify;

pub use built::{Built, Payload, RawSignature, SignedTx, Summary, SummaryChange, ToSign, Unsigned};
pub use chain::{address, attach, build, build_body, check_destination};
pub use detail::{CallDetail, Detail, Field, TypedDetail, Value};
pub use error::ChainError;
pub use evm::{call_detail, evm_preview};
pub use key::{DEPOSIT_ACCOUNTS, DEPOSIT_INDICES, WalletKey, account_path};
pub use plan::{MAX_PLAN_BYTES, Plan};
pub use verify::{public_key, verify_signature};

//! Gateway: the REST API and the coordinator.
//!
//! For: taking intents and approvals in, keeping them durably, planning transactions, choosing signer sets, asking the
//! nodes for ceremonies and partial signatures, combining and checking what they give, and showing all of it.
//! Not for: deciding anything. The gateway holds no share, signs nothing but its assignments (docs/spec §4.4), and is
//! trusted for liveness alone; every node judges each request for itself.
//!
//! ```text
//! api/          requests: authentication, replay, idempotency, problem details, the objects of `coordination::api`
//! intents.rs    the life of an intent up to its approval        coordinator/  from there to its signature
//! addresses.rs  deposit addresses, attested by nodes, made ahead
//! bitcoin.rs    coins: which outputs are ours, which are spent by a transfer
//! invoices.rs   what customers are asked to pay                 pay/          the page on which they do
//! webhooks/     events on their way to others                  streams.rs    answers that do not end
//! sessions.rs   signing in to the console, which api/console.rs serves
//! nodes/        one link to each node                           store/        everything that must not be forgotten
//! watch/        chains: deposits, broadcasting, confirmations, plans and fees
//! ```
#![forbid(unsafe_code)]

mod addresses;
mod api;
mod bitcoin;
mod config;
mod coordinator;
mod error;
mod gateway;
mod held;
mod identity;
mod intents;
mod invoices;
mod judging;
mod nodes;
mod pay;
mod replan;
mod sessions;
mod store;
mod streams;
#[cfg(test)]
mod tests;
mod verdicts;
mod watch;
mod webhooks;

pub use api::openapi_json;
pub use config::{Config, Limits, Signing};
pub use error::GatewayError;
pub use gateway::{Gateway, Running};
pub use identity::Identity;

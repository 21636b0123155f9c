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
//! bitcoin.rs    coins: which outputs are ours, which are spent by a transfer
//! sessions.rs   signing in to the console, which api/console.rs serves
//! nodes/        one link to each node                           store/        everything that must not be forgotten
//! ```
//! Watchers of chains will stand beside `bitcoin.rs`: they will call `bitcoin::find` with what they see.
#![forbid(unsafe_code)]

mod api;
mod bitcoin;
mod config;
mod coordinator;
mod error;
mod gateway;
mod identity;
mod intents;
mod judging;
mod nodes;
mod replan;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
mod verdicts;

pub use api::openapi_json;
pub use config::{Config, Limits, Signing};
pub use error::GatewayError;
pub use gateway::{Gateway, Running};
pub use identity::Identity;

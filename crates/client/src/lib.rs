//! Client: the gateway's REST API in Rust.
//!
//! For: signed requests, typed answers, and errors that carry the gateway's problem details. Plain HTTP is meant for
//! loopback; `https://` takes the system's trusted certificates.
//! Not for: making intents or approvals (`intent`), or judging what the gateway says: the gateway is trusted for liveness
//! alone, so check certificates and addresses where it matters.
#![forbid(unsafe_code)]

mod calls;
mod error;
mod http;
mod merchant;
mod payments;
mod service;

pub use calls::{Addresses, Filter};
pub use error::ClientError;
pub use http::Client;
pub use merchant::InvoiceFilter;
pub use payments::AddressFilter;
pub use quorate_coordination::api;
pub use service::DepositFilter;

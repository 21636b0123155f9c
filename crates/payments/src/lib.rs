//! Payments: what an invoice's deposits make of it, what a payer's wallet is told, and how merchants are told of it.
//!
//! For: the state of an invoice as a function of its deposits and the time, payment URIs (BIP21, EIP-681, Solana Pay), QR
//! codes, webhook signatures by Standard Webhooks, when a delivery is tried again, and which addresses a webhook may reach.
//! Not for: storing, sending or watching anything (`gateway`). No I/O.
#![forbid(unsafe_code)]

pub mod egress;
pub mod invoice;
pub mod qr;
pub mod retry;
pub mod uri;
pub mod webhook;

pub use invoice::{InvoiceState, OptionState, Paid};

//! Protocols: what each paper says a party does in each round, as pure functions.
//!
//! For: round state that moves by value, checked messages, blame as data. A reader can hold the paper beside the file.
//! Not for: who is on which machine, signatures on messages, echo, time-outs, storage: that is `session`. `no_std`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod blame;
pub mod ctx;
pub mod dealing;
pub mod derive;
pub mod dkls;
pub mod frost;
pub mod generate;
pub mod key;
pub mod message;
pub mod ot;
pub mod possession;
pub mod reshare;

pub use blame::{Abort, Fault, Severity};
pub use ctx::{All, Ctx, Each};
pub use message::{Malformed, Message, Reader};

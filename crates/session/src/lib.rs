//! Session: the one driver that runs every ceremony between parties on different machines.
//!
//! For: who takes part and under which session id (docs/spec §1.1), signatures and sealing of messages (§1.3), the echo
//! that makes a broadcast one (§1.4), completeness, time-outs, durable writes before sends (§1.7), and blame with
//! evidence. A protocol sees only complete inboxes from authenticated senders.
//! Not for: sockets, clocks, files or randomness of its own. Messages, time in milliseconds, acknowledgements of writes
//! and a random generator are passed in; what has to happen comes out of [`Session::step`] as a list.
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "test-util"))]
pub mod bus;
pub mod codec;
pub mod config;
pub mod driver;
pub mod echo;
pub mod error;
pub mod evidence;
pub mod hello;
pub mod identity;
pub mod rounds;
pub mod seal;
pub mod shorten;
pub mod ssid;
#[cfg(test)]
mod tests;
pub mod wire;

pub use codec::{decode_broadcasts, decode_broadcasts_of, decode_private, decode_private_of, encode_each};
pub use config::{Config, Limits};
pub use driver::{Dropped, Input, Output, Session};
pub use error::{Disagreement, Fault, Missing, NotStored, SessionError};
pub use evidence::{Checked, Evidence, EvidenceError};
pub use hello::{Hello, Own};
pub use identity::{Identity, Participants, statement_digest};
pub use rounds::{Agreement, Echo, Env, Expects, Inbox, Outgoing, PersistRecord, Protocol, Round, Step};
pub use ssid::Terms;

//! The ceremonies as the world starts them. A new one is one file here: a job that builds the session, what its records
//! become in the vault ([`crate::node::Keep`]), and what its result becomes ([`crate::node::Then`]).

pub mod certificates;
pub mod check;
pub mod generate;
pub mod keep;
pub mod pair;
pub mod presign;
pub mod reshare;
pub mod shares;
pub mod sign;

use crate::World;
use crate::node::{Keep, Then};
use crate::run::{Order, Run};
use quorate_session::SessionError;

/// Builds a session at a party when its time has come; the party may be another process by then.
pub type Job = Box<dyn FnOnce(&mut World, usize) -> Result<Ready, Refused>>;

/// A session that has begun.
pub struct Ready {
    /// The ceremony id.
    pub id: [u8; 32],
    /// For the log.
    pub name: &'static str,
    /// The session.
    pub run: Box<dyn Run>,
    /// What it wants first.
    pub orders: Vec<Order>,
    /// What its records become.
    pub keep: Keep,
    /// What its result becomes.
    pub then: Then,
}

/// A party takes no part.
pub struct Refused {
    /// In which ceremony.
    pub id: [u8; 32],
    /// Why.
    pub error: SessionError,
}

/// A refusal with a reason.
pub fn refused(id: [u8; 32], reason: impl Into<String>) -> Refused {
    Refused { id, error: SessionError::Refused(reason.into()) }
}

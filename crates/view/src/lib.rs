//! View: what an approver sees before saying yes or no.
//!
//! For: one pure function from intent, plan and governance to what will be signed, decoded from the transaction itself,
//! with names and decimals from the governed lists, the rule that decides, who has spoken and who is missing; the same for
//! the command line, the API and a console. What is not known is said to be unknown.
//! Not for: deciding (`policy`), building transactions (`chains`), getting any of its input from anywhere. No I/O.
#![forbid(unsafe_code)]

mod amount;
mod deciding;
mod error;
mod subject;
mod text;
mod view;

pub use amount::{Shown, human};
pub use deciding::{Deciding, deciding};
pub use error::ViewError;
pub use subject::{intended, subject};
pub use text::{detail, text};
pub use view::{Input, Payment, Place, Planned, View, Who, view};

#[cfg(test)]
mod tests;

//! The dispute graph (docs/spec §5): who is condemned, which pairs stand against each other, and which parties sign next.
//!
//! Pure: time goes in, nothing is read or written. Events come from reports whose signatures and evidence were checked
//! (`quorate_ceremonies::judge`); whoever keeps the graph keeps the events durably and replays them at start.

mod choice;
mod graph;
mod report;
mod soft;
#[cfg(test)]
mod tests;
mod wrong;

pub use choice::{Choice, MAX_CANDIDATES, Need, PartyGroup};
pub use graph::{Epoch, Event, Graph, Pair};
pub use report::{Accusation, MAX_EVIDENCE, Report, ReportError, Shown};
pub use soft::{SOFT_SECONDS, SoftEdge};
pub use wrong::{NotWrong, WrongPartial};

//! What a policy means, told to people before they sign it.

pub mod check;
pub mod classes;
pub mod coalitions;
mod cover;
pub mod difference;
mod explain;
mod sound;
mod who;

pub use check::{Finding, Severity, check};
pub use classes::{Amounts, Class, Destination, class_count};
pub use coalitions::{Coalitions, minimal};
pub use difference::{Change, Difference, Effect, FieldChange, RuleChange, difference};
pub use explain::explain;
pub use sound::sound;
pub use who::{Entry, KeyShape, Need, Path, Report, who_can_spend};

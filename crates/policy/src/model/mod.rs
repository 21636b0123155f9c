//! What a policy says: the types, their text forms, their canonical bytes.

pub mod amounts;
pub mod argument;
pub mod kind;
pub mod names;
pub mod policy;
pub mod rule;
pub mod text;
pub mod time;
pub mod validate;
pub mod window;

pub use amounts::{Currency, Fiat, Limit, Range};
pub use argument::{Argument, Method, Place};
pub use kind::{Kind, Trait};
pub use names::{AssetName, NetworkName, Quorum, Target, Who};
pub use policy::{LocalPolicy, NewWallets, Policy};
pub use rule::{Rule, RuleDecision};
pub use time::{Days, Offset, Period, Week};
pub use window::{Per, Window};

//! Policy: whether an intent may happen, and by which rule. No I/O.
//!
//! For: typed rules, their file format and canonical bytes; one function from rules, what is to be decided, past
//! spending, facts and votes to a judgement that names its rule, which every node runs for itself; the tools that tell
//! people what a policy means. docs/policy.md is the language's description, and its examples are tests.
//! Not for: decoding transactions (`chains`), remembering (`vault`), governing who is a member (`intent`).
//!
//! Until a cluster has a policy of its own, two rules from the genesis decide: [`decide`].
#![forbid(unsafe_code)]

pub mod builtin;
pub mod error;
pub mod file;
pub mod model;

pub use builtin::{Decision, RULE_INTENT, RULE_ORDER, RULE_TRANSFER, decide};
pub use error::PolicyError;
pub use model::{LocalPolicy, Policy, Rule};

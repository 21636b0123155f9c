//! Policy: whether an intent may happen, and by which rule. No I/O.
//!
//! For: typed rules, their file format and canonical bytes; one function from rules, what is to be decided, past
//! spending, facts and votes to a judgement that names its rule, which every node runs for itself; the tools that tell
//! people what a policy means. docs/policy.md is the language's description, and its examples are tests.
//! Not for: decoding transactions (`chains`), remembering (`vault`), governing who is a member (`intent`).
//!
//! Until a cluster has a policy of its own, two rules from the genesis decide: [`decide`].
#![forbid(unsafe_code)]

pub mod analysis;
pub mod builtin;
pub mod error;
pub mod evaluate;
pub mod facts;
pub mod file;
pub mod history;
pub mod model;
pub mod ruling;
pub mod subject;
pub mod votes;

pub use builtin::{Decision, RULE_INTENT, RULE_ORDER, RULE_TRANSFER, decide, decide_schedule};
pub use error::PolicyError;
pub use evaluate::{Case, Judgement, Outcome, judge};
pub use facts::{Directory, Facts, Prices};
pub use history::{History, Spending};
pub use model::{LocalPolicy, Policy, Rule};
pub use ruling::{Answer, Asked, Ruled, Ruling, Validity, check_change, judge_order, judge_step};
pub use subject::Subject;
pub use votes::Votes;

//! The judgement: rules, subject, history, facts and votes in; a decision that names its rule out.

mod amounts;
mod call;
mod judge;
mod matchers;
mod outcome;
mod require;
mod truth;
mod view;

pub use judge::{DEPOSIT_ONLY, FORM, IMPLICIT, judge};
pub(crate) use matchers::MATCHERS;
pub use outcome::{Case, Delay, Failure, Judgement, Missing, Outcome, Reason, Short, Started, Step};
pub(crate) use truth::Truth;
pub use truth::{Miss, Off};
pub(crate) use view::View;

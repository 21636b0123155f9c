//! A judgement in words: the dry run of a policy.

use crate::evaluate::{Judgement, Step};
use crate::model::{LocalPolicy, Policy, Rule};
use std::fmt::Write;

/// The outcome, the deciding rule, and why each rule before it did not match.
pub fn explain(policy: &Policy, local: Option<&LocalPolicy>, judgement: &Judgement) -> String {
    let mut text = String::new();
    steps(&mut text, "", &policy.rules, &judgement.trace);
    if let Some(local) = local {
        steps(&mut text, "local/", &local.rules, &judgement.local_trace);
    }
    // Writing into a String does not fail.
    let _ = write!(text, "{}: {}", judgement.rule, judgement.outcome);
    text
}

fn steps(text: &mut String, prefix: &str, rules: &[Rule], trace: &[Step]) {
    for step in trace {
        let name = rules.get(step.rule).map_or("?", |rule| rule.name.as_str());
        let _ = writeln!(text, "{prefix}{name}: does not match; {}", step.miss);
    }
}

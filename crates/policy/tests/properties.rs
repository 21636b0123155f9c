//! Random worlds: the evaluator agrees with a second one, and a node's own rules only ever narrow.

mod random;
mod reference;

use proptest::prelude::*;
use quorate_policy::{Case, Outcome, judge};
use random::World;
use std::collections::BTreeMap;

fn agrees(seed: u64) -> &'static str {
    let world = World::new(seed);
    let case = world.case();
    let found = reference::answer_of(&judge(&case));
    let expected = reference::decide(&case, &world.past);
    assert_eq!(found, expected, "seed {seed}");
    found.class
}

fn only_narrows(seed: u64) {
    let world = World::new(seed);
    let with = judge(&world.case());
    let without = judge(&Case { local: None, ..world.case() });
    match (&without.outcome, &with.outcome) {
        (Outcome::Deny(_), Outcome::Deny(_)) | (Outcome::Allow { .. }, _) => {}
        (Outcome::Wait(_), Outcome::Wait(_) | Outcome::Deny(_)) => {}
        (without, with) => panic!("seed {seed}: {without} became {with}"),
    }
}

/// The same seeds every time, and enough of each answer that agreement means something.
#[test]
fn the_evaluator_agrees_with_the_reference() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..30_000 {
        *seen.entry(agrees(seed)).or_default() += 1;
    }
    for class in ["allow", "wait", "deny"] {
        assert!(seen.get(class).is_some_and(|count| *count > 1500), "{seen:?}");
    }
}

#[test]
fn local_rules_only_narrow() {
    (0..10_000).for_each(only_narrows);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Other seeds every time.
    #[test]
    fn fresh_worlds(seed: u64) {
        agrees(seed);
        only_narrows(seed);
    }
}

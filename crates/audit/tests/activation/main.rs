//! A model check of activation (docs/spec §2.3): every order of events, crashes, lost messages and lost disks, and one liar.
//!
//! The rules are the real ones: each step asks [`quorate_audit::Epochs`], the code that the vault asks. What is modelled is
//! what lies around them: who hears what, who crashes, which order exists. The search visits every state that can be reached
//! and checks every one.
//!
//! `QUORATE_LONG=1` takes all choices of recipients for four parties.

mod model;
mod rules;

use model::{Scenario, Verdict, search};
use rules::{EraseAtPrepare, NoOrderNumbers, Quorum, Real, Rules, TimeoutErases};

const ALL: [Option<u8>; 3] = [None, Some(0), Some(2)];

fn check<R: Rules>(rules: &R, scenario: &Scenario) -> Verdict {
    let verdict = search(rules, scenario);
    println!("{scenario:?}: {verdict:?}");
    verdict
}

fn holds(scenario: &Scenario) -> usize {
    match check(&Real, scenario) {
        Verdict::Holds { states } => states,
        Verdict::Broken { .. } => panic!("the invariant does not hold: {scenario:?}"),
    }
}

fn long() -> bool {
    std::env::var_os("QUORATE_LONG").is_some()
}

/// Parties 0 to 2 hold the key, 2-of-3. Order 2 refreshes it, order 3 evicts party 2.
fn plain(liar: Option<u8>) -> Scenario {
    Scenario {
        parties: 3,
        liar,
        recipients: [0b111, 0b011],
        runs: 2,
        destroy: false,
        losses: 0,
        tries: 2,
        crashes: false,
    }
}

#[test]
fn three_parties() {
    let mut states = 0;
    for liar in ALL {
        for recipients in [[0b111, 0b011], [0b011, 0b111], [0b110, 0b011]] {
            let scenario = Scenario { recipients, ..plain(liar) };
            states += holds(&scenario);
            if long() {
                states += holds(&Scenario { destroy: true, losses: 1, tries: 3, crashes: true, ..scenario });
            }
        }
    }
    println!("three parties: {states} states");
}

/// The end of the key by an order, crashes as steps, a lost disk.
#[test]
fn ends_crashes_and_losses() {
    let plain = plain(Some(2));
    let mut states = holds(&Scenario { destroy: true, ..plain });
    states += holds(&Scenario { crashes: true, ..plain });
    states += holds(&Scenario { losses: 1, ..plain });
    println!("ends, crashes, losses: {states} states");
}

/// With a fourth party that comes in.
#[test]
fn four_parties() {
    let sets: Vec<u8> = (0..16u8).filter(|set| set.count_ones() >= 2).collect();
    let all: Vec<_> = sets.iter().flat_map(|second| sets.iter().map(|third| [*second, *third])).collect();
    let mut states = 0;
    for liar in if long() { vec![None, Some(0), Some(2), Some(3)] } else { vec![Some(2)] } {
        for recipients in if long() { all.clone() } else { vec![[0b1110, 0b1011]] } {
            states += holds(&Scenario { parties: 4, recipients, ..plain(liar) });
        }
    }
    println!("four parties: {states} states");
}

/// Three runs at once: two tries of one order with other dealers, and one of the next order.
#[test]
#[ignore = "long: many millions of states"]
fn three_runs() {
    for liar in ALL {
        println!("three runs: {} states", holds(&Scenario { runs: 3, ..plain(liar) }));
    }
}

fn broken<R: Rules>(rules: &R) -> Vec<String> {
    let scenario = Scenario { tries: 3, ..plain(Some(2)) };
    match check(rules, &scenario) {
        Verdict::Broken { trace, .. } => trace,
        Verdict::Holds { .. } => panic!("the model does not see a planted fault"),
    }
}

/// A time-out that erases pending shares: one lost message, and the key is gone.
#[test]
fn a_time_out_that_erases_is_refuted() {
    assert!(broken(&TimeoutErases).iter().any(|step| step.contains("TimeOut")));
}

/// Attempts without order numbers: an old order brings an evicted party back.
#[test]
fn attempts_without_order_numbers_are_refuted() {
    assert!(!broken(&NoOrderNumbers).is_empty());
}

/// The old share erased as soon as the new one is there: the last acknowledgement never comes.
#[test]
fn erasing_before_the_certificate_is_refuted() {
    assert!(broken(&EraseAtPrepare).iter().any(|step| step.contains("Prepare")));
}

/// A certificate of t' in place of all recipients.
#[test]
fn a_certificate_of_a_quorum_is_refuted() {
    assert!(!broken(&Quorum).is_empty());
}

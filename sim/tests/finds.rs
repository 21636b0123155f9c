//! The rules find what is put in on purpose, and in how many seeds; a rule that never finds anything shows nothing.

use quorate_intent::Suite;
use quorate_session::SessionError;
use quorate_sim::kind::generate;
use quorate_sim::log::{Log, render};
use quorate_sim::node::Group;
use quorate_sim::scenario::{Scenario, keys};
use quorate_sim::world::{self, End, Kind, Plant};
use quorate_sim::{World, campaign};

/// The first seed in which a planted defect is found, and by which rule.
fn first(scenario: Scenario, plant: Plant, budget: u64) -> (u64, &'static str) {
    let runtime = world::runtime();
    for seed in 0..budget {
        let outcome = scenario.run_with(Some(plant), seed, &runtime, Log::default());
        if let Some(violation) = outcome.violation {
            println!("{plant:?}: seed {seed}: {}: {}", violation.rule, violation.detail);
            return (seed, violation.rule);
        }
    }
    panic!("{plant:?} is not found in {budget} seeds of {}", scenario.name());
}

#[test]
fn planted_defects_are_found() {
    let shares = "shares of the highest certified attempt";
    for (scenario, plant, budget, rule) in [
        (Scenario::Toy, Plant::AcknowledgesEarly, 100, shares),
        (Scenario::Toy, Plant::ErasesAfterFailure, 500, shares),
        (Scenario::Toy, Plant::BlamesSilence, 100, "blamed ⊆ faulty"),
        (Scenario::Toy, Plant::LosesSynced, 100, shares),
        (Scenario::Frost, Plant::SignsUnlogged, 20, "signatures have log entries"),
        (Scenario::Frost, Plant::RepeatsRandomness, 200, "nonces and presignatures spent once"),
        (Scenario::Frost, Plant::LosesSynced, 200, shares),
        (Scenario::Reshare, Plant::ErasesAfterFailure, 200, shares),
        (Scenario::Reshare, Plant::AcknowledgesEarly, 200, shares),
        (Scenario::Reshare, Plant::ForgetsOld, 100, shares),
        (Scenario::Reshare, Plant::SignsOldEpoch, 100, "no two epochs sign"),
        (Scenario::Reshare, Plant::SignsDestroyed, 200, "destroyed keys never sign"),
        (Scenario::Reshare, Plant::KeepsErased, 100, "erased shares are gone"),
        (Scenario::Reshare, Plant::KeepsQuiet, 100, "certificates go round"),
        (Scenario::Reshare, Plant::OpensAnother, 100, "public key constant"),
        (Scenario::Reshare, Plant::BlamesSilence, 100, "blamed ⊆ faulty"),
    ] {
        let (_, found) = first(scenario, plant, budget);
        assert_eq!(found, rule, "{plant:?}");
    }
}

/// The same seed is the same run, event for event, and on one thread or two.
#[test]
fn a_seed_is_a_run() {
    for scenario in Scenario::ALL {
        for seed in 0..3 {
            let run = || scenario.run(seed, &world::runtime(), Log::new(true));
            let (one, other) = (run(), run());
            assert!(one.violation.is_none(), "{:?}", one.violation);
            assert!(one.log.entries().len() > 20);
            assert_eq!(one.log.entries(), other.log.entries(), "{} {seed}", scenario.name());
        }
    }
}

#[test]
fn some_seeds_of_every_scenario_hold_and_have_faults() {
    let totals = campaign::seeds(Scenario::Toy, 0..200, 2);
    assert!(totals.failures.is_empty(), "{:?}", totals.failures.first().map(|f| (f.number, &f.violation)));
    assert_eq!(totals.runs, 200);
    assert!(totals.counts.crashes > 600 && totals.counts.done > 150, "{:?}", totals.counts);
    for (scenario, seeds) in [(Scenario::Frost, 20), (Scenario::Ecdsa, 5), (Scenario::Reshare, 20)] {
        let totals = campaign::seeds(scenario, 0..seeds, 2);
        assert!(
            totals.failures.is_empty(),
            "{:?}",
            totals.failures.first().map(|f| (f.number, &f.violation))
        );
        assert!(totals.counts.signatures > seeds, "{:?}", totals.counts);
    }
}

#[test]
fn kept_events_are_shown_in_their_columns() {
    let mut log = Log::new(true);
    log.add(1, Some(2), || "down".into());
    log.add(22, None, || "calm".into());
    assert_eq!(render(log.entries()), "       1 ..# down\n      22 ... calm\n");
    let mut none = Log::new(false);
    none.add(1, None, || panic!("nobody reads it"));
    assert!(none.entries().is_empty());
}

/// Every machine is put back to a day before it signed. Whatever the coordinator then asks for, no nonce and no
/// presignature of that day is used again: they were in memory alone.
#[test]
fn all_disks_put_back_spend_nothing_twice() {
    let mut back = 0;
    for (scenario, seeds) in [(Scenario::Frost, 40), (Scenario::Ecdsa, 12)] {
        let totals = campaign::seeds(scenario, 0..seeds, 2);
        assert!(
            totals.failures.is_empty(),
            "{:?}",
            totals.failures.first().map(|f| (f.number, &f.violation))
        );
        back += totals.counts.rollbacks;
    }
    assert!(back >= 6, "{back}");
}

/// Without the administrators, or with approvals of another order, no party begins anything.
#[test]
fn no_order_no_ceremony() {
    let runtime = world::runtime();
    let mut world = World::new(1, 3, &runtime, Log::default());
    let order = |world: &World, number| keys::order(world, number, 2, Suite::Ed25519);
    let (good, other) = (order(&world, 1), order(&world, 2));
    let mut none = good.clone();
    none.approvals.clear();
    let mut foreign = good.clone();
    foreign.approvals.clone_from(&other.approvals);
    let mut altered = good.clone();
    altered.intent.intent.expires += 1;
    for forged in [none, foreign, altered] {
        let id = world.ceremony(Kind::Generate);
        for at in 0..3 {
            world.start(at, 1, generate::job(id, forged.clone(), Group::Ed25519, None));
        }
        world.settle().unwrap();
        let refused = |end: &End| matches!(end.error, Some(SessionError::Refused(_)));
        assert_eq!(world.ends.drain(..).filter(refused).count(), 3);
    }
    assert!(keys::attempt(&mut world, &good, Group::Ed25519).unwrap());
}

//! The crash matrix: a machine goes down at every write and every sync of a life, and each time leaves nothing, everything
//! or half of what was not synced.

use crate::World;
use crate::kind::certificates::Source;
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::random::Dice;
use crate::scenario::{Outcome, chain, endings, frost, keys, orders, toy};
use crate::world::{self, Counts, Weather};
use quorate_vault::{Fault, Leaves};
use std::ops::Range;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// A life: how many parties, t, and the group of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// n.
    pub n: usize,
    /// t.
    pub t: usize,
    /// In which group.
    pub group: Group,
    /// A reshare, in which the crash then happens; none for a generation.
    pub change: Option<Change>,
}

/// From the first `first` parties to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// How many parties the key has at first.
    pub first: usize,
    /// Who has it afterwards.
    pub recipients: &'static [usize],
    /// t'.
    pub t: usize,
}

/// The lives: generations, then a refresh, a change with a newcomer, and an eviction, each with activation and the key's end.
pub const LIVES: [Life; 6] = [
    Life { n: 2, t: 2, group: Group::Ed25519, change: None },
    Life { n: 3, t: 2, group: Group::Secp256k1, change: None },
    Life { n: 4, t: 3, group: Group::Toy199, change: None },
    Life { n: 2, t: 2, group: Group::Ed25519, change: Some(Change { first: 2, recipients: &[0, 1], t: 2 }) },
    Life {
        n: 4,
        t: 2,
        group: Group::Secp256k1,
        change: Some(Change { first: 3, recipients: &[0, 2, 3], t: 3 }),
    },
    Life {
        n: 4,
        t: 3,
        group: Group::Ed25519,
        change: Some(Change { first: 4, recipients: &[1, 2, 3], t: 2 }),
    },
];

/// One case: at which party, at which write or sync from the start, and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Which life.
    pub life: Life,
    /// Where.
    pub at: usize,
    /// Counted from the first write after the vault was made.
    pub point: u64,
    /// Of what was not synced.
    pub leaves: Leaves,
    /// A second crash: at which party and how many writes and syncs later, counted from the start at another party, and from
    /// the next start at the same one.
    pub again: Option<(usize, u64, Leaves)>,
}

/// A world in which the life can be lived; before a reshare, with its key.
fn new(life: Life, runtime: &Rc<Runtime>, log: Log) -> Result<World, Violation> {
    let mut world = World::new(1, life.n, runtime, log);
    world.weather = Weather::calm();
    if let Some(change) = life.change {
        let parties: Vec<usize> = (0..change.first).collect();
        let order = keys::order_among(&world, 1, (life.t, &parties), keys::suite(life.group));
        keys::attempt(&mut world, &order, life.group)?;
        keys::judge(&world, keys::wallet(1))?;
    }
    Ok(world)
}

/// The reshare, again with new orders while the crash has cost one; then everybody has the new epoch alone, after a restart
/// too, and it signs. In the end the key is destroyed.
fn reshare(world: &mut World, change: Change) -> Result<(), Violation> {
    let wallet = keys::wallet(1);
    let mut number = 1;
    loop {
        number += 1;
        let order = orders::order(world, (wallet, number), change.recipients, change.t, None);
        let done = match &order {
            Some(approved) => orders::attempt(world, approved)?,
            None => false,
        };
        chain::gather(world, wallet)?;
        let record = &world.certificates[&wallet].record;
        let there = record.attempt.order_number > 1 && record.parties == world.keys(change.recipients);
        // What came of an order that a crash cut off counts as well.
        if done || there {
            break;
        }
        if number > 6 {
            let detail = "no new epoch in five orders".into();
            return Err(Violation { rule: "once faults stop it terminates", detail });
        }
    }
    for _ in 0..2 {
        among(world, change)?;
        endings::sign(world, wallet)?;
        toy::restart_all(world)?;
        chain::gather(world, wallet)?;
    }
    let Some(end) = orders::destroy(world, wallet, number + 1) else { return Ok(()) };
    world.take(change.recipients[0], &end, Source::Gateway);
    world.settle()?;
    toy::restart_all(world)?;
    chain::gather(world, wallet)?;
    for node in &world.nodes {
        if !node.disk.attempts(&wallet.0).0.is_empty() {
            let detail = format!("party {} holds a share", node.at);
            return Err(Violation { rule: "a destroyed key is gone", detail });
        }
    }
    Ok(())
}

/// The new epoch is at its recipients, and nothing is left at the others.
fn among(world: &World, change: Change) -> Result<(), Violation> {
    let wallet = keys::wallet(1);
    let highest = world.oracle.highest(&wallet).unwrap_or_default().to_vec();
    for node in &world.nodes {
        let (shares, _) = node.disk.attempts(&wallet.0);
        let wanted = if change.recipients.contains(&node.at) { vec![highest.clone()] } else { Vec::new() };
        if shares != wanted {
            let detail = format!("party {} holds {} shares", node.at, shares.len());
            return Err(Violation { rule: "one epoch is active", detail });
        }
    }
    keys::judge(world, wallet)
}

/// Generate, hand round, sign where the group can, and restart everything.
fn live(world: &mut World, life: Life) -> Result<(), Violation> {
    if let Some(change) = life.change {
        return reshare(world, change);
    }
    let suite = keys::suite(life.group);
    let approved = keys::order(world, 1, life.t, suite);
    keys::attempt(world, &approved, life.group)?;
    let wallet = keys::finish(world, (1, life.t), (life.group, suite))?;
    if matches!(life.group, Group::Secp256k1 | Group::Ed25519) {
        // Every party signs; one that goes down meanwhile costs an attempt.
        for number in 0..4 {
            frost::sign_once(world, wallet, life.t, number)?;
        }
    }
    toy::restart_all(world)?;
    if keys::everywhere(world, wallet) {
        return Ok(());
    }
    let detail = "a key that was everywhere is not after a restart".into();
    Err(Violation { rule: "shares survive restarts", detail })
}

/// Every case of a life, found by living it once without a fault.
///
/// # Panics
/// When that does not go well.
pub fn cases(life: Life, runtime: &Rc<Runtime>) -> Vec<Case> {
    let mut world = new(life, runtime, Log::default()).expect("no fault");
    let before: Vec<u64> = world.nodes.iter().map(|node| node.disk.points()).collect();
    let lived = live(&mut world, life);
    assert!(lived.is_ok(), "{life:?} without a fault: {lived:?}");
    let mut cases = Vec::new();
    for (at, node) in world.nodes.iter().enumerate() {
        for point in 1..=node.disk.points() - before[at] {
            cases.extend(Leaves::ALL.map(|leaves| Case { life, at, point, leaves, again: None }));
        }
    }
    cases
}

/// Lives with its crashes.
pub fn run(case: Case, runtime: &Rc<Runtime>, log: Log) -> Outcome {
    let mut world = match new(case.life, runtime, log) {
        Ok(world) => world,
        Err(violation) => {
            return Outcome { counts: Counts::default(), log: Log::default(), violation: Some(violation) };
        }
    };
    world.fail_later(case.at, case.point, Fault::Crash(case.leaves));
    match case.again {
        Some((at, points, leaves)) if at == case.at => {
            world.nodes[at].again = Some((points, Fault::Crash(leaves)));
        }
        Some((at, points, leaves)) => world.fail_later(at, points, Fault::Crash(leaves)),
        None => (),
    }
    let result = live(&mut world, case.life);
    let restarts = if case.life.change.is_some() { 3 } else { 1 };
    let crashed = world.counts.crashes > case.life.n as u64 * restarts;
    let violation = result.err().or_else(|| {
        let detail = "the planned crash did not happen".to_owned();
        (!crashed).then_some(Violation { rule: "the matrix is complete", detail })
    });
    Outcome { counts: world.counts, log: std::mem::take(&mut world.log), violation }
}

/// Of each single crash in a reshare some pairs with a second one: at random parties, points and remains.
pub fn pairs(singles: &[Case], each: u64) -> Vec<Case> {
    let mut dice = Dice::new(1, "pairs of crashes");
    let mut all = Vec::new();
    for single in singles.iter().filter(|case| case.life.change.is_some()) {
        for _ in 0..each {
            let at = dice.below(single.life.n as u64) as usize;
            let again = Some((at, dice.between(1, 40), dice.pick(&Leaves::ALL)));
            all.push(Case { again, ..*single });
        }
    }
    all
}

/// All cases of the quick setting, with what names each.
pub fn all(runtime: &Rc<Runtime>) -> Vec<Case> {
    LIVES.iter().flat_map(|life| cases(*life, runtime)).collect()
}

/// The runs of all cases.
pub fn campaign(threads: usize, long: bool, part: Option<Range<u64>>) -> crate::campaign::Totals {
    let mut cases = all(&world::runtime());
    let more = if long { pairs(&cases, 20) } else { Vec::new() };
    cases.extend(more);
    let end = cases.len() as u64;
    let part = part.map_or(0..end, |part| part.start.min(end)..part.end.min(end));
    crate::campaign::all("crash", part, threads, |number, runtime, log| {
        run(cases[number as usize], runtime, log)
    })
}

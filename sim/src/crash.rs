//! The crash matrix: a machine goes down at every write and every sync of a life, and each time leaves nothing, everything
//! or half of what was not synced.

use crate::World;
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::scenario::{Outcome, frost, keys, toy};
use crate::world::{self, Weather};
use quorate_vault::{Fault, Leaves};
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
}

/// The lives of the quick setting.
pub const LIVES: [Life; 3] = [
    Life { n: 2, t: 2, group: Group::Ed25519 },
    Life { n: 3, t: 2, group: Group::Secp256k1 },
    Life { n: 4, t: 3, group: Group::Toy199 },
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
}

fn new(life: Life, runtime: &Rc<Runtime>, log: Log) -> World {
    let mut world = World::new(1, life.n, runtime, log);
    world.weather = Weather::calm();
    world
}

/// Generate, hand round, sign where the group can, and restart everything.
fn live(world: &mut World, life: Life) -> Result<(), Violation> {
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
    let mut world = new(life, runtime, Log::default());
    let before: Vec<u64> = world.nodes.iter().map(|node| node.disk.points()).collect();
    let lived = live(&mut world, life);
    assert!(lived.is_ok(), "{life:?} without a fault: {lived:?}");
    let mut cases = Vec::new();
    for (at, node) in world.nodes.iter().enumerate() {
        for point in 1..=node.disk.points() - before[at] {
            cases.extend(Leaves::ALL.map(|leaves| Case { life, at, point, leaves }));
        }
    }
    cases
}

/// Lives with one crash.
pub fn run(case: Case, runtime: &Rc<Runtime>, log: Log) -> Outcome {
    let mut world = new(case.life, runtime, log);
    world.fail_later(case.at, case.point, Fault::Crash(case.leaves));
    let result = live(&mut world, case.life);
    let crashed = world.counts.crashes > case.life.n as u64;
    let violation = result.err().or_else(|| {
        let detail = "the planned crash did not happen".to_owned();
        (!crashed).then_some(Violation { rule: "the matrix is complete", detail })
    });
    Outcome { counts: world.counts, log: std::mem::take(&mut world.log), violation }
}

/// All cases of the quick setting, with what names each.
pub fn all(runtime: &Rc<Runtime>) -> Vec<Case> {
    LIVES.iter().flat_map(|life| cases(*life, runtime)).collect()
}

/// The runs of all cases.
pub fn campaign(threads: usize) -> crate::campaign::Totals {
    let cases = all(&world::runtime());
    crate::campaign::all("crash", 0..cases.len() as u64, threads, |number, runtime, log| {
        run(cases[number as usize], runtime, log)
    })
}

//! Key ceremonies on the toy groups, with every fault that there is.

use super::{faults, keys};
use crate::World;
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::random::Dice;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// A world of 2 to 5 parties.
pub fn world(seed: u64, runtime: &Rc<Runtime>, log: Log) -> World {
    let n = Dice::new(seed, "size").pick(&[2, 2, 3, 3, 3, 4, 5]);
    World::new(seed, n, runtime, log)
}

/// One to three tries under faults, then calm; in some seeds a disk is put back to an earlier day.
///
/// # Errors
/// The first rule that did not hold.
pub fn live(world: &mut World) -> Result<(), Violation> {
    let group = world.dice.pick(&[Group::Toy13, Group::Toy199]);
    let n = world.nodes.len();
    let t = world.dice.between(2, n as u64) as usize;
    let suite = keys::suite(group);
    let approved = keys::order(world, 1, t, suite);
    for _ in 0..world.dice.between(1, 3) {
        world.weather = faults::weather(&mut world.dice);
        faults::plan(world);
        keys::attempt(world, &approved, group)?;
    }
    faults::calm(world);
    world.settle()?;
    let wallet = keys::finish(world, (1, t), (group, suite))?;
    restart_all(world)?;
    if keys::everywhere(world, wallet) {
        Ok(())
    } else {
        let detail = "a key that was everywhere is not after a restart".into();
        Err(Violation { rule: "shares survive restarts", detail })
    }
}

/// Every machine goes down and comes up again.
///
/// # Errors
/// The first rule that did not hold.
pub fn restart_all(world: &mut World) -> Result<(), Violation> {
    for at in 0..world.nodes.len() {
        world.cut_power(at, quorate_vault::Leaves::Nothing);
    }
    world.settle()
}

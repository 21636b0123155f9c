//! Which faults a seed has.

use crate::World;
use crate::random::Dice;
use crate::world::Weather;
use quorate_vault::{Fault, Leaves};

/// Weather for the time of faults: often a little of everything, sometimes one thing alone.
pub fn weather(dice: &mut Dice) -> Weather {
    let some = |dice: &mut Dice, most: u64| {
        if dice.chance(500) { u32::try_from(dice.below(most)).unwrap_or(0) } else { 0 }
    };
    Weather {
        delay: dice.pick(&[5, 50, 500, 5_000]),
        lose: some(dice, 60),
        repeat: some(dice, 300),
        partitions: Vec::new(),
        down: dice.pick(&[10, 1_000, 30_000]),
        greed: 100,
    }
}

/// Plans faults for what is about to be started: machines that go down by themselves, stores that fail in the middle of a
/// write, and a partition.
pub fn plan(world: &mut World) {
    let n = world.nodes.len() as u64;
    let leaves = |dice: &mut Dice| dice.pick(&Leaves::ALL);
    while world.dice.chance(350) {
        let at = world.dice.below(n) as usize;
        let delay = world.dice.below(400);
        let left = leaves(&mut world.dice);
        world.crash_later(at, delay, left);
    }
    while world.dice.chance(350) {
        let at = world.dice.below(n) as usize;
        let points = world.dice.between(1, 12);
        let left = leaves(&mut world.dice);
        let fault = if world.dice.chance(200) { Fault::Error } else { Fault::Crash(left) };
        world.fail_later(at, points, fault);
    }
    if world.dice.chance(150) {
        let start = world.now + world.dice.below(300);
        let end = start + world.dice.below(40_000);
        let sides = world.dice.below(1 << n);
        world.weather.partitions.push((start, end, sides));
    }
}

/// The end of all faults. Disks that were to fail later do not, and operators start again what stopped after a failed write.
pub fn calm(world: &mut World) {
    let now = world.now;
    world.log.add(now, None, || "CALM: no more faults".into());
    world.weather = Weather::calm();
    for at in 0..world.nodes.len() {
        world.nodes[at].disk.fail_at(u64::MAX, Fault::Error);
        let stopped =
            world.nodes[at].up.as_ref().is_some_and(|up| world.block(up.vault.get("probe")).is_err());
        if stopped {
            world.cut_power(at, Leaves::Everything);
        }
    }
}

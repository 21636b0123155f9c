//! Real ECDSA keys: generate, set up pairs, presign and sign, under faults; pairs and presignatures live in memory alone.

use super::{chain, faults, frost, keys, signing, toy};
use crate::World;
use crate::kind::{pair, presign};
use crate::log::Log;
use crate::node::{Group, Item};
use crate::oracle::Violation;
use crate::random::Dice;
use crate::world::Kind;
use quorate_coordination::Material;
use quorate_intent::{Suite, WalletId};
use quorate_protocols::Message;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// A world of 2 or 3 parties.
pub fn world(seed: u64, runtime: &Rc<Runtime>, log: Log) -> World {
    let n = Dice::new(seed, "size").pick(&[2, 3]);
    World::new(seed, n, runtime, log)
}

/// # Errors
/// The first rule that did not hold.
pub fn live(world: &mut World) -> Result<(), Violation> {
    let n = world.nodes.len();
    let t = if n == 3 && world.dice.chance(250) { 3 } else { 2 };
    let wallet = keys::finish(world, (1, t), (Group::Secp256k1, Suite::Ecdsa))?;
    let copies: Vec<_> = world.nodes.iter().map(|node| node.disk.snapshot()).collect();
    world.weather = faults::weather(&mut world.dice);
    for number in 0..2 {
        let set = frost::set(world, t);
        faults::plan(world);
        prepare(world, wallet, &set, 2)?;
        // One presignature for each of two calls; what is left over is there for a coordinator that repeats itself.
        sign_once(world, wallet, &set, number)?;
        sign_once(world, wallet, &set, number)?;
    }
    let mut t = t;
    if world.dice.chance(500) {
        t = chain::refresh_under_faults(world, wallet, t)?;
    }
    faults::calm(world);
    // An hour ago the epoch was another if there was a reshare since; then the disks stay.
    if world.history.is_empty() && world.dice.chance(400) {
        for (at, copy) in copies.iter().enumerate() {
            world.roll_back(at, copy);
        }
    }
    world.settle()?;
    toy::restart_all(world)?;
    let set = frost::set(world, t);
    prepare(world, wallet, &set, 1)?;
    if sign_once(world, wallet, &set, 9)? {
        return Ok(());
    }
    Err(Violation { rule: "once faults stop it terminates", detail: "no signature in a calm world".into() })
}

/// Renews the pairs that need it and makes presignatures.
///
/// # Errors
/// The first rule that did not hold.
pub fn prepare(world: &mut World, wallet: WalletId, set: &[usize], count: u16) -> Result<bool, Violation> {
    for (one, other) in pair::stale(world, set) {
        let id = world.ceremony(Kind::Pair);
        for (at, peer) in [(one, other), (other, one)] {
            let delay = world.dice.below(50);
            world.start(at, delay, pair::job(id, peer, None));
        }
    }
    world.settle()?;
    let id = world.ceremony(Kind::Presign);
    for at in set {
        let delay = world.dice.below(50);
        world.start(*at, delay, presign::job(id, wallet, set.to_vec(), count, None));
    }
    world.settle()?;
    let all = world.ends.drain(..).all(|end| end.error.is_none());
    world.counts.done += u64::from(all);
    Ok(all)
}

/// One attempt with a presignature that the first of the set still has.
fn sign_once(world: &mut World, wallet: WalletId, set: &[usize], number: u64) -> Result<bool, Violation> {
    let Some(up) = &world.nodes[set[0]].up else { return Ok(false) };
    let public = up.stock.values().find_map(|item| match item {
        Item::Ecdsa(one) => Some(one.public().encode()),
        _ => None,
    });
    let Some(public) = public else { return Ok(false) };
    let wish = signing::wish(world, wallet, number);
    signing::with(world, wish, set, Material::Ecdsa(public))
}

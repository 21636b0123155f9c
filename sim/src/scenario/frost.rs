//! Real Schnorr keys: generate under faults, then sign under faults with nonces that live in memory alone.

use super::{faults, keys, signing, toy};
use crate::World;
use crate::kind::sign;
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::random::Dice;
use quorate_coordination::Material;
use quorate_intent::WalletId;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// A world of 2 to 4 parties.
pub fn world(seed: u64, runtime: &Rc<Runtime>, log: Log) -> World {
    let n = Dice::new(seed, "size").pick(&[2, 3, 3, 4]);
    World::new(seed, n, runtime, log)
}

/// # Errors
/// The first rule that did not hold.
pub fn live(world: &mut World) -> Result<(), Violation> {
    let group = world.dice.pick(&[Group::Secp256k1, Group::Ed25519]);
    let n = world.nodes.len();
    let t = world.dice.between(2, n as u64) as usize;
    let suite = keys::suite(group);
    let approved = keys::order(world, 1, t, suite);
    world.weather = faults::weather(&mut world.dice);
    faults::plan(world);
    keys::attempt(world, &approved, group)?;
    faults::calm(world);
    world.settle()?;
    let wallet = keys::finish(world, (1, t), (group, suite))?;
    // An hour ago, before any signature.
    let copies: Vec<_> = world.nodes.iter().map(|node| node.disk.snapshot()).collect();
    world.weather = faults::weather(&mut world.dice);
    for number in 0..2 {
        faults::plan(world);
        for _ in 0..2 {
            if sign_once(world, wallet, t, number)? {
                break;
            }
        }
    }
    faults::calm(world);
    if world.dice.chance(200) {
        for (at, copy) in copies.iter().enumerate() {
            world.roll_back(at, copy);
        }
    }
    world.settle()?;
    toy::restart_all(world)?;
    // A stranger's disk fault may have left a session's end unseen; the third try of a calm world has none.
    for _ in 0..3 {
        if sign_once(world, wallet, t, 9)? {
            return Ok(());
        }
    }
    Err(Violation { rule: "once faults stop it terminates", detail: "no signature in a calm world".into() })
}

/// One attempt of a random set with fresh nonces; some nonces are made and never used.
///
/// # Errors
/// The first rule that did not hold.
pub fn sign_once(world: &mut World, wallet: WalletId, t: usize, number: u64) -> Result<bool, Violation> {
    let set = set(world, t);
    let mut list = Vec::new();
    for at in &set {
        let Some(owned) = sign::nonces(world, *at, wallet) else {
            world.settle()?;
            return Ok(false);
        };
        list.push(owned);
    }
    let wish = signing::wish(world, wallet, number);
    signing::with(world, wish, &set, Material::Frost(list))
}

/// A random set of t parties, ascending.
pub fn set(world: &mut World, t: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..world.nodes.len()).collect();
    while all.len() > t {
        let out = world.dice.below(all.len() as u64) as usize;
        all.remove(out);
    }
    all
}

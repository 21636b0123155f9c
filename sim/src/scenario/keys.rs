//! Keys as the coordinator orders them: try again while that may help, take another wallet id when it may not.

use crate::World;
use crate::kind::certificates::Source;
use crate::kind::{generate, shares};
use crate::node::Group;
use crate::oracle::Violation;
use crate::people::Approved;
use crate::world::Kind;
use quorate_coordination::Certificate;
use quorate_intent::{OrderKind, Suite, WalletId};

/// The suite under which a group's keys are ordered.
pub fn suite(group: Group) -> Suite {
    match group {
        Group::Ed25519 => Suite::Ed25519,
        Group::Toy13 | Group::Toy199 | Group::Secp256k1 => Suite::Bip340,
    }
}

/// The wallet of this number.
pub fn wallet(number: u8) -> WalletId {
    WalletId([number; 16])
}

/// Orders a key of all parties.
pub fn order(world: &World, number: u8, t: usize, suite: Suite) -> Approved {
    let all: Vec<usize> = (0..world.nodes.len()).collect();
    order_among(world, number, (t, &all), suite)
}

/// Orders a key of some parties, ascending.
pub fn order_among(world: &World, number: u8, (t, parties): (usize, &[usize]), suite: Suite) -> Approved {
    world.people.generate(wallet(number), suite, t, world.keys(parties), number.into())
}

/// Runs one try of an order at all parties that are up, and hands round the certificate if one came out.
///
/// # Errors
/// The first rule that did not hold.
pub fn attempt(world: &mut World, approved: &Approved, group: Group) -> Result<bool, Violation> {
    let OrderKind::Generate { parties, .. } = &approved.order().kind else { return Ok(false) };
    let parties: Vec<usize> = parties.iter().filter_map(|key| world.find(key)).collect();
    let id = world.ceremony(Kind::Generate);
    for at in &parties {
        let delay = world.dice.below(100);
        world.start(*at, delay, generate::job(id, approved.clone(), group, None));
    }
    world.settle()?;
    hand_round(world, approved.order().wallet);
    world.settle()?;
    let ends: Vec<_> = world.ends.drain(..).collect();
    let done = ends.len() == parties.len() && ends.iter().all(|end| end.error.is_none());
    world.counts.done += u64::from(done);
    Ok(done)
}

/// The coordinator hands the highest certificate that it can get to every party that is up.
pub fn hand_round(world: &mut World, wallet: WalletId) {
    let held = world.nodes.iter().filter_map(|node| node.up.as_ref()?.keys.get(&wallet));
    if let Some(certificate) = held.map(|key| key.certificate.clone()).max_by_key(Certificate::rank) {
        world.hear(&certificate);
    }
    let Some(certificate) = world.certificates.get(&wallet).cloned() else { return };
    for at in 0..world.nodes.len() {
        if world.nodes[at].up.is_some() {
            world.take(at, &certificate, Source::Gateway);
        }
    }
}

/// Whether every party has the key open.
pub fn everywhere(world: &World, wallet: WalletId) -> bool {
    world.nodes.iter().all(|node| node.up.as_ref().is_some_and(|up| up.keys.contains_key(&wallet)))
}

/// After all faults: the key is everywhere, or the same order makes it, or, if shares of an earlier try are kept that
/// nobody can certify any more, an order for another wallet id does. Gives the wallet.
///
/// # Errors
/// The first rule that did not hold.
pub fn finish(
    world: &mut World,
    (number, t): (u8, usize),
    (group, suite): (Group, Suite),
) -> Result<WalletId, Violation> {
    let approved = order(world, number, t, suite);
    let id = wallet(number);
    hand_round(world, id);
    world.settle()?;
    // Toy groups make a joint key of zero now and then; that is nobody's fault, and the next try has another.
    for _ in 0..6 {
        if everywhere(world, id) {
            return judge(world, id).map(|()| id);
        }
        attempt(world, &approved, group)?;
        let stuck = world.nodes.iter().any(|node| {
            let up = node.up.as_ref();
            up.is_some_and(|up| !world.block(up.vault.pendings(&id)).unwrap_or_default().is_empty())
        });
        if stuck && !everywhere(world, id) {
            break;
        }
    }
    if everywhere(world, id) {
        return judge(world, id).map(|()| id);
    }
    if number >= 100 {
        let rule = "once faults stop it terminates";
        return Err(Violation { rule, detail: format!("no key of order {number} in a calm world") });
    }
    finish(world, (number + 100, t), (group, suite))
}

/// Any t shares make the key.
pub fn judge(world: &World, wallet: WalletId) -> Result<(), Violation> {
    match shares::reconstructs(world, wallet) {
        Ok(_) => Ok(()),
        Err(detail) => Err(Violation { rule: "any t shares make the key", detail }),
    }
}

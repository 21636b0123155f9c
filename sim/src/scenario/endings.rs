//! How a key's life in a chain of reshares may end: it signs, nobody revives an old epoch, all disks go back an hour, or it is
//! destroyed.

use super::chain::{self, Life, Trouble};
use super::{keys, orders, toy};
use crate::World;
use crate::kind::certificates::Source;
use crate::kind::reshare::Asked;
use crate::oracle::Violation;
use crate::people::EXPIRY;
use quorate_intent::WalletId;

fn not(rule: &'static str, detail: impl Into<String>) -> Result<(), Violation> {
    Err(Violation { rule, detail: detail.into() })
}

/// The key signs in a calm world.
///
/// # Errors
/// The first rule that did not hold.
pub fn sign(world: &mut World, wallet: WalletId) -> Result<(), Violation> {
    for number in 1000..1003 {
        if orders::sign_once(world, wallet, number)? {
            return Ok(());
        }
    }
    not("once faults stop it terminates", "no signature in a calm world")
}

/// Somebody replays every order of this life, from the epoch that it started from, with random dealers; a dishonest party has its
/// disk of the beginning back and takes part in all of it. Nothing comes of it, and the key signs as before.
///
/// # Errors
/// The first rule that did not hold.
pub fn replay(world: &mut World, life: &mut Life) -> Result<(), Violation> {
    if let (Trouble::Liar, Some(liar), Some(copy)) = (life.trouble, life.troubled, &life.copy) {
        world.nodes[liar].deaf = true;
        world.roll_back(liar, copy);
        world.settle()?;
    }
    let before = world.oracle.highest(&life.wallet).map(<[u8]>::to_vec);
    for (approved, base) in life.given.clone() {
        let parties: Vec<usize> = base.record.parties.iter().filter_map(|key| world.find(key)).collect();
        let Some(dealers) = orders::dealers(world, &base, &parties) else { continue };
        world.counts.lies += 1;
        orders::run(world, Asked { approved, base, dealers })?;
    }
    if world.oracle.highest(&life.wallet).map(<[u8]>::to_vec) != before {
        return not("an old order revives nobody", "a certificate came out of a replayed order");
    }
    chain::one_epoch(world, life.wallet)?;
    sign(world, life.wallet)
}

/// Every disk is put back to before the last signatures: the key signs on, and nothing is spent twice.
///
/// # Errors
/// The first rule that did not hold.
pub fn an_hour_ago(world: &mut World, wallet: WalletId) -> Result<(), Violation> {
    let copies: Vec<_> = world.nodes.iter().map(|node| node.disk.snapshot()).collect();
    sign(world, wallet)?;
    for at in chain::good(world) {
        world.roll_back(at, &copies[at]);
    }
    world.settle()?;
    sign(world, wallet)
}

/// The key is destroyed: first by an order that is told too late, which nobody carries out, then by one in time.
///
/// # Errors
/// The first rule that did not hold.
pub fn destroy(world: &mut World, life: &mut Life) -> Result<(), Violation> {
    let wallet = life.wallet;
    life.number += 1;
    let Some(late) = orders::destroy(world, wallet, life.number) else { return Ok(()) };
    world.pass(EXPIRY + 60);
    for at in chain::good(world) {
        world.take(at, &late, Source::Gateway);
    }
    world.settle()?;
    if chain::good(world).into_iter().any(|at| world.nodes[at].disk.attempts(&wallet.0).0.is_empty()) {
        return not("a late destroy is nobody's", "a share was erased for an order whose time is over");
    }
    // The certificate holds, so the rules know that it exists; nobody acts by it.
    world.oracle.takes_back(&late);
    life.number += 1;
    let Some(end) = orders::destroy(world, wallet, life.number) else { return Ok(()) };
    let (good, base) = (chain::good(world), world.certificates.get(&wallet).cloned());
    let first = world.dice.pick(&good);
    world.take(first, &end, Source::Gateway);
    world.settle()?;
    world.contact_all();
    world.settle()?;
    if orders::sign_once(world, wallet, 1999)? {
        return not("destroyed keys never sign", "a signature came out");
    }
    toy::restart_all(world)?;
    for at in good {
        let (shares, certified) = world.nodes[at].disk.attempts(&wallet.0);
        if !shares.is_empty() || certified != Some(end.rank().to_bytes().to_vec()) {
            return not("a destroyed key is gone", format!("party {at} holds {} shares", shares.len()));
        }
    }
    if orders::sign_once(world, wallet, 2000)? {
        return not("destroyed keys never sign", "a signature came out");
    }
    let Some(base) = base else { return Ok(()) };
    life.number += 1;
    let parties: Vec<usize> = base.record.parties.iter().filter_map(|key| world.find(key)).collect();
    world.hear(&base);
    let order = world.people.reshare(&base.record, life.number, world.keys(&parties), (2, None));
    let (Some(approved), Some(dealers)) = (order, orders::dealers(world, &base, &parties)) else {
        return Ok(());
    };
    if orders::run(world, Asked { approved, base, dealers })? {
        return not("a destroyed key is gone", "it was shared anew");
    }
    keys::hand_round(world, wallet);
    world.settle()
}

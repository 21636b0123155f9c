//! Orders as the coordinator carries them out: t dealers of the base that are there, dealers and recipients run the
//! ceremony, and who did not hear of its end is told later.

use super::signing;
use crate::World;
use crate::byzantine::chance;
use crate::kind::certificates::Source;
use crate::kind::reshare::{self, Asked};
use crate::kind::sign;
use crate::oracle::Violation;
use crate::people::Approved;
use crate::world::Kind;
use quorate_coordination::{Certificate, Material, Proof};
use quorate_intent::{OrderKind, PublicKey, Repeat, WalletId};
use std::collections::BTreeSet;

/// An order to share the key anew, from the highest epoch that the coordinator knows. `recipients` ascending.
pub fn order(
    world: &World,
    (wallet, number): (WalletId, u64),
    recipients: &[usize],
    t: usize,
    schedule: Option<Repeat>,
) -> Option<Approved> {
    let base = &world.certificates.get(&wallet)?.record;
    world.people.reshare(base, number, world.keys(recipients), (u16::try_from(t).ok()?, schedule))
}

/// Whom the coordinator may ask to deal: who is up and has the base open.
pub fn holders(world: &World, base: &Certificate) -> Vec<usize> {
    let holds = |at: &usize| {
        let up = world.nodes[*at].up.as_ref();
        up.and_then(|up| up.keys.get(&base.record.wallet))
            .is_some_and(|open| open.certificate.record == base.record)
    };
    (0..world.nodes.len()).filter(holds).collect()
}

/// t of these, as indices in the base.
pub fn dealers(world: &mut World, base: &Certificate, from: &[usize]) -> Option<Vec<u16>> {
    let t = base.record.keys().ok()?.threshold();
    let mut left = from.to_vec();
    while left.len() > t {
        let out = world.dice.below(left.len() as u64) as usize;
        left.remove(out);
    }
    let indices: Vec<u16> =
        left.iter().filter_map(|at| base.record.index_of(&world.nodes[*at].key())).collect();
    (indices.len() == t).then_some(indices)
}

/// One try of an order among whoever is there. True when it ended well at everybody who was asked.
///
/// # Errors
/// The first rule that did not hold.
pub fn attempt(world: &mut World, approved: &Approved) -> Result<bool, Violation> {
    let Some(base) = world.certificates.get(&approved.order().wallet).cloned() else { return Ok(false) };
    let from = holders(world, &base);
    let Some(dealers) = dealers(world, &base, &from) else { return Ok(false) };
    run(world, Asked { approved: approved.clone(), base, dealers })
}

/// Whom an order makes recipients.
fn recipients(approved: &Approved) -> Vec<PublicKey> {
    match &approved.order().kind {
        OrderKind::Reshare { recipients, .. } => recipients.clone(),
        OrderKind::Schedule { parties, .. } => parties.clone(),
        _ => Vec::new(),
    }
}

/// Asks everybody whom it concerns. A dishonest one among them lies in some way, more often than not.
///
/// # Errors
/// The first rule that did not hold.
pub fn run(world: &mut World, asked: Asked) -> Result<bool, Violation> {
    let dealers = asked.dealers.iter().filter_map(|index| asked.base.record.party(*index));
    let keys: BTreeSet<PublicKey> = recipients(&asked.approved).into_iter().chain(dealers).collect();
    let parties: Vec<usize> = keys.iter().filter_map(|key| world.find(key)).collect();
    let id = world.ceremony(Kind::Reshare);
    world.ends.clear();
    for at in &parties {
        let lies = !world.nodes[*at].honest && world.dice.chance(750);
        let lie = if lies { chance::lie(world, *at, id, &asked) } else { None };
        let delay = world.dice.below(100);
        world.start(*at, delay, reshare::job(id, asked.clone(), lie));
    }
    let settled = world.settle();
    world.tamper = None;
    settled?;
    let ends: Vec<_> = world.ends.drain(..).collect();
    let done = ends.len() == parties.len() && ends.iter().all(|end| end.error.is_none());
    world.counts.done += u64::from(done);
    Ok(done)
}

/// The coordinator shows its highest certificate to some, twice to some of them.
///
/// # Errors
/// The first rule that did not hold.
pub fn show_to_some(world: &mut World, wallet: WalletId) -> Result<(), Violation> {
    world.recover(wallet);
    let Some(certificate) = world.certificates.get(&wallet).cloned() else { return Ok(()) };
    // Old ones as well now and then: they change nothing.
    let old = world.history.first().cloned();
    for at in 0..world.nodes.len() {
        for _ in 0..world.dice.below(3) {
            let shown = old.as_ref().filter(|_| world.dice.chance(200)).unwrap_or(&certificate).clone();
            if world.nodes[at].up.is_some() {
                world.take(at, &shown, Source::Gateway);
            }
        }
    }
    world.settle()
}

/// One attempt to sign with fresh nonces, by a random set of t parties of the highest epoch that the coordinator knows.
///
/// # Errors
/// The first rule that did not hold.
pub fn sign_once(world: &mut World, wallet: WalletId, number: u64) -> Result<bool, Violation> {
    let Some(certificate) = world.certificates.get(&wallet).cloned() else { return Ok(false) };
    sign_with(world, &certificate, number)
}

/// The same in the epoch of this certificate.
///
/// # Errors
/// The first rule that did not hold.
pub fn sign_with(world: &mut World, certificate: &Certificate, number: u64) -> Result<bool, Violation> {
    let wallet = certificate.record.wallet;
    let parties: Vec<usize> = certificate.record.parties.iter().filter_map(|key| world.find(key)).collect();
    let Some(indices) = dealers(world, certificate, &parties) else { return Ok(false) };
    let set: Vec<usize> = indices.iter().map(|index| parties[usize::from(*index) - 1]).collect();
    let mut list = Vec::new();
    for at in &set {
        let Some(owned) = sign::nonces(world, *at, wallet) else {
            world.settle()?;
            return Ok(false);
        };
        list.push(owned);
    }
    let wish = signing::wish(world, wallet, number);
    signing::within(world, certificate, wish, &set, Material::Frost(list))
}

/// The end of a key: what the coordinator shows to the parties.
pub fn destroy(world: &mut World, wallet: WalletId, number: u64) -> Option<Certificate> {
    let record = world.certificates.get(&wallet)?.record.clone();
    let order = world.people.order(wallet, number, OrderKind::Destroy { base: record.hash() }, number);
    world.counts.ceremonies[Kind::Destroy as usize] += 1;
    Some(Certificate { record, order: order.intent, approvals: order.approvals, proof: Proof::Destroy })
}

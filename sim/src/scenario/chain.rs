//! Chains of reshares: other parties, other t, refreshes, schedules, under every fault; one machine in some seeds is lost for
//! good, put back to an earlier day, or dishonest. Then calm, in which the key must be usable, by one epoch alone; and the end.

use super::{endings, faults, keys, orders};
use crate::World;
use crate::kind::shares;
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::people::Approved;
use crate::random::Dice;
use quorate_coordination::Certificate;
use quorate_intent::{Repeat, Suite, WalletId};
use quorate_vault::Snapshot;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// What is wrong with one machine of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing but the faults that all have.
    None,
    /// It is dishonest.
    Liar,
    /// It is lost for good in the middle of a ceremony.
    Loss,
    /// Its disk is put back to before a reshare.
    OldDisk,
}

/// One key's life.
pub struct Life {
    /// The key.
    pub wallet: WalletId,
    /// The order given last.
    pub number: u64,
    /// What is wrong with one machine.
    pub trouble: Trouble,
    /// Which; none while nothing has happened to it.
    pub troubled: Option<usize>,
    /// Every order so far, with the epoch that it started from.
    pub given: Vec<(Approved, Certificate)>,
    /// The troubled machine's disk as it was before the first reshare.
    pub copy: Option<Snapshot>,
}

impl Life {
    /// How many parties of each epoch may be of no use.
    fn slack(&self) -> usize {
        usize::from(self.trouble != Trouble::None)
    }
}

/// A world of 4 to 6 parties.
pub fn world(seed: u64, runtime: &Rc<Runtime>, log: Log) -> World {
    let n = Dice::new(seed, "size").pick(&[4, 4, 5, 6]);
    World::new(seed, n, runtime, log)
}

/// A key, one to three reshares under faults, calm, and an end.
///
/// # Errors
/// The first rule that did not hold.
pub fn live(world: &mut World) -> Result<(), Violation> {
    let mut life = begin(world)?;
    for _ in 0..world.dice.between(1, 3) {
        link(world, &mut life)?;
    }
    recover(world, &mut life)?;
    one_epoch(world, life.wallet)?;
    endings::sign(world, life.wallet)?;
    endings::replay(world, &mut life)?;
    match world.dice.below(10) {
        0 | 1 => endings::destroy(world, &mut life),
        2 => endings::an_hour_ago(world, life.wallet),
        _ => Ok(()),
    }
}

/// Random parties, ascending.
fn some(world: &mut World, count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..world.nodes.len()).collect();
    while all.len() > count {
        let out = world.dice.below(all.len() as u64) as usize;
        all.remove(out);
    }
    all
}

fn begin(world: &mut World) -> Result<Life, Violation> {
    use Trouble::{Liar, Loss, None, OldDisk};
    let trouble = world.dice.pick(&[None, None, Liar, Loss, OldDisk]);
    let mut life = Life {
        wallet: keys::wallet(1),
        number: 1,
        trouble,
        troubled: Option::None,
        given: Vec::new(),
        copy: Option::None,
    };
    let (group, suite) =
        world.dice.pick(&[(Group::Secp256k1, Suite::Bip340), (Group::Ed25519, Suite::Ed25519)]);
    let n = world.dice.between(2 + life.slack() as u64, 4) as usize;
    let t = world.dice.between(2, (n - life.slack()) as u64) as usize;
    let parties = some(world, n);
    if trouble == Liar {
        let liar = world.dice.pick(&parties);
        world.nodes[liar].honest = false;
        life.troubled = Some(liar);
    }
    world.weather = crate::world::Weather::calm();
    let approved = keys::order_among(world, 1, (t, &parties), suite);
    let made = keys::attempt(world, &approved, group)?;
    if !made {
        return Err(Violation {
            rule: "once faults stop it terminates",
            detail: "no key to begin with".into(),
        });
    }
    life.copy = life.troubled.map(|at| world.nodes[at].disk.snapshot());
    Ok(life)
}

/// Recipients and t' of the next epoch: often the same as before.
fn next(world: &mut World, life: &Life) -> Option<(Vec<usize>, usize)> {
    let record = &world.certificates.get(&life.wallet)?.record;
    let (parties, t) = (record.parties.clone(), record.keys().ok()?.threshold());
    if world.dice.chance(400) {
        return Some((parties.iter().filter_map(|key| world.find(key)).collect(), t));
    }
    let most = world.nodes.len() as u64;
    let count = world.dice.between(2 + life.slack() as u64, most) as usize;
    let recipients = some(world, count);
    let t = world.dice.between(2, (count - life.slack()) as u64) as usize;
    Some((recipients, t))
}

/// One order under faults, tried once or twice, with signing in between.
fn link(world: &mut World, life: &mut Life) -> Result<(), Violation> {
    let Some((recipients, t)) = next(world, life) else { return Ok(()) };
    world.weather = faults::weather(&mut world.dice);
    faults::plan(world);
    let victim = world.dice.pick(&recipients);
    let before = world.nodes[victim].disk.snapshot();
    life.number += 1;
    let end = world.time() + 1_000_000;
    let schedule = world.dice.chance(250).then_some(Repeat { interval: 60, end });
    let order = orders::order(world, (life.wallet, life.number), &recipients, t, schedule);
    let (Some(approved), Some(base)) = (order, world.certificates.get(&life.wallet).cloned()) else {
        return Ok(());
    };
    life.given.push((approved.clone(), base));
    if life.trouble == Trouble::Loss && life.troubled.is_none() && world.dice.chance(600) {
        let delay = world.dice.below(600);
        world.lose_later(victim, delay);
        life.troubled = Some(victim);
    }
    for _ in 0..world.dice.between(1, 2) {
        orders::attempt(world, &approved)?;
        orders::sign_once(world, life.wallet, life.number)?;
        if world.dice.chance(500) {
            // Somebody who knows nothing of a new epoch asks for a signature in the old one.
            let (_, old) = life.given[life.given.len() - 1].clone();
            orders::sign_with(world, &old, 50 + life.number)?;
        }
        if world.dice.chance(500) {
            orders::show_to_some(world, life.wallet)?;
        }
        faults::plan(world);
    }
    if schedule.is_some() && world.dice.chance(500) {
        // The schedule comes due, days after its order expired.
        world.pass(2 * crate::people::EXPIRY);
        orders::attempt(world, &approved)?;
    }
    orders::sign_once(world, life.wallet, 100 + life.number)?;
    if life.trouble == Trouble::OldDisk && life.troubled.is_none() && world.dice.chance(600) {
        world.roll_back(victim, &before);
        life.troubled = Some(victim);
        world.settle()?;
    }
    if world.dice.chance(300) {
        faults::calm(world);
        world.settle()?;
    }
    Ok(())
}

/// Who can be given a share in calm weather: everybody who is honest and there.
pub fn good(world: &World) -> Vec<usize> {
    let good = |at: &usize| world.nodes[*at].honest && world.nodes[*at].up.is_some();
    (0..world.nodes.len()).filter(good).collect()
}

/// Everybody is there, and every certificate has gone round.
///
/// # Errors
/// The first rule that did not hold.
pub fn calm(world: &mut World, wallet: WalletId) -> Result<(), Violation> {
    faults::calm(world);
    gather(world, wallet)
}

/// Every certificate goes round, as far as the weather lets it.
///
/// # Errors
/// The first rule that did not hold.
pub fn gather(world: &mut World, wallet: WalletId) -> Result<(), Violation> {
    world.settle()?;
    for _ in 0..2 {
        world.contact_all();
        world.settle()?;
    }
    went_round(world, wallet)?;
    world.recover(wallet);
    keys::hand_round(world, wallet);
    world.settle()
}

/// After contacts in calm weather everybody who has anything of the key has the highest certificate that anybody has.
fn went_round(world: &World, wallet: WalletId) -> Result<(), Violation> {
    let held: Vec<_> =
        good(world).iter().map(|at| (*at, world.nodes[*at].disk.attempts(&wallet.0))).collect();
    let highest = held.iter().filter_map(|(_, (_, certified))| certified.clone()).max();
    let behind = |(shares, certified): &(Vec<Vec<u8>>, Option<Vec<u8>>)| {
        (certified.is_some() || !shares.is_empty()) && *certified < highest
    };
    match held.iter().find(|(_, held)| behind(held)) {
        Some((at, _)) => {
            let detail = format!("party {at} was not told the highest");
            Err(Violation { rule: "certificates go round", detail })
        }
        None => Ok(()),
    }
}

/// The faults are over: an order among all who are good makes an epoch, in a few tries.
///
/// # Errors
/// The first rule that did not hold.
pub fn recover(world: &mut World, life: &mut Life) -> Result<(), Violation> {
    for _ in 0..4 {
        calm(world, life.wallet)?;
        let good = good(world);
        let t = world.dice.between(2, good.len() as u64) as usize;
        life.number += 1;
        let order = orders::order(world, (life.wallet, life.number), &good, t, None);
        let (Some(approved), Some(base)) = (order, world.certificates.get(&life.wallet).cloned()) else {
            break;
        };
        life.given.push((approved.clone(), base.clone()));
        let honest: Vec<usize> =
            orders::holders(world, &base).into_iter().filter(|at| good.contains(at)).collect();
        let Some(dealers) = orders::dealers(world, &base, &honest) else { continue };
        if orders::run(world, crate::kind::reshare::Asked { approved, base, dealers })? {
            return calm(world, life.wallet);
        }
    }
    let detail = "no reshare among all who are good in a calm world".into();
    Err(Violation { rule: "once faults stop it terminates", detail })
}

/// All who are good act by one epoch, hold nothing else, and any t of them make the key.
///
/// # Errors
/// The rule that did not hold.
pub fn one_epoch(world: &World, wallet: WalletId) -> Result<(), Violation> {
    let highest = world.oracle.highest(&wallet).unwrap_or_default().to_vec();
    for at in good(world) {
        let (shares, certified) = world.nodes[at].disk.attempts(&wallet.0);
        if shares != [highest.clone()] || certified.as_ref() != Some(&highest) {
            let detail =
                format!("party {at} holds {} shares, by {:?}", shares.len(), certified.map(hex::encode));
            return Err(Violation { rule: "one epoch is active", detail });
        }
    }
    keys::judge(world, wallet)?;
    match shares::reconstructs(world, wallet) {
        Ok(open) if open >= 2 => Ok(()),
        _ => Err(Violation { rule: "one epoch is active", detail: "nobody has it open".into() }),
    }
}

/// One order to share a key of all anew, under the weather that is; then calm, and the order done if it was not. For other
/// scenarios.
///
/// # Errors
/// The first rule that did not hold.
pub fn refresh_under_faults(world: &mut World, wallet: WalletId, t: usize) -> Result<usize, Violation> {
    let mut life =
        Life { wallet, number: 1, trouble: Trouble::None, troubled: None, given: Vec::new(), copy: None };
    let all: Vec<usize> = (0..world.nodes.len()).collect();
    faults::plan(world);
    life.number += 1;
    if let Some(approved) = orders::order(world, (wallet, life.number), &all, t, None) {
        orders::attempt(world, &approved)?;
    }
    recover(world, &mut life)?;
    one_epoch(world, wallet)?;
    let keys = world.certificates.get(&wallet).and_then(|certificate| certificate.record.keys().ok());
    Ok(keys.map_or(t, |keys| keys.threshold()))
}

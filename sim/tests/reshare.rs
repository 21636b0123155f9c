//! Reshare, activation and the end of a key: attacks that were published or that this design has to fear, each played.

use quorate_intent::{Repeat, Suite};
use quorate_session::SessionError;
use quorate_sim::World;
use quorate_sim::byzantine::chance;
use quorate_sim::kind::certificates::Source;
use quorate_sim::kind::reshare::{self, Asked};
use quorate_sim::log::Log;
use quorate_sim::node::{Gone, Group};
use quorate_sim::people::{Approved, EXPIRY};
use quorate_sim::scenario::chain::{self, Life, Trouble};
use quorate_sim::scenario::{endings, keys, orders};
use quorate_sim::world::{self, Kind, Weather};

/// A world of n in calm weather, with a key of the first `parties`.
fn scene(seed: u64, n: usize, t: usize, parties: &[usize]) -> World {
    let mut world = World::new(seed, n, &world::runtime(), Log::default());
    world.weather = Weather::calm();
    let order = keys::order_among(&world, 1, (t, parties), Suite::Ed25519);
    assert!(keys::attempt(&mut world, &order, Group::Ed25519).unwrap());
    world
}

/// An order to these recipients, carried out.
fn change(world: &mut World, number: u64, recipients: &[usize], t: usize) -> Approved {
    let order = orders::order(world, (keys::wallet(1), number), recipients, t, None).unwrap();
    assert!(orders::attempt(world, &order).unwrap());
    chain::calm(world, keys::wallet(1)).unwrap();
    order
}

/// Everybody who is asked says no before anything begins.
fn refused(world: &mut World, asked: &Asked, parties: &[usize]) {
    let id = world.ceremony(Kind::Reshare);
    world.ends.clear();
    for at in parties {
        world.start(*at, 1, reshare::job(id, asked.clone(), None));
    }
    world.settle().unwrap();
    let ends: Vec<_> = world.ends.drain(..).collect();
    assert_eq!(ends.len(), parties.len());
    assert!(ends.iter().all(|end| matches!(end.error, Some(SessionError::Refused(_)))));
}

/// 2-of-3 → 3-of-5 → 2-of-4 → 4-of-4 → 2-of-2: one key, one epoch, and it signs each time.
#[test]
fn parties_and_threshold_change_and_the_key_stays() {
    let mut world = scene(1, 6, 2, &[0, 1, 2]);
    let wallet = keys::wallet(1);
    let key = world.certificates[&wallet].record.keys().unwrap().public_key();
    type Step<'a> = (&'a [usize], usize);
    let steps: [Step<'_>; 4] = [(&[0, 1, 3, 4, 5], 3), (&[1, 2, 3, 5], 2), (&[0, 1, 2, 3], 4), (&[0, 3], 2)];
    for (number, (recipients, t)) in (2..).zip(steps) {
        change(&mut world, number, recipients, t);
        let record = &world.certificates[&wallet].record;
        assert_eq!(record.parties, world.keys(recipients));
        assert_eq!(record.keys().unwrap().public_key(), key);
        keys::judge(&world, wallet).unwrap();
        endings::sign(&mut world, wallet).unwrap();
        for node in &world.nodes {
            let shares = node.disk.attempts(&wallet.0).0.len();
            assert_eq!(shares, usize::from(recipients.contains(&node.at)), "party {}", node.at);
        }
    }
}

/// Lather, rinse, repeat: a thousand refreshes, in each of which one party lies in some way. Whatever came of each, the key
/// is the same at the end and signs, and nobody honest was blamed.
#[test]
fn a_thousand_refreshes_with_a_liar_keep_the_key() {
    let all = [0, 1, 2, 3];
    let (wallet, liar) = (keys::wallet(1), 2);
    let mut world = scene(7, 4, 2, &all);
    let key = world.certificates[&wallet].record.keys().unwrap().public_key();
    world.nodes[liar].honest = false;
    let (mut made, mut lies) = (0, 0);
    for number in 2..1002 {
        let order = orders::order(&world, (wallet, number), &all, 2, None).unwrap();
        let before = world.counts.lies;
        made += u64::from(orders::attempt(&mut world, &order).unwrap());
        lies += world.counts.lies - before;
        world.contact_all();
        world.settle().unwrap();
        world.recover(wallet);
        assert_eq!(world.certificates[&wallet].record.keys().unwrap().public_key(), key);
    }
    // Both happened often: a lie that stopped a refresh, and a refresh that came out.
    assert!(made > 200 && lies > 500, "{made} epochs, {lies} lies");
    let mut life = Life {
        wallet,
        number: 1002,
        trouble: Trouble::Liar,
        troubled: Some(liar),
        given: Vec::new(),
        copy: None,
    };
    chain::recover(&mut world, &mut life).unwrap();
    chain::one_epoch(&world, wallet).unwrap();
    endings::sign(&mut world, wallet).unwrap();
    assert_eq!(world.certificates[&wallet].record.keys().unwrap().public_key(), key);
}

/// A party was evicted and has kept its disk of before. Every earlier order, from every earlier epoch, with every set of
/// dealers, is refused by everybody honest, and the key's epoch is what it was.
#[test]
fn an_old_order_revives_nobody() {
    let mut world = scene(2, 4, 2, &[0, 1, 2, 3]);
    let wallet = keys::wallet(1);
    let evicted = 1;
    let copy = world.nodes[evicted].disk.snapshot();
    let mut given = Vec::new();
    let steps: [&[usize]; 3] = [&[0, 1, 2, 3], &[0, 2, 3], &[0, 2, 3]];
    for (number, recipients) in (2..).zip(steps) {
        let base = world.certificates[&wallet].clone();
        given.push((change(&mut world, number, recipients, 2), base));
    }
    world.nodes[evicted].honest = false;
    world.nodes[evicted].deaf = true;
    world.roll_back(evicted, &copy);
    world.settle().unwrap();
    let highest = world.oracle.highest(&wallet).unwrap().to_vec();
    let bases: Vec<_> = given.iter().map(|(_, base)| base.clone()).collect();
    let mut tried = 0;
    for (approved, _) in &given {
        for base in &bases {
            let n = base.record.parties.len() as u16;
            for dealers in (1..=n).flat_map(|one| (one + 1..=n).map(move |other| vec![one, other])) {
                let asked = Asked { approved: approved.clone(), base: base.clone(), dealers };
                let id = world.ceremony(Kind::Reshare);
                world.ends.clear();
                for at in 0..4 {
                    world.start(at, 1, reshare::job(id, asked.clone(), None));
                }
                world.settle().unwrap();
                let honest = world.ends.iter().filter(|end| end.node != evicted);
                assert!(
                    honest.clone().count() == 3
                        && honest.clone().all(|end| matches!(end.error, Some(SessionError::Refused(_))))
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 36, "{tried}");
    assert_eq!(world.oracle.highest(&wallet).unwrap(), highest);
    endings::sign(&mut world, wallet).unwrap();
}

/// A folder from before a refresh is put back: the party signs nothing, deals for nobody, and gets a new share by an order.
#[test]
fn an_old_disk_is_of_no_use() {
    let all = [0, 1, 2];
    let mut world = scene(3, 3, 2, &all);
    let wallet = keys::wallet(1);
    let copy = world.nodes[0].disk.snapshot();
    let first = world.certificates[&wallet].clone();
    change(&mut world, 2, &all, 2);
    world.roll_back(0, &copy);
    world.settle().unwrap();
    // It came up with the old share, and the first peer that it met told it.
    let rank = world.certificates[&wallet].rank();
    let up = world.nodes[0].up.as_ref().unwrap();
    assert_eq!(up.gone.get(&wallet), Some(&Gone::Stale(rank)));
    assert!(world.nodes[0].disk.attempts(&wallet.0).0.is_empty());
    world.take(0, &first, Source::Gateway);
    assert!(!world.nodes[0].up.as_ref().unwrap().keys.contains_key(&wallet));
    let order = orders::order(&world, (wallet, 3), &all, 2, None).unwrap();
    let base = world.certificates[&wallet].clone();
    let deals = Asked { approved: order.clone(), base: base.clone(), dealers: vec![1, 2] };
    refused(&mut world, &deals, &[0]);
    let others = Asked { dealers: vec![2, 3], ..deals };
    assert!(orders::run(&mut world, others).unwrap());
    chain::calm(&mut world, wallet).unwrap();
    assert!(world.nodes[0].up.as_ref().unwrap().keys.contains_key(&wallet));
    chain::one_epoch(&world, wallet).unwrap();
}

/// A schedule refreshes long after its order expired, again and again; not after its end, and not after a later order.
#[test]
fn a_schedule_runs_until_its_end_or_a_later_order() {
    let all = [0, 1, 2];
    let wallet = keys::wallet(1);
    for later_order in [false, true] {
        let mut world = scene(4, 3, 2, &all);
        let repeat = Repeat { interval: 60, end: world.time() + 20 * EXPIRY };
        let order = orders::order(&world, (wallet, 2), &all, 2, Some(repeat)).unwrap();
        for _ in 0..4 {
            assert!(orders::attempt(&mut world, &order).unwrap());
            chain::calm(&mut world, wallet).unwrap();
            world.pass(2 * EXPIRY);
        }
        assert_eq!(world.certificates[&wallet].rank().attempt_try, 4);
        let base = world.certificates[&wallet].clone();
        if later_order {
            change(&mut world, 3, &all, 3);
        } else {
            world.pass(20 * EXPIRY);
        }
        let last = world.certificates[&wallet].clone();
        for base in [base, last] {
            let t = base.record.keys().unwrap().threshold() as u16;
            let asked = Asked { approved: order.clone(), base, dealers: (1..=t).collect() };
            refused(&mut world, &asked, &all);
        }
        endings::sign(&mut world, wallet).unwrap();
    }
}

/// One recipient withholds its last word from some or all of the others, or says two things: those who waited keep what
/// they have prepared through restarts, both epochs stay usable until a certificate is seen, and a later order ends it.
#[test]
fn an_equivocating_last_word_loses_nothing() {
    use quorate_session::wire::Kind as Sent;
    use quorate_sim::byzantine::network::{self, Treatment};
    let (all, wallet, liar) = ([0, 1, 2], keys::wallet(1), 1);
    for treatment in [
        Treatment::Withhold,
        Treatment::WithholdFromOne,
        Treatment::Late,
        Treatment::Equivocate(1),
        Treatment::Equivocate(2),
    ] {
        let mut world = scene(5, 3, 2, &all);
        world.nodes[liar].honest = false;
        let order = orders::order(&world, (wallet, 2), &all, 2, None).unwrap();
        let base = world.certificates[&wallet].clone();
        let id = world.ceremony(Kind::Reshare);
        world.tamper = Some(network::tamper((liar, id), (Sent::Broadcast, 2), treatment, Default::default()));
        let asked = Asked { approved: order, base, dealers: vec![1, 3] };
        for at in all {
            world.start(at, 1, reshare::job(id, asked.clone(), None));
        }
        world.settle().unwrap();
        world.tamper = None;
        for at in [0, 2] {
            // What it said to both counts as a certificate that may exist: nobody honest has let go of either share.
            assert!(!world.nodes[at].disk.attempts(&wallet.0).0.is_empty());
            world.cut_power(at, quorate_vault::Leaves::Nothing);
        }
        world.settle().unwrap();
        let mut life = Life {
            wallet,
            number: 2,
            trouble: Trouble::Liar,
            troubled: Some(liar),
            given: Vec::new(),
            copy: None,
        };
        chain::recover(&mut world, &mut life).unwrap();
        chain::one_epoch(&world, wallet).unwrap();
        endings::sign(&mut world, wallet).unwrap();
    }
}

/// A dishonest dealer's random lies, drawn as the seeds draw them, do happen.
#[test]
fn lies_of_both_kinds_are_drawn() {
    let mut world = scene(6, 3, 2, &[0, 1, 2]);
    let order = orders::order(&world, (keys::wallet(1), 2), &[0, 1, 2], 2, None).unwrap();
    let base = world.certificates[&keys::wallet(1)].clone();
    let asked = Asked { approved: order, base, dealers: vec![1, 2] };
    let (mut fields, mut treated) = (0, 0);
    for _ in 0..40 {
        world.tamper = None;
        let id = world.ceremony(Kind::Reshare);
        fields += u32::from(chance::lie(&mut world, 1, id, &asked).is_some());
        treated += u32::from(world.tamper.is_some());
    }
    assert!(fields > 8 && treated > 8, "{fields} {treated}");
}

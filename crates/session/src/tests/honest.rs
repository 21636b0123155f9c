//! Nobody misbehaves; the network may.

use super::toy::*;
use crate::bus::Weather;
use crate::wire::{Kind, Stamp};
use crate::*;

#[test]
fn all_sizes_agree() {
    for n in 2..=5 {
        for seed in 0..4 {
            let (later, persist) = (seed % 2 == 1, seed >= 2);
            let mut world = world(n, seed, |_, _, toy, _| (toy.later, toy.persist) = (later, persist));
            world.bus.weather.repeat = 200;
            world.run();
            world.assert_agreed();
            let expected: u64 =
                (0..n).fold(0, |sum, i| sum.wrapping_add(rand_core::RngCore::next_u64(&mut rng(seed, i))));
            assert_eq!(world.outcome(0).as_ref().unwrap().sum, expected);
        }
    }
}

#[test]
fn every_private_note_reaches_its_own_recipient() {
    let mut world = world(3, 1, |i, _, toy, _| toy.x = 100 * (i as u64 + 1));
    world.run();
    let notes = |i: usize| world.outcome(i).as_ref().unwrap().notes;
    // Party j gets x_i ^ j from each other i; the index of world.ids[i] is i + 1.
    assert_eq!(notes(0), (200 ^ 1) ^ (300 ^ 1));
    assert_eq!(notes(2), (100 ^ 3) ^ (200 ^ 3));
}

/// With roles: nobody waits for a private message that is not to come, and one that comes unasked is not opened.
#[test]
fn private_messages_go_only_where_the_round_says() {
    let make = || {
        world(3, 1, |i, _, toy, _| {
            toy.x = 100 * (i as u64 + 1);
            toy.upward = true;
        })
    };
    let ssid = ssid_of(make());
    let mut world = make();
    let (from, to) = (world.ids[2].clone(), world.key(0));
    world.bus.tamper = Box::new(move |packet| {
        if kind(&packet) != (Kind::Broadcast, 2) || packet.from != from.public() || packet.to != to {
            return vec![packet];
        }
        let stamp =
            Stamp { ceremony: &[9; 32], scope: &ssid, kind: Kind::Private, round: 2, recipient: Some(&to) };
        let bytes = stamp.sign(&from, b"not sealed at all");
        vec![crate::bus::Packet { bytes, ..packet.clone() }, packet]
    });
    world.run();
    world.assert_agreed();
    let notes = |i: usize| world.outcome(i).as_ref().unwrap().notes;
    assert_eq!((notes(0), notes(1), notes(2)), (0, 100 ^ 2, (100 ^ 3) ^ (200 ^ 3)));
    let private = world.bus.log.iter().filter(|packet| kind(packet).0 == Kind::Private).count();
    assert_eq!(private, 3);
}

#[test]
fn identical_repetitions_are_harmless() {
    let mut world = plain(3, 2);
    world.bus.weather = Weather { delay: 100, drop: 0, repeat: 1000 };
    world.run();
    world.assert_agreed();
    let key = world.key(0);
    assert!(world.bus.seats[&key].session.dropped().unexpected > 0);
}

#[test]
fn loss_is_never_blame() {
    let (mut done, mut lost) = (0, 0);
    for seed in 0..40 {
        let mut world = plain(3, seed);
        world.bus.weather.drop = 30;
        world.run();
        for i in 0..3 {
            match world.outcome(i) {
                Ok(_) => done += 1,
                Err(SessionError::Timeout(missing)) => {
                    assert!(!missing.is_empty() && missing.iter().all(|m| m.party != world.key(i)));
                    lost += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(done > 0 && lost > 0, "{done} {lost}");
}

#[test]
fn who_is_missing_is_named() {
    use crate::wire::Kind;
    let expected = [
        (Kind::Hello, 0, "hello"),
        (Kind::View, 0, "session id"),
        (Kind::Broadcast, 1, "broadcast"),
        (Kind::Private, 2, "private message"),
        (Kind::Echo, 1, "echo"),
    ];
    for (lost, round, what) in expected {
        let mut world = plain(3, 7);
        let silent = world.key(1);
        if lost == Kind::Hello {
            // Its hello has left already: only its seat is taken away.
            world = plain_without(1);
        }
        world.bus.tamper = Box::new(move |packet| {
            let gone = packet.from == silent && kind(&packet) == (lost, round);
            if gone { vec![] } else { vec![packet] }
        });
        world.run();
        let Some(Err(SessionError::Timeout(missing))) = &world.bus.seats[&world.key(0)].outcome else {
            panic!("{lost:?}: {:?}", world.bus.seats[&world.key(0)].outcome)
        };
        assert_eq!(missing, &[Missing { party: silent, what }], "{lost:?}");
    }
}

/// Three participants, one of whom never starts.
fn plain_without(absent: usize) -> World {
    let ids = identities(3);
    let mut bus = crate::bus::Bus::new(0);
    for (i, id) in ids.iter().enumerate().filter(|(i, _)| *i != absent) {
        let mut rng = rng(0, i);
        let toy = Box::new(Toy::default());
        let (session, outputs) = Session::new(config(&ids), id.clone(), toy, 0, &mut rng).unwrap();
        bus.seat(id.public(), session, outputs, rng, crate::bus::Store::Works);
    }
    World { bus, ids }
}

/// A broadcast that was lost on one way is asked for, and anybody relays it (docs/spec §5.1).
#[test]
fn a_lost_broadcast_is_relayed() {
    use crate::wire::Kind;
    let mut world = plain(3, 3);
    let (from, to) = (world.key(0), world.key(2));
    world.bus.tamper = Box::new(move |packet| {
        let lost = packet.from == from && packet.to == to && kind(&packet).0 == Kind::Broadcast;
        if lost { vec![] } else { vec![packet] }
    });
    world.run();
    world.assert_agreed();
}

#[test]
fn the_whole_session_has_a_limit_too() {
    let mut world = world(2, 3, |_, config, _, _| {
        config.limits = Limits { round: 1000, total: 900, ..config.limits };
    });
    world.bus.weather.delay = 1;
    let from = world.key(0);
    // Everything of one party from round 1 on is lost.
    world.bus.tamper = Box::new(move |packet| {
        let lost = packet.from == from && kind(&packet).1 > 0;
        if lost { vec![] } else { vec![packet] }
    });
    world.run();
    assert!(matches!(world.outcome(1), Err(SessionError::Timeout(_))));
    assert!(world.bus.now() <= 900);
}

#[test]
fn bad_set_ups_are_refused() {
    let ids = identities(3);
    let start = |config: Config, id: usize| {
        let all = identities(4);
        Session::new(config, all[id].clone(), Box::new(Toy::default()), 0, &mut rng(0, 0)).map(|_| ())
    };
    let stranger = identities(4).iter().position(|id| ids.iter().all(|i| i.public() != id.public())).unwrap();
    assert!(matches!(start(config(&ids), stranger), Err(SessionError::Config(_))));
    let member = (stranger + 1) % 4;
    assert!(start(config(&ids), member).is_ok());
    let changes: [fn(&mut Config); 5] = [
        |config| config.limits.max_message = usize::MAX,
        |config| config.limits.round = 0,
        |config| config.terms.threshold = 0,
        |config| config.terms.extra = vec![("x".into(), vec![0; 70_000])],
        |config| config.own.pairs = [(quorate_sharing::Index::new(9).unwrap(), [0; 32])].into(),
    ];
    for change in changes {
        let mut config = config(&ids);
        change(&mut config);
        assert!(matches!(start(config, member), Err(SessionError::Config(_))));
    }
    let key = ids[0].public();
    let two = |a, b| Participants::by_key::<quorate_sharing::Secp256k1>([a, b]);
    assert!(two(key, key).is_err() && two(key, quorate_intent::PublicKey([0; 32])).is_err());
    assert!(Participants::by_key::<quorate_sharing::Secp256k1>([key]).is_err());
}

/// A node runs each session as a task of its own.
#[test]
fn sessions_can_move_between_threads() {
    fn check<T: Send>() {}
    check::<Session<Sum>>();
}

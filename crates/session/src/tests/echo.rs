//! Equivocation: the one who does it is named by every honest party, and never an honest party by anybody.

use super::toy::*;
use crate::bus::Packet;
use crate::wire::{self, Kind};
use crate::*;
use quorate_protocols::Severity;

/// Party 0 sends the parties in `odd` (bits) another broadcast in `round`, correctly signed.
fn split(n: usize, seed: u64, later: bool, round: u8, odd: usize) -> World {
    let make = || world(n, seed, |_, _, toy, _| toy.later = later);
    let ssid = ssid_of(make());
    let mut world = make();
    let (liar, id) = (world.key(0), world.ids[0].clone());
    let keys: Vec<_> = (0..n).map(|i| world.key(i)).collect();
    world.bus.tamper = Box::new(move |packet| {
        let to = keys.iter().position(|key| *key == packet.to).unwrap();
        if packet.from != liar || kind(&packet) != (Kind::Broadcast, round) || odd >> to & 1 == 0 {
            return vec![packet];
        }
        let mut body = wire::body(&packet.bytes).to_vec();
        body[7] ^= 1;
        vec![resign(&packet, &id, &ssid, &body)]
    });
    world.run();
    world
}

fn assert_only_condemned(world: &World, i: usize, liar: usize, what: &str) {
    let faults = world.faults(i);
    assert_eq!(faults.len(), 1, "{what}: {faults:?}");
    assert_eq!((faults[0].party, faults[0].severity), (world.key(liar), Severity::Condemned), "{what}");
    let checked = evidence::check(&faults[0].evidence).expect("evidence holds");
    assert!(matches!(checked, Checked::Equivocation { culprit, .. } if culprit == world.key(liar)));
}

#[test]
fn every_split_names_the_equivocator_alone() {
    for n in 3..=5usize {
        let all = (1usize << n) - 2;
        // Proper, non-empty subsets of the honest parties 1..n.
        for odd in (2..all).step_by(2) {
            for (later, round) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
                let world = split(n, odd as u64, later, round, odd);
                for i in 1..n {
                    let what = format!("n {n}, split {odd:b}, later {later}, round {round}, party {i}");
                    assert_only_condemned(&world, i, 0, &what);
                }
            }
        }
    }
}

/// With two parties the liar's own echo and original are the other view.
#[test]
fn the_only_peer_is_named_too() {
    for round in 1..=2 {
        assert_only_condemned(&split(2, 1, false, round, 0b10), 1, 0, "two parties");
    }
}

#[test]
fn two_broadcasts_to_one_party_condemn() {
    let make = || plain(3, 5);
    let ssid = ssid_of(make());
    let mut world = make();
    let (liar, id, victim) = (world.key(0), world.ids[0].clone(), world.key(1));
    world.bus.tamper = Box::new(move |packet| {
        if packet.from != liar || packet.to != victim || kind(&packet) != (Kind::Broadcast, 1) {
            return vec![packet];
        }
        let mut body = wire::body(&packet.bytes).to_vec();
        body[0] ^= 1;
        vec![resign(&packet, &id, &ssid, &body), packet]
    });
    world.run();
    for i in 1..3 {
        assert_only_condemned(&world, i, 0, "second copy");
    }
}

/// A party that lies in its echo alone gets a soft edge: its silence shows nothing to others.
#[test]
fn a_lying_echo_draws_a_soft_edge_with_its_signer_alone() {
    for about in 0..3 {
        let make = || plain(3, 5);
        let ssid = ssid_of(make());
        let mut world = make();
        let (liar, id) = (world.key(0), world.ids[0].clone());
        world.bus.tamper = Box::new(move |packet| {
            // It shows nothing either.
            if packet.from == liar && kind(&packet).0 == Kind::Answer {
                return vec![];
            }
            if packet.from != liar || kind(&packet) != (Kind::Echo, 1) {
                return vec![packet];
            }
            let mut body = wire::body(&packet.bytes).to_vec();
            body[32 * about] ^= 1;
            vec![resign(&packet, &id, &ssid, &body)]
        });
        world.run();
        for i in 1..3 {
            let faults = world.faults(i);
            assert_eq!(faults.len(), 1);
            assert_eq!((faults[0].party, faults[0].severity), (liar, Severity::SoftEdge));
            assert!(faults[0].evidence.is_empty());
        }
    }
}

/// The first echo of a round counts. A second one, whatever it says, changes nothing.
#[test]
fn a_second_echo_changes_nothing() {
    let make = || {
        let mut world = plain(3, 5);
        // What is sent first comes first.
        world.bus.weather.delay = 1;
        world
    };
    let ssid = ssid_of(make());
    let mut world = make();
    let (liar, id) = (world.key(0), world.ids[0].clone());
    world.bus.tamper = Box::new(move |packet| {
        if packet.from != liar || kind(&packet) != (Kind::Echo, 1) {
            return vec![packet];
        }
        let second = resign(&packet, &id, &ssid, &[1; 96]);
        vec![packet, second]
    });
    world.run();
    world.assert_agreed();
    for i in 1..3 {
        let dropped = world.bus.seats[&world.key(i)].session.dropped();
        assert_eq!(dropped.unexpected, 1, "party {i}");
    }
}

/// The same for an echo of the wrong length.
#[test]
fn a_misshapen_echo_draws_a_soft_edge() {
    for length in [0, 31, 32, 95, 97, 128] {
        let make = || plain(3, 5);
        let ssid = ssid_of(make());
        let mut world = make();
        let (liar, id) = (world.key(0), world.ids[0].clone());
        world.bus.tamper = Box::new(move |packet| {
            let echo = packet.from == liar && kind(&packet) == (Kind::Echo, 2);
            vec![if echo { resign(&packet, &id, &ssid, &vec![1; length]) } else { packet }]
        });
        world.run();
        for i in 1..3 {
            let faults = world.faults(i);
            assert!(faults.iter().all(|f| f.party == liar && f.severity == Severity::SoftEdge), "{length}");
        }
    }
}

/// A later echo whose digest lies: all views are shown, they agree, and the liar alone gets the edge.
#[test]
fn a_lying_later_echo_draws_a_soft_edge() {
    let mut world = world(4, 6, |i, _, toy, _| {
        toy.later = true;
        if i == 2 {
            toy.bad = Bad::WrongEcho;
        }
    });
    world.run();
    for i in [0, 1, 3] {
        let faults = world.faults(i);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].party, faults[0].severity), (world.key(2), Severity::SoftEdge));
    }
}

#[test]
fn an_end_before_a_later_echo_was_compared_is_a_defect() {
    let mut world = world(2, 6, |_, _, toy, _| (toy.later, toy.bad) = (true, Bad::EndsEarly));
    world.run();
    assert!(matches!(world.outcome(0), Err(SessionError::Usage(_))));
}

/// Nothing is judged across views: an equivocator whose openings are wrong for some is condemned for equivocation.
#[test]
fn echo_comes_before_proofs() {
    let world = split(4, 9, false, 1, 0b0110);
    for i in 1..4 {
        assert_eq!(world.faults(i)[0].what, "sent two different broadcasts in one round");
    }
}

/// Original messages that a third party shows count as what they are; those that nobody signed count for nothing.
#[test]
fn forged_answers_condemn_nobody() {
    let make = || plain(3, 8);
    let ssid = ssid_of(make());
    let mut world = make();
    let (framer, id, target) = (world.key(0), world.ids[0].clone(), world.key(1));
    let index = quorate_sharing::Index::new(2).unwrap();
    world.bus.tamper = Box::new(move |packet| {
        if packet.from != framer || packet.to == target || kind(&packet) != (Kind::Broadcast, 1) {
            return vec![packet];
        }
        // A broadcast "of party 2", signed by party 0, shown to party 3.
        let forged = resign(&packet, &id, &ssid, &[7; 32]);
        let body = wire::encode_answer(index, &forged.bytes);
        let scope = &ssid;
        let stamp = wire::Stamp {
            ceremony: &[9; 32],
            scope,
            kind: Kind::Answer,
            round: 1,
            recipient: Some(&packet.to),
        };
        let answer = Packet { bytes: stamp.sign(&id, &body), ..packet.clone() };
        vec![answer, packet]
    });
    world.run();
    world.assert_agreed();
}

/// Who has already ended still shows what it holds.
#[test]
fn a_finished_session_answers_requests() {
    let mut world = plain(2, 1);
    world.run();
    let ssid = world.bus.seats[&world.key(0)].session.agreement().unwrap().ssid;
    let (from, to) = (world.key(0), world.key(1));
    let ask = |index: u16| {
        let scope = &ssid;
        wire::Stamp { ceremony: &[9; 32], scope, kind: Kind::Request, round: 1, recipient: Some(&to) }
            .sign(&world.ids[0], &index.to_le_bytes())
    };
    let (first, second) = (ask(2), ask(9));
    let seat = world.bus.seats.get_mut(&to).unwrap();
    let mut count = |bytes: &[u8]| {
        let input = Input::Message { from, bytes: bytes.to_vec() };
        seat.session.step(0, input, &mut rng(0, 0)).len()
    };
    assert_eq!(count(&second), 0);
    let answers: usize = (0..20).map(|_| count(&first)).sum();
    // Not without end: requests cannot be used to multiply traffic.
    assert_eq!(answers, 4);
}

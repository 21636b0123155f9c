//! A hostile network: what it alters, replays or misroutes has not arrived, and is nobody's fault.

use super::toy::*;
use crate::bus::Packet;
use crate::wire::Kind;
use crate::*;

/// For every message of a session, a bit flipped in each part of it: the session times out or ends well, without blame.
#[test]
fn a_flipped_bit_is_a_loss() {
    let count = {
        let mut world = plain(2, 1);
        world.run();
        world.bus.log.len()
    };
    // Hellos leave before the tamperer is there; they are covered by `flipped_hellos_are_a_loss`.
    for target in 2..count {
        for part in 0..6 {
            let mut world = plain(2, 1);
            let mut number = 2;
            world.bus.tamper = Box::new(move |mut packet| {
                number += 1;
                if number - 1 == target {
                    let length = packet.bytes.len();
                    let at = [0, 5, 33, 34, length / 2, length - 1][part];
                    packet.bytes[at] ^= 1 << (target % 8);
                }
                vec![packet]
            });
            world.run();
            for i in 0..2 {
                let outcome = world.outcome(i);
                assert!(
                    matches!(outcome, Ok(_) | Err(SessionError::Timeout(_))),
                    "{target} {part}: {outcome:?}"
                );
            }
        }
    }
}

/// Every single bit of one private message and one broadcast.
#[test]
fn no_bit_of_an_envelope_is_outside_its_signature() {
    let mut world = plain(2, 1);
    world.run();
    let to = world.key(1);
    let ssid = world.bus.seats[&to].session.agreement().unwrap().ssid;
    for wanted in [Kind::Broadcast, Kind::Private, Kind::Echo, Kind::Hello, Kind::View] {
        let packet = world.bus.log.iter().find(|p| p.to == to && kind(p).0 == wanted).unwrap();
        let scope = if wanted.early() { [9; 32] } else { ssid };
        let holds = |bytes: &[u8]| {
            wire::Envelope::decode(bytes).is_some_and(|envelope| {
                envelope.ceremony == [9; 32] && envelope.verifies(&scope, &packet.from, &packet.to)
            })
        };
        assert!(holds(&packet.bytes));
        for bit in 0..packet.bytes.len() * 8 {
            let mut flipped = packet.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(&flipped), "{wanted:?} bit {bit}");
        }
    }
}

#[test]
fn flipped_hellos_are_a_loss() {
    let ids = identities(2);
    let start = |i: usize| {
        Session::new(config(&ids), ids[i].clone(), Box::new(Toy::default()), 0, &mut rng(0, i)).unwrap()
    };
    let (_, outputs) = start(0);
    let Some(Output::Send { bytes, .. }) = outputs.into_iter().next() else { panic!() };
    let (mut other, _) = start(1);
    let from = ids[0].public();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        assert!(other.step(1, Input::Message { from, bytes: flipped }, &mut rng(0, 1)).is_empty());
    }
    // The whole one counts: now the view goes out.
    let outputs = other.step(1, Input::Message { from, bytes }, &mut rng(0, 1));
    assert!(matches!(outputs[0], Output::Send { .. }));
}

/// Every message of one session is played into another one of the same parties under the same ceremony id: at every
/// recipient, on every channel, before its own messages come.
#[test]
fn replay_across_sessions_and_parties_changes_nothing() {
    let mut old = plain(3, 1);
    old.run();
    let recorded: Vec<Packet> = old.bus.log.iter().filter(|p| !kind(p).0.early()).cloned().collect();
    let keys: Vec<_> = (0..3).map(|i| old.key(i)).collect();
    for packet in &recorded {
        let mut world = plain(3, 2);
        for from in &keys {
            for to in &keys {
                let bytes = packet.bytes.clone();
                world.bus.inject(Packet { from: *from, to: *to, bytes });
            }
        }
        // Once more when all are in the middle of their rounds.
        for _ in 0..30 {
            world.bus.turn();
        }
        for to in &keys {
            world.bus.inject(Packet { to: *to, ..packet.clone() });
        }
        world.run();
        world.assert_agreed();
    }
}

/// An old hello or view under a repeated ceremony id can stop a session, but blames nobody and never joins the old one.
#[test]
fn replayed_hellos_end_in_a_mismatch_at_worst() {
    let mut old = plain(3, 1);
    old.run();
    let old_ssid = old.bus.seats[&old.key(0)].session.agreement().unwrap().ssid;
    for packet in old.bus.log.iter().filter(|p| kind(p).0.early()) {
        let mut world = plain(3, 2);
        world.bus.weather.delay = 1;
        world.bus.inject(packet.clone());
        world.run();
        for i in 0..3 {
            let outcome = world.outcome(i);
            let fine =
                matches!(outcome, Ok(_) | Err(SessionError::Timeout(_) | SessionError::ConfigMismatch(_)));
            assert!(fine, "{outcome:?}");
            let agreement = world.bus.seats[&world.key(i)].session.agreement();
            assert!(agreement.is_none_or(|agreement| agreement.ssid != old_ssid));
        }
    }
}

/// Within one session: every message sent to every other party, on every other channel, and back to its sender.
#[test]
fn replay_within_a_session_changes_nothing() {
    let mut world = plain(3, 1);
    let keys: Vec<_> = (0..3).map(|i| world.key(i)).collect();
    world.bus.tamper = Box::new(move |packet| {
        let mut all = vec![packet.clone()];
        for from in &keys {
            for to in &keys {
                all.push(Packet { from: *from, to: *to, bytes: packet.bytes.clone() });
            }
        }
        all
    });
    world.run();
    world.assert_agreed();
    let dropped = world.bus.seats[&world.key(0)].session.dropped();
    assert!(dropped.unsigned > 0 && dropped.foreign > 0);
}

/// The round is under the signature: a message moved to another round has not arrived.
#[test]
fn replay_into_another_round_is_a_loss() {
    let mut world = plain(3, 1);
    let from = world.key(0);
    world.bus.tamper = Box::new(move |packet| {
        let mut moved = packet.clone();
        if packet.from == from && kind(&packet) == (Kind::Broadcast, 1) {
            moved.bytes[34] = 2;
            return vec![moved, packet];
        }
        vec![packet]
    });
    world.run();
    world.assert_agreed();
}

/// Another ceremony's messages, and those of somebody who takes no part, are refused.
#[test]
fn strangers_and_other_ceremonies_are_refused() {
    let mut world = plain(2, 1);
    let stranger = identities(4).into_iter().find(|id| world.ids.iter().all(|i| i.public() != id.public()));
    let (stranger, to) = (stranger.unwrap(), world.key(0));
    let ceremony = [9; 32];
    let kind = Kind::Hello;
    let stamp = wire::Stamp { ceremony: &ceremony, scope: &ceremony, kind, round: 0, recipient: None };
    world.bus.inject(Packet { from: stranger.public(), to, bytes: stamp.sign(&stranger, b"x") });
    let stamp = wire::Stamp { ceremony: &[1; 32], scope: &[1; 32], kind, round: 0, recipient: None };
    let bytes = stamp.sign(&world.ids[1], b"x");
    world.bus.inject(Packet { from: world.key(1), to, bytes });
    world.run();
    world.assert_agreed();
    assert_eq!(world.bus.seats[&to].session.dropped().foreign, 2);
}

//! Sealing: only the recipient, only in its place, only while the session lives.

use super::toy::*;
use crate::seal::{CeremonyKey, OVERHEAD, Route, SealError, open, seal, usable};
use crate::wire::{self, Kind};
use crate::*;
use quorate_protocols::Severity;

struct Setting {
    sender: Identity,
    recipient: Identity,
    key: CeremonyKey,
}

fn setting() -> Setting {
    let (sender, recipient) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    Setting { sender, recipient, key: CeremonyKey::random(&mut rng(1, 1)) }
}

#[test]
fn opens_in_its_own_place_alone() {
    let Setting { sender, recipient, key } = setting();
    let (from, to) = (sender.public(), recipient.public());
    let route = Route { ssid: &[5; 32], round: 2, sender: &from, recipient: &to };
    let sealed = seal(&route, &sender, &key.public(), b"share", &mut rng(1, 2)).unwrap();
    assert_eq!(sealed.len(), 5 + OVERHEAD);
    assert_eq!(open(&route, &key, &sealed).unwrap().as_slice(), b"share");
    let places = [
        Route { ssid: &[6; 32], ..route },
        Route { round: 3, ..route },
        Route { sender: &to, ..route },
        Route { recipient: &from, ..route },
    ];
    for place in places {
        assert_eq!(open(&place, &key, &sealed).unwrap_err(), SealError::Commitment);
    }
    let other = CeremonyKey::random(&mut rng(1, 3));
    assert_eq!(open(&route, &other, &sealed).unwrap_err(), SealError::Commitment);
}

#[test]
fn no_flipped_bit_and_no_other_length_opens() {
    let Setting { sender, recipient, key } = setting();
    let (from, to) = (sender.public(), recipient.public());
    let route = Route { ssid: &[5; 32], round: 2, sender: &from, recipient: &to };
    let sealed = seal(&route, &sender, &key.public(), b"share", &mut rng(1, 2)).unwrap();
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert!(open(&route, &key, &flipped).is_err(), "{at}");
        assert!(open(&route, &key, &sealed[..at]).is_err(), "{at}");
    }
    assert!(open(&route, &key, &[sealed.as_slice(), &[0]].concat()).is_err());
    // The commitment is looked at first: altered ciphertext under it is told apart from another key.
    let mut flipped = sealed.clone();
    flipped[70] ^= 1;
    assert_eq!(open(&route, &key, &flipped).unwrap_err(), SealError::Ciphertext);
}

#[test]
fn who_seals_must_also_sign() {
    let Setting { sender, recipient, key } = setting();
    let (from, to) = (sender.public(), recipient.public());
    let route = Route { ssid: &[5; 32], round: 2, sender: &from, recipient: &to };
    let impostor = Identity::from_seed(&[3; 32]);
    let sealed = seal(&route, &impostor, &key.public(), b"share", &mut rng(1, 2)).unwrap();
    assert_eq!(open(&route, &key, &sealed).unwrap_err(), SealError::InnerSignature);
}

/// The points of small order on Curve25519 and its twist (RFC 7748 §6.1, cr.yp.to/ecdh.html#validate), all reduced forms.
#[test]
fn small_orders_are_refused() {
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let Setting { sender, recipient, key } = setting();
    let (from, to) = (sender.public(), recipient.public());
    let route = Route { ssid: &[5; 32], round: 2, sender: &from, recipient: &to };
    for point in points {
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(point, &mut bytes).unwrap();
        assert!(!usable(&bytes), "{point}");
        assert_eq!(seal(&route, &sender, &bytes, b"x", &mut rng(1, 2)).unwrap_err(), SealError::SmallOrder);
        let mut sealed = seal(&route, &sender, &key.public(), b"x", &mut rng(1, 2)).unwrap();
        sealed[..32].copy_from_slice(&bytes);
        assert_eq!(open(&route, &key, &sealed).unwrap_err(), SealError::SmallOrder);
    }
    assert!(usable(&key.public()));
}

/// A signed envelope around a sealed message that does not open, or is another's, draws a hard edge and no more.
#[test]
fn sealed_rubbish_draws_a_hard_edge_to_its_sender() {
    let make = || plain(3, 5);
    let ssid = ssid_of(make());
    for damage in 0..3 {
        let mut world = make();
        let (liar, id, victim) = (world.key(0), world.ids[0].clone(), world.key(1));
        let mut seen: Vec<u8> = Vec::new();
        world.bus.tamper = Box::new(move |packet| {
            if kind(&packet) != (Kind::Private, 2) {
                return vec![packet];
            }
            let mut body = wire::body(&packet.bytes).to_vec();
            if packet.from != liar || packet.to != victim {
                seen = body;
                return vec![packet];
            }
            match damage {
                0 => body[100] ^= 1,
                1 => body.truncate(10),
                // Another party's sealed message, signed as one's own.
                _ => body.clone_from(&seen),
            }
            vec![resign(&packet, &id, &ssid, &body)]
        });
        world.run();
        let faults = world.faults(1);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].party, faults[0].severity), (liar, Severity::HardEdge));
        assert!(matches!(evidence::check(&faults[0].evidence), Ok(Checked::Sealed { .. })));
        assert!(world.outcome(2).is_ok());
    }
}

/// The first private message of a round counts; what comes after it is dropped.
#[test]
fn a_second_private_message_changes_nothing() {
    let make = || plain(3, 5);
    let ssid = ssid_of(make());
    let mut world = make();
    // All delays are equal, so that order is kept.
    world.bus.weather.delay = 1;
    let (liar, id) = (world.key(0), world.ids[0].clone());
    world.bus.tamper = Box::new(move |packet| {
        let private = packet.from == liar && kind(&packet).0 == Kind::Private;
        let second = private.then(|| resign(&packet, &id, &ssid, &[1; 200]));
        [Some(packet), second].into_iter().flatten().collect()
    });
    world.run();
    world.assert_agreed();
}

/// Recorded traffic and all that is left afterwards, identity keys and ended sessions: the one-ceremony secrets are gone,
/// however the session ended. No other key opens anything, and the ended sessions take nothing.
#[test]
fn recorded_traffic_stays_closed() {
    for end in 0..2 {
        let mut world = plain(3, 5);
        if end == 1 {
            let silent = world.key(1);
            world.bus.tamper = Box::new(move |packet| {
                let lost = packet.from == silent && kind(&packet) == (Kind::Echo, 2);
                if lost { vec![] } else { vec![packet] }
            });
        }
        world.run();
        assert_eq!(world.outcome(0).is_ok(), end == 0);
        let ssid = world.bus.seats[&world.key(0)].session.agreement().unwrap().ssid;
        let private = |packet: &&crate::bus::Packet| kind(packet).0 == Kind::Private;
        let sealed: Vec<_> = world.bus.log.iter().filter(private).cloned().collect();
        assert_eq!(sealed.len(), 6);
        assert!(world.bus.seats.values().all(|seat| seat.session.sealing_key_erased()));
        let keys = (0..4).map(|i| CeremonyKey::random(&mut rng(77, i)));
        for key in keys {
            for packet in &sealed {
                let route = Route { ssid: &ssid, round: 2, sender: &packet.from, recipient: &packet.to };
                assert!(open(&route, &key, wire::body(&packet.bytes)).is_err());
            }
        }
        for packet in &sealed {
            let seat = world.bus.seats.get_mut(&packet.to).unwrap();
            let input = Input::Message { from: packet.from, bytes: packet.bytes.clone() };
            assert!(seat.session.step(1, input, &mut rng(0, 0)).is_empty());
        }
    }
}

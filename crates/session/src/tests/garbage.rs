//! Bytes that nobody should send: no panic, no allocation by their word, no blame.

use super::toy::*;
use crate::bus::Packet;
use crate::wire::{self, Envelope, Kind};
use crate::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The envelope's encoding is pinned: a change breaks every peer of an older version.
#[test]
fn envelope_is_pinned() {
    let id = Identity::from_seed(&[1; 32]);
    let to = Identity::from_seed(&[2; 32]).public();
    let stamp = wire::Stamp {
        ceremony: &[0xce; 32],
        scope: &[0x55; 32],
        kind: Kind::Private,
        round: 3,
        recipient: Some(&to),
    };
    let bytes = stamp.sign(&id, b"body");
    let expected = format!("01{}0403{}626f6479{}", "ce".repeat(32), "04000000", PINNED_SIGNATURE);
    assert_eq!(hex::encode(&bytes), expected);
    let envelope = Envelope::decode(&bytes).unwrap();
    assert!(envelope.verifies(&[0x55; 32], &id.public(), &to));
    assert_eq!((envelope.kind, envelope.round, envelope.body), (Kind::Private, 3, &b"body"[..]));
}

const PINNED_SIGNATURE: &str = concat!(
    "43f796afb79bdcc8aebff56226216c3fe53e89ec2c258121d3b980c842ac5e6f",
    "6f6342cccba646bf4c7f292c5c79d6a1a632d4b4b2707a6e724efcb7a6a10b0d"
);

/// Hashes that peers must agree on are pinned, too.
#[test]
fn hashes_are_pinned() {
    let ids = identities(3);
    let Config { ceremony, participants, terms, .. } = &config(&ids);
    let view = crate::ssid::Scope { ceremony, participants, terms, order_try: 1, nonce: &[2; 32] }.view();
    let digest = crate::echo::digest(&[1; 32], 2, &ids[0].public(), b"x");
    let vector = crate::echo::vector_digest(&[1; 32], 2, &[digest]);
    let all = [&view.ssid[..8], &digest[..8], &vector[..8], &statement_digest("d", &[1; 32])[..8]].concat();
    assert_eq!(hex::encode(all), PINNED_HASHES);
}

const PINNED_HASHES: &str = "fae77cb439d212df3de3bc19d099ba8c0fcbfef9aa75173fb897fd76ab07dba2";

#[test]
fn every_truncation_and_extension_is_refused() {
    let world = plain(2, 1);
    let bytes = &world.bus.log[0].bytes;
    assert!(Envelope::decode(bytes).is_some());
    for end in 0..bytes.len() {
        assert!(Envelope::decode(&bytes[..end]).is_none());
    }
    assert!(Envelope::decode(&[bytes.as_slice(), &[0]].concat()).is_none());
    for length in [0u32, 1, 83, 85, u32::MAX, 1 << 31] {
        let mut lying = bytes.clone();
        lying[35..39].copy_from_slice(&length.to_le_bytes());
        assert!(Envelope::decode(&lying).is_none() || lying == *bytes, "{length}");
    }
    for kind in (0..=255u8).filter(|kind| *kind != 1 && *kind != 2) {
        let mut other = bytes.clone();
        other[33] = kind;
        // Round 0 belongs to hello and view alone.
        assert!(Envelope::decode(&other).is_none());
    }
}

/// Long messages are dropped unread, also when they are signed.
#[test]
fn long_messages_have_not_arrived() {
    let make = || plain(3, 5);
    let ssid = ssid_of(make());
    for length in [201, 100_000] {
        let mut world = make();
        let (liar, id) = (world.key(0), world.ids[0].clone());
        world.bus.tamper = Box::new(move |packet| {
            let long = packet.from == liar && kind(&packet) == (Kind::Broadcast, 1);
            vec![if long { resign(&packet, &id, &ssid, &vec![1; length]) } else { packet }]
        });
        world.run();
        let Err(SessionError::Timeout(missing)) = world.outcome(1) else { panic!() };
        assert_eq!(missing, &[Missing { party: world.key(0), what: "broadcast" }]);
        let dropped = world.bus.seats[&world.key(1)].session.dropped();
        assert_eq!(dropped.malformed > 0, length == 100_000, "unread when longer than any envelope");
    }
}

/// Messages far ahead of the round are not kept.
#[test]
fn what_is_kept_for_later_is_bounded() {
    let mut world = plain(2, 5);
    let (from, to) = (world.key(0), world.key(1));
    let ssid = ssid_of(plain(2, 5));
    // Run until party 1 has the session id.
    while world.bus.seats[&to].session.agreement().is_none() {
        assert!(world.bus.turn());
    }
    let before = world.bus.seats[&to].session.dropped().unexpected;
    for round in 3..=255u8 {
        for kind in [Kind::Broadcast, Kind::Private, Kind::Echo] {
            let recipient = kind.addressed().then_some(&to);
            let stamp = wire::Stamp { ceremony: &[9; 32], scope: &ssid, kind, round, recipient };
            let bytes = stamp.sign(&world.ids[0], &[1; 64]);
            let seat = world.bus.seats.get_mut(&to).unwrap();
            seat.session.step(0, Input::Message { from, bytes }, &mut rng(0, 0));
        }
    }
    assert_eq!(world.bus.seats[&to].session.dropped().unexpected - before, 253 * 3);
    world.run();
    world.assert_agreed();
}

fn arbitrary_step(seed: u64, at: usize, inputs: Vec<(u8, Vec<u8>, u64)>) {
    let mut world = plain(3, seed);
    for _ in 0..at {
        world.bus.turn();
    }
    let keys: Vec<_> = (0..3).map(|i| world.key(i)).collect();
    let log = world.bus.log.clone();
    let key = world.key(0);
    let seat = world.bus.seats.get_mut(&key).unwrap();
    for (who, bytes, number) in inputs {
        let from = keys[usize::from(who) % 3];
        let mut replayed = log[number as usize % log.len()].bytes.clone();
        for (byte, change) in replayed.iter_mut().skip(33).zip(&bytes) {
            *byte ^= change;
        }
        let input = match who % 7 {
            0 => Input::Tick,
            1 => Input::Persisted(number),
            2 => Input::PersistFailed(number, NotStored::Failed(String::new())),
            3 | 4 => Input::Message { from, bytes },
            _ => Input::Message { from, bytes: replayed },
        };
        for output in seat.session.step(number % 1000, input, &mut rng(0, 0)) {
            assert!(!matches!(output, Output::Abort(SessionError::Blame(_) | SessionError::Usage(_))));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_inputs_never_panic_nor_blame(
        seed in 0u64..4,
        at in 0usize..60,
        inputs in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300), any::<u64>()), 0..20),
    ) {
        arbitrary_step(seed, at, inputs);
    }

    /// What a participant signs may be anything: it is judged, and nothing breaks.
    #[test]
    fn arbitrary_signed_bodies_never_panic(
        round in 0u8..4,
        which in 1u8..8,
        body in prop::collection::vec(any::<u8>(), 0..250),
        at in 10usize..60,
    ) {
        let mut world = plain(3, 1);
        for _ in 0..at {
            world.bus.turn();
        }
        let (from, to) = (world.key(1), world.key(0));
        let session = &world.bus.seats[&to].session;
        let ssid = session.agreement().map_or([0; 32], |agreement| agreement.ssid);
        let kinds = BTreeMap::from([
            (1, Kind::Hello), (2, Kind::View), (3, Kind::Broadcast), (4, Kind::Private),
            (5, Kind::Echo), (6, Kind::Request), (7, Kind::Answer),
        ]);
        let kind = kinds[&which];
        let scope = if kind.early() { [9; 32] } else { ssid };
        let recipient = kind.addressed().then_some(&to);
        let stamp = wire::Stamp { ceremony: &[9; 32], scope: &scope, kind, round, recipient };
        let bytes = stamp.sign(&world.ids[1], &body);
        world.bus.inject(Packet { from, to, bytes });
        world.run();
        for i in [0, 2] {
            if let Err(SessionError::Blame(faults)) = world.outcome(i) {
                prop_assert!(faults.iter().all(|fault| fault.party == from), "{faults:?}");
            }
        }
    }

    #[test]
    fn decoders_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Envelope::decode(&bytes);
        let _ = Evidence::decode(&bytes);
        let ids = identities(3);
        let _ = Hello::decode(&bytes, quorate_sharing::Index::new(1).unwrap(), &config(&ids).participants);
    }
}

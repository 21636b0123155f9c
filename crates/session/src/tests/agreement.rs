//! The session id: everything in it is compared before anything secret is made, and a difference is nobody's fault.

use super::toy::*;
use crate::bus::{Bus, Store};
use crate::ssid::TERM_NAMES;
use crate::wire::Kind;
use crate::*;
use quorate_intent::PublicKey;
use quorate_sharing::{Index, Secp256k1};

type Change = fn(&mut Config);

/// One change for each term that a configuration holds.
const CHANGES: [(&str, Change); 8] = [
    ("suite", |config| config.terms.suite.push('x')),
    ("purpose", |config| config.terms.purpose.clear()),
    ("order", |config| config.terms.order[31] ^= 1),
    ("order number", |config| config.terms.order_number += 1),
    ("key", |config| config.terms.key[0] ^= 128),
    ("base epoch", |config| config.terms.base_epoch = None),
    ("threshold", |config| config.terms.threshold = 3),
    ("extra", |config| config.terms.extra[0].1.push(0)),
];

fn mismatch(world: &World, i: usize) -> Vec<(PublicKey, Vec<&'static str>)> {
    match world.outcome(i) {
        Err(SessionError::ConfigMismatch(list)) => list.iter().map(|d| (d.party, d.terms.clone())).collect(),
        other => panic!("party {i}: {other:?}"),
    }
}

#[test]
fn every_flipped_term_is_a_mismatch_and_no_blame() {
    for (name, change) in CHANGES {
        for n in 2..=4 {
            let mut world = world(n, 1, |i, config, _, _| {
                if i == 0 {
                    change(config);
                }
            });
            world.run();
            let odd = world.key(0);
            let all: Vec<_> = (1..n).map(|i| (world.key(i), vec![name])).collect();
            assert_eq!(mismatch(&world, 0), all);
            for i in 1..n {
                assert_eq!(mismatch(&world, i), [(odd, vec![name])], "{name}");
            }
            // Nothing of any round has left.
            assert!(world.bus.log.iter().all(|packet| kind(packet).0.early()));
        }
    }
}

#[test]
fn other_indices_are_a_mismatch() {
    let mut world = world(2, 1, |i, config, _, _| {
        if i == 0 {
            let list = config.participants.iter().map(|(index, key)| (index.get() + 1, key));
            let list = list.map(|(number, key)| (Index::new(number).unwrap(), key)).collect();
            config.participants = Participants::new::<Secp256k1>(list).unwrap();
        }
    });
    world.run();
    assert_eq!(mismatch(&world, 1), [(world.key(0), vec!["parties"])]);
}

#[test]
fn another_list_of_participants_is_a_mismatch() {
    let pair = identities(3);
    let mut world = world(3, 1, |i, config, _, _| {
        if i == 0 {
            let two = pair[..2].iter().map(|id| id.public());
            config.participants = Participants::by_key::<Secp256k1>(two).unwrap();
        }
    });
    world.run();
    assert_eq!(mismatch(&world, 0)[0].0, world.key(1));
    assert_eq!(mismatch(&world, 1)[0].0, world.key(0));
    assert!(matches!(world.outcome(2), Err(SessionError::Timeout(_))));
}

#[test]
fn every_term_moves_the_session_id_and_its_own_mark() {
    use crate::ssid::Scope;
    let ids = identities(3);
    let plain = config(&ids);
    let view = |config: &Config, order_try, nonce: &[u8; 32]| {
        let Config { ceremony, participants, terms, .. } = config;
        Scope { ceremony, participants, terms, order_try, nonce }.view()
    };
    let base = view(&plain, 1, &[5; 32]);
    let mut others = vec![(view(&plain, 2, &[5; 32]), "try"), (view(&plain, 1, &[6; 32]), "nonce")];
    for (name, change) in CHANGES {
        let mut config = plain.clone();
        change(&mut config);
        others.push((view(&config, 1, &[5; 32]), name));
    }
    let mut config = plain.clone();
    config.ceremony[0] ^= 1;
    others.push((view(&config, 1, &[5; 32]), "ceremony id"));
    for (other, name) in &others {
        assert_ne!(other.ssid, base.ssid);
        assert_eq!(base.differences(other), [*name]);
        assert!(TERM_NAMES.contains(name));
    }
}

/// A hello that differs between two recipients gives them different nonces: a mismatch, since nothing tells who erred.
#[test]
fn a_split_hello_is_a_mismatch() {
    let world = plain(3, 1);
    let (liar, victim) = (world.key(0), world.key(2));
    let id = world.ids[0].clone();
    // The first hellos have left by now: they are replaced on their way in.
    let original = world.bus.log.iter().find(|p| p.from == liar && p.to == victim).unwrap().clone();
    let mut body = crate::wire::body(&original.bytes).to_vec();
    body[0] ^= 1;
    let forged = resign(&original, &id, &[0; 32], &body);
    let mut fresh = fresh_world(3, 1, move |packet| if packet == original { forged.clone() } else { packet });
    fresh.run();
    for i in 1..3 {
        let named = mismatch(&fresh, i);
        assert!(named.iter().all(|(_, terms)| terms == &["nonce"]), "{named:?}");
    }
    fresh.assert_no_blame();
}

/// A world in which hellos, too, pass through `change`.
fn fresh_world(
    n: usize,
    seed: u64,
    change: impl Fn(crate::bus::Packet) -> crate::bus::Packet + 'static,
) -> World {
    let ids = identities(n);
    let mut bus = crate::bus::Bus::new(seed);
    bus.tamper = Box::new(move |packet| vec![change(packet)]);
    for (i, id) in ids.iter().enumerate() {
        let mut rng = rng(seed, i);
        let toy = Toy { x: rand_core::RngCore::next_u64(&mut rng), ..Toy::default() };
        let started = Session::new(config(&ids), id.clone(), Box::new(toy), 0, &mut rng).unwrap();
        bus.seat(id.public(), started.0, started.1, rng, Store::Works);
    }
    World { bus, ids }
}

#[test]
fn a_nonce_without_our_own_hello_is_refused() {
    use std::collections::BTreeMap;
    let (one, two) = (Index::new(1).unwrap(), Index::new(2).unwrap());
    let hellos = BTreeMap::from([(one, vec![1u8]), (two, vec![2u8])]);
    let nonce = |own: &[u8]| crate::hello::nonce(&hellos, one, own);
    assert!(nonce(&[1]).is_some());
    assert!(nonce(&[3]).is_none());
    assert!(crate::hello::nonce(&hellos, Index::new(3).unwrap(), &[1]).is_none());
    let other = BTreeMap::from([(one, vec![1u8]), (two, vec![3u8])]);
    assert_ne!(nonce(&[1]), crate::hello::nonce(&other, one, &[1]));
}

/// The same coordinator, the same configuration, the same ceremony id: the session id is new all the same.
#[test]
fn one_fresh_party_is_enough_for_a_new_session_id() {
    let with = |seed_of_last: u64| {
        let ids = identities(3);
        let mut bus = crate::bus::Bus::new(0);
        for (i, id) in ids.iter().enumerate() {
            let mut rng = rng(if i == 2 { seed_of_last } else { 0 }, i);
            let toy = Box::new(Toy::default());
            let (session, outputs) = Session::new(config(&ids), id.clone(), toy, 0, &mut rng).unwrap();
            bus.seat(id.public(), session, outputs, rng, Store::Works);
        }
        World { bus, ids }
    };
    let ssid = ssid_of(with(0));
    assert_eq!(ssid, ssid_of(with(0)));
    assert_ne!(ssid, ssid_of(with(1)));
}

#[test]
fn the_try_is_one_above_the_highest_told() {
    let mut world = world(3, 1, |i, config, _, _| config.own.told_try = [4, 17, 0][i]);
    world.run();
    for i in 0..3 {
        let agreement = world.bus.seats[&world.key(i)].session.agreement().unwrap();
        assert_eq!(agreement.order_try, 18);
        assert_eq!(agreement.hellos[&Index::new(1).unwrap()].boot, [8; 16]);
    }
}

#[test]
fn a_used_up_order_names_who_claims_it() {
    let ids = identities(3);
    let mut bus = Bus::new(1);
    let (liar, key) = (ids[1].clone(), ids[1].public());
    // The driver of an honest party does not say it; who lies signs its own hello.
    bus.tamper = Box::new(move |packet| {
        if packet.from != key || kind(&packet) != (Kind::Hello, 0) {
            return vec![packet];
        }
        let mut hello: Hello = borsh::from_slice(wire::body(&packet.bytes)).unwrap();
        hello.told_try = u32::MAX;
        vec![resign(&packet, &liar, &[0; 32], &borsh::to_vec(&hello).unwrap())]
    });
    for (i, id) in ids.iter().enumerate() {
        let mut rng = rng(1, i);
        let protocol = Box::new(Toy::default());
        let (session, outputs) = Session::new(config(&ids), id.clone(), protocol, 0, &mut rng).unwrap();
        bus.seat(id.public(), session, outputs, rng, Store::Works);
    }
    let mut world = World { bus, ids };
    world.run();
    let Err(SessionError::OrderUsedUp(fault)) = world.outcome(0) else { panic!() };
    assert_eq!(fault.party, world.key(1));
    assert_eq!(evidence::check(&fault.evidence), Ok(Checked::UsedUp { culprit: world.key(1) }));
}

#[test]
fn a_hello_with_tries_left_shows_nothing() {
    let mut world = plain(3, 1);
    world.run();
    let packet = world.bus.log.iter().find(|packet| kind(packet) == (Kind::Hello, 0)).unwrap();
    let (ceremony, hello) = (wire::Envelope::decode(&packet.bytes).unwrap().ceremony, packet.bytes.clone());
    let framed = Evidence::UsedUp { ceremony, culprit: packet.from, hello }.encode();
    assert_eq!(evidence::check(&framed), Err(EvidenceError::Nothing));
}

#[test]
fn a_party_without_a_try_left_says_nothing() {
    let ids = identities(3);
    let mut config = config(&ids);
    config.own.told_try = u32::MAX;
    let started = Session::new(config, ids[0].clone(), Box::new(Toy::default()), 0, &mut rng(1, 0));
    assert!(matches!(started.err(), Some(SessionError::NoTryLeft)));
}

#[test]
fn differing_pair_states_are_a_mismatch() {
    let index = |i: usize| Index::new(i as u16 + 1).unwrap();
    let run = |odd: Option<usize>| {
        let mut world = world(3, 1, |i, config, _, _| {
            for j in (0..3).filter(|j| *j != i) {
                let id = [(i + j) as u8; 32];
                config.own.pairs.insert(index(j), if odd == Some(i) && j == 0 { [99; 32] } else { id });
            }
        });
        world.run();
        world
    };
    run(None).assert_agreed();
    let world = run(Some(1));
    for i in 0..3 {
        let expected: Vec<_> = [world.key(0), world.key(1)].map(|key| (key, vec!["pair state"])).to_vec();
        assert_eq!(mismatch(&world, i), expected);
    }
}

/// Hellos with an unusable key, pairs out of order or pairs with strangers do not decode.
#[test]
fn bad_hellos_are_a_mismatch_with_their_sender() {
    let ids = identities(3);
    let participants = config(&ids).participants;
    let me = Index::new(1).unwrap();
    let key = crate::seal::CeremonyKey::random(&mut rng(0, 0));
    let good = Hello {
        pairs: vec![(2, [1; 32]), (3, [1; 32])],
        ..Hello::new(&Own::default(), &key, &mut rng(0, 1))
    };
    let decodes = |hello: &Hello| Hello::decode(&hello.encode(), me, &participants).is_some();
    assert!(decodes(&good));
    for pairs in [
        vec![(3, [1; 32]), (2, [1; 32])],
        vec![(2, [1; 32]); 2],
        vec![(1, [1; 32])],
        vec![(4, [1; 32])],
        vec![(0, [1; 32])],
    ] {
        assert!(!decodes(&Hello { pairs, ..good.clone() }));
    }
    assert!(!decodes(&Hello { sealing_key: [0; 32], ..good.clone() }));
    let mut long = good.encode();
    long.push(0);
    assert!(Hello::decode(&long, me, &participants).is_none());

    let sender = plain(3, 1);
    let original =
        sender.bus.log.iter().find(|p| p.from == sender.key(1) && p.to == sender.key(0)).unwrap().clone();
    let low = {
        let mut body = crate::wire::body(&original.bytes).to_vec();
        body[32..64].fill(0);
        resign(&original, &sender.ids[1], &[0; 32], &body)
    };
    let mut world = fresh_world(3, 1, move |packet| if packet == original { low.clone() } else { packet });
    world.run();
    assert_eq!(mismatch(&world, 0), [(world.key(1), vec!["hello"])]);
}

/// A view of another length is a difference, not a fault.
#[test]
fn a_view_of_another_version_is_a_mismatch() {
    let mut world = plain(2, 1);
    let (liar, id) = (world.key(0), world.ids[0].clone());
    world.bus.tamper = Box::new(move |packet| {
        let odd = packet.from == liar && kind(&packet).0 == Kind::View;
        vec![if odd { resign(&packet, &id, &[0; 32], b"version 9") } else { packet }]
    });
    world.run();
    assert_eq!(mismatch(&world, 1)[0].0, liar);
}

//! Blame that a protocol draws comes with keys and evidence; evidence that was touched shows nothing.

use super::toy::*;
use crate::*;
use quorate_intent::PublicKey;
use quorate_protocols::Severity;

fn misbehave(bad: Bad) -> World {
    let mut world = world(4, 3, |i, _, toy, _| {
        if i == 1 {
            toy.bad = bad;
        }
    });
    world.run();
    world
}

#[test]
fn provable_faults_condemn_with_the_whole_record() {
    for (bad, what) in [
        (Bad::WrongOpening, "wrong opening"),
        (Bad::ShortOpening, "broadcast does not decode"),
        (Bad::LongOpening, "broadcast is longer than the round allows"),
    ] {
        let world = misbehave(bad);
        for i in [0, 2, 3] {
            let faults = world.faults(i);
            assert_eq!(faults.len(), 1);
            assert_eq!((faults[0].party, faults[0].severity), (world.key(1), Severity::Condemned));
            assert_eq!(faults[0].what, what);
            let Ok(Checked::Conduct { culprit, round, ssid, broadcasts, .. }) =
                evidence::check(&faults[0].evidence)
            else {
                panic!("{bad:?}")
            };
            assert_eq!((culprit, round, broadcasts.len()), (world.key(1), 2, 8));
            assert_eq!(ssid, world.bus.seats[&world.key(0)].session.agreement().unwrap().ssid);
        }
    }
}

#[test]
fn bad_private_messages_draw_hard_edges() {
    for (bad, what) in [
        (Bad::ShortNote, "private message does not decode"),
        (Bad::LongNote, "private message is longer than allowed"),
    ] {
        let world = misbehave(bad);
        for i in [0, 2, 3] {
            let faults = world.faults(i);
            assert_eq!(faults.len(), 1);
            assert_eq!((faults[0].party, faults[0].severity), (world.key(1), Severity::HardEdge));
            assert_eq!(faults[0].what, what);
            let (culprit, recipient) = (world.key(1), world.key(i));
            assert_eq!(
                evidence::check(&faults[0].evidence),
                Ok(Checked::Sealed { culprit, recipient, round: 2 })
            );
        }
    }
}

#[test]
fn a_protocol_cannot_blame_its_own_party() {
    let world = misbehave(Bad::BlamesItself);
    assert!(matches!(world.outcome(1), Err(SessionError::Usage(_))));
}

/// Any flipped byte voids the evidence, or it still shows exactly the same.
#[test]
fn touched_evidence_shows_nothing_new() {
    let make = || plain(3, 5);
    let ssid = ssid_of(make());
    let ids = identities(3);
    let sign = |id: &Identity, round, body: &[u8]| {
        let kind = wire::Kind::Broadcast;
        wire::Stamp { ceremony: &[9; 32], scope: &ssid, kind, round, recipient: None }.sign(id, body)
    };
    let culprit = ids[0].public();
    let with = |culprit: PublicKey, first, second| Evidence::Equivocation { ssid, culprit, first, second };
    let good = with(culprit, sign(&ids[0], 1, b"a"), sign(&ids[0], 1, b"b"));
    assert_eq!(good.check(), Ok(Checked::Equivocation { culprit, round: 1 }));
    let bytes = good.encode();
    for at in 0..bytes.len() {
        for bit in [1, 128] {
            let mut touched = bytes.clone();
            touched[at] ^= bit;
            if let Ok(Checked::Equivocation { culprit: named, .. }) = evidence::check(&touched) {
                assert_eq!(named, culprit);
            }
        }
    }
    // What every honest party signs in a round: its broadcast, and its echo of all.
    let echo =
        wire::Stamp { ceremony: &[9; 32], scope: &ssid, kind: wire::Kind::Echo, round: 1, recipient: None };
    let nothing = [
        with(culprit, sign(&ids[0], 1, b"a"), echo.sign(&ids[0], b"b")),
        with(culprit, echo.sign(&ids[0], b"b"), sign(&ids[0], 1, b"a")),
        with(culprit, sign(&ids[0], 1, b"a"), sign(&ids[0], 1, b"a")),
        with(culprit, sign(&ids[0], 1, b"a"), sign(&ids[0], 2, b"b")),
    ];
    assert!(nothing.iter().all(|evidence| evidence.check() == Err(EvidenceError::Nothing)));
    for framed in [
        with(ids[1].public(), sign(&ids[0], 1, b"a"), sign(&ids[0], 1, b"b")),
        with(ids[1].public(), sign(&ids[1], 1, b"a"), sign(&ids[0], 1, b"b")),
    ] {
        assert_eq!(framed.check(), Err(EvidenceError::Signature));
    }
    assert_eq!(evidence::check(&[]), Err(EvidenceError::Malformed));
    assert_eq!(evidence::check(&[bytes.as_slice(), &[0]].concat()), Err(EvidenceError::Malformed));
}

/// The record's session id is recomputed: terms or hellos of another session do not fit its messages.
#[test]
fn a_record_under_other_terms_is_void() {
    let world = misbehave(Bad::WrongOpening);
    let evidence = Evidence::decode(&world.faults(0)[0].evidence).unwrap();
    let Evidence::Conduct { culprit, round, ceremony, terms, parties, hellos, messages } = evidence else {
        panic!()
    };
    let with = |terms: Terms, parties: Vec<_>, hellos: Vec<_>| {
        let messages = messages.clone();
        Evidence::Conduct { culprit, round, ceremony, terms, parties, hellos, messages }.check()
    };
    assert!(with(terms.clone(), parties.clone(), hellos.clone()).is_ok());
    let other = Terms { order_number: 6, ..terms.clone() };
    assert_eq!(with(other, parties.clone(), hellos.clone()), Err(EvidenceError::Signature));
    let swapped: Vec<_> = hellos.iter().rev().cloned().collect();
    assert_eq!(with(terms.clone(), parties.clone(), swapped), Err(EvidenceError::Signature));
    let fewer = (parties[..3].to_vec(), hellos[..3].to_vec());
    assert!(with(terms, fewer.0, fewer.1).is_err());
}

/// What is too long to be kept keeps what its signatures cover.
#[test]
fn shortened_evidence_still_names_its_culprit() {
    let world = misbehave(Bad::WrongOpening);
    let conduct = &world.faults(0)[0].evidence;
    let world = misbehave(Bad::LongNote);
    let sealed = &world.faults(0)[0].evidence;
    for whole in [conduct, sealed] {
        assert_eq!(&shorten::fit(whole, whole.len()), whole);
        let short = shorten::fit(whole, whole.len() - 1);
        // Short messages have headers that are as long: then the hash alone is left.
        assert!(short.len() < whole.len());
        assert_eq!(shorten::fit(whole, 32), shorten::whole(whole));
    }
    let short = shorten::fit(conduct, conduct.len() - 1);
    assert_eq!(evidence::check(&short), Ok(Checked::Shortened { culprit: world.key(1) }));
    let Ok(Evidence::Shortened { ssid, culprit, recipient, whole, length, headers }) =
        Evidence::decode(&short)
    else {
        panic!()
    };
    assert_eq!((whole, length as usize), (shorten::whole(conduct), conduct.len()));
    let with = |headers| Evidence::Shortened { ssid, culprit, recipient, whole, length, headers }.check();
    assert_eq!(with(Vec::new()), Err(EvidenceError::Nothing));
    for change in 0..4 {
        let mut changed = headers.clone();
        match change {
            0 => changed[0].body[0] ^= 1,
            1 => changed[0].round ^= 1,
            2 => changed[0].sender = PublicKey([1; 32]),
            _ => changed[0].kind = wire::Kind::Echo as u8,
        }
        assert_eq!(with(changed), Err(EvidenceError::Signature), "{change}");
    }
}

/// A long sealed message, and two long broadcasts of one round.
#[test]
fn long_evidence_is_cut_to_its_headers() {
    let id = Identity::from_seed(&[1; 32]);
    let (culprit, recipient, ssid) = (id.public(), PublicKey([2; 32]), [3; 32]);
    let sign = |kind, recipient, body: &[u8]| {
        wire::Stamp { ceremony: &[4; 32], scope: &ssid, kind, round: 2, recipient }.sign(&id, body)
    };
    let message = sign(wire::Kind::Private, Some(&recipient), &vec![5; 300_000]);
    let sealed = Evidence::Sealed { ssid, culprit, recipient, message }.encode();
    let short = shorten::fit(&sealed, 1000);
    assert!((33..1000).contains(&short.len()));
    assert_eq!(evidence::check(&short), Ok(Checked::Shortened { culprit }));
    let [first, second] = [6, 7].map(|byte| sign(wire::Kind::Broadcast, None, &vec![byte; 300_000]));
    let twice = Evidence::Equivocation { ssid, culprit, first, second }.encode();
    let short = shorten::fit(&twice, 1000);
    assert_eq!(evidence::check(&short), Ok(Checked::Equivocation { culprit, round: 2 }));
}

/// A quarrel of two others blames nobody, and is not called a defect of this machine.
#[test]
fn witnesses_blame_nobody() {
    let world = misbehave(Bad::Witnesses);
    let between = (world.key(1), world.key(0));
    assert_eq!(world.outcome(1), &Err(SessionError::Witnessed { between, what: "they differ" }));
}

/// In a round whose views are compared later, they are compared before such a quarrel is told: here all saw the same.
#[test]
fn witnesses_of_a_later_echo_compare_views_first() {
    let mut world = world(4, 3, |i, _, toy, _| {
        toy.later = true;
        if i == 1 {
            toy.bad = Bad::Witnesses;
        }
    });
    world.run();
    let between = (world.key(1), world.key(0));
    assert_eq!(world.outcome(1), &Err(SessionError::Witnessed { between, what: "they differ" }));
    let asked = world
        .bus
        .log
        .iter()
        .filter(|packet| packet.from == world.key(1) && kind(packet) == (wire::Kind::Echo, 1));
    assert_eq!(asked.count(), 3);
}

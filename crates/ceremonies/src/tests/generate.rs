//! Generate, for both curves: what comes out, and what one lost or altered message does.

use super::world::*;
use crate::generate::{ORDER_TRY, PENDING};
use crate::{Generate, Generated};
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_intent::{Hash, Suite, WalletId};
use quorate_protocols::Severity;
use quorate_protocols::key::KeyShare;
use quorate_session::wire::Kind;
use quorate_session::{Identity, Limits, Own, Terms, statement_digest};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use std::collections::BTreeMap;
use std::sync::Arc;

const WALLET: WalletId = WalletId([4; 16]);

pub fn config(ids: &[Arc<Identity>], suite: Suite, t: u16) -> Config {
    Config {
        ceremony: CEREMONY,
        participants: Participants::by_key::<Secp256k1>(ids.iter().map(|id| id.public())).unwrap(),
        terms: Terms {
            suite: suite.to_string(),
            purpose: "generate".into(),
            order: [3; 32],
            order_number: 1,
            key: WALLET.0,
            base_epoch: None,
            threshold: t,
            extra: Vec::new(),
        },
        own: Own { boot: [8; 16], pairs: BTreeMap::new(), told_try: 0 },
        limits: Limits::default(),
    }
}

pub fn generate<C: Curve>(
    (suite, t): (Suite, u16),
    ids: &[Arc<Identity>],
    tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
) -> Bus<Generated<C>> {
    let parties: Vec<_> = ids.iter().map(|id| id.public()).collect();
    let party = |_| {
        let terms = Generate::new(WALLET, suite, "label".into(), (Hash([3; 32]), 1), parties.clone());
        (config(ids, suite, t), terms.protocol::<C>())
    };
    run(ids, 7, party, tamper)
}

fn comes_out<C: Curve>(suite: Suite, t: u16, n: usize) {
    let ids = identities(n);
    let mut bus = generate::<C>((suite, t), &ids, honest);
    for seat in bus.seats.values() {
        let labels: Vec<_> = seat.records.iter().map(|record| record.label).collect();
        assert_eq!(labels, [ORDER_TRY, PENDING]);
        assert_eq!(seat.records[0].bytes.as_slice(), 1u32.to_be_bytes());
        assert!(seat.session.sealing_key_erased());
    }
    let all = all(&mut bus, &ids);
    let first = &all[0].record;
    let statement = statement_digest(CERTIFICATE_DOMAIN, &first.statement());
    for (i, Generated { share, record, signatures }) in all.iter().enumerate() {
        assert_eq!((record, signatures), (first, &all[0].signatures));
        assert_eq!((record.attempt.order_number, record.attempt.attempt_try), (1, 1));
        assert!(ids[i].public().verify(&statement, &signatures[i]));
        assert_eq!((share.index(), share.public().threshold()), (index(i + 1), usize::from(t)));
        let secret = quorate_sharing::SecretScalar::<C>::decode(&share.secret().encode()).unwrap();
        KeyShare::new(index(i + 1), secret, all[0].share.public().clone()).unwrap();
    }
}

#[test]
fn keys_of_every_suite_come_out() {
    comes_out::<Secp256k1>(Suite::Ecdsa, 2, 3);
    comes_out::<Secp256k1>(Suite::Bip340, 3, 4);
    comes_out::<Ed25519>(Suite::Ed25519, 2, 2);
    comes_out::<Ed25519>(Suite::Ed25519, 3, 5);
}

fn one_bad_message<C: Curve>(suite: Suite) {
    let ids = identities(3);
    let [one, two] = [ids[0].clone(), ids[1].clone()];
    let ssid = ssid(&generate::<C>((suite, 2), &ids, honest));

    // A broadcast lost on one way comes by another.
    let (a, b) = (one.clone(), two.clone());
    let mut lost = 0;
    let mut bus = generate::<C>((suite, 2), &ids, move |packet| {
        let this = is(&packet, &b, Some(&a), Kind::Broadcast, 2);
        lost += usize::from(this);
        if this && lost == 1 { Vec::new() } else { vec![packet] }
    });
    all(&mut bus, &ids);

    // A share that is lost, or altered on the way, is silence: nobody is blamed, and nobody has signed.
    for alter in [false, true] {
        let (a, b) = (one.clone(), two.clone());
        let mut bus = generate::<C>((suite, 2), &ids, move |mut packet| {
            if !is(&packet, &b, Some(&a), Kind::Private, 3) {
                return vec![packet];
            }
            let last = packet.bytes.len() - 70;
            packet.bytes[last] ^= 1;
            if alter { vec![packet] } else { Vec::new() }
        });
        let signed = |id: &Arc<Identity>| bus.seats[&id.public()].records.iter().any(|r| r.label == PENDING);
        assert!(!signed(&one));
        let ended = outcomes(&mut bus, &ids);
        let Err(SessionError::Timeout(missing)) = &ended[0] else { panic!() };
        assert_eq!((missing[0].party, missing[0].what), (two.public(), "private message"));
        assert!(ended.iter().all(|end| matches!(end, Err(SessionError::Timeout(_)))));
    }

    // Altered by its own sender, it is a hard edge at the recipient alone.
    let (a, b) = (one.clone(), two.clone());
    let mut bus = generate::<C>((suite, 2), &ids, move |packet| {
        let this = is(&packet, &b, Some(&a), Kind::Private, 3);
        vec![if this { flipped(&packet, &b, &ssid, 70) } else { packet }]
    });
    let ended = outcomes(&mut bus, &ids);
    let Err(SessionError::Blame(faults)) = &ended[0] else { panic!() };
    assert_eq!((faults[0].party, faults[0].severity), (two.public(), Severity::HardEdge));
    assert!(matches!(ended[2], Err(SessionError::Timeout(_))));

    // Two openings of one party condemn it at everybody else.
    let (a, b) = (one, two.clone());
    let mut bus = generate::<C>((suite, 2), &ids, move |packet| {
        let this = is(&packet, &b, Some(&a), Kind::Broadcast, 2);
        vec![if this { flipped(&packet, &b, &ssid, 0) } else { packet }]
    });
    let ended = outcomes(&mut bus, &ids);
    for end in [&ended[0], &ended[2]] {
        let Err(SessionError::Blame(faults)) = end else { panic!() };
        assert_eq!((faults.len(), faults[0].party), (1, two.public()));
        assert_eq!(faults[0].severity, Severity::Condemned);
    }
}

#[test]
fn one_lost_or_altered_message_is_judged_right() {
    one_bad_message::<Secp256k1>(Suite::Ecdsa);
    one_bad_message::<Ed25519>(Suite::Ed25519);
}

/// The last word of a generation is a signature over the very record; any other is no certificate (§2.1).
#[test]
fn a_signature_over_another_record_condemns() {
    let ids = identities(3);
    let parties: Vec<_> = ids.iter().map(|id| id.public()).collect();
    let cases: [(Change, &str); 2] = [
        (|body| body[9] ^= 1, "it signed another record"),
        (|body| body.truncate(63), "its signature is malformed"),
    ];
    for (with, what) in cases {
        let party = |i| {
            let order = (Hash([3; 32]), 1);
            let terms = Generate::new(WALLET, Suite::Ed25519, "label".into(), order, parties.clone());
            let protocol = terms.protocol::<Ed25519>();
            let spoil = Spoil { round: 4, with };
            let protocol = if i == 1 { spoil.protocol(protocol) } else { protocol };
            (config(&ids, Suite::Ed25519, 2), protocol)
        };
        let mut bus = run(&ids, 7, party, honest);
        assert_condemned(&outcomes(&mut bus, &ids), &ids, &ids[1], what);
    }
}

//! What evidence shows to somebody who was not there: the guilty are condemned, and nobody can be framed.

use super::generate;
use super::presign::Cluster;
use super::world::*;
use crate::{Verdict, judge, record_of};
use quorate_audit::Severity;
use quorate_coordination::disputes::{Accusation, Pair, Report, ReportError, Shown};
use quorate_intent::{Hash, PublicKey, Suite, keys};
use quorate_session::Evidence;
use quorate_session::wire::{Envelope, Kind};
use quorate_sharing::{Ed25519, Secp256k1};
use std::collections::BTreeMap;
use std::sync::Arc;

const THIS: Hash = Hash([5; 32]);

/// A report by party 1, whose key is made from the seed that `identities` gave it.
fn report(ids: &[Arc<Identity>], accused: PublicKey, severity: Severity, evidence: Vec<u8>) -> Report {
    let key = (1..=9).map(ed25519).find(|key| keys::public(key) == ids[0].public()).unwrap();
    let accusation = Accusation {
        cluster: THIS,
        reporter: ids[0].public(),
        accused,
        severity,
        what: "something".into(),
        time: 7,
        evidence: Hash([0; 32]),
    };
    Report::sign(accusation, &Shown::Session(evidence), |digest| keys::sign(&key, digest))
}

fn ed25519(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

/// The record of an honest run, as somebody puts it together to accuse a party (from 0); one broadcast of the accused may
/// be another than it was: a byte of it flipped, and signed by the accused itself.
fn conduct<O>(
    ids: &[Arc<Identity>],
    config: &Config,
    bus: &Bus<O>,
    (accused, round): (usize, u8),
    spoilt: Option<(u8, usize)>,
) -> Report {
    let ssid = ssid(bus);
    let index = |key: &PublicKey| config.participants.index(key).unwrap().get();
    let (mut hellos, mut messages) = (BTreeMap::new(), BTreeMap::new());
    for packet in &bus.log {
        let envelope = Envelope::decode(&packet.bytes).unwrap();
        let from = index(&packet.from);
        let own = packet.from == ids[accused].public();
        match (envelope.kind, spoilt) {
            (Kind::Hello, _) => drop(hellos.insert(from, packet.bytes.clone())),
            (Kind::Broadcast, Some((round, at))) if own && round == envelope.round => {
                let bytes = flipped(packet, &ids[accused], &ssid, at).bytes;
                messages.insert((envelope.round, from), bytes);
            }
            (Kind::Broadcast, _) => drop(messages.insert((envelope.round, from), packet.bytes.clone())),
            _ => (),
        }
    }
    let culprit = ids[accused].public();
    let evidence = Evidence::Conduct {
        culprit,
        round,
        ceremony: CEREMONY,
        terms: config.terms.clone(),
        parties: config.participants.iter().map(|(index, key)| (index.get(), key)).collect(),
        hellos: hellos.into_values().collect(),
        messages: messages.into_iter().map(|((_, from), bytes)| (from, bytes)).collect(),
    };
    report(ids, culprit, Severity::Condemned, evidence.encode())
}

#[test]
fn wrong_broadcasts_of_generate_condemn() {
    let ids = identities(3);
    let bus = generate::generate::<Ed25519>((Suite::Ed25519, 2), &ids, honest);
    let config = generate::config(&ids, Suite::Ed25519, 2);
    for (spoilt, what) in [
        ((1, 0), "it opened something else than it committed to"),
        ((2, 1), ""),
        ((2, 140), "it opened something else than it committed to"),
    ] {
        let report = conduct(&ids, &config, &bus, (1, 2), Some(spoilt));
        let verdict = judge(&report, &THIS, &|_| None);
        let Ok(Verdict::Condemned { party, what: found }) = verdict else {
            panic!("{spoilt:?}: {verdict:?}")
        };
        assert_eq!(party, ids[1].public());
        assert!(what.is_empty() || found == what, "{spoilt:?}: {found}");
    }
    for round in 1..=4 {
        let verdict = judge(&conduct(&ids, &config, &bus, (1, round), None), &THIS, &|_| None);
        assert!(
            matches!(verdict, Ok(Verdict::Hard(_))),
            "an honest run condemns in round {round}: {verdict:?}"
        );
    }
}

#[test]
fn wrong_broadcasts_of_presign_condemn_with_the_wallets_record() {
    let cluster = Cluster::new(3, 3);
    let ids = &cluster.ids;
    let bus = cluster.presign(&cluster.pairs(), 2, honest);
    let config = cluster.config(&[0, 1, 2], "presign", 2, BTreeMap::new());
    // The commitment; a salt behind an echo; a point under the proof, and a response of it, behind two.
    for (round, spoilt, record) in
        [(2, (1, 0), false), (2, (2, 33), false), (3, (3, 64), true), (3, (3, 587), true)]
    {
        let report = conduct(ids, &config, &bus, (1, round), Some(spoilt));
        assert_eq!(record_of(&report), Some(cluster.wallet.hash()));
        let known = |hash: &Hash| (*hash == cluster.wallet.hash()).then(|| cluster.wallet.clone());
        let verdict = judge(&report, &THIS, &known);
        assert!(
            matches!(verdict, Ok(Verdict::Condemned { party, .. }) if party == ids[1].public()),
            "{spoilt:?}: {verdict:?}"
        );
        // Without the key nothing can be said of a proof, and so nothing is.
        let edge = Verdict::Hard(Pair::new(ids[0].public(), ids[1].public()).unwrap());
        assert_eq!(judge(&report, &THIS, &|_| None).unwrap() == edge, record, "{spoilt:?}");
        let lying = |_: &Hash| {
            Some(quorate_coordination::WalletRecord { label: "other".into(), ..cluster.wallet.clone() })
        };
        assert_eq!(judge(&report, &THIS, &lying).unwrap() == edge, record, "{spoilt:?}");
    }
}

/// "Blame judged on different views": a cheat that signs a second broadcast cannot make an honest proof look wrong, nor
/// does an honest record condemn anybody.
#[test]
fn an_honest_party_cannot_be_framed() {
    let cluster = Cluster::new(3, 3);
    let ids = &cluster.ids;
    let bus = cluster.presign(&cluster.pairs(), 1, honest);
    let ssid = ssid(&bus);
    let known = |_: &Hash| Some(cluster.wallet.clone());
    let victim = ids[2].public();
    let edge = Verdict::Hard(Pair::new(ids[0].public(), victim).unwrap());
    let config = cluster.config(&[0, 1, 2], "presign", 1, BTreeMap::new());
    for round in 1..=4 {
        let report = conduct(ids, &config, &bus, (2, round), None);
        assert_eq!(judge(&report, &THIS, &known), Ok(edge.clone()), "round {round}");
    }
    // Party 2 opens another nonce share than it did in the run; so the sum is another, and the victim's proof is not for it.
    let Ok(Shown::Session(bytes)) = conduct(ids, &config, &bus, (2, 3), None).open(&THIS) else { panic!() };
    let Ok(Evidence::Conduct { culprit, round, ceremony, terms, parties, hellos, messages }) =
        Evidence::decode(&bytes)
    else {
        panic!()
    };
    let mut changed = false;
    let messages = messages
        .into_iter()
        .map(|(from, bytes)| {
            let envelope = Envelope::decode(&bytes).unwrap();
            if (from, envelope.round) != (2, 2) {
                return (from, bytes);
            }
            changed = true;
            let packet = Packet { from: ids[1].public(), to: victim, bytes };
            // The first byte of R_2: the point is turned around.
            (from, flipped(&packet, &ids[1], &ssid, 64).bytes)
        })
        .collect();
    assert!(changed);
    let framed = Evidence::Conduct { culprit, round, ceremony, terms, parties, hellos, messages };
    assert!(framed.check().is_ok(), "all signatures are good, and yet");
    let report = report(ids, victim, Severity::Condemned, framed.encode());
    assert_eq!(judge(&report, &THIS, &known), Ok(edge));
}

/// No altered report counts, and nothing in one can be turned against somebody else.
#[test]
fn altered_reports_are_refused() {
    let ids = identities(3);
    let bus = generate::generate::<Secp256k1>((Suite::Ecdsa, 2), &ids, honest);
    let config = generate::config(&ids, Suite::Ecdsa, 2);
    let good = conduct(&ids, &config, &bus, (1, 2), Some((2, 0)));
    assert!(matches!(judge(&good, &THIS, &|_| None), Ok(Verdict::Condemned { .. })));
    assert_eq!(judge(&good, &Hash([6; 32]), &|_| None), Err(ReportError::OtherCluster));
    let bytes = borsh::to_vec(&good).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut touched = bytes.clone();
        touched[at] ^= 1;
        let Ok(report) = borsh::from_slice::<Report>(&touched) else { continue };
        assert!(judge(&report, &THIS, &|_| None).is_err(), "byte {at}");
    }
    // The same evidence against somebody else is the reporter's word alone, and against itself nothing.
    let Ok(Shown::Session(evidence)) = good.open(&THIS) else { panic!() };
    let other = report(&ids, ids[2].public(), Severity::Condemned, evidence);
    let edge = Verdict::Hard(Pair::new(ids[0].public(), ids[2].public()).unwrap());
    assert_eq!(judge(&other, &THIS, &|_| None), Ok(edge));
    let itself = report(&ids, ids[0].public(), Severity::HardEdge, Vec::new());
    assert!(matches!(judge(&itself, &THIS, &|_| None), Err(ReportError::Malformed(_))));
    let soft = report(&ids, ids[2].public(), Severity::SoftEdge, Vec::new());
    assert!(matches!(judge(&soft, &THIS, &|_| None), Ok(Verdict::Soft(_))));
}

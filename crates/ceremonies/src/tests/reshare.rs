//! Reshare in every suite: what comes out, and what one lost, altered or double message does.

use super::generate::generate;
use super::world::*;
use crate::Pending;
use crate::reshare::{self, ORDER_TRY, Outcome, PENDING};
use ed25519_dalek::SigningKey;
use quorate_coordination::{Certificate, Proof, Resharing, WalletRecord};
use quorate_intent::{
    Approval, Body, Genesis, Group, Hash, Intent, Member, Order, OrderKind, Party, PublicKey, Purpose,
    SignedIntent, Suite, Verdict, keys,
};
use quorate_protocols::Severity;
use quorate_protocols::key::KeyShare;
use quorate_session::bus::Trace;
use quorate_session::wire::{Envelope, Kind, Stamp};
use quorate_session::{Identity, Limits, Own, statement_digest};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use std::collections::BTreeMap;
use std::sync::Arc;

const CLIENT: [u8; 32] = [101; 32];
const ADMIN: [u8; 32] = [102; 32];

fn key(seed: [u8; 32]) -> SigningKey {
    SigningKey::from_bytes(&seed)
}

pub fn genesis(ids: &[Arc<Identity>]) -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: keys::public(&key(seed)) };
    let party = |(n, id): (usize, &Arc<Identity>)| Party {
        name: format!("p{n}"),
        key: id.public(),
        address: format!("127.0.0.1:{}", 4000 + n),
    };
    Genesis {
        follows: None,
        governed: None,
        version: quorate_intent::genesis::VERSION,
        name: "test".into(),
        parties: ids.iter().enumerate().map(party).collect(),
        gateway: keys::public(&key([103; 32])),
        approvers: Group { quorum: 1, members: vec![member("a", [104; 32])] },
        administrators: Group { quorum: 1, members: vec![member("b", ADMIN)] },
        clients: vec![member("c", CLIENT)],
    }
}

type Running<C> = Box<dyn Protocol<Output = Outcome<C>>>;

/// A generated key among some of the identities.
pub struct Scene<C: Curve> {
    /// Ascending by key.
    pub ids: Vec<Arc<Identity>>,
    pub base: WalletRecord,
    /// By index in the base.
    shares: Vec<Arc<KeyShare<C>>>,
}

impl<C: Curve> Scene<C> {
    /// t-of-n among the first n of `all` identities.
    pub fn new(suite: Suite, t: u16, n: usize, total: usize) -> Self {
        let ids = identities(total);
        let made = all(&mut generate::<C>((suite, t), &ids[..n], honest), &ids[..n]);
        let base = made[0].record.clone();
        Self { ids, base, shares: made.into_iter().map(|made| Arc::new(made.share)).collect() }
    }

    pub fn keys(&self, who: &[usize]) -> Vec<PublicKey> {
        who.iter().map(|at| self.ids[*at].public()).collect()
    }

    pub fn order(&self, number: u64, kind: OrderKind) -> SignedIntent {
        let body = Body::Order(Order { wallet: self.base.wallet, number, kind });
        let intent = Intent {
            version: quorate_intent::intent::VERSION,
            governance: genesis(&self.ids).hash(),
            nonce: [1; 16],
            initiator: keys::public(&key(CLIENT)),
            created: 10,
            expires: 20,
            body,
        };
        intent.sign(&key(CLIENT))
    }

    /// A change to these recipients.
    pub fn change(&self, recipients: &[usize], threshold: u16) -> SignedIntent {
        let (base, recipients) = (self.base.hash(), self.keys(recipients));
        let purpose = Purpose::Change;
        let kind = OrderKind::Reshare { base, recipients, threshold, purpose, schedule: None };
        self.order(2, kind)
    }

    /// Runs it with these dealers, by index in the base.
    fn run(
        &self,
        order: &SignedIntent,
        dealers: &[u16],
        store: Store,
        tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
    ) -> (Vec<Arc<Identity>>, Bus<Outcome<C>>) {
        self.run_with(order, dealers, store, tamper, |_, _, protocol| protocol)
    }

    /// The same, with what `change` makes of each party's configuration and protocol.
    fn run_with(
        &self,
        order: &SignedIntent,
        dealers: &[u16],
        store: Store,
        tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
        change: impl Fn(&Identity, &mut Config, Running<C>) -> Running<C>,
    ) -> (Vec<Arc<Identity>>, Bus<Outcome<C>>) {
        let plan = Resharing::new(order, self.base.clone(), dealers.to_vec()).unwrap();
        let participants = reshare::participants(&plan).unwrap();
        let takes_part = |id: &&Arc<Identity>| participants.index(&id.public()).is_some();
        let ids: Vec<_> = self.ids.iter().filter(takes_part).cloned().collect();
        let mut bus = Bus::new(7);
        bus.tamper = Box::new(tamper);
        for (i, id) in ids.iter().enumerate() {
            let dealer = dealers.iter().find(|index| self.base.party(**index) == Some(id.public()));
            let share = dealer.map(|index| self.shares[usize::from(*index) - 1].clone());
            let mut config = Config {
                ceremony: CEREMONY,
                participants: participants.clone(),
                terms: reshare::terms(&plan),
                own: Own { boot: [8; 16], pairs: BTreeMap::new(), told_try: 0 },
                limits: Limits::default(),
            };
            let mut rng = rng(7, i);
            let protocol = change(id, &mut config, reshare::protocol::<C>(plan.clone(), share));
            let (session, outputs) = Session::new(config, id.clone(), protocol, 0, &mut rng).unwrap();
            let store = if i == 0 { store } else { Store::Works };
            bus.seat(id.public(), session, outputs, rng, store);
        }
        bus.run();
        (ids, bus)
    }

    /// The certificate of an honest run, and the shares of the new epoch by index.
    pub fn certified(&self, order: &SignedIntent, dealers: &[u16]) -> (Certificate, Vec<Arc<KeyShare<C>>>) {
        let (ids, mut bus) = self.run(order, dealers, Store::Works, honest);
        let ended = all(&mut bus, &ids);
        let (record, proof) = (ended[0].record.clone(), ended[0].proof.clone());
        assert!(ended.iter().all(|end| end.record == record && end.proof == proof));
        let mut shares: Vec<_> = ended.into_iter().filter_map(|end| end.share).map(Arc::new).collect();
        shares.sort_by_key(|share| share.index());
        let approvals = vec![Approval::new(order.intent.hash(), Verdict::Approve, &key(ADMIN))];
        let proof = Proof::Reshare(Box::new(proof));
        (Certificate { record, order: order.clone(), approvals, proof }, shares)
    }
}

fn comes_out<C: Curve>(suite: Suite) {
    let mut scene = Scene::<C>::new(suite, 2, 3, 6);
    // 2-of-3 → 3-of-5 with two of three dealing, one of whom leaves → 2-of-4.
    type Case<'a> = (&'a [u16], &'a [usize], u16, usize);
    let cases: [Case<'_>; 2] = [(&[1, 3], &[1, 2, 3, 4, 5], 3, 9), (&[2, 3, 5], &[0, 1, 3, 5], 2, 10)];
    for (number, (dealers, recipients, t, private)) in (2..).zip(cases) {
        let (base, purpose) = (scene.base.hash(), Purpose::Change);
        let recipients_keys = scene.keys(recipients);
        let kind = OrderKind::Reshare {
            base,
            recipients: recipients_keys.clone(),
            threshold: t,
            purpose,
            schedule: None,
        };
        let order = scene.order(number, kind);
        let (ids, bus) = scene.run(&order, dealers, Store::Works, honest);
        for id in &ids {
            let seat = &bus.seats[&id.public()];
            let labels: Vec<_> = seat.records.iter().map(|record| record.label).collect();
            let receives = recipients_keys.contains(&id.public());
            assert_eq!(labels, if receives { vec![ORDER_TRY, PENDING] } else { vec![ORDER_TRY] });
            assert!(seat.session.sealing_key_erased());
            if receives {
                let pending: Pending = borsh::from_slice(&seat.records[1].bytes).unwrap();
                assert_eq!(pending.record.parties, recipients_keys);
            }
        }
        // From each dealer to each other recipient, and from nobody else.
        let sealed = bus.log.iter().filter(|p| Envelope::decode(&p.bytes).unwrap().kind == Kind::Private);
        assert_eq!(sealed.count(), private);
        let (certificate, shares) = scene.certified(&order, dealers);
        let keys = certificate.check(&genesis(&scene.ids), statement_digest).unwrap();
        assert_eq!((keys.threshold(), keys.parties().len()), (usize::from(t), recipients.len()));
        certificate.same_key(&scene.base).unwrap();
        assert_eq!(certificate.rank(), certificate.record.attempt);
        assert!(certificate.record.attempt > scene.base.attempt);
        scene = Scene { ids: scene.ids, base: certificate.record, shares };
    }
}

#[test]
fn keys_of_every_suite_are_reshared() {
    comes_out::<Secp256k1>(Suite::Ecdsa);
    comes_out::<Secp256k1>(Suite::Bip340);
    comes_out::<Ed25519>(Suite::Ed25519);
}

/// Every message is on its way only after what it depends on is durable (§1.7, §2.3).
#[test]
fn nothing_leaves_before_it_is_durable() {
    let scene = Scene::<Secp256k1>::new(Suite::Ecdsa, 2, 3, 4);
    let order = scene.change(&[0, 2, 3], 2);
    let (ids, bus) = scene.run(&order, &[1, 2], Store::Works, honest);
    for id in &ids {
        let seat = &bus.seats[&id.public()];
        let sent = |round: u8| {
            let message = move |trace: &Trace| match trace {
                Trace::Sent(packet) => {
                    let envelope = Envelope::decode(&packet.bytes).unwrap();
                    envelope.round == round && matches!(envelope.kind, Kind::Broadcast | Kind::Private)
                }
                _ => false,
            };
            seat.trace.iter().position(message).unwrap()
        };
        let durable = |record| seat.trace.iter().position(|t| *t == Trace::Persisted(record)).unwrap();
        assert!(durable(1) < sent(1));
        if seat.records.len() == 2 {
            assert!(durable(2) < sent(2));
        }
    }
    // A party that must not take part, or cannot write, has said nothing.
    for (store, refused) in [(Store::Refuses, true), (Store::Fails, false)] {
        let (ids, mut bus) = scene.run(&order, &[1, 2], store, honest);
        let said = |packet: &&Packet| {
            let kind = Envelope::decode(&packet.bytes).unwrap().kind;
            packet.from == ids[0].public() && !matches!(kind, Kind::Hello | Kind::View)
        };
        assert_eq!(bus.log.iter().filter(said).count(), 0);
        let ended = outcomes(&mut bus, &ids);
        assert_eq!(matches!(ended[0], Err(SessionError::Refused(_))), refused);
        assert_eq!(matches!(ended[0], Err(SessionError::Storage(_))), !refused);
        assert!(ended[1..].iter().all(|end| matches!(end, Err(SessionError::Timeout(_)))));
    }
}

fn one_bad_message<C: Curve>(suite: Suite) {
    let scene = Scene::<C>::new(suite, 2, 3, 4);
    let order = scene.change(&[0, 2, 3], 2);
    // Dealers 1 and 2 are ids 0 and 1; id 0 is a recipient as well, id 1 deals alone, ids 2 and 3 only receive.
    let dealers = [1, 2];
    let (dealer, victim) = (scene.ids[1].clone(), scene.ids[2].clone());
    let ssid = ssid(&scene.run(&order, &dealers, Store::Works, honest).1);
    let run = |tamper: Box<dyn FnMut(Packet) -> Vec<Packet>>| {
        let (ids, mut bus) = scene.run(&order, &dealers, Store::Works, tamper);
        let signed = |id: &Arc<Identity>| bus.seats[&id.public()].records.iter().any(|r| r.label == PENDING);
        let victim_signed = signed(&victim);
        (outcomes(&mut bus, &ids), victim_signed)
    };

    // A lost share is silence: nobody is blamed, and the victim has not signed.
    let (a, b) = (dealer.clone(), victim.clone());
    let (ended, signed) =
        run(Box::new(
            move |packet| {
                if is(&packet, &a, Some(&b), Kind::Private, 1) { Vec::new() } else { vec![packet] }
            },
        ));
    let Err(SessionError::Timeout(missing)) = &ended[2] else { panic!() };
    assert_eq!((missing[0].party, missing[0].what), (dealer.public(), "private message"));
    assert!(!signed && ended.iter().all(|end| matches!(end, Err(SessionError::Timeout(_)))));

    // Altered by its dealer, it is a hard edge at the victim alone.
    let (a, b) = (dealer.clone(), victim.clone());
    let (ended, signed) = run(Box::new(move |packet| {
        let this = is(&packet, &a, Some(&b), Kind::Private, 1);
        vec![if this { flipped(&packet, &a, &ssid, 70) } else { packet }]
    }));
    let Err(SessionError::Blame(faults)) = &ended[2] else { panic!() };
    assert_eq!((faults[0].party, faults[0].severity), (dealer.public(), Severity::HardEdge));
    assert!(!signed && matches!(ended[3], Err(SessionError::Timeout(_))));

    // Another dealing to one recipient: everybody else finds the two, and nobody has prepared.
    let (a, b) = (dealer.clone(), victim.clone());
    let (ended, signed) = run(Box::new(move |packet| {
        let this = is(&packet, &a, Some(&b), Kind::Broadcast, 1);
        vec![if this { flipped(&packet, &a, &ssid, 0) } else { packet }]
    }));
    assert!(!signed);
    for end in [&ended[0], &ended[2], &ended[3]] {
        let Err(SessionError::Blame(faults)) = end else { panic!() };
        assert_eq!((faults.len(), faults[0].party), (1, dealer.public()));
        assert_eq!(faults[0].severity, Severity::Condemned);
    }

    // To all, in place of its own: a wrong chain code, a signature on something else, and words of one who has none to say.
    let recipient = scene.ids[3].clone();
    let cases: [(&Arc<Identity>, u8, &str); 3] = [
        (&dealer, 1, "it tells another chain code"),
        (&dealer, 2, "it signed another transcript"),
        (&recipient, 1, "it broadcasts where it has nothing to say"),
    ];
    for (cheater, round, what) in cases {
        let a = cheater.clone();
        let (ended, _) = run(Box::new(move |packet| {
            if !is(&packet, &a, None, Kind::Broadcast, round) {
                return vec![packet];
            }
            let mut body = Envelope::decode(&packet.bytes).unwrap().body.to_vec();
            match body.last_mut() {
                Some(last) => *last ^= 1,
                None => body.push(1),
            }
            let stamp =
                Stamp { ceremony: &CEREMONY, scope: &ssid, kind: Kind::Broadcast, round, recipient: None };
            let bytes = stamp.sign(&a, &body);
            vec![Packet { bytes, ..packet }]
        }));
        let at = scene.ids.iter().position(|id| Arc::ptr_eq(id, cheater)).unwrap();
        for (other, end) in ended.iter().enumerate().filter(|(other, _)| *other != at) {
            // The cheater's driver echoes what it meant to send; whoever it accuses has nothing to fear.
            let Err(SessionError::Blame(faults)) = end else {
                panic!("{what} at {other}: {:?}", end.as_ref().err())
            };
            assert!(faults.iter().all(|fault| fault.party == cheater.public()), "{what}");
        }
    }
}

#[test]
fn one_lost_or_altered_message_is_judged_right() {
    one_bad_message::<Secp256k1>(Suite::Bip340);
    one_bad_message::<Ed25519>(Suite::Ed25519);
}

/// Who was called for another reshare says so before anything secret is made.
#[test]
fn another_order_is_a_mismatch() {
    let scene = Scene::<Ed25519>::new(Suite::Ed25519, 2, 3, 3);
    let one = Resharing::new(&scene.change(&[0, 1], 2), scene.base.clone(), vec![1, 2]).unwrap();
    let two = {
        let (base, recipients) = (scene.base.hash(), scene.keys(&[0, 1]));
        let kind =
            OrderKind::Reshare { base, recipients, threshold: 2, purpose: Purpose::Evict, schedule: None };
        Resharing::new(&scene.order(2, kind), scene.base.clone(), vec![1, 2]).unwrap()
    };
    let terms = (reshare::terms(&one), reshare::terms(&two));
    assert_ne!(terms.0, terms.1);
    let with = |dealers: Vec<u16>| {
        reshare::terms(&Resharing::new(&scene.change(&[0, 1], 2), scene.base.clone(), dealers).unwrap())
    };
    assert_ne!(with(vec![1, 2]), with(vec![1, 3]));
    let hash = |record: &WalletRecord| Hash(record.hash().0);
    assert_eq!(terms.0.base_epoch, Some(hash(&scene.base).0));
}

/// The last words of a reshare are signatures over the very statement, and nothing besides (§2.3, §1.2).
#[test]
fn last_words_that_are_not_the_statements_signatures_condemn() {
    let scene = Scene::<Ed25519>::new(Suite::Ed25519, 2, 3, 4);
    let order = scene.change(&[0, 2, 3], 2);
    // By dealer 1, who receives as well: its two signatures stand one behind the other. Id 1 deals alone, id 3 only receives.
    let (another, malformed) = ("it signed another transcript", "its signature is malformed");
    let cases: [(usize, Change, &str); 7] = [
        (0, |body| body[9] ^= 1, another),
        (0, |body| body[64 + 9] ^= 1, another),
        (0, |body| body.rotate_left(64), another),
        (0, |body| body.truncate(64), malformed),
        (1, |body| body[9] ^= 1, another),
        (1, |body| body.push(0), malformed),
        (3, |body| body.extend_from_within(..), malformed),
    ];
    for (liar, with, what) in cases {
        let liar = scene.ids[liar].clone();
        let spoil = Spoil { round: 2, with };
        let (ids, mut bus) = scene.run_with(&order, &[1, 2], Store::Works, honest, |id, _, protocol| {
            if id.public() == liar.public() { spoil.protocol(protocol) } else { protocol }
        });
        assert_condemned(&outcomes(&mut bus, &ids), &ids, &liar, what);
    }
}

/// Who is called with another numbering would take one party's share for another's.
#[test]
fn a_session_has_the_participants_of_the_reshare() {
    let scene = Scene::<Ed25519>::new(Suite::Ed25519, 2, 3, 4);
    let order = scene.change(&[0, 2, 3], 2);
    let (ids, mut bus) = scene.run_with(&order, &[1, 2], Store::Works, honest, |_, config, protocol| {
        let backwards = scene.ids.iter().rev().zip(1..).map(|(id, number)| (index(number), id.public()));
        config.participants = Participants::new::<Secp256k1>(backwards.collect()).unwrap();
        protocol
    });
    let wanted = SessionError::Usage("the session has other participants than the reshare");
    for end in outcomes(&mut bus, &ids) {
        assert_eq!(end.err(), Some(wanted.clone()));
    }
}

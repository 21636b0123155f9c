//! Certificates of reshare and destroy: whatever is changed in one, it is refused (docs/spec §2.3).

use super::reshare::{Scene, genesis};
use quorate_coordination::{Certificate, Proof, RecordError, Reshared, Resharing};
use quorate_intent::{Hash, OrderKind, Purpose, Repeat, SignedIntent, Suite, Verdict, WalletId};
use quorate_session::statement_digest;
use quorate_sharing::Ed25519;
use std::sync::LazyLock;

/// A 2-of-3 key among the first three of four machines, and the certificate of a change to the last three.
static CHANGED: LazyLock<(Scene<Ed25519>, Certificate)> = LazyLock::new(|| {
    let scene = Scene::<Ed25519>::new(Suite::Ed25519, 2, 3, 4);
    let order = scene.change(&[1, 2, 3], 2);
    let (certificate, _) = scene.certified(&order, &[1, 3]);
    (scene, certificate)
});

fn check(certificate: &Certificate) -> Result<(), RecordError> {
    certificate.check(&genesis(&CHANGED.0.ids), statement_digest).map(|_| ())
}

fn proof(certificate: &mut Certificate) -> &mut Reshared {
    match &mut certificate.proof {
        Proof::Reshare(reshared) => reshared,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_change_is_refused() {
    let good = &CHANGED.1;
    check(good).unwrap();
    assert!(!good.destroys());
    type Change = fn(&mut Certificate);
    let changes: [(&str, Change); 22] = [
        ("no approvals", |c| c.approvals.clear()),
        ("a rejection", |c| c.approvals[0].verdict = Verdict::Reject),
        ("the initiator's signature", |c| c.order.signature.0[0] ^= 1),
        ("another try", |c| c.record.attempt.attempt_try += 1),
        ("try 0", |c| c.record.attempt.attempt_try = 0),
        ("another number", |c| c.record.attempt.order_number += 1),
        ("another transcript", |c| c.record.attempt.transcript.0[0] ^= 1),
        ("another label", |c| c.record.label.push('x')),
        ("another suite", |c| c.record.suite = Suite::Ecdsa),
        ("another key", |c| c.record.wallet = WalletId([9; 16])),
        ("another order", |c| c.record.order = Hash([9; 32])),
        ("a chain code", |c| *c.record.public.last_mut().unwrap() ^= 1),
        ("fewer recipients", |c| c.record.parties.truncate(2)),
        ("fewer prepared", |c| proof(c).prepared.truncate(2)),
        ("one prepared twice", |c| proof(c).prepared[1] = proof(c).prepared[0]),
        ("a dealer's signature as prepared", |c| proof(c).prepared[1] = proof(c).dealers[1].1),
        ("prepared as a dealer's signature", |c| proof(c).dealers[1].1 = proof(c).prepared[1]),
        ("another dealer", |c| proof(c).dealers[0].0 = 2),
        ("fewer dealers", |c| proof(c).dealers.truncate(1)),
        ("dealers in another order", |c| proof(c).dealers.reverse()),
        ("another base", |c| proof(c).base.label.push('x')),
        ("no proof", |c| c.proof = Proof::Destroy),
    ];
    for (what, change) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert!(check(&changed).is_err(), "{what}");
    }
}

/// What a plan may be made of: the order names its base, its number is above it, and its purpose fits.
#[test]
fn a_base_must_be_the_one_that_the_order_names() {
    let (scene, certificate) = &*CHANGED;
    let plan = |order: &SignedIntent, base, dealers: &[u16]| {
        Resharing::new(order, base, dealers.to_vec()).map(|plan| plan.threshold())
    };
    let refused = |result: Result<u16, RecordError>, words: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    };
    let base = || scene.base.clone();
    let order = scene.change(&[1, 2, 3], 2);
    assert_eq!(plan(&order, base(), &[1, 2]), Ok(2));
    refused(plan(&order, certificate.record.clone(), &[1, 2]), "order");
    for dealers in [&[1][..], &[1, 2, 3], &[2, 1], &[1, 1], &[1, 4], &[0, 1]] {
        refused(plan(&order, base(), dealers), "dealers");
    }
    let mut other = base();
    other.wallet = WalletId([9; 16]);
    refused(plan(&order, other, &[1, 2]), "another key");
    let mut other = base();
    other.attempt.transcript.0[0] ^= 1;
    refused(plan(&order, other, &[1, 2]), "names another base");
    let mut other = base();
    other.parties.pop();
    refused(plan(&order, other, &[1, 2]), "threshold or parties");
    for number in [1, 0] {
        let mut low = order.clone();
        let quorate_intent::Body::Order(body) = &mut low.intent.body else { panic!() };
        body.number = number;
        refused(plan(&low, base(), &[1, 2]), "not above");
    }
    let with = |purpose, recipients: &[usize], threshold| {
        let (base, recipients) = (scene.base.hash(), scene.keys(recipients));
        let kind = OrderKind::Reshare { base, recipients, threshold, purpose, schedule: None };
        scene.order(2, kind)
    };
    assert_eq!(plan(&with(Purpose::Refresh, &[0, 1, 2], 2), base(), &[1, 2]), Ok(2));
    assert_eq!(plan(&with(Purpose::Replace, &[0, 1, 3], 2), base(), &[1, 2]), Ok(2));
    assert_eq!(plan(&with(Purpose::Evict, &[0, 1], 2), base(), &[1, 2]), Ok(2));
    refused(plan(&with(Purpose::Refresh, &[0, 1, 3], 2), base(), &[1, 2]), "refresh");
    refused(plan(&with(Purpose::Evict, &[0, 1, 3], 2), base(), &[1, 2]), "eviction");
    refused(plan(&with(Purpose::Replace, &[0, 1, 2], 2), base(), &[1, 2]), "replacement");
    refused(
        plan(&scene.order(2, OrderKind::Destroy { base: scene.base.hash() }), base(), &[1, 2]),
        "not for a reshare",
    );
}

/// A schedule refreshes the parties that it names, again and again, and nothing else.
#[test]
fn schedules_refresh_what_they_name() {
    let scene = Scene::<Ed25519>::new(Suite::Ed25519, 2, 3, 4);
    let repeat = Repeat { interval: 60, end: 1000 };
    let schedule = |parties: &[usize], threshold| {
        scene.order(2, OrderKind::Schedule { parties: scene.keys(parties), threshold, repeat })
    };
    let order = schedule(&[0, 1, 2], 2);
    let (first, _) = scene.certified(&order, &[2, 3]);
    first.check(&genesis(&scene.ids), statement_digest).unwrap();
    // Its own epoch is the base of the next; of another order with its number it is none.
    let again = |base| Resharing::new(&order, base, vec![1, 2]).map(|plan| plan.order_number());
    assert_eq!(again(first.record.clone()), Ok(2));
    let mut other = first.record.clone();
    other.order = Hash([9; 32]);
    assert!(again(other).is_err());
    for order in [schedule(&[0, 1, 2], 3), schedule(&[0, 1, 3], 2), schedule(&[0, 1], 2)] {
        assert!(Resharing::new(&order, scene.base.clone(), vec![1, 2]).is_err());
    }
    // A reshare that carries a schedule: once for itself, then by the schedule.
    let (base, recipients) = (scene.base.hash(), scene.keys(&[0, 1, 3]));
    let kind = |schedule| OrderKind::Reshare {
        base,
        recipients: recipients.clone(),
        threshold: 2,
        purpose: Purpose::Replace,
        schedule,
    };
    for (repeat, goes_on) in [(Some(repeat), true), (None, false)] {
        let order = scene.order(3, kind(repeat));
        let (replaced, _) = scene.certified(&order, &[1, 2]);
        replaced.check(&genesis(&scene.ids), statement_digest).unwrap();
        let next = Resharing::new(&order, replaced.record.clone(), vec![1, 3]);
        assert_eq!(next.is_ok(), goes_on);
    }
    order.check_schedule(&genesis(&scene.ids), 999).unwrap();
    assert!(order.check_schedule(&genesis(&scene.ids), 1000).is_err());
    assert!(order.check(&genesis(&scene.ids), 999).is_err(), "the intent itself has expired");
    assert!(scene.change(&[0, 1], 2).check_schedule(&genesis(&scene.ids), 15).is_err());
}

#[test]
fn a_destroy_ranks_above_lower_orders_and_below_its_own_number() {
    let (scene, changed) = &*CHANGED;
    let destroy = |number, base: Hash| {
        let order = scene.order(number, OrderKind::Destroy { base });
        let approval = quorate_intent::Approval::new(
            order.intent.hash(),
            Verdict::Approve,
            &ed25519_dalek::SigningKey::from_bytes(&[102; 32]),
        );
        let record = changed.record.clone();
        Certificate { record, order, approvals: vec![approval], proof: Proof::Destroy }
    };
    let end = destroy(3, changed.record.hash());
    check(&end).unwrap();
    assert!(end.destroys() && end.rank().is_end() && end.rank() > changed.rank());
    let mut own = changed.rank();
    own.order_number = 3;
    assert!(end.rank() < own);
    assert!(check(&destroy(3, scene.base.hash())).is_err(), "it names another epoch");
    assert!(check(&destroy(2, changed.record.hash())).is_err(), "its number is the epoch's");
    let mut unapproved = end.clone();
    unapproved.approvals.clear();
    assert!(check(&unapproved).is_err());
    let mut other = end;
    other.order = scene.change(&[1, 2, 3], 2);
    assert!(check(&other).is_err(), "the order is none to destroy");
}

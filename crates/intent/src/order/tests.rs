//! Each rule of an order's form, alone.

use super::*;
use crate::{Group, Member, Party, keys};

fn public(seed: u8) -> PublicKey {
    keys::public(&ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
}

/// Four parties in ascending order of their keys.
fn parties() -> Vec<PublicKey> {
    let mut all: Vec<_> = (1..=4).map(public).collect();
    all.sort();
    all
}

fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(seed) };
    let party = |n: u8| Party { name: format!("p{n}"), key: public(n), address: format!("127.0.0.1:400{n}") };
    Genesis {
        version: crate::genesis::VERSION,
        name: "test".into(),
        parties: (1..=4).map(party).collect(),
        gateway: public(10),
        approvers: Group { quorum: 1, members: vec![member("a", 20)] },
        administrators: Group { quorum: 1, members: vec![member("b", 21)] },
        clients: vec![member("c", 22)],
        follows: None,
        governed: None,
    }
}

fn check(number: u64, kind: OrderKind) -> Result<(), &'static str> {
    let order = Order { wallet: WalletId([1; 16]), number, kind };
    match order.check(&genesis()) {
        Ok(()) => Ok(()),
        Err(IntentError::Field { field, .. }) => Err(field),
        Err(IntentError::NotAMember { group, .. }) => Err(group),
        Err(error) => panic!("{error}"),
    }
}

fn reshare(recipients: Vec<PublicKey>, threshold: u16) -> OrderKind {
    let base = Hash([2; 32]);
    OrderKind::Reshare { base, recipients, threshold, purpose: Purpose::Change, schedule: None }
}

fn schedule(interval: u64) -> OrderKind {
    OrderKind::Schedule { parties: parties(), threshold: 2, repeat: Repeat { interval, end: 1 } }
}

#[test]
fn one_is_the_number_of_generate_alone() {
    let generate =
        || OrderKind::Generate { suite: Suite::Ecdsa, threshold: 2, parties: parties(), label: "a".into() };
    assert_eq!(check(1, generate()), Ok(()));
    assert_eq!(check(2, generate()), Err("number"));
    let lift = || OrderKind::Lift { dispute: Lifted::Party { party: parties()[0] } };
    for kind in [reshare(parties(), 2), schedule(60), OrderKind::Destroy { base: Hash([0; 32]) }, lift()] {
        assert_eq!(check(2, kind.clone()), Ok(()));
        assert_eq!(check(1, kind.clone()), Err("number"));
        assert_eq!(check(0, kind), Err("number"));
    }
}

#[test]
fn recipients_and_threshold() {
    let all = parties();
    let stranger = || {
        let mut list = vec![all[0], public(9)];
        list.sort();
        list
    };
    assert_eq!(check(2, reshare(all.clone(), 4)), Ok(()));
    assert_eq!(check(2, reshare(all.clone(), 5)), Err("threshold"));
    assert_eq!(check(2, reshare(all.clone(), 1)), Err("threshold"));
    assert_eq!(check(2, reshare(vec![all[0]], 2)), Err("recipients"));
    assert_eq!(check(2, reshare(vec![all[1], all[0]], 2)), Err("recipients"));
    assert_eq!(check(2, reshare(vec![all[1], all[1]], 2)), Err("recipients"));
    assert_eq!(check(2, reshare(stranger(), 2)), Err("parties"));
    assert_eq!(check(2, schedule(MIN_INTERVAL)), Ok(()));
    assert_eq!(check(2, schedule(MIN_INTERVAL - 1)), Err("interval"));
    assert_eq!(check(2, schedule(MAX_INTERVAL + 1)), Err("interval"));
    let few =
        OrderKind::Schedule { parties: stranger(), threshold: 2, repeat: Repeat { interval: 60, end: 1 } };
    assert_eq!(check(2, few), Err("parties"));
    let repeat = Some(Repeat { interval: 1, end: 1 });
    let OrderKind::Reshare { base, recipients, threshold, purpose, .. } = reshare(all, 2) else { panic!() };
    let hasty = OrderKind::Reshare { base, recipients, threshold, purpose, schedule: repeat };
    assert_eq!(check(2, hasty), Err("interval"));
}

#[test]
fn disputes_that_are_lifted() {
    let all = parties();
    let pair = |first, second| OrderKind::Lift { dispute: Lifted::Pair { first, second } };
    assert_eq!(check(2, pair(all[0], all[1])), Ok(()));
    assert_eq!(check(2, pair(all[1], all[0])), Err("second"));
    assert_eq!(check(2, pair(all[1], all[1])), Err("second"));
    let (low, high) = (all[0].min(public(9)), all[0].max(public(9)));
    assert_eq!(check(2, pair(low, high)), Err("parties"));
    assert_eq!(check(2, OrderKind::Lift { dispute: Lifted::Party { party: public(9) } }), Err("parties"));
}

#[test]
fn purposes_mean_what_they_say() {
    use Purpose::*;
    let all = parties();
    let (first, last) = (&all[..3], &all[1..]);
    // base parties and t, recipients and t', and which purposes that fits.
    type Case<'a> = (&'a [PublicKey], u16, &'a [PublicKey], u16, &'a [Purpose]);
    let cases: [Case<'_>; 7] = [
        (first, 2, first, 2, &[Refresh]),
        (first, 2, first, 3, &[Change]),
        (first, 2, last, 2, &[Change, Replace]),
        (first, 2, last, 3, &[Change]),
        (first, 2, &all, 2, &[Change]),
        (first, 2, &all[..2], 2, &[Change, Evict]),
        (first, 2, &all[2..], 2, &[Change]),
    ];
    for (parties, t, recipients, threshold, fits) in cases {
        for purpose in [Refresh, Change, Replace, Evict] {
            let got = purpose.check((parties, t), recipients, threshold).is_ok();
            assert_eq!(
                got,
                fits.contains(&purpose),
                "{purpose:?} {parties:?} {t} {recipients:?} {threshold}"
            );
        }
    }
}

#[test]
fn json_and_borsh_agree() {
    let repeat = Some(Repeat { interval: 60, end: 99 });
    let OrderKind::Reshare { base, recipients, threshold, purpose, .. } = reshare(parties(), 2) else {
        panic!()
    };
    let scheduled = OrderKind::Reshare { base, recipients, threshold, purpose, schedule: repeat };
    let pair = Lifted::Pair { first: parties()[0], second: parties()[1] };
    for kind in [reshare(parties(), 2), scheduled, schedule(60), OrderKind::Lift { dispute: pair }] {
        let order = Order { wallet: WalletId([1; 16]), number: 2, kind };
        let json = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), order);
        assert_eq!(borsh::from_slice::<Order>(&borsh::to_vec(&order).unwrap()).unwrap(), order);
        let strange = json.replacen("\"ceremony\"", "\"more\":1,\"ceremony\"", 1);
        assert!(serde_json::from_str::<Order>(&strange).is_err());
    }
}

//! Each rule alone, and the invariant in random worlds. The exhaustive model check drives the same code.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(order_number: u64, attempt_try: u32, hash: u8) -> Attempt {
    Attempt { order_number, attempt_try, transcript: Hash([hash; 32]) }
}

fn order(number: u64, attempt_try: u32, hash: u8) -> AcceptedOrder {
    AcceptedOrder { number, attempt_try, order: Hash([hash; 32]) }
}

fn held(accepted: Option<AcceptedOrder>, certified: Option<Attempt>, shares: &[Attempt]) -> Epochs {
    Epochs { accepted, certified, shares: shares.iter().copied().collect() }
}

#[test]
fn orders_go_up_and_start_from_what_is_certified() {
    use OrderRefusal::*;
    let active = at(3, 2, 9);
    let base = Some(active);
    let fresh = held(None, None, &[]);
    let known = held(Some(order(4, 5, 1)), base, &[active]);
    let joined = held(None, base, &[active]);
    let ended = held(None, Some(Attempt::end(3, Hash([8; 32]))), &[]);
    let made = held(Some(order(1, 2, 1)), None, &[at(1, 1, 4)]);
    type Case<'a> = (&'a Epochs, AcceptedOrder, Option<Attempt>, Result<(), OrderRefusal>);
    let cases: [Case<'_>; 23] = [
        (&fresh, order(0, 1, 1), None, Err(Zero)),
        (&fresh, order(1, 0, 1), None, Err(Zero)),
        (&fresh, order(1, 1, 1), None, Ok(())),
        (&fresh, order(1, 1, 1), base, Err(NoBase)),
        (&fresh, order(4, 1, 1), base, Ok(())),
        (&fresh, order(4, 1, 1), None, Err(NoBase)),
        (&fresh, order(2, 1, 1), base, Err(NoBase)),
        (&fresh, order(4, 1, 1), Some(Attempt::end(3, Hash([8; 32]))), Err(NoBase)),
        (&known, order(3, 9, 1), base, Err(Lower { number: 3, accepted: 4 })),
        (&known, order(4, 6, 2), base, Err(Other { number: 4, accepted: Hash([1; 32]) })),
        (&known, order(4, 5, 1), base, Err(Try { number: 4, attempt_try: 5, last: 5 })),
        (&known, order(4, 6, 1), base, Ok(())),
        (&known, order(9, 1, 2), base, Ok(())),
        (&known, order(9, 1, 2), Some(at(3, 2, 8)), Err(Base { base: at(3, 2, 8), certified: active })),
        (&known, order(9, 1, 2), Some(at(3, 3, 0)), Err(Base { base: at(3, 3, 0), certified: active })),
        (&joined, order(2, 9, 1), base, Err(Lower { number: 2, accepted: 3 })),
        (&joined, order(3, 2, 1), base, Err(Try { number: 3, attempt_try: 2, last: 2 })),
        // A schedule starts from what it has made itself.
        (&joined, order(3, 3, 1), base, Ok(())),
        (&joined, order(1, 1, 1), None, Err(Exists { active })),
        (&ended, order(4, 1, 1), Some(at(2, 1, 1)), Err(Destroyed { end: Attempt::end(3, Hash([8; 32])) })),
        (&ended, order(1, 1, 1), None, Err(Exists { active: Attempt::end(3, Hash([8; 32])) })),
        (&made, order(1, 3, 1), None, Err(Kept { kept: at(1, 1, 4) })),
        (&made, order(2, 1, 1), Some(at(1, 1, 4)), Ok(())),
    ];
    for (n, (epochs, new, base, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(epochs.accept(new, base), wanted, "case {n}");
    }
}

#[test]
fn order_numbers_cannot_be_used_up_at_one_stroke() {
    let far = |number, known| Err(OrderRefusal::Ahead { number, known });
    let base = Some(at(3, 1, 9));
    let (fresh, certified) = (held(None, None, &[]), held(None, base, &[]));
    let accepted = held(Some(order(7, 1, 1)), base, &[]);
    for (epochs, known) in [(&fresh, 3), (&certified, 3), (&accepted, 7)] {
        assert_eq!(epochs.accept(order(known + MAX_AHEAD, 1, 2), base), Ok(()));
        assert_eq!(
            epochs.accept(order(known + MAX_AHEAD + 1, 1, 2), base),
            far(known + MAX_AHEAD + 1, known)
        );
        assert_eq!(epochs.accept(order(u64::MAX, 1, 2), base), far(u64::MAX, known));
    }
    // Who was away for long goes by the base.
    let away = held(Some(order(2, 1, 1)), None, &[]);
    assert_eq!(away.accept(order(5001, 1, 2), Some(at(5000, 1, 9))), Ok(()));
}

#[test]
fn prepared_only_under_the_last_order_and_from_the_highest_base() {
    use AttemptRefusal::*;
    let active = at(3, 2, 9);
    let base = Some(active);
    let last = order(4, 5, 1);
    let known = held(Some(last), base, &[active, at(4, 2, 2)]);
    let below = |base| Order(OrderRefusal::Base { base, certified: active });
    assert_eq!(held(None, base, &[]).prepare(at(4, 1, 1), base), Err(NotAccepted));
    assert_eq!(known.prepare(at(4, 5, 1), base), Ok(()));
    assert_eq!(known.prepare(at(4, 1, 1), base), Ok(()));
    assert_eq!(known.prepare(at(4, 0, 1), base), Err(OtherOrder(last)));
    assert_eq!(known.prepare(at(4, 6, 1), base), Err(OtherOrder(last)));
    assert_eq!(known.prepare(at(3, 3, 1), base), Err(OtherOrder(last)));
    assert_eq!(known.prepare(at(5, 1, 1), base), Err(OtherOrder(last)));
    assert_eq!(known.prepare(at(4, 2, 2), base), Err(Stored));
    assert_eq!(known.prepare(at(4, 5, 1), Some(at(3, 2, 8))), Err(below(at(3, 2, 8))));
    assert_eq!(known.prepare(at(4, 5, 1), None), Err(Order(OrderRefusal::NoBase)));
    // Its certificate, or a higher one, came before it.
    let late = held(Some(last), Some(at(4, 5, 1)), &[]);
    assert_eq!(late.prepare(at(4, 5, 1), base), Err(NotAbove(at(4, 5, 1))));
    assert_eq!(late.prepare(at(4, 4, 1), base), Err(NotAbove(at(4, 5, 1))));
    let end = Attempt::end(4, Hash([8; 32]));
    let ended = held(Some(last), Some(end), &[]);
    assert_eq!(ended.prepare(at(4, 1, 1), base), Err(Order(OrderRefusal::Destroyed { end })));
    let made = held(Some(order(1, 2, 1)), None, &[at(1, 1, 4)]);
    let kept = Order(OrderRefusal::Kept { kept: at(1, 1, 4) });
    assert_eq!(made.prepare(at(1, 2, 1), None), Err(kept));
}

#[test]
fn a_certificate_erases_what_lies_below_and_nothing_else() {
    let shares = [at(2, 1, 1), at(3, 1, 1), at(3, 1, 2), at(3, 2, 0), at(4, 1, 1)];
    let epochs = held(None, Some(at(2, 1, 1)), &shares);
    let erase = |upto: usize| shares[..upto].iter().copied().collect::<BTreeSet<_>>();
    let taken = |upto, share| Ok(Certified::Taken { erase: erase(upto), share });
    assert_eq!(epochs.certify(at(2, 1, 0)), Ok(Certified::Ignored));
    assert_eq!(epochs.certify(at(2, 1, 1)), taken(0, true));
    assert_eq!(epochs.certify(at(3, 1, 2)), taken(2, true));
    // Of an epoch in which this party has no share.
    assert_eq!(epochs.certify(at(3, 1, 9)), taken(3, false));
    assert_eq!(epochs.certify(at(9, 1, 1)), taken(5, false));
    // A destroy takes pendings of lower orders with it, and none of its own number or above.
    assert_eq!(epochs.certify(Attempt::end(4, Hash([0; 32]))), taken(4, false));
    assert_eq!(epochs.certify(Attempt::end(5, Hash([0; 32]))), taken(5, false));
    assert_eq!(epochs.active(), Some(at(2, 1, 1)));
    assert!(epochs.pendings().eq(shares[1..].iter().copied()));
    assert_eq!(held(None, Some(at(9, 9, 9)), &shares).active(), None);
}

#[test]
fn a_key_is_generated_once() {
    let (first, second) = (at(1, 1, 5), at(1, 2, 6));
    let active = held(None, Some(first), &[first]);
    assert_eq!(active.certify(second), Err(AttemptRefusal::Generated(first)));
    assert_eq!(active.certify(at(1, 1, 4)), Err(AttemptRefusal::Generated(first)));
    assert!(active.certify(first).is_ok());
    assert_eq!(held(None, None, &[first]).certify(second), Err(AttemptRefusal::Kept(first)));
    assert!(held(None, None, &[second]).certify(first).is_ok());
    let later = held(None, Some(at(2, 1, 1)), &[at(2, 1, 1)]);
    assert_eq!(later.certify(first), Ok(Certified::Ignored));
}

#[test]
fn tries_that_are_told() {
    let epochs = held(Some(order(4, 5, 1)), Some(at(4, 7, 1)), &[]);
    assert_eq!(epochs.told_try(4, &Hash([1; 32])), 7);
    assert_eq!(epochs.told_try(5, &Hash([1; 32])), 0);
    let behind = held(Some(order(4, 5, 1)), Some(at(3, 7, 1)), &[]);
    assert_eq!((behind.told_try(4, &Hash([1; 32])), behind.told_try(4, &Hash([2; 32]))), (5, 0));
}

/// One party in a random world.
#[derive(Default)]
struct Party {
    epochs: Epochs,
}

impl Party {
    fn accept(&mut self, new: AcceptedOrder, base: Option<Attempt>) -> bool {
        let yes = self.epochs.accept(new, base).is_ok();
        if yes {
            self.epochs.accepted = Some(new);
        }
        yes
    }

    fn prepare(&mut self, attempt: Attempt, base: Option<Attempt>) -> bool {
        let yes = self.epochs.prepare(attempt, base).is_ok();
        if yes {
            self.epochs.shares.insert(attempt);
        }
        yes
    }

    fn certify(&mut self, rank: Attempt) {
        if let Ok(Certified::Taken { erase, .. }) = self.epochs.certify(rank) {
            self.epochs.certified = Some(rank);
            self.epochs.shares.retain(|share| !erase.contains(share));
        }
    }
}

/// One ceremony: who takes part, how far each gets, and who sees the certificate.
#[derive(Clone, Debug)]
struct Run {
    number: u64,
    attempt_try: u32,
    base: usize,
    recipients: u8,
    reached: u8,
    told: u8,
}

fn run() -> impl Strategy<Value = Run> {
    let reached = prop_oneof![4 => Just(0xff), 1 => any::<u8>()];
    (2u64..7, 1u32..4, 0usize..8, 1u8..32, reached, any::<u8>()).prop_map(
        |(number, attempt_try, base, recipients, reached, told)| Run {
            number,
            attempt_try,
            base,
            recipients,
            reached,
            told,
        },
    )
}

fn members(mask: u8) -> impl Iterator<Item = usize> {
    (0..5).filter(move |party| mask & (1 << party) != 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Five parties, ceremonies in any order with parties that stop at any step, certificates that reach anybody: every
    /// recipient of the highest certified attempt holds its share of it, and the active share is never erased.
    #[test]
    fn the_highest_certified_epoch_is_held_by_all_its_recipients(
        runs in proptest::collection::vec(run(), 1..40)
    ) {
        let mut parties: Vec<Party> = (0..5).map(|_| Party::default()).collect();
        let first = at(1, 1, 1);
        let mut certified = BTreeMap::from([(first, 0b11111u8)]);
        for party in &mut parties {
            prop_assert!(party.accept(order(1, 1, 1), None) && party.prepare(first, None));
            party.certify(first);
        }
        for (n, run) in runs.iter().enumerate() {
            let base = *certified.keys().nth(run.base % certified.len()).unwrap();
            let attempt = at(run.number, run.attempt_try, n as u8 + 2);
            let new = order(run.number, run.attempt_try, run.number as u8);
            let mut prepared = 0u8;
            for party in members(run.recipients & run.reached) {
                if parties[party].accept(new, Some(base)) && parties[party].prepare(attempt, Some(base)) {
                    prepared |= 1 << party;
                }
            }
            if prepared == run.recipients {
                certified.insert(attempt, prepared);
            }
            let known = *certified.keys().nth(run.told as usize % certified.len()).unwrap();
            for party in members(run.told) {
                parties[party].certify(known);
            }
            let (highest, recipients) = certified.last_key_value().unwrap();
            for party in members(*recipients) {
                prop_assert!(parties[party].epochs.shares.contains(highest), "{highest} at {party} after {n}");
            }
        }
    }
}

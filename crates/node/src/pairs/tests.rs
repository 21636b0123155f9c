//! The iron rule (§4.2): what a poisoned pair stops, and in which order.

use super::*;
use quorate_audit::Attempt;
use quorate_intent::{Hash, Suite, WalletId};
use quorate_protocols::ot::pair::{PairCtx, finish, respond, start};
use std::sync::atomic::{AtomicUsize, Ordering};

fn key(n: u8) -> PublicKey {
    PublicKey([n; 32])
}

fn state(seed: u8) -> PairState {
    let mut rng = rand_core::OsRng;
    let side = |n: u16| (Index::new(n).unwrap(), [n as u8; 32]);
    let (a, b) = (PairCtx::new(&[seed; 32], side(1), side(2)), PairCtx::new(&[seed; 32], side(2), side(1)));
    let ((sa, ma), (sb, mb)) = (start(&a.unwrap(), &mut rng), start(&b.unwrap(), &mut rng));
    let ((sa, _), (_, nb)) = (respond(sa, &mb).unwrap(), respond(sb, &ma).unwrap());
    finish(sa, &nb).unwrap()
}

fn record() -> WalletRecord {
    WalletRecord {
        wallet: WalletId([1; 16]),
        suite: Suite::Ecdsa,
        label: "w".into(),
        attempt: Attempt { order_number: 1, attempt_try: 1, transcript: Hash([2; 32]) },
        order: Hash([3; 32]),
        parties: (1..=3).map(key).collect(),
        public: Vec::new(),
    }
}

fn pairs() -> Pairs {
    let pairs = Pairs::default();
    assert!(pairs.insert(key(2), state(1), 0) && pairs.insert(key(3), state(2), 0));
    pairs
}

#[test]
fn nothing_is_released_with_a_poisoned_or_renewed_pair() {
    let pairs = pairs();
    let access = |set: &[u16]| pairs.access(&record(), &key(1), set, |_| ());
    let (all, third) = (access(&[1, 2, 3]).unwrap(), access(&[1, 3]).unwrap());
    let sent = |access: &Access| {
        let mut sent = 0;
        let released = access.release(&mut || sent += 1).is_ok();
        assert_eq!(sent, usize::from(released));
        released
    };
    assert!(sent(&all) && sent(&third));
    // Another run finds peer 2 out: what this run has made stays here; runs without that pair go on.
    pairs.poison(&key(2), || ());
    assert!(!sent(&all) && sent(&third));
    assert_eq!(access(&[1, 2, 3]).err(), Some(key(2)));
    assert_eq!(pairs.ids(&[key(2)]), [None]);
    // A renewal does not bring the old run back.
    assert!(pairs.insert(key(2), state(3), pairs.cuts(&key(2))));
    let new = access(&[1, 2, 3]).unwrap();
    assert!(!sent(&all) && sent(&new));
    assert!(pairs.insert(key(3), state(4), 0));
    assert!(!sent(&third) && !sent(&new));
}

#[test]
fn nothing_can_be_poisoned_while_something_is_released() {
    let pairs = Arc::new(pairs());
    let access = pairs.access(&record(), &key(1), &[1, 2, 3], |_| ()).unwrap();
    let other = Arc::clone(&pairs);
    let poisoner = access.held(|| {
        let thread = std::thread::spawn(move || other.poison(&key(2), || ()));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!thread.is_finished(), "the pair was poisoned under the guard");
        thread
    });
    poisoner.unwrap().join().unwrap();
    assert!(access.held(|| ()).is_err());
}

#[test]
fn a_failed_check_is_told_once_under_the_pairs_lock() {
    let pairs = pairs();
    let told = Arc::new(AtomicUsize::new(0));
    let (count, slot) = (Arc::clone(&told), pairs.slot(&key(2)).unwrap());
    let mut access = pairs
        .access(&record(), &key(1), &[1, 2], move |peer| {
            assert_eq!(*peer, key(2));
            assert!(slot.try_lock().is_err(), "told after the lock was given up");
            count.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
    let two = Index::new(2).unwrap();
    access.with(two, |pair| assert!(!pair.is_poisoned()));
    assert_eq!(told.load(Ordering::Relaxed), 0);
    access.with(two, |pair| pair.poison());
    access.with(two, |pair| pair.poison());
    assert_eq!(told.load(Ordering::Relaxed), 1);
}

#[test]
fn a_set_up_does_not_outlive_a_fault_found_meanwhile() {
    let pairs = pairs();
    let before = pairs.cuts(&key(2));
    pairs.cut(&key(2));
    pairs.poison(&key(2), || ());
    assert!(!pairs.insert(key(2), state(5), before));
    assert_eq!(pairs.ids(&[key(2)]), [None]);
    assert!(pairs.insert(key(2), state(6), pairs.cuts(&key(2))));
    assert!(pairs.ids(&[key(2)])[0].is_some());
    // An edge that cannot be stored: nothing with this peer any more.
    pairs.refuse(&key(2));
    assert_eq!(pairs.ids(&[key(2)]), [None]);
    assert!(!pairs.insert(key(2), state(7), pairs.cuts(&key(2))));
    assert!(pairs.access(&record(), &key(1), &[1, 2], |_| ()).is_err());
    assert!(pairs.access(&record(), &key(1), &[1, 3], |_| ()).is_ok());
}

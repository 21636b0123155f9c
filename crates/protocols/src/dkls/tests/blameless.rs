//! Ends without blame: restarts, pairs that other runs spoilt, and wrong use on this side.

use super::faults::{BAD, cluster, three};
use super::harness::{By, Cluster, Ideal, ideal, index};
use crate::Abort;
use crate::dkls::{Ole, PairAccess, Point, Scalar, presign};
use quorate_sharing::Index;

#[test]
fn a_poisoned_or_renewed_pair_ends_every_run_that_used_it() {
    for renewed in [false, true] {
        for round in 1..=5 {
            let mut cluster = cluster();
            let spoil = |cluster: &mut Cluster<Ideal>| {
                let table = &mut cluster.tables.get_mut(&index(1)).unwrap().0;
                if renewed {
                    let [other, _] = super::ideal::IdealPair::both_ends([1; 32]);
                    table.get_mut(&index(2)).unwrap().inner = other;
                } else {
                    table.get_mut(&index(2)).unwrap().poison();
                }
            };
            let aborts = match round {
                1 if renewed => continue,
                1 => {
                    spoil(&mut cluster);
                    let mut table = cluster.tables.remove(&index(1)).unwrap();
                    let (ctx, mut rng) = (cluster.ctx(index(1)), cluster.rng.clone());
                    let got = presign::round1(&ctx, &cluster.view(index(1)), &mut table, 2, &mut rng);
                    By::from([(index(1), got.err().unwrap())])
                }
                2 => {
                    let sent = cluster.round1();
                    spoil(&mut cluster);
                    cluster.outcomes2(sent).1
                }
                3 => {
                    let sent = cluster.round1();
                    let sent = cluster.round2(sent);
                    spoil(&mut cluster);
                    cluster.outcomes3(sent).1
                }
                4 => {
                    let sent = three(&mut cluster);
                    spoil(&mut cluster);
                    let (next, aborts) = cluster.outcomes4(sent);
                    assert!(!next.shown.contains_key(&index(1)));
                    aborts
                }
                _ => {
                    let sent = three(&mut cluster);
                    let sent = cluster.round4(sent);
                    spoil(&mut cluster);
                    cluster.finish(sent).into_iter().filter_map(|(i, got)| Some((i, got.err()?))).collect()
                }
            };
            assert_eq!(aborts.len(), 1, "round {round}");
            assert!(matches!(aborts[&index(1)], Abort::Restart(_)), "{aborts:?}");
        }
    }
}

/// R of the identity is a restart without blame: party 3 cannot arrange it, but a toy adversary that knows all can.
#[test]
fn a_joint_nonce_of_zero_is_a_blameless_restart() {
    let mut cluster = ideal(2, 2, 1);
    let mut sent = cluster.round1();
    let ctx = cluster.ctx(index(2));
    let minus = -*sent.states[&index(1)].inputs[0][0].expose();
    let state = sent.states.get_mut(&index(2)).unwrap();
    state.inputs[0][0] = crate::dkls::Secret::new(minus);
    state.r[0] = Point::GENERATOR * minus;
    let commitment = super::harness::commitment(&ctx, &state.salt, &state.r);
    state.own.commitment = commitment;
    for side in [&mut sent.own, &mut sent.shown] {
        side.get_mut(&index(2)).unwrap().commitment = commitment;
    }
    let sent = cluster.round2(sent);
    let (_, aborts) = cluster.outcomes3(sent);
    assert_eq!(aborts.len(), 2);
    assert!(aborts.values().all(|abort| matches!(abort, Abort::Restart(_))), "{aborts:?}");
}

/// Pair states that another run poisons while ours is at work on the next peer.
struct Poisoner<'a> {
    table: &'a mut super::harness::Table<Ideal>,
    calls: usize,
}

impl PairAccess for Poisoner<'_> {
    type Pair = Ideal;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut Ideal) -> T) -> Option<T> {
        self.calls += 1;
        if self.calls == 2 {
            self.table.0.values_mut().next().unwrap().inner.poison();
        }
        self.table.with(peer, action)
    }
}

#[test]
fn nothing_leaves_when_a_pair_is_poisoned_meanwhile() {
    let me = index(1);
    for round in [2, 3] {
        let mut cluster = cluster();
        let ctx = cluster.ctx(me);
        let mut rng = cluster.rng.clone();
        let mut sent = cluster.round1();
        if round == 2 {
            let (state, all) = (sent.states.remove(&me).unwrap(), sent.broadcasts(&ctx));
            let private = sent.take_private(&ctx);
            let mut pairs = Poisoner { table: cluster.tables.get_mut(&me).unwrap(), calls: 0 };
            let got = presign::round2(state, all, private, &mut pairs, &mut rng);
            assert!(matches!(got, Err(Abort::Restart(_))));
            continue;
        }
        let mut sent = cluster.round2(sent);
        let (state, all) = (sent.states.remove(&me).unwrap(), sent.broadcasts(&ctx));
        let private = sent.take_private(&ctx);
        let mut pairs = Poisoner { table: cluster.tables.get_mut(&me).unwrap(), calls: 0 };
        let got = presign::round3(state, all, private, &mut pairs, [0; 32], &mut rng);
        assert!(matches!(got, Err(Abort::Restart(_))));
    }
}

/// A missing pair state is nobody's fault.
#[test]
fn a_missing_pair_is_a_restart() {
    let mut cluster = cluster();
    let mut table = cluster.tables.remove(&index(1)).unwrap();
    table.0.remove(&index(2));
    let (ctx, mut rng) = (cluster.ctx(index(1)), cluster.rng.clone());
    let got = presign::round1(&ctx, &cluster.view(index(1)), &mut table, 1, &mut rng);
    assert!(matches!(got, Err(Abort::Restart(_))));
}

#[test]
fn own_broadcasts_must_come_back_unchanged() {
    let me = index(1);
    let usage = |abort: &Abort| matches!(abort, Abort::Usage(_));
    let mut cluster = cluster();
    let mut sent = cluster.round1();
    sent.own.get_mut(&me).unwrap().commitment[0] ^= 1;
    assert!(usage(&cluster.outcomes2(sent).1[&me]));

    let mut cluster = self::cluster();
    let sent = cluster.round1();
    let mut sent = cluster.round2(sent);
    sent.own.get_mut(&me).unwrap().masked[0].psi += Scalar::ONE;
    assert!(usage(&cluster.outcomes3(sent).1[&me]));

    // An opening in our name that is not ours is no reason to condemn ourselves.
    let mut cluster = self::cluster();
    let sent = cluster.round1();
    let mut sent = cluster.round2(sent);
    sent.own.get_mut(&me).unwrap().salt[0] ^= 1;
    assert!(usage(&cluster.outcomes3(sent).1[&me]));

    let mut cluster = self::cluster();
    let mut sent = three(&mut cluster);
    sent.own.get_mut(&me).unwrap().shown[0].b += Point::GENERATOR;
    assert!(usage(&cluster.outcomes4(sent).1[&me]));

    let mut cluster = self::cluster();
    let sent = three(&mut cluster);
    let mut sent = cluster.round4(sent);
    sent.own.get_mut(&me).unwrap().pd[0][0] ^= 1;
    assert!(cluster.finish(sent)[&me].as_ref().is_err_and(usage));
}

/// If this machine miscalculates, it says so instead of putting its name under it.
#[test]
fn own_miscalculation_is_found_before_anything_leaves() {
    for product in 0..2 {
        let mut cluster = cluster();
        let sent = cluster.round1();
        let mut sent = cluster.round2(sent);
        let sums = &mut sent.states.get_mut(&index(1)).unwrap().corrections[1];
        sums[product] = crate::dkls::Secret::new(*sums[product].expose() + Scalar::ONE);
        let (next, aborts) = cluster.outcomes3(sent);
        assert!(matches!(aborts[&index(1)], Abort::Usage(_)) && aborts.len() == 1);
        assert!(!next.shown.contains_key(&index(1)));
    }
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let mut cluster = cluster();
    let me = index(1);
    let mut table = cluster.tables.remove(&me).unwrap();
    let (ctx, mut rng) = (cluster.ctx(me), cluster.rng.clone());
    let mut usage = |view: &crate::dkls::KeyShareView<'_>, count: usize| {
        matches!(presign::round1(&ctx, view, &mut table, count, &mut rng), Err(Abort::Usage(_)))
    };
    assert!(!usage(&cluster.view(me), 1));
    assert!(usage(&cluster.view(me), 0));
    assert!(usage(&cluster.view(me), 257));
    let mut view = cluster.view(me);
    view.index = index(2);
    assert!(usage(&view, 1));
    let mut view = cluster.view(me);
    view.share = &cluster.shares[&index(2)];
    assert!(usage(&view, 1), "another party's share");
    let mut view = cluster.view(me);
    view.public += Point::GENERATOR;
    assert!(usage(&view, 1));
    let mut view = cluster.view(me);
    view.threshold = 2;
    assert!(usage(&view, 1));
    let epoch = [0u8; 129];
    let mut view = cluster.view(me);
    view.epoch = &epoch;
    assert!(usage(&view, 1));
    let mut publics = cluster.publics.clone();
    publics.remove(&index(BAD));
    let mut view = cluster.view(me);
    view.publics = &publics;
    assert!(usage(&view, 1));
}

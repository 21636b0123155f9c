//! Rounds 1 to 3: every check of §4.3 has a test here that fails without it. Party 3 of {1, 2, 3} misbehaves.

use super::harness::{By, Cluster, Ideal, Sent3, ideal, index};
use crate::dkls::{Point, Scalar};
use crate::{Abort, Severity};
use alloc::vec::Vec;

pub const BAD: u16 = 3;

pub fn cluster() -> Cluster<Ideal> {
    ideal(3, 3, 2)
}

/// Exactly these parties blame exactly BAD, at this severity; nobody else aborts, but for BAD itself.
pub fn blamed(aborts: &By<Abort>, by: &[u16], severity: Severity) {
    let accusers: Vec<u16> = aborts.keys().map(|i| i.get()).filter(|i| *i != BAD).collect();
    assert_eq!(accusers, by, "{aborts:?}");
    for (accuser, abort) in aborts.iter().filter(|(i, _)| i.get() != BAD) {
        let Abort::Blame(faults) = abort else { panic!("{accuser}: {abort}") };
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!((faults[0].party, faults[0].severity), (index(BAD), severity));
    }
}

#[test]
fn wrong_zero_share_is_an_edge_of_its_pair_alone() {
    for element in 0..2 {
        let mut cluster = cluster();
        let mut sent = cluster.round1();
        // Party 3's list of others is (1, 2): spoil what it says toward 2.
        sent.shown.get_mut(&index(BAD)).unwrap().z[element * 2 + 1] += Point::GENERATOR;
        let (next, aborts) = cluster.outcomes2(sent);
        // Party 2 draws its edge. Party 1 sees a contradiction between 2 and 3, and blames nobody.
        blamed(
            &aborts.iter().filter(|(i, _)| i.get() != 1).map(|(i, a)| (*i, a.clone())).collect(),
            &[2],
            Severity::HardEdge,
        );
        assert!(
            matches!(aborts[&index(1)], Abort::Witnessed { between, .. } if between == (index(2), index(BAD)))
        );
        assert!(!next.states.contains_key(&index(1)) && !next.states.contains_key(&index(2)));
        assert!(cluster.poisoned(2, BAD), "the iron rule counts a failed check of Z");
        assert!(!cluster.poisoned(2, 1) && !cluster.poisoned(1, 2) && !cluster.poisoned(1, BAD));
    }
}

#[test]
fn lists_of_wrong_length_are_condemned() {
    let mut cluster1 = cluster();
    let mut sent = cluster1.round1();
    sent.shown.get_mut(&index(BAD)).unwrap().z.pop();
    blamed(&cluster1.outcomes2(sent).1, &[1, 2], Severity::Condemned);

    for spoil in [0, 1] {
        let mut cluster2 = cluster();
        let sent = cluster2.round1();
        let mut sent = cluster2.round2(sent);
        let message = sent.shown.get_mut(&index(BAD)).unwrap();
        if spoil == 0 {
            message.masked.truncate(3)
        } else {
            message.r.truncate(1)
        }
        blamed(&cluster2.outcomes3(sent).1, &[1, 2], Severity::Condemned);
    }

    let mut cluster3 = cluster();
    let mut sent = three(&mut cluster3);
    sent.shown.get_mut(&index(BAD)).unwrap().shown.pop();
    blamed(&cluster3.outcomes4(sent).1, &[1, 2], Severity::Condemned);
}

#[test]
fn a_request_that_fails_its_check_poisons_and_draws_an_edge() {
    let mut cluster = cluster();
    let mut sent = cluster.round1();
    sent.private.get_mut(&(index(BAD), index(1))).unwrap().bad = true;
    let (next, aborts) = cluster.outcomes2(sent);
    blamed(&aborts, &[1], Severity::HardEdge);
    assert!(cluster.poisoned(1, BAD) && !cluster.poisoned(1, 2) && !cluster.poisoned(2, BAD));
    // Nothing of party 1 leaves: no broadcast, and not the replies that it had made before.
    assert!(!next.shown.contains_key(&index(1)));
    assert!(next.private.keys().all(|(from, _)| *from != index(1)));
}

#[test]
fn a_reply_that_fails_its_check_poisons_and_draws_an_edge() {
    let mut cluster = cluster();
    let sent = cluster.round1();
    let mut sent = cluster.round2(sent);
    sent.private.get_mut(&(index(BAD), index(2))).unwrap().bad = true;
    let (next, aborts) = cluster.outcomes3(sent);
    blamed(&aborts, &[2], Severity::HardEdge);
    assert!(cluster.poisoned(2, BAD) && !cluster.poisoned(2, 1));
    assert!(!next.shown.contains_key(&index(2)));
}

#[test]
fn wrong_openings_are_condemned() {
    let g = Point::GENERATOR;
    for what in 0..4 {
        let mut cluster = cluster();
        let sent = cluster.round1();
        let mut sent = cluster.round2(sent);
        let message = sent.shown.get_mut(&index(BAD)).unwrap();
        match what {
            0 => message.salt[31] ^= 1,
            1 => message.r[1] += g,
            2 => message.r.swap(0, 1),
            _ => message.r[0] = Point::IDENTITY,
        }
        let (_, aborts) = cluster.outcomes3(sent);
        blamed(&aborts, &[1, 2], Severity::Condemned);
        assert!(!cluster.poisoned(1, BAD), "an opening says nothing about the pair");
    }
}

/// A commitment copied from another party cannot be opened, though the copier knows what to say later.
#[test]
fn copied_commitment_is_condemned() {
    let mut cluster = cluster();
    let mut sent = cluster.round1();
    let copy = sent.shown[&index(1)].commitment;
    sent.shown.get_mut(&index(BAD)).unwrap().commitment = copy;
    let mut sent = cluster.round2(sent);
    let (salt, r) = (sent.shown[&index(1)].salt, sent.shown[&index(1)].r.clone());
    let message = sent.shown.get_mut(&index(BAD)).unwrap();
    (message.salt, message.r) = (salt, r);
    blamed(&cluster.outcomes3(sent).1, &[1, 2], Severity::Condemned);
}

#[test]
fn another_evaluation_input_toward_one_peer_poisons_that_pair() {
    for add in [[Scalar::ONE, Scalar::ZERO], [Scalar::ZERO, Scalar::ONE], [Scalar::ONE, -Scalar::ONE]] {
        let mut cluster = cluster();
        cluster.tables.get_mut(&index(BAD)).unwrap().0.get_mut(&index(1)).unwrap().add = add;
        let sent = cluster.round1();
        let sent = cluster.round2(sent);
        let (next, aborts) = cluster.outcomes3(sent);
        blamed(&aborts, &[1], Severity::HardEdge);
        assert!(cluster.poisoned(1, BAD) && !cluster.poisoned(2, BAD));
        assert!(!next.shown.contains_key(&index(1)));
    }
}

#[test]
fn wrong_gamma_poisons_the_pair_that_it_concerns() {
    for element in 0..2 {
        for v in [false, true] {
            let mut cluster = cluster();
            let sent = cluster.round1();
            let mut sent = cluster.round2(sent);
            let masked = &mut sent.shown.get_mut(&index(BAD)).unwrap().masked[element * 2];
            if v {
                masked.gamma_v += Point::GENERATOR
            } else {
                masked.gamma_u += Point::GENERATOR
            }
            blamed(&cluster.outcomes3(sent).1, &[1], Severity::HardEdge);
            assert!(cluster.poisoned(1, BAD) && !cluster.poisoned(2, BAD));
        }
    }
}

/// Two wrong Γ that would cancel in an unweighted sum, over u and v or over elements.
#[test]
fn wrong_gammas_do_not_cancel() {
    for across_elements in [false, true] {
        let mut cluster = cluster();
        let sent = cluster.round1();
        let mut sent = cluster.round2(sent);
        let masked = &mut sent.shown.get_mut(&index(BAD)).unwrap().masked;
        masked[0].gamma_u += Point::GENERATOR;
        if across_elements {
            masked[2].gamma_u -= Point::GENERATOR
        } else {
            masked[0].gamma_v -= Point::GENERATOR
        }
        blamed(&cluster.outcomes3(sent).1, &[1], Severity::HardEdge);
    }
}

pub fn three(cluster: &mut Cluster<Ideal>) -> Sent3 {
    let sent = cluster.round1();
    let sent = cluster.round2(sent);
    cluster.round3(sent)
}

/// A party that commits to the identity and opens it honestly is condemned, not summed.
#[test]
fn a_nonce_share_of_zero_is_condemned() {
    let mut cluster = cluster();
    let mut sent = cluster.round1();
    let ctx = cluster.ctx(index(BAD));
    let state = sent.states.get_mut(&index(BAD)).unwrap();
    state.inputs[1][0] = crate::dkls::Secret::new(Scalar::ZERO);
    state.r[1] = Point::IDENTITY;
    state.own.commitment = super::harness::commitment(&ctx, &state.salt, &state.r);
    let commitment = state.own.commitment;
    for side in [&mut sent.own, &mut sent.shown] {
        side.get_mut(&index(BAD)).unwrap().commitment = commitment;
    }
    let sent = cluster.round2(sent);
    blamed(&cluster.outcomes3(sent).1, &[1, 2], Severity::Condemned);
}

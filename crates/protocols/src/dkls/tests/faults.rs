//! Every check of §4.3 has a test here that fails without it. Party 3 of {2, 3, 4, 5} or {1, 2, 3} misbehaves.

use super::harness::{By, Cluster, Ideal, Sent3, ideal, index};
use crate::dkls::sigma::{self, Statement};
use crate::dkls::{Point, Scalar, pedersen, presign};
use crate::{Abort, Severity};
use alloc::vec::Vec;
use quorate_sharing::Index;

const BAD: u16 = 3;

fn cluster() -> Cluster<Ideal> {
    ideal(3, 3, 2)
}

/// Exactly these parties blame exactly BAD, at this severity; nobody else aborts, but for BAD itself.
fn blamed(aborts: &By<Abort>, by: &[u16], severity: Severity) {
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

#[test]
fn a_poisoned_or_renewed_pair_ends_every_run_that_used_it() {
    for renewed in [false, true] {
        for round in [1, 2, 3] {
            let mut cluster = cluster();
            let spoil = |cluster: &mut Cluster<Ideal>| {
                let table = &mut cluster.tables.get_mut(&index(1)).unwrap().0;
                if renewed {
                    let [other, _] = super::ideal::IdealPair::both_ends([1; 32]);
                    table.get_mut(&index(2)).unwrap().inner = other;
                } else {
                    crate::dkls::Ole::poison(table.get_mut(&index(2)).unwrap());
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
                _ => {
                    let sent = cluster.round1();
                    let sent = cluster.round2(sent);
                    spoil(&mut cluster);
                    cluster.outcomes3(sent).1
                }
            };
            assert_eq!(aborts.len(), 1);
            assert!(matches!(aborts[&index(1)], Abort::Restart(_)), "{aborts:?}");
        }
    }
}

fn three(cluster: &mut Cluster<Ideal>) -> Sent3 {
    let sent = cluster.round1();
    let sent = cluster.round2(sent);
    cluster.round3(sent)
}

/// A wrong ψ passes rounds 2 and 3, since it only moves what φ the peer counts with: then Σu is no longer kφ, and no
/// signature comes out, but each partial still checks, and the public terms still sum to zero. So who says ψ is bound
/// to it by its own A, Φ, B: u_i·G = A_i + P^u_i fails for the liar alone, at its partial signature.
#[test]
fn wrong_psi_falls_back_on_its_sender() {
    let mut cluster = ideal(2, 2, 1);
    let sent = cluster.round1();
    let mut sent = cluster.round2(sent);
    // Party 2 says another ψ toward party 1; everybody, itself included, goes on with what was broadcast.
    let lie = |masked: &mut crate::dkls::messages::Masked| masked.psi += Scalar::ONE;
    sent.shown.get_mut(&index(2)).unwrap().masked.iter_mut().for_each(lie);
    sent.own.get_mut(&index(2)).unwrap().masked.iter_mut().for_each(lie);
    sent.states.get_mut(&index(2)).unwrap().own.masked.iter_mut().for_each(lie);
    let (mut next, aborts) = cluster.outcomes3(sent);
    // The liar's own self-check is the only thing that stops it here.
    assert_eq!(aborts.keys().map(|i| i.get()).collect::<Vec<_>>(), [2]);
    let honest = next.states.remove(&index(1)).unwrap();
    let (secrets, sums) = (&honest.secrets[0], &honest.sums[0]);
    let g = Point::GENERATOR;
    assert_eq!(
        g * secrets.u.expose(),
        sums.r * secrets.phi.expose() + sums.pu[0],
        "the honest one still fits"
    );
    assert_eq!(sums.pu[0] + sums.pu[1], Point::IDENTITY);
}

#[test]
fn wrong_proofs_are_condemned_in_every_field() {
    for field in 0..9 {
        let mut cluster = cluster();
        let mut sent = three(&mut cluster);
        let shown = &mut sent.shown.get_mut(&index(BAD)).unwrap().shown[field % 2];
        let (g, one) = (Point::GENERATOR, Scalar::ONE);
        match field {
            0 => shown.a += g,
            1 => shown.phi += g,
            2 => shown.b += g,
            3..=5 => shown.proof.first[field - 3] += g,
            _ => shown.proof.responses[field - 6] += one,
        }
        blamed(&cluster.outcomes4(sent).1, &[1, 2], Severity::Condemned);
    }
}

#[test]
fn copied_proofs_are_condemned() {
    // From another party, from another element, from another session.
    let mut from_party = cluster();
    let mut sent = three(&mut from_party);
    let copy = sent.shown[&index(1)].shown.clone();
    sent.shown.get_mut(&index(BAD)).unwrap().shown = copy;
    blamed(&from_party.outcomes4(sent).1, &[1, 2], Severity::Condemned);

    let mut from_element = cluster();
    let mut sent = three(&mut from_element);
    sent.shown.get_mut(&index(BAD)).unwrap().shown.swap(0, 1);
    blamed(&from_element.outcomes4(sent).1, &[1, 2], Severity::Condemned);

    let mut other_session = cluster();
    other_session.ssid = [8; 32];
    let other = three(&mut other_session);
    let mut here = cluster();
    let mut sent = three(&mut here);
    let copy = other.shown[&index(BAD)].shown.clone();
    sent.shown.get_mut(&index(BAD)).unwrap().shown = copy;
    blamed(&here.outcomes4(sent).1, &[1, 2], Severity::Condemned);
}

/// The proof itself is bound to every part of its statement, not only through R.
#[test]
fn proofs_are_bound_to_their_whole_statement() {
    let mut cluster = cluster();
    let sent = three(&mut cluster);
    let (state, own) = (&sent.states[&index(BAD)], &sent.own[&index(BAD)]);
    let shown = &own.shown[0];
    let statement = Statement {
        ssid: [7; 32],
        index: 0,
        prover: index(BAD),
        echo: own.echo,
        bases: [state.sums[0].r, cluster.public, pedersen::base()],
        images: [shown.a, shown.phi, shown.b],
    };
    let both = |statement: &Statement, rng: &mut rand_chacha::ChaCha20Rng| {
        let single = sigma::verify(statement, &shown.proof);
        assert_eq!(sigma::verify_all(&[(statement.clone(), &shown.proof)], rng), single);
        single
    };
    assert!(both(&statement, &mut cluster.rng));
    let changes: [fn(&mut Statement); 10] = [
        |s| s.ssid[0] ^= 1,
        |s| s.index = 1,
        |s| s.prover = Index::new(1).unwrap(),
        |s| s.echo[31] ^= 1,
        |s| s.bases[0] += Point::GENERATOR,
        |s| s.bases[1] += Point::GENERATOR,
        |s| s.bases[2] += Point::GENERATOR,
        |s| s.images[0] += Point::GENERATOR,
        |s| s.images[1] += Point::GENERATOR,
        |s| s.images[2] += Point::GENERATOR,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = statement.clone();
        change(&mut changed);
        assert!(!both(&changed, &mut cluster.rng), "change {number}");
    }
    assert!(sigma::verify_all(&[], &mut cluster.rng));
}

/// Only those whose proofs are wrong are named, also when several are.
#[test]
fn all_wrong_provers_are_named_and_nobody_else() {
    let mut cluster = ideal(4, 5, 2);
    let mut sent = three(&mut cluster);
    for bad in [3, 5] {
        sent.shown.get_mut(&index(bad)).unwrap().shown[1].proof.responses[0] += Scalar::ONE;
    }
    let (_, aborts) = cluster.outcomes4(sent);
    let Abort::Blame(faults) = &aborts[&index(2)] else { panic!("{aborts:?}") };
    assert_eq!(faults.iter().map(|f| f.party.get()).collect::<Vec<_>>(), [3, 5]);
    assert!(faults.iter().all(|f| f.severity == Severity::Condemned));
}

/// On another view a proof says nothing, so a different echo never condemns.
#[test]
fn a_different_echo_is_a_soft_edge() {
    let mut cluster = cluster();
    let mut sent = three(&mut cluster);
    sent.shown.get_mut(&index(BAD)).unwrap().echo[0] ^= 1;
    blamed(&cluster.outcomes4(sent).1, &[1, 2], Severity::SoftEdge);
}

#[test]
fn a_different_hash_is_a_soft_edge() {
    let mut cluster = cluster();
    let sent = three(&mut cluster);
    let mut sent = cluster.round4(sent);
    sent.shown.get_mut(&index(BAD)).unwrap().pd[1][0] ^= 1;
    let aborts: By<Abort> =
        cluster.finish(sent).into_iter().filter_map(|(i, got)| got.err().map(|abort| (i, abort))).collect();
    blamed(&aborts, &[1, 2], Severity::SoftEdge);
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

#[test]
fn own_broadcasts_must_come_back_unchanged() {
    let mut cluster = cluster();
    let mut sent = cluster.round1();
    sent.own.get_mut(&index(1)).unwrap().commitment[0] ^= 1;
    let (_, aborts) = cluster.outcomes2(sent);
    assert!(matches!(aborts[&index(1)], Abort::Usage(_)));
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

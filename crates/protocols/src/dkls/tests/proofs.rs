//! Round 4 and what only shows later: wrong, copied and misplaced proofs, differing views, a wrong ψ.

use super::faults::{BAD, blamed, cluster, three};
use super::harness::{By, ideal, index};
use crate::dkls::points::Base;
use crate::dkls::sigma::{self, Statement};
use crate::dkls::{CombineError, Point, Presignature, Scalar, Secret, online, pedersen, presign};
use crate::{Abort, All, Severity};
use alloc::vec::Vec;
use quorate_sharing::Index;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// A wrong ψ passes all rounds: it moves what the peer takes for φ of the liar. But every public term is made from
/// the ψ that was broadcast, so the liar owes a u and v that fit it, and those it cannot know: its partial fails, alone.
#[test]
fn wrong_psi_falls_back_on_its_sender() {
    let mut cluster = cluster();
    let sent = cluster.round1();
    let mut sent = cluster.round2(sent);
    sent.shown.get_mut(&index(BAD)).unwrap().masked[1].psi += Scalar::ONE;
    let sent = cluster.round3(sent);
    let mut sent = cluster.round4(sent);
    // The liar signs what the others sign.
    let honest = sent.shown[&index(1)].clone();
    assert_ne!(sent.shown[&index(BAD)], honest);
    sent.shown.insert(index(BAD), honest);
    let state = sent.states.remove(&index(BAD)).unwrap();
    let own = sent.own[&index(BAD)].clone();
    let all = By::from([1, 2, BAD].map(|i| (index(i), own.clone())));
    let all = All::broadcast(&cluster.ctx(index(BAD)), all).unwrap();
    let mut lies = presign::finish(state, all, cluster.tables.get_mut(&index(BAD)).unwrap()).unwrap();
    let mut finish = |i: u16| {
        let all = All::broadcast(&cluster.ctx(index(i)), sent.shown.clone()).unwrap();
        let table = cluster.tables.get_mut(&index(i)).unwrap();
        presign::finish(sent.states.remove(&index(i)).unwrap(), all, table).unwrap().remove(0)
    };
    let (one, two) = (finish(1), finish(2));
    let public = one.public().clone();
    let lie = Presignature::new(index(BAD), public.clone(), lies.remove(0).spend());
    let request = super::rounds::request(&public, 20);
    let partials = super::rounds::partials(
        [(1, one), (2, two), (BAD, lie)].into_iter().map(|(i, p)| (index(i), p)).collect(),
        &request,
    );
    let got = online::combine(&public, &request, &partials);
    assert_eq!(got, Err(CombineError::Wrong(alloc::vec![index(BAD)])));
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

/// A proof over the X or H of the others, in the name of another: checked in one sum with theirs it would hold.
#[test]
fn a_proof_is_over_the_bases_that_its_statement_names() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let witness = [0; 3].map(|_| Secret::random(&mut rng));
    let witness = witness.each_ref();
    let x = Base::Plain(Point::GENERATOR * Scalar::from(5u64));
    let bases =
        [Point::GENERATOR * Scalar::from(7u64), Point::GENERATOR * Scalar::from(5u64), pedersen::base()];
    let images = sigma::images(&bases[..1], &x, &[witness])[0];
    let prover = index(1);
    let one = Statement { ssid: [1; 32], index: 0, prover, echo: [2; 32], bases, images };
    let mut prove = |statement: &Statement| {
        sigma::prove(core::slice::from_ref(statement), &x, &[witness], &mut rng).remove(0)
    };
    let first = prove(&one);
    assert!(sigma::verify(&one, &first));
    for base in [1, 2] {
        let mut other = one.clone();
        other.bases[base] += Point::GENERATOR;
        let proof = prove(&other);
        assert!(!sigma::verify(&other, &proof));
        let mut weights = ChaCha20Rng::seed_from_u64(6);
        assert!(!sigma::verify_all(&[(one.clone(), &first), (other, &proof)], &mut weights));
    }
}

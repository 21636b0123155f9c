//! The online step: each wrong partial is named, each changed request is caught.

use super::harness::{ideal, index};
use super::rounds::{check_signature, partials, request};
use crate::dkls::online::{self, CombineError, Partial, Request, SignError};
use crate::dkls::{Point, Presignature, PresignaturePublic, Scalar};
use alloc::vec::Vec;
use k256::elliptic_curve::scalar::IsHigh;
use quorate_sharing::Index;

/// One presignature of 3-of-5, ready to be spent.
fn presignature() -> (PresignaturePublic, Vec<(Index, Presignature)>) {
    let mut cluster = ideal(3, 5, 1);
    let all: Vec<_> = cluster.presign().into_iter().map(|(i, mut stock)| (i, stock.remove(0))).collect();
    (all[0].1.public().clone(), all)
}

fn signed() -> (PresignaturePublic, Request, Vec<(Index, Partial)>) {
    let (public, all) = presignature();
    let request = request(&public, 77);
    let partials = partials(all, &request);
    (public, request, partials)
}

#[test]
fn each_wrong_field_of_each_partial_is_named() {
    let (public, request, good) = signed();
    for at in 0..good.len() {
        for field in 0..3 {
            let mut bad = good.clone();
            let partial = &mut bad[at].1;
            *[&mut partial.w, &mut partial.u, &mut partial.theta][field] += Scalar::ONE;
            assert!(!online::verify_partial(&public, &request, bad[at].0, &bad[at].1));
            let got = online::combine(&public, &request, &bad);
            if field == 2 {
                // θ does not enter s: a signature is a signature. The field is still judged on its own.
                check_signature(&got.unwrap(), &request);
            } else {
                assert_eq!(got, Err(CombineError::Wrong(alloc::vec![bad[at].0])));
            }
        }
    }
    // Two liars: both are named, the third is not.
    let mut bad = good.clone();
    bad[0].1.w += Scalar::ONE;
    bad[2].1.u += Scalar::ONE;
    let both = alloc::vec![index(3), index(5)];
    assert_eq!(online::combine(&public, &request, &bad), Err(CombineError::Wrong(both)));
    // One member's partial in another's name.
    let mut bad = good;
    bad[1].1 = bad[0].1;
    assert_eq!(online::combine(&public, &request, &bad), Err(CombineError::Wrong(alloc::vec![index(4)])));
}

#[test]
fn a_request_changed_afterwards_is_caught() {
    let (public, request, good) = signed();
    let changes: [fn(&mut Request); 4] = [
        |r| r.m += Scalar::ONE,
        |r| r.rq[0] ^= 1,
        |r| {
            r.tau += Scalar::ONE;
            r.public_key += Point::GENERATOR;
        },
        |r| {
            // Another key altogether for the same τ: refused before anything is judged.
            r.public_key += Point::GENERATOR;
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = request.clone();
        change(&mut changed);
        for (signer, partial) in &good {
            assert!(!online::verify_partial(&public, &changed, *signer, partial), "change {number}");
        }
        let error = online::combine(&public, &changed, &good).unwrap_err();
        let expected = if number == 3 {
            CombineError::Request(SignError::WrongPublicKey)
        } else {
            CombineError::Wrong(good.iter().map(|(i, _)| *i).collect())
        };
        assert_eq!(error, expected);
    }
}

/// δ depends on everything that it must (§4.4): pd, R, X', m and rq.
#[test]
fn delta_is_bound_to_the_request() {
    let (public, request, _) = signed();
    let (other, _) = {
        let mut cluster = ideal(2, 3, 1);
        let stock = cluster.presign();
        (stock[&index(2)][0].public().clone(), ())
    };
    let delta = request.delta(&public);
    let changed = |change: fn(&mut Request)| {
        let mut changed = request.clone();
        change(&mut changed);
        changed.delta(&public)
    };
    assert_ne!(delta, changed(|r| r.pd[0] ^= 1));
    assert_ne!(delta, changed(|r| r.m += Scalar::ONE));
    assert_ne!(delta, changed(|r| r.rq[31] ^= 1));
    assert_ne!(delta, changed(|r| r.public_key += Point::GENERATOR));
    assert_ne!(delta, request.delta(&other), "R");
}

#[test]
fn one_member_who_signs_another_message_is_named() {
    let (public, mut all) = presignature();
    let (right, wrong) = (request(&public, 10), request(&public, 11));
    let (liar, presignature) = all.remove(1);
    let mut partials = partials(all, &right);
    partials.push((liar, online::sign(presignature, &wrong).unwrap()));
    assert_eq!(online::combine(&public, &right, &partials), Err(CombineError::Wrong(alloc::vec![liar])));
    assert!(online::verify_partial(&public, &wrong, liar, &partials[2].1), "judged on what it signed");
}

#[test]
fn requests_that_must_not_be_signed() {
    let (public, mut all) = presignature();
    let good = request(&public, 10);
    type Change = fn(&mut Request);
    let cases: [(Change, SignError); 4] = [
        (|r| r.m = Scalar::ZERO, SignError::ZeroDigest),
        (|r| r.pd[0] ^= 1, SignError::WrongPresignature),
        (|r| r.public_key += Point::GENERATOR, SignError::WrongPublicKey),
        (|r| r.tau += Scalar::ONE, SignError::WrongPublicKey),
    ];
    for (change, error) in cases {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(bad.check(&public), Err(error));
    }
    let mut zero = good.clone();
    zero.m = Scalar::ZERO;
    assert_eq!(online::sign(all.pop().unwrap().1, &zero), Err(SignError::ZeroDigest));
    assert_eq!(online::combine(&public, &zero, &[]), Err(CombineError::Request(SignError::ZeroDigest)));
}

/// τ = −x would make X' the identity.
#[test]
fn a_derived_key_of_zero_is_refused() {
    let mut cluster = ideal(2, 2, 1);
    let mut stock = cluster.presign();
    let presignature = stock.get_mut(&index(1)).unwrap().remove(0);
    let mut bad = request(presignature.public(), 10);
    bad.tau = -cluster.secret;
    bad.public_key = Point::IDENTITY;
    assert_eq!(online::sign(presignature, &bad), Err(SignError::WrongPublicKey));
}

#[test]
fn sets_that_are_not_the_members_are_refused() {
    let (public, request, good) = signed();
    assert_eq!(
        online::combine(&public, &request, &good[..2]),
        Err(CombineError::Missing(alloc::vec![index(5)]))
    );
    let twice = [good.clone(), good[..1].to_vec()].concat();
    assert_eq!(online::combine(&public, &request, &twice), Err(CombineError::Unexpected(index(3))));
    let stranger = [good.clone(), alloc::vec![(index(1), good[0].1)]].concat();
    assert_eq!(online::combine(&public, &request, &stranger), Err(CombineError::Unexpected(index(1))));
    assert!(!online::verify_partial(&public, &request, index(1), &good[0].1));
    let reversed: Vec<_> = good.into_iter().rev().collect();
    check_signature(&online::combine(&public, &request, &reversed).unwrap(), &request);
}

/// All partials zero make Σu' zero; each is wrong, so all are named and nothing panics.
#[test]
fn zero_partials_are_named() {
    let (public, request, good) = signed();
    let zero = Partial { w: Scalar::ZERO, u: Scalar::ZERO, theta: Scalar::ZERO };
    let all: Vec<_> = good.iter().map(|(i, _)| (*i, zero)).collect();
    let everyone = good.iter().map(|(i, _)| *i).collect();
    assert_eq!(online::combine(&public, &request, &all), Err(CombineError::Wrong(everyone)));
}

/// Over many signatures s is always low, while the sum that it comes from is high about half the time.
#[test]
fn high_s_never_leaves() {
    let mut cluster = ideal(2, 2, 24);
    let mut stock = cluster.presign();
    let mut high = 0;
    for number in 0..24 {
        let last: Vec<_> = stock.iter_mut().map(|(i, stock)| (*i, stock.pop().unwrap())).collect();
        let public = last[0].1.public().clone();
        let request = request(&public, 100 + number);
        let partials = partials(last, &request);
        let (w, u) = (partials[0].1.w + partials[1].1.w, partials[0].1.u + partials[1].1.u);
        high += u32::from((w * u.invert().unwrap()).is_high().unwrap_u8());
        let signature = online::combine(&public, &request, &partials).unwrap();
        assert!(!bool::from(signature.s.is_high()));
        check_signature(&signature, &request);
    }
    assert!(high > 0 && high < 24);
}

//! Honest runs, end to end.

use super::harness::{Cluster, ideal, index};
use crate::Message;
use crate::dkls::online::{self, Partial, Request, Signature};
use crate::dkls::{Ole, Point, Presignature, PresignaturePublic, Scalar, pedersen};
use alloc::vec::Vec;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use quorate_sharing::{Curve, Index, Secp256k1};

/// A request for the presignature, with m and τ made from `number`.
pub fn request(public: &PresignaturePublic, number: u64) -> Request {
    let tau = Scalar::from(number).square() - Scalar::from(number);
    Request {
        pd: *public.pd(),
        m: Scalar::from(number) - Scalar::from(3u64),
        tau,
        rq: [number as u8; 32],
        public_key: *public.key() + Point::GENERATOR * tau,
    }
}

/// Takes one presignature of each party and signs.
pub fn partials(presignatures: Vec<(Index, Presignature)>, request: &Request) -> Vec<(Index, Partial)> {
    presignatures.into_iter().map(|(i, p)| (i, online::sign(p, request).unwrap())).collect()
}

/// Checks a signature with an independent implementation, recovery included.
pub fn check_signature(signature: &Signature, request: &Request) {
    let bytes = signature.to_bytes();
    let prehash: [u8; 32] = Secp256k1::encode_scalar(&request.m).try_into().unwrap();
    let parsed = k256::ecdsa::Signature::from_slice(&bytes).unwrap();
    assert!(parsed.normalize_s().is_none(), "high s");
    let key = k256::ecdsa::VerifyingKey::from_affine((&request.public_key).into()).unwrap();
    key.verify_prehash(&prehash, &parsed).unwrap();
    let id = k256::ecdsa::RecoveryId::from_byte(signature.recovery_id).unwrap();
    assert_eq!(k256::ecdsa::VerifyingKey::recover_from_prehash(&prehash, &parsed, id).unwrap(), key);
}

/// Presigns and signs with every element; checks all that must agree.
pub fn end_to_end<P: Ole>(cluster: &mut Cluster<P>) {
    let mut all = cluster.presign();
    let mut high = [0u32; 2];
    for b in (0..cluster.count).rev() {
        let last: Vec<(Index, Presignature)> =
            all.iter_mut().map(|(i, stock)| (*i, stock.pop().unwrap())).collect();
        let public = last[0].1.public().clone();
        for (i, presignature) in &last {
            assert_eq!(presignature.public(), &public);
            assert_eq!(presignature.party(), *i);
            assert_eq!(presignature.set().unwrap(), cluster.set);
        }
        assert_eq!(public.binding().index, b as u32);
        assert_eq!(*public.key(), cluster.public);
        let decoded = PresignaturePublic::decode(&public.encode(), ()).unwrap();
        assert_eq!(decoded, public);
        let request = request(&public, 5 + b as u64);
        let partials = partials(last, &request);
        for (i, partial) in &partials {
            assert!(online::verify_partial(&public, &request, *i, partial));
        }
        let signature = online::combine(&public, &request, &partials).unwrap();
        check_signature(&signature, &request);
        high[usize::from(signature.recovery_id & 1)] += 1;
    }
    // Both parities happen in a batch of 24 (a fair coin would fail once in 2^23).
    assert!(cluster.count < 24 || (high[0] > 0 && high[1] > 0));
}

#[test]
fn two_of_two() {
    end_to_end(&mut ideal(2, 2, 24));
}

#[test]
fn two_of_three_and_three_of_five() {
    end_to_end(&mut ideal(2, 3, 2));
    end_to_end(&mut ideal(3, 5, 3));
}

/// More elements than share their tables, and enough for a table of X.
#[test]
fn a_batch_larger_than_what_is_computed_together() {
    end_to_end(&mut ideal(3, 4, 19));
}

#[test]
fn eleven_of_twenty() {
    end_to_end(&mut ideal(11, 20, 1));
}

/// §4.3: Σpk_i = X, ΣP^u = ΣP^v = 0, u_i·G = A_i + P^u_i, and each member's openings are those of Φ and B.
#[test]
fn identities_hold_on_the_real_curve() {
    let mut cluster = ideal(3, 5, 2);
    let sent = cluster.round1();
    let sent = cluster.round2(sent);
    for state in sent.states.values() {
        for (b, pk) in state.pk.iter().enumerate() {
            assert_eq!(pk.iter().sum::<Point>(), cluster.public);
            let own = cluster.set.iter().position(|i| i == state.common.ctx.me()).unwrap();
            assert_eq!(state.inputs[b][1].public(), pk[own]);
        }
    }
    let sent = cluster.round3(sent);
    let h = pedersen::base();
    let mut sums = alloc::vec![[Scalar::ZERO; 3]; 2];
    for (at, state) in sent.states.values().enumerate() {
        for (b, (secrets, joint)) in state.secrets.iter().zip(&state.sums).enumerate() {
            let shown = &state.own.shown[b];
            let [phi, rho, sigma, u, v] =
                [&secrets.phi, &secrets.rho, &secrets.sigma, &secrets.u, &secrets.v].map(|s| *s.expose());
            assert_eq!(joint.pu.iter().sum::<Point>(), Point::IDENTITY);
            assert_eq!(joint.pv.iter().sum::<Point>(), Point::IDENTITY);
            assert_eq!(shown.a, joint.r * phi);
            assert_eq!(shown.phi, Point::GENERATOR * phi + h * rho);
            assert_eq!(shown.b, cluster.public * phi + h * sigma);
            assert_eq!(Point::GENERATOR * u, shown.a + joint.pu[at]);
            assert_eq!(Point::GENERATOR * v + h * sigma, shown.b + joint.pv[at]);
            for (sum, value) in sums[b].iter_mut().zip([phi, u, v]) {
                *sum += value;
            }
        }
    }
    let first = sent.states.values().next().unwrap();
    for ([phi, u, v], joint) in sums.into_iter().zip(&first.sums) {
        assert_eq!(v, cluster.secret * phi, "Σv = xφ");
        assert_eq!(Point::GENERATOR * u, joint.r * phi, "Σu = kφ");
    }
}

/// Every element of a batch has its own zero shares, nonces, masks and hash.
#[test]
fn elements_of_a_batch_share_nothing() {
    let mut cluster = ideal(2, 3, 2);
    let sent = cluster.round1();
    let first = &sent.shown[&index(2)];
    assert_ne!(first.z[0], first.z[1]);
    let sent = cluster.round2(sent);
    let second = &sent.shown[&index(2)];
    assert_ne!(second.r[0], second.r[1]);
    assert_ne!(second.masked[0], second.masked[1]);
    let sent = cluster.round3(sent);
    let sent = cluster.round4(sent);
    let fourth = &sent.shown[&index(2)];
    assert_ne!(fourth.pd[0], fourth.pd[1]);
    assert_eq!(fourth, &sent.shown[&index(3)]);
}

//! The identities of §4.3 and §4.4, exhaustively or nearly so on the group of order 13.

use crate::dkls::algebra::{
    MemberPoints, MemberSecrets, Message, Published, combine, partial, partial_holds, product_share,
    public_term, public_terms,
};
use alloc::vec::Vec;
use ff::Field;
use group::Group;
use quorate_sharing::toy::Toy13;
use quorate_sharing::{Curve, SecretScalar};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

type S = <Toy13 as Curve>::Scalar;
type P = <Toy13 as Curve>::Point;

fn s(value: u64) -> S {
    S::from(value)
}

fn g() -> P {
    P::generator()
}

/// One product among members, as a dealer would arrange it: χ[i][j] and c[i][j] chosen, the rest follows.
struct Dealt {
    inputs: Vec<S>,
    phi: Vec<S>,
    psi: Vec<Vec<S>>,
    gamma: Vec<Vec<P>>,
    shares: Vec<S>,
}

/// `lie` is added to ψ and c (as broadcast in Γ) of member 0 toward member 1.
fn deal(inputs: &[S], phi: &[S], chi: &dyn Fn(usize, usize) -> S, c: &dyn Fn(usize, usize) -> S) -> Dealt {
    let n = inputs.len();
    let each = |value: &dyn Fn(usize, usize) -> S| -> Vec<Vec<S>> {
        (0..n).map(|i| (0..n).map(|j| if i == j { S::ZERO } else { value(i, j) }).collect()).collect()
    };
    let psi = each(&|i, j| phi[i] - chi(i, j));
    let gamma = each(c).iter().map(|row| row.iter().map(|c| g() * *c).collect()).collect();
    let shares = (0..n)
        .map(|i| {
            let others = || (0..n).filter(move |j| *j != i);
            let received: S = others().map(|j| psi[j][i]).sum();
            // c of i as sender, d of i as receiver: d_{i,j} = input_j·χ_{i,j} − c_{j,i}.
            let corrections: S = others().map(|j| c(i, j) + inputs[j] * chi(i, j) - c(j, i)).sum();
            *product_share::<Toy13>(&inputs[i], &phi[i], &received, &corrections).expose()
        })
        .collect();
    Dealt { inputs: inputs.to_vec(), phi: phi.to_vec(), psi, gamma, shares }
}

fn points(inputs: &[S]) -> Vec<P> {
    inputs.iter().map(|input| g() * *input).collect()
}

fn check(dealt: &Dealt) {
    let inputs = points(&dealt.inputs);
    let published = Published::<Toy13> { inputs: &inputs, psi: &dealt.psi, gamma: &dealt.gamma };
    let terms = public_terms(&published);
    let direct: Vec<P> = (0..inputs.len()).map(|i| public_term(&published, i)).collect();
    assert_eq!(terms, direct, "the term that is not computed is minus the sum of the others");
    assert_eq!(terms.iter().sum::<P>(), P::identity());
    let (sum, phi): (S, S) = (dealt.inputs.iter().sum(), dealt.phi.iter().sum());
    assert_eq!(dealt.shares.iter().sum::<S>(), sum * phi, "Σu = kφ");
    for ((share, own), term) in dealt.shares.iter().zip(&dealt.phi).zip(&terms) {
        assert_eq!(g() * *share, g() * sum * *own + *term, "u_i·G = φ_i·R + P_i");
    }
}

/// All r_1, r_2, φ_1, φ_2, χ_{1,2}, χ_{2,1} (13⁶ = 4.8 million would be slow; c enters linearly and is fixed, and
/// χ_{2,1} runs with r_2), so 13⁵ runs.
#[test]
fn two_members_exhaustively() {
    for code in 0..13u64.pow(5) {
        let digit = |k: u32| s(code / 13u64.pow(k) % 13);
        let chi = |i: usize, _: usize| if i == 0 { digit(4) } else { digit(1) * digit(4) + s(5) };
        let c = |i: usize, _: usize| if i == 0 { digit(0) + s(2) } else { s(7) };
        check(&deal(&[digit(0), digit(1)], &[digit(2), digit(3)], &chi, &c));
    }
}

#[test]
fn three_and_four_members_at_random() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    for n in [3, 4] {
        for _ in 0..2_000 {
            let mut draw = |count: usize| -> Vec<S> { (0..count).map(|_| S::random(&mut rng)).collect() };
            let (inputs, phi, chi, c) = (draw(n), draw(n), draw(n * n), draw(n * n));
            check(&deal(&inputs, &phi, &|i, j| chi[i * n + j], &|i, j| c[i * n + j]));
        }
    }
}

/// Whatever anybody broadcasts: the public terms sum to zero.
#[test]
fn public_terms_sum_to_zero_whatever_is_sent() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    for n in 2..6usize {
        for _ in 0..500 {
            let inputs: Vec<P> = (0..n).map(|_| P::random(&mut rng)).collect();
            let psi: Vec<Vec<S>> = (0..n).map(|_| (0..n).map(|_| S::random(&mut rng)).collect()).collect();
            let gamma: Vec<Vec<P>> = (0..n).map(|_| (0..n).map(|_| P::random(&mut rng)).collect()).collect();
            let published = Published::<Toy13> { inputs: &inputs, psi: &psi, gamma: &gamma };
            let sum: P = (0..n).map(|i| public_term(&published, i)).sum();
            assert_eq!(sum, P::identity());
            assert_eq!(public_terms(&published).iter().sum::<P>(), P::identity());
        }
    }
}

fn members(u: &Dealt, v: &Dealt, h: P, masks: &[(S, S)]) -> Vec<(MemberSecrets<Toy13>, MemberPoints<Toy13>)> {
    let (r, key) = (points(&u.inputs), points(&v.inputs));
    let pu = public_terms(&Published::<Toy13> { inputs: &r, psi: &u.psi, gamma: &u.gamma });
    let pv = public_terms(&Published::<Toy13> { inputs: &key, psi: &v.psi, gamma: &v.gamma });
    let (joint, public) = (r.iter().sum::<P>(), key.iter().sum::<P>());
    (0..u.phi.len())
        .map(|i| {
            let (phi, (rho, sigma)) = (u.phi[i], masks[i]);
            let secrets = MemberSecrets {
                phi: SecretScalar::new(phi),
                rho: SecretScalar::new(rho),
                sigma: SecretScalar::new(sigma),
                u: SecretScalar::new(u.shares[i]),
                v: SecretScalar::new(v.shares[i]),
            };
            let points = MemberPoints {
                a: joint * phi,
                phi: g() * phi + h * rho,
                b: public * phi + h * sigma,
                pu: pu[i],
                pv: pv[i],
            };
            (secrets, points)
        })
        .collect()
}

/// §4.4 for all k-shares, keys, φ-shares, m and τ of two members, r and δ following from them: the partials hold, the
/// signature is (m + r(x+τ))/(δk), and each single change of a partial is found.
#[test]
fn online_exhaustively() {
    let h = g() * s(6);
    let mut signed = 0u32;
    for code in 0..13u64.pow(4) {
        let digit = |k: u32| s(code / 13u64.pow(k) % 13);
        let (k, x) = ([digit(0), s(3)], [digit(1), s(8)]);
        let phi = [digit(2), s(1)];
        let (chi, c) = (|i: usize, _: usize| s(4 + i as u64), |i: usize, _: usize| s(9 - i as u64));
        let (u, v) = (deal(&k, &phi, &chi, &c), deal(&x, &phi, &chi, &c));
        let all = members(&u, &v, h, &[(digit(0) + digit(3), s(2)), (s(11), digit(3))]);
        let tau = digit(1) * digit(3);
        let message = Message::<Toy13> { m: digit(3), r: digit(2) + s(4), delta: digit(0) + s(5), tau };
        let partials: Vec<_> = all.iter().map(|(secrets, _)| partial(secrets, &message)).collect();
        for ((_, points), good) in all.iter().zip(&partials) {
            assert!(partial_holds(points, &message, &h, good));
            for field in 0..3 {
                let mut bad =
                    crate::dkls::algebra::PartialScalars::<Toy13> { w: good.w, u: good.u, theta: good.theta };
                *[&mut bad.w, &mut bad.u, &mut bad.theta][field] += S::ONE;
                assert!(!partial_holds(points, &message, &h, &bad));
            }
        }
        let nonce = message.delta * (k[0] + k[1]);
        let expected = message.m + message.r * (x[0] + x[1] + tau);
        match combine(&partials) {
            Some(s) => {
                assert_eq!(s * nonce, expected);
                signed += 1;
            }
            None => assert!(bool::from((nonce * (phi[0] + phi[1])).is_zero())),
        }
    }
    assert!(signed > 20_000);
}

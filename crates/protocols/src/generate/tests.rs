//! Generate: all parties agree, every check has a test that dies without it.

use super::*;
use crate::Severity;
use crate::key::PublicShares;
use quorate_sharing::toy::Toy13;
use quorate_sharing::{Ed25519, Indices, Polynomial, Secp256k1, lagrange};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::vec;

fn contexts<C: Curve>(t: usize, n: u16) -> Vec<Ctx> {
    let all = Indices::new::<C>(1..=n).unwrap();
    all.iter().map(|me| Ctx::new([9; 32], all.clone(), me, t).unwrap()).collect()
}

/// A change to what is sent: (round, sender's opening) and (dealer, recipient, share).
struct Tamper<'a, C: Curve> {
    opening: &'a dyn Fn(Index, &mut Opening<C>),
    share: &'a dyn Fn(Index, Index, &mut Share<C>),
}

fn run<C: Curve>(t: usize, n: u16, seed: u64, tamper: &Tamper<'_, C>) -> Vec<Result<KeyShare<C>, Abort>> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let contexts = contexts::<C>(t, n);
    let (states, commits): (Vec<_>, Vec<_>) = contexts.iter().map(|ctx| commit::<C>(ctx, &mut rng)).unzip();
    let commits: BTreeMap<_, _> = contexts.iter().map(Ctx::me).zip(commits).collect();
    let (states, openings): (Vec<_>, Vec<_>) = contexts
        .iter()
        .zip(states)
        .map(|(ctx, state)| open(state, All::broadcast(ctx, commits.clone()).unwrap()))
        .unzip();
    let mut openings: BTreeMap<_, _> = contexts.iter().map(Ctx::me).zip(openings).collect();
    openings.iter_mut().for_each(|(i, opening)| (tamper.opening)(*i, opening));
    let mut results = Vec::new();
    let mut dealt = Vec::new();
    for (ctx, state) in contexts.iter().zip(states) {
        // A cheater knows what it sent, so its own view holds the changed opening too.
        let state = Opened { opening: openings[&ctx.me()].clone(), ..state };
        dealt.push(deal(ctx, state, All::broadcast(ctx, openings.clone()).unwrap()));
    }
    let mut sent: BTreeMap<Index, BTreeMap<Index, Share<C>>> = BTreeMap::new();
    let mut states = Vec::new();
    for (ctx, result) in contexts.iter().zip(dealt) {
        match result {
            Ok((state, shares)) => {
                for (to, mut share) in shares {
                    (tamper.share)(ctx.me(), to, &mut share);
                    sent.entry(to).or_default().insert(ctx.me(), share);
                }
                states.push((ctx, state));
            }
            Err(abort) => results.push(Err(abort)),
        }
    }
    if results.is_empty() {
        for (ctx, state) in states {
            let shares = All::private(ctx, sent.remove(&ctx.me()).unwrap()).unwrap();
            results.push(finish(ctx, state, shares));
        }
    }
    results
}

fn honest<C: Curve>(t: usize, n: u16, seed: u64) -> Vec<Result<KeyShare<C>, Abort>> {
    run(t, n, seed, &Tamper { opening: &|_, _| {}, share: &|_, _, _| {} })
}

fn check_key<C: Curve>(shares: &[KeyShare<C>], t: usize) {
    let public = shares[0].public();
    assert!(shares.iter().all(|share| share.public() == public));
    let set = Indices::new::<C>(shares.iter().rev().take(t).map(|s| s.index().get())).unwrap();
    let whole: C::Scalar = shares
        .iter()
        .filter_map(|s| Some(lagrange::coefficient::<C>(&set, s.index())? * s.secret().expose()))
        .sum();
    assert!(C::mul_base(&whole) == public.key().key);
    assert!(PublicShares::<C>::decode(&public.encode(), ()).unwrap() == *public);
}

#[test]
fn everyone_gets_a_share_of_one_key() {
    for (t, n) in [(2, 2), (2, 3), (3, 4), (3, 5), (5, 7)] {
        let shares: Vec<_> = honest::<Secp256k1>(t, n, 1).into_iter().map(Result::unwrap).collect();
        check_key(&shares, t);
        let shares: Vec<_> = honest::<Ed25519>(t, n, 2).into_iter().map(Result::unwrap).collect();
        check_key(&shares, t);
    }
}

#[test]
fn toy_group_meets_every_corner() {
    let mut restarts = 0;
    for seed in 0..2000 {
        let results = honest::<Toy13>(2, 3, seed);
        if results.iter().all(|r| matches!(r, Err(Abort::Restart(_)))) {
            restarts += 1;
        } else {
            let shares: Vec<_> = results.into_iter().map(Result::unwrap).collect();
            check_key(&shares, 2);
        }
    }
    // One key in thirteen is zero: all parties see it, nobody is blamed.
    assert!((100..220).contains(&restarts), "{restarts}");
}

/// All honest parties blame exactly `cheater`.
fn all_condemn<C: Curve>(results: &[Result<KeyShare<C>, Abort>], cheater: u16) {
    for (at, result) in results.iter().enumerate() {
        if at + 1 == usize::from(cheater) {
            continue;
        }
        let Err(Abort::Blame(faults)) = result else { panic!("party {} saw nothing", at + 1) };
        assert!(faults.iter().all(|f| f.party.get() == cheater && f.severity == Severity::Condemned));
    }
}

#[test]
fn wrong_openings_are_condemned() {
    type Change = fn(&mut Opening<Secp256k1>);
    let g = Secp256k1::mul_base(&k256::Scalar::ONE);
    let changes: [Change; 5] = [
        |o| o.salt[0] ^= 1,
        |o| o.chain_part[0] ^= 1,
        |o| o.proof.response += k256::Scalar::ONE,
        |o| o.proof.nonce += Secp256k1::mul_base(&k256::Scalar::ONE),
        |o| {
            let mut points = o.commitment.points().to_vec();
            points[0] += Secp256k1::mul_base(&k256::Scalar::ONE);
            o.commitment = Commitment::new(points, 2).unwrap();
        },
    ];
    assert!(!bool::from(g.is_identity()));
    for change in changes {
        let results = run::<Secp256k1>(
            2,
            3,
            5,
            &Tamper {
                opening: &|i, o| {
                    if i.get() == 2 {
                        change(o);
                    }
                },
                share: &|_, _, _| {},
            },
        );
        all_condemn(&results, 2);
    }
}

/// The proof is checked by itself, not only through the commitment: a dealer that commits to a false proof is caught.
#[test]
fn proofs_are_bound_to_session_and_party() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let contexts = contexts::<Secp256k1>(2, 3);
    let (state, _) = commit::<Secp256k1>(&contexts[1], &mut rng);
    let judge = &contexts[0];
    let check = |ctx: &Ctx, sender: Index, opening: &Opening<Secp256k1>| {
        check_opening(ctx, sender, &commitment_hash(ctx, sender, opening), opening)
    };
    let me = contexts[1].me();
    assert_eq!(check(judge, me, &state.opening), Ok(()));
    // Copied by another party, or from another session, or for another threshold.
    assert!(check(judge, contexts[2].me(), &state.opening).is_err());
    let other = Ctx::new([10; 32], judge.parties().clone(), judge.me(), 2).unwrap();
    assert!(check(&other, me, &state.opening).is_err());
    let higher = Ctx::new([9; 32], judge.parties().clone(), judge.me(), 3).unwrap();
    assert!(check(&higher, me, &state.opening).is_err());
    for change in [0, 1] {
        let mut opening = state.opening.clone();
        if change == 0 {
            opening.proof.response += k256::Scalar::ONE;
        } else {
            opening.proof.nonce += Secp256k1::mul_base(&k256::Scalar::ONE);
        }
        assert_eq!(check(judge, me, &opening), Err("its proof of possession is wrong"));
    }
}

/// A round that holds another message under this party's own name is nobody's fault.
#[test]
fn own_openings_must_come_back_unchanged() {
    let mut rng = ChaCha20Rng::seed_from_u64(12);
    let contexts = contexts::<Secp256k1>(2, 2);
    let (ours, theirs) = (commit::<Secp256k1>(&contexts[0], &mut rng), commit(&contexts[1], &mut rng));
    let (again, _) = commit::<Secp256k1>(&contexts[0], &mut rng);
    let both = [(contexts[0].me(), ours.1.clone()), (contexts[1].me(), theirs.1.clone())];
    let commits = All::broadcast(&contexts[0], BTreeMap::from(both)).unwrap();
    let (state, _) = open(ours.0, commits);
    let swapped = [(contexts[0].me(), again.opening), (contexts[1].me(), theirs.0.opening)];
    let openings = All::broadcast(&contexts[0], BTreeMap::from(swapped)).unwrap();
    assert!(matches!(deal(&contexts[0], state, openings), Err(Abort::Usage(_))));
}

/// Two dealers whose proofs are wrong by opposite amounts: the errors would cancel in a sum without weights.
#[test]
fn errors_of_two_proofs_do_not_cancel() {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let contexts = contexts::<Secp256k1>(2, 3);
    let mut openings: BTreeMap<_, _> =
        contexts.iter().map(|ctx| (ctx.me(), commit::<Secp256k1>(ctx, &mut rng).0.opening)).collect();
    let judge = |openings: &BTreeMap<Index, Opening<Secp256k1>>| {
        let ctx = &contexts[0];
        let hashed = openings.iter().map(|(i, opening)| (*i, Commit(commitment_hash(ctx, *i, opening))));
        let commits = All::broadcast(ctx, hashed.collect()).unwrap();
        check_openings(ctx, &commits, &All::broadcast(ctx, openings.clone()).unwrap())
    };
    assert_eq!(judge(&openings), Ok(()));
    let [two, three] = [1, 2].map(|at: usize| contexts[at].me());
    openings.get_mut(&two).unwrap().proof.response += k256::Scalar::ONE;
    openings.get_mut(&three).unwrap().proof.response -= k256::Scalar::ONE;
    let Err(Abort::Blame(faults)) = judge(&openings) else { panic!("two wrong proofs passed") };
    assert_eq!(faults.iter().map(|fault| fault.party).collect::<Vec<_>>(), [two, three]);
}

#[test]
fn a_zero_part_is_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let ctx = &contexts::<Secp256k1>(2, 3)[0];
    let zero = SecretScalar::<Secp256k1>::new(k256::Scalar::ZERO);
    let commitment = Polynomial::random(&zero, 2, &mut rng).commit();
    let proof = prove(ctx, &commitment.constant(), &zero, &mut rng);
    let opening = Opening { commitment, proof, chain_part: [0; 32], salt: [0; 32] };
    let hash = commitment_hash(ctx, ctx.me(), &opening);
    assert_eq!(check_opening(ctx, ctx.me(), &hash, &opening), Err("its part of the key is zero"));
}

#[test]
fn a_wrong_share_is_an_edge_between_its_dealer_and_its_victim() {
    let results = run::<Ed25519>(
        2,
        3,
        6,
        &Tamper {
            opening: &|_, _| {},
            share: &|from, to, share| {
                if from.get() == 3 && to.get() == 1 {
                    *share = Share(SecretScalar::new(*share.0.expose() + curve25519_dalek::Scalar::ONE));
                }
            },
        },
    );
    let Err(Abort::Blame(faults)) = &results[0] else { panic!("a wrong share was accepted") };
    let faults: Vec<_> = faults.iter().map(|f| (f.party.get(), f.severity)).collect();
    assert_eq!(faults, vec![(3, Severity::HardEdge)], "nobody else can check a private message");
    assert!(results[1].is_ok() && results[2].is_ok());
}

#[test]
fn openings_have_exactly_t_entries() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let ctx = &contexts::<Secp256k1>(3, 4)[0];
    let (state, _) = commit::<Secp256k1>(ctx, &mut rng);
    let bytes = state.opening.encode();
    assert!(Opening::<Secp256k1>::decode(&bytes, 3).unwrap() == state.opening);
    for wrong in [0, 1, 2, 4, 1_000_000, usize::MAX] {
        assert!(Opening::<Secp256k1>::decode(&bytes, wrong).is_err(), "t = {wrong}");
    }
    for cut in 0..bytes.len() {
        assert!(Opening::<Secp256k1>::decode(&bytes[..cut], 3).is_err());
    }
}

#[test]
fn inconsistent_public_shares_are_refused() {
    let shares: Vec<_> = honest::<Secp256k1>(2, 3, 1).into_iter().map(Result::unwrap).collect();
    let good = shares[0].public();
    for at in 0..3 {
        let mut points: Vec<_> = good.parties().iter().map(|i| good.share(i).unwrap()).collect();
        points[at] += Secp256k1::mul_base(&k256::Scalar::ONE);
        assert!(PublicShares::new(2, good.parties().clone(), points, *good.key()).is_err());
    }
    let stolen = SecretScalar::new(*shares[1].secret().expose());
    assert!(KeyShare::new(shares[0].index(), stolen, good.clone()).is_err());
    // The same in another order would be a second encoding.
    let mut turned = good.encode();
    let entry = 2 + Secp256k1::POINT_BYTES;
    turned[4..4 + 2 * entry].rotate_left(entry);
    assert_eq!(
        PublicShares::<Secp256k1>::decode(&turned, ()),
        Err(Malformed::Field("party indices must ascend"))
    );
}

/// The count is judged by itself: the body behind it is long enough, but nothing of it is decoded.
#[test]
fn impossible_numbers_of_public_shares_are_refused_first() {
    let encoded = |n: usize| {
        let mut bytes = vec![0xff; 4 + n * (2 + Secp256k1::POINT_BYTES) + Secp256k1::POINT_BYTES + 32];
        bytes[..2].copy_from_slice(&2u16.to_be_bytes());
        bytes[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        PublicShares::<Secp256k1>::decode(&bytes, ())
    };
    for n in [0, 65, 300, 65_535] {
        assert_eq!(encoded(n), Err(Malformed::Field("impossible number of parties")), "{n}");
    }
    assert!(matches!(encoded(64), Err(Malformed::Value(_))), "judged by its content");
}

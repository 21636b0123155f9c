//! What old and new shares say together (§2.5), and long chains of refreshes with a cheater.

use super::*;
use group::ff::Field;
use rand_core::RngCore;

/// Every polynomial pair over the toy group: t−1 old shares and t'−1 new ones fit every secret equally often, given that
/// no leading coefficient is zero (§2.6). Without that condition there would be no difference at all.
#[test]
fn t_minus_one_old_and_new_shares_fit_every_secret() {
    const Q: u64 = 13;
    for (old, new) in [(1u64, 1u64), (2, 5), (3, 3), (12, 4)] {
        let mut ways = vec![[0u32; Q as usize]; (Q * Q) as usize];
        for secret in 0..Q {
            for (a, b) in (1..Q).flat_map(|a| (1..Q).map(move |b| (a, b))) {
                let view = (secret + a * old) % Q * Q + (secret + b * new) % Q;
                ways[view as usize][secret as usize] += 1;
            }
        }
        for (view, ways) in ways.iter().enumerate() {
            // Excluded are the two secrets that are one of the shares themselves: there the line would be flat.
            let (x, y) = (view as u64 / Q, view as u64 % Q);
            for (secret, count) in ways.iter().enumerate() {
                let flat = secret as u64 == x || secret as u64 == y;
                assert_eq!(*count, u32::from(!flat), "view {x} {y} secret {secret}");
            }
        }
    }
}

/// From a real run over the toy group, t = t' = 3: for what two old and two new parties hold, every secret has as many pairs
/// of polynomials as every other.
#[test]
fn a_real_run_leaves_every_secret_possible() {
    const Q: u64 = 13;
    let mut rng = ChaCha20Rng::seed_from_u64(21);
    let base = sharing::<Toy13>(<Toy13 as Curve>::Scalar::from(7), 3, 4, &mut rng);
    let cast = Cast::new(&[1, 2, 4], 2, 4, 3);
    let fresh = honest(&cast, &base, &mut rng);
    let value = |share: &KeyShare<Toy13>| {
        let found = (0..Q).find(|v| <Toy13 as Curve>::Scalar::from(*v) == *share.secret().expose());
        (u64::from(share.index().get()), found.unwrap())
    };
    let held = |shares: &[KeyShare<Toy13>]| [value(&shares[0]), value(&shares[3])];
    let fits = |secret: u64, held: [(u64, u64); 2]| {
        let pairs = (0..Q).flat_map(|a| (0..Q).map(move |b| (a, b)));
        let f = |(a, b): (u64, u64), x: u64| (secret + a * x + b * x * x) % Q;
        pairs.filter(|ab| held.iter().all(|(x, y)| f(*ab, *x) == *y)).count()
    };
    let (old, new) = (held(&base), held(&fresh));
    for secret in 0..Q {
        assert_eq!(fits(secret, old) * fits(secret, new), 1, "secret {secret}");
    }
}

/// No t of t−1 old and t'−1 new shares interpolate to the key, whichever indices they are read under.
#[test]
fn old_and_new_shares_do_not_mix() {
    let mut rng = ChaCha20Rng::seed_from_u64(22);
    let secret = k256::Scalar::random(&mut rng);
    let base = sharing::<Secp256k1>(secret, 3, 5, &mut rng);
    let new = honest(&Cast::new(&[1, 2, 3], 3, 5, 3), &base, &mut rng);
    let mixes: Vec<Vec<(u16, &KeyShare<Secp256k1>)>> = subsets(5, 2)
        .into_iter()
        .flat_map(|old| subsets(5, 2).into_iter().map(move |new| (old.clone(), new)))
        .map(|(old_set, new_set)| {
            let old = old_set.iter().map(|i| (*i, &base[usize::from(*i) - 1]));
            old.chain(new_set.iter().map(|i| (*i, &new[usize::from(*i) - 1]))).collect()
        })
        .collect();
    let mut tried = 0;
    for mix in &mixes {
        for three in subsets(4, 3) {
            let picked: Vec<_> = three.iter().map(|at| mix[usize::from(*at) - 1]).collect();
            let Ok(set) = Indices::new::<Secp256k1>(picked.iter().map(|(i, _)| *i)) else { continue };
            let sum: k256::Scalar = picked
                .iter()
                .map(|(i, share)| {
                    lagrange::coefficient::<Secp256k1>(&set, index(*i)).unwrap() * share.secret().expose()
                })
                .sum();
            assert!(sum != secret);
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(combine(&[&base[0], &base[3], &base[4]]) == secret, "three of one epoch do");
    assert!(combine(&[&new[0], &new[3], &new[4]]) == secret);
}

/// A party of 2-of-4 cheats whenever it deals, each time in another way. It is caught, the refresh is repeated without it as
/// a dealer, and the key is the same at the end.
fn refreshes(count: usize, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let secret = k256::Scalar::random(&mut rng);
    let mut shares = sharing::<Secp256k1>(secret, 2, 4, &mut rng);
    let (mut caught, byzantine) = (0, 3u16);
    let g = Secp256k1::mul_base(&k256::Scalar::ONE);
    for round in 0..count {
        let sets = subsets(4, 2);
        let dealers = &sets[rng.next_u32() as usize % sets.len()];
        let with = |dealers: &[u16]| {
            // All four stay; participant 10 + index, in order.
            Cast { dealers: dealers.to_vec(), recipients: vec![11, 12, 13, 14], threshold: 2 }
        };
        let way = rng.next_u32() % 3;
        let from_it = |from: u16| from == 10 + byzantine;
        let deal = |from: u16, deal: &mut Deal<Secp256k1>| {
            let mut points = deal.commitment.points().to_vec();
            match (from_it(from), way) {
                (true, 0) => points[0] += g,
                (true, 1) => deal.chain_code[0] ^= 1,
                _ => return,
            }
            deal.commitment = Commitment::new(points, 2).unwrap();
        };
        let share = |from: u16, to: u16, share: &mut Share<Secp256k1>| {
            if from_it(from) && way == 2 && to == 11 {
                *share = Share(SecretScalar::new(*share.0.expose() + k256::Scalar::ONE));
            }
        };
        let cast = with(dealers);
        let ended = run(&cast, &shares, &mut rng, &Tamper { deal: &deal, share: &share });
        if dealers.contains(&byzantine) {
            let blamed = ended.into_values().filter_map(|end| match end {
                Err(Abort::Blame(faults)) => Some(faults),
                _ => None,
            });
            let blamed: Vec<_> = blamed.flatten().map(|fault| fault.party.get()).collect();
            assert!(!blamed.is_empty() && blamed.iter().all(|party| from_it(*party)), "{round}: {blamed:?}");
            caught += 1;
            let cast = with(&[1, 4]);
            shares = honest(&cast, &shares, &mut rng);
        } else {
            shares = collect(&cast, ended);
        }
    }
    assert!(caught > count / 4, "{caught} of {count}");
    check(&shares, &shares, 2, secret);
}

#[test]
fn refreshes_with_a_cheater_quick() {
    refreshes(40, 31);
}

#[test]
#[ignore = "long: a thousand refreshes"]
fn refreshes_with_a_cheater_long() {
    refreshes(1000, 32);
}

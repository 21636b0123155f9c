//! Reshare: the key stays, everything else is new; every check has a test that dies without it.

mod secrecy;

use super::*;
use crate::derive::ExtendedKey;
use quorate_sharing::toy::Toy13;
use quorate_sharing::{Ed25519, Polynomial, Secp256k1};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::vec;

fn index(number: u16) -> Index {
    Index::new(number).unwrap()
}

/// A sharing of `secret` by one dealer: what generate gives.
fn sharing<C: Curve>(secret: C::Scalar, t: usize, n: u16, rng: &mut ChaCha20Rng) -> Vec<KeyShare<C>> {
    let polynomial = Polynomial::<C>::random(&SecretScalar::new(secret), t, rng);
    let parties = Indices::new::<C>(1..=n).unwrap();
    let points = parties.iter().map(|i| polynomial.evaluate(i).public()).collect();
    let key = ExtendedKey { key: C::mul_base(&secret), chain_code: [7; 32] };
    let public = PublicShares::new(t, parties.clone(), points, key).unwrap();
    parties.iter().map(|i| KeyShare::new(i, polynomial.evaluate(i), public.clone()).unwrap()).collect()
}

/// Who deals and who receives, as participants; base and new indices are kept apart from those on purpose.
#[derive(Clone, Debug)]
struct Cast {
    /// Indices in the base; participant 10 + index.
    dealers: Vec<u16>,
    /// Participants; recipient j of the new sharing is the j-th.
    recipients: Vec<u16>,
    threshold: usize,
}

impl Cast {
    /// `kept` of the dealers receive, and so many others that there are n'.
    fn new(dealers: &[u16], kept: usize, n: u16, threshold: usize) -> Self {
        let old = dealers.iter().take(kept).map(|index| 10 + index);
        let new = (1..=n).map(|number| 200 - 3 * number);
        Self {
            dealers: dealers.to_vec(),
            recipients: old.chain(new).take(usize::from(n)).collect(),
            threshold,
        }
    }

    fn plan<C: Curve>(&self, base: &PublicShares<C>) -> Result<Plan<C>, Abort> {
        let dealers = self.dealers.iter().map(|i| (index(10 + i), index(*i))).collect();
        let recipients = (1..).zip(&self.recipients).map(|(j, p)| (index(*p), index(j))).collect();
        Plan::new(base.clone(), dealers, recipients, self.threshold)
    }

    fn participants(&self) -> Vec<u16> {
        let mut all: Vec<u16> = self.dealers.iter().map(|i| 10 + i).chain(self.recipients.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

type Ended<C> = Result<(PublicShares<C>, Option<KeyShare<C>>), Abort>;

/// What a cheater changes: its share before it deals; its dealing; a share on its way from and to a participant.
struct Tamper<'a, C: Curve> {
    deal: &'a dyn Fn(u16, &mut Deal<C>),
    share: &'a dyn Fn(u16, u16, &mut Share<C>),
}

fn run<C: Curve>(
    cast: &Cast,
    shares: &[KeyShare<C>],
    rng: &mut ChaCha20Rng,
    tamper: &Tamper<'_, C>,
) -> BTreeMap<u16, Ended<C>> {
    let plan = cast.plan(shares[0].public()).unwrap();
    // The toy group has fewer elements than there are participants, whose numbers are no evaluation points.
    let parties = Indices::new::<Secp256k1>(cast.participants()).unwrap();
    let (mut states, mut deals, mut sent) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for me in parties.iter() {
        let ctx = Ctx::new([9; 32], parties.clone(), me, cast.threshold).unwrap();
        let number = plan.dealers.get(&me).map(|index| index.get());
        let share = number.map(|number| &shares[usize::from(number) - 1]);
        let (mut state, deal, each) = deal(&ctx, &plan, share, rng).unwrap();
        if let Some(mut deal) = deal {
            (tamper.deal)(me.get(), &mut deal);
            // A cheater knows what it sent.
            state.deal = Some(deal.clone());
            deals.insert(me, deal);
        }
        for (to, mut share) in each {
            (tamper.share)(me.get(), to.get(), &mut share);
            sent.entry(to).or_insert_with(BTreeMap::new).insert(me, share);
        }
        states.push((ctx, state));
    }
    let finish = |(ctx, state): (Ctx, Dealt<C>)| {
        let shares = sent.remove(&ctx.me()).unwrap_or_default();
        (ctx.me().get(), finish(&ctx, &plan, state, deals.clone(), shares))
    };
    states.into_iter().map(finish).collect()
}

fn honest<C: Curve>(cast: &Cast, shares: &[KeyShare<C>], rng: &mut ChaCha20Rng) -> Vec<KeyShare<C>> {
    let ended = run(cast, shares, rng, &Tamper { deal: &|_, _| {}, share: &|_, _, _| {} });
    collect(cast, ended)
}

/// The new shares in order of index; everybody agrees on the public side, dealers alone have none.
fn collect<C: Curve>(cast: &Cast, mut ended: BTreeMap<u16, Ended<C>>) -> Vec<KeyShare<C>> {
    let mut shares = Vec::new();
    for (at, participant) in cast.recipients.iter().enumerate() {
        let (public, share) = ended.remove(participant).unwrap().unwrap();
        let share = share.unwrap();
        assert_eq!(usize::from(share.index().get()), at + 1);
        assert!(*share.public() == public);
        shares.push(share);
    }
    for (_, other) in ended {
        let (public, share) = other.unwrap();
        assert!(share.is_none() && public == *shares[0].public());
    }
    shares
}

fn combine<C: Curve>(shares: &[&KeyShare<C>]) -> C::Scalar {
    let set = Indices::new::<C>(shares.iter().map(|share| share.index().get())).unwrap();
    let term = |share: &&KeyShare<C>| {
        lagrange::coefficient::<C>(&set, share.index()).unwrap() * share.secret().expose()
    };
    shares.iter().map(term).sum()
}

/// All subsets of k of 1..=n.
fn subsets(n: u16, k: usize) -> Vec<Vec<u16>> {
    let all = (0u32..1 << n).filter(|mask| mask.count_ones() as usize == k);
    all.map(|mask| (1..=n).filter(|i| mask & (1 << (i - 1)) != 0).collect()).collect()
}

/// Any t' of the new shares give `secret`; the public side says what everybody can check.
fn check<C: Curve>(base: &[KeyShare<C>], new: &[KeyShare<C>], t: usize, secret: C::Scalar) {
    let n = new.len() as u16;
    for set in subsets(n, t) {
        let some: Vec<_> = set.iter().map(|i| &new[usize::from(*i) - 1]).collect();
        assert!(combine(&some) == secret);
    }
    let (old, public) = (base[0].public(), new[0].public());
    assert_eq!((public.threshold(), public.parties().len()), (t, new.len()));
    assert!(public.key().key == old.key().key && public.key().chain_code == old.key().chain_code);
}

/// Every t, n, D, t', n' with n and n' up to 4, every secret of the group, and every mix of roles.
#[test]
fn toy_group_exhaustively() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut runs = 0;
    for (n, t) in (2u16..=4).flat_map(|n| (2..=usize::from(n)).map(move |t| (n, t))) {
        for secret in 1..13u64 {
            let secret = <Toy13 as Curve>::Scalar::from(secret);
            let base = sharing::<Toy13>(secret, t, n, &mut rng);
            for dealers in subsets(n, t) {
                for (m, u) in (2u16..=4).flat_map(|n| (2..=usize::from(n)).map(move |t| (n, t))) {
                    for kept in 0..=dealers.len().min(usize::from(m)) {
                        let cast = Cast::new(&dealers, kept, m, u);
                        check(&base, &honest(&cast, &base, &mut rng), u, secret);
                        runs += 1;
                    }
                }
            }
        }
    }
    assert_eq!(runs, 3852);
}

fn chain<C: Curve>(seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let secret = <C::Scalar as group::ff::Field>::random(&mut rng);
    let mut shares = sharing::<C>(secret, 2, 3, &mut rng);
    // 2-of-3, refreshed, to 3-of-5, to 2-of-4 with somebody new, to 4-of-4, to 2-of-2.
    let casts = [
        Cast::new(&[1, 3], 2, 3, 2),
        Cast::new(&[2, 3], 2, 5, 3),
        Cast::new(&[1, 3, 5], 3, 4, 2),
        Cast::new(&[1, 4], 0, 4, 4),
        Cast::new(&[1, 2, 3, 4], 2, 2, 2),
    ];
    for cast in casts {
        let new = honest(&cast, &shares, &mut rng);
        check(&shares, &new, cast.threshold, secret);
        shares = new;
    }
}

#[test]
fn parties_and_thresholds_change() {
    chain::<Secp256k1>(1);
    chain::<Ed25519>(2);
}

#[test]
fn a_plan_must_fit_its_base() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let base = sharing::<Secp256k1>(k256::Scalar::from(5u64), 2, 3, &mut rng);
    let plan = |cast: &Cast| cast.plan(base[0].public()).map(|_| ());
    let wrong = |cast: &Cast| assert!(matches!(plan(cast), Err(Abort::Usage(_))), "{cast:?}");
    assert_eq!(plan(&Cast::new(&[1, 2], 0, 3, 2)), Ok(()));
    wrong(&Cast::new(&[1], 0, 3, 2));
    wrong(&Cast::new(&[1, 2, 3], 0, 3, 2));
    wrong(&Cast::new(&[1, 4], 0, 3, 2));
    wrong(&Cast::new(&[1, 2], 0, 3, 1));
    wrong(&Cast::new(&[1, 2], 0, 3, 4));
    // A share of another sharing of the same key, or of another party, is not dealt.
    let cast = Cast::new(&[1, 2], 0, 3, 2);
    let other = sharing::<Secp256k1>(k256::Scalar::from(5u64), 2, 3, &mut rng);
    let plan = cast.plan(base[0].public()).unwrap();
    let parties = Indices::new::<Secp256k1>(cast.participants()).unwrap();
    let ctx = Ctx::new([9; 32], parties, index(11), 2).unwrap();
    let mut refused = |share| assert!(matches!(deal(&ctx, &plan, share, &mut rng), Err(Abort::Usage(_))));
    refused(Some(&other[0]));
    refused(Some(&base[1]));
    refused(None);
    assert!(deal(&ctx, &plan, Some(&base[0]), &mut rng).is_ok());
}

/// Participant 12 cheats; all others come to the same end.
fn cheated<C: Curve>(change: impl Fn(&mut Deal<C>)) -> Vec<Vec<(u16, Severity, &'static str)>> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let secret = <C::Scalar as group::ff::Field>::random(&mut rng);
    let base = sharing::<C>(secret, 2, 3, &mut rng);
    let cast = Cast::new(&[1, 2], 1, 3, 2);
    let change = |from: u16, deal: &mut Deal<C>| {
        if from == 12 {
            change(deal);
        }
    };
    let mut ended = run(&cast, &base, &mut rng, &Tamper { deal: &change, share: &|_, _, _| {} });
    ended.remove(&12);
    let blamed = |end: Ended<C>| match end {
        Err(Abort::Blame(faults)) => faults.iter().map(|f| (f.party.get(), f.severity, f.what)).collect(),
        other => panic!("{:?}", other.map(|_| ())),
    };
    ended.into_values().map(blamed).collect()
}

#[test]
fn wrong_dealings_are_condemned_by_all() {
    fn all<C: Curve>() {
        let g = C::mul_base(&<C::Scalar as group::ff::Field>::ONE);
        let shifted = move |deal: &mut Deal<C>, at: usize| {
            let mut points = deal.commitment.points().to_vec();
            points[at] += g;
            deal.commitment = Commitment::new(points, 2).unwrap();
        };
        let what = "it deals something else than its part of the key";
        let expected = vec![vec![(12, Severity::Condemned, what)]; 3];
        assert_eq!(cheated::<C>(|deal| shifted(deal, 0)), expected);
        let what = "it tells another chain code";
        let expected = vec![vec![(12, Severity::Condemned, what)]; 3];
        assert_eq!(cheated::<C>(|deal| deal.chain_code[31] ^= 1), expected);
        let what = "it deals with another threshold";
        let expected = vec![vec![(12, Severity::Condemned, what)]; 3];
        let longer = |deal: &mut Deal<C>| {
            let mut points = deal.commitment.points().to_vec();
            points.push(g);
            deal.commitment = Commitment::new(points, 3).unwrap();
        };
        assert_eq!(cheated::<C>(longer), expected);
    }
    all::<Secp256k1>();
    all::<Ed25519>();
}

/// A dealer that shares another secret, with commitments and shares that fit one another.
#[test]
fn another_secret_is_caught() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let base = sharing::<Secp256k1>(k256::Scalar::from(77u64), 2, 3, &mut rng);
    let cast = Cast::new(&[1, 2], 0, 3, 2);
    let other = Polynomial::random(&SecretScalar::new(k256::Scalar::from(1u64)), 2, &mut rng);
    let deal = |from: u16, deal: &mut Deal<Secp256k1>| {
        if from == 12 {
            deal.commitment = other.commit();
        }
    };
    let share = |from: u16, to: u16, share: &mut Share<Secp256k1>| {
        if from == 12 {
            let at = cast.recipients.iter().position(|p| *p == to).unwrap();
            *share = Share(other.evaluate(index(at as u16 + 1)));
        }
    };
    for (participant, end) in run(&cast, &base, &mut rng, &Tamper { deal: &deal, share: &share }) {
        let Err(Abort::Blame(faults)) = end else { panic!("{participant} was fooled") };
        assert_eq!((faults.len(), faults[0].party.get()), (1, 12));
        assert_eq!(faults[0].severity, Severity::Condemned);
    }
}

#[test]
fn a_wrong_share_is_an_edge_at_its_victim() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let base = sharing::<Ed25519>(curve25519_dalek::Scalar::from(77u64), 2, 3, &mut rng);
    let cast = Cast::new(&[1, 2], 1, 3, 2);
    let victim = cast.recipients[2];
    let share = |from: u16, to: u16, share: &mut Share<Ed25519>| {
        if (from, to) == (12, victim) {
            *share = Share(SecretScalar::new(*share.0.expose() + curve25519_dalek::Scalar::ONE));
        }
    };
    for (participant, end) in run(&cast, &base, &mut rng, &Tamper { deal: &|_, _| {}, share: &share }) {
        match end {
            Err(Abort::Blame(faults)) if participant == victim => {
                assert_eq!((faults.len(), faults[0].party.get()), (1, 12));
                assert_eq!(faults[0].severity, Severity::HardEdge);
            }
            end => assert!(end.is_ok() && participant != victim),
        }
    }
}

#[test]
fn rounds_are_judged_complete_or_not_at_all() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let base = sharing::<Secp256k1>(k256::Scalar::from(77u64), 2, 2, &mut rng);
    let cast = Cast::new(&[1, 2], 0, 2, 2);
    let plan = cast.plan(base[0].public()).unwrap();
    let parties = Indices::new::<Secp256k1>(cast.participants()).unwrap();
    let ctx = |me| Ctx::new([9; 32], parties.clone(), index(me), 2).unwrap();
    let me = cast.recipients[0];
    let made: Vec<_> = [11, 12]
        .into_iter()
        .map(|p| deal(&ctx(p), &plan, Some(&base[p as usize - 11]), &mut rng).unwrap())
        .collect();
    let deals: BTreeMap<_, _> =
        [11, 12].into_iter().zip(&made).map(|(p, (_, deal, _))| (index(p), deal.clone().unwrap())).collect();
    let shares = |count: usize| -> BTreeMap<_, _> {
        let each = [11, 12].into_iter().zip(&made).take(count);
        each.map(|(p, (.., shares))| (index(p), Share(SecretScalar::new(*shares[&index(me)].0.expose()))))
            .collect()
    };
    let end =
        |deals, shares| finish(&ctx(me), &plan, Dealt { deal: None, own: None }, deals, shares).map(|_| ());
    assert_eq!(end(deals.clone(), shares(2)), Ok(()));
    assert!(matches!(end(deals.clone(), shares(1)), Err(Abort::Usage(_))));
    let mut fewer = deals.clone();
    fewer.remove(&index(12));
    assert!(matches!(end(fewer, shares(1)), Err(Abort::Usage(_))));
    // A dealer that finds another dealing under its name blames nobody, least of all itself.
    let mut swapped = deals.clone();
    swapped.insert(index(11), deals[&index(12)].clone());
    let mine = Dealt { deal: Some(deals[&index(11)].clone()), own: None };
    let ended = finish(&ctx(11), &plan, mine, swapped, BTreeMap::new()).map(|_| ());
    assert!(matches!(ended, Err(Abort::Usage(_))), "{ended:?}");
}

#[test]
fn deals_have_exactly_t_entries() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let commitment = Polynomial::random(&SecretScalar::<Secp256k1>::random(&mut rng), 3, &mut rng).commit();
    let deal = Deal { commitment, chain_code: [1; 32] };
    let bytes = deal.encode();
    assert!(Deal::<Secp256k1>::decode(&bytes, 3).unwrap() == deal);
    for wrong in [0, 1, 2, 4, 1_000_000, usize::MAX] {
        assert!(Deal::<Secp256k1>::decode(&bytes, wrong).is_err(), "t' = {wrong}");
    }
    for cut in 0..bytes.len() {
        assert!(Deal::<Secp256k1>::decode(&bytes[..cut], 3).is_err());
    }
    // A degree below t'−1 shows in the last commitment.
    let mut low = bytes;
    low[2 * Secp256k1::POINT_BYTES..3 * Secp256k1::POINT_BYTES].fill(0);
    assert!(Deal::<Secp256k1>::decode(&low, 3).is_err());
}

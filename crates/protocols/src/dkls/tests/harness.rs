//! A whole signer set in one process, one round at a time, so that a test can alter any message in between.

use super::ideal::{Cheat, IdealPair};
use crate::dkls::presign::{self, State1, State2, State3, State4};
use crate::dkls::{
    Broadcast1, Broadcast2, Broadcast3, Broadcast4, KeyShareView, Ole, PairAccess, Point, Presignature,
    Scalar, Secret, Shape,
};
use crate::{Abort, All, Ctx, Message};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::{Index, Indices, Polynomial, Secp256k1, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

pub type Ideal = Cheat<IdealPair>;

/// One node's pair states by peer.
pub struct Table<P>(pub BTreeMap<Index, P>);

impl<P: Ole> PairAccess for Table<P> {
    type Pair = P;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut P) -> T) -> Option<T> {
        self.0.get_mut(&peer).map(action)
    }
}

/// A key and the nodes that sign with it.
pub struct Cluster<P: Ole> {
    pub secret: Scalar,
    pub public: Point,
    pub shares: BTreeMap<Index, Secret>,
    pub publics: BTreeMap<Index, Point>,
    pub set: Indices,
    pub tables: BTreeMap<Index, Table<P>>,
    pub ssid: [u8; 32],
    pub count: usize,
    pub rng: ChaCha20Rng,
}

pub fn index(number: u16) -> Index {
    Index::new(number).unwrap()
}

/// t of n with the ideal evaluation; the signers are the t highest indices.
pub fn ideal(t: usize, n: u16, count: usize) -> Cluster<Ideal> {
    Cluster::new(t, n, count, |seed| {
        IdealPair::both_ends(seed).map(|inner| Cheat { inner, add: [Scalar::ZERO; 2] })
    })
}

impl<P: Ole> Cluster<P> {
    pub fn new(t: usize, n: u16, count: usize, mut pair: impl FnMut([u8; 32]) -> [P; 2]) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64((t * 1000 + usize::from(n)) as u64);
        let secret = Secret::random(&mut rng);
        let polynomial = Polynomial::<Secp256k1>::random(&secret, t, &mut rng);
        let shares: BTreeMap<_, _> = (1..=n).map(|i| (index(i), polynomial.evaluate(index(i)))).collect();
        let publics = shares.iter().map(|(i, share)| (*i, share.public())).collect();
        let set = Indices::new::<Secp256k1>((1..=n).rev().take(t)).unwrap();
        let mut tables: BTreeMap<Index, Table<P>> = set.iter().map(|i| (i, Table(BTreeMap::new()))).collect();
        for i in set.iter() {
            for j in set.iter().filter(|j| *j > i) {
                let seed = Transcript::new("test/pair")
                    .number("i", u64::from(i.get()))
                    .number("j", u64::from(j.get()))
                    .digest();
                let [lower, higher] = pair(seed);
                tables.get_mut(&i).unwrap().0.insert(j, lower);
                tables.get_mut(&j).unwrap().0.insert(i, higher);
            }
        }
        let public = secret.public();
        Self { secret: *secret.expose(), public, shares, publics, set, tables, ssid: [7; 32], count, rng }
    }

    pub fn ctx(&self, me: Index) -> Ctx {
        Ctx::new(self.ssid, self.set.clone(), me, self.set.len()).unwrap()
    }

    pub fn shape(&self) -> Shape {
        Shape { parties: self.set.len(), count: self.count }
    }

    pub fn view(&self, me: Index) -> KeyShareView<'_> {
        KeyShareView {
            index: me,
            share: &self.shares[&me],
            publics: &self.publics,
            public: self.public,
            threshold: self.set.len(),
            key_id: [9; 32],
            epoch: b"attempt 1",
        }
    }

    pub fn poisoned(&self, me: u16, peer: u16) -> bool {
        self.tables[&index(me)].0[&index(peer)].is_poisoned()
    }
}

/// Messages by sender, and private ones by (sender, recipient).
pub type By<T> = BTreeMap<Index, T>;
pub type Private<T> = BTreeMap<(Index, Index), T>;
/// What each party's call gave.
pub type Outcomes<T> = BTreeMap<Index, Result<T, Abort>>;

pub struct Sent<S, B, M> {
    pub states: By<S>,
    /// What each party believes that it sent.
    pub own: By<B>,
    /// What the others get.
    pub shown: By<B>,
    pub private: Private<M>,
}

impl<S, B: Clone, M> Sent<S, B, M> {
    fn new() -> Self {
        Self { states: By::new(), own: By::new(), shown: By::new(), private: Private::new() }
    }

    fn add(&mut self, party: Index, state: S, broadcast: B, private: By<M>) {
        self.states.insert(party, state);
        self.own.insert(party, broadcast.clone());
        self.shown.insert(party, broadcast);
        self.private.extend(private.into_iter().map(|(to, message)| ((party, to), message)));
    }

    pub fn broadcasts(&self, ctx: &Ctx) -> All<B> {
        let mut all = self.shown.clone();
        all.insert(ctx.me(), self.own[&ctx.me()].clone());
        All::broadcast(ctx, all).unwrap()
    }

    pub fn take_private(&mut self, ctx: &Ctx) -> All<M> {
        let from = |from: Index| (from, self.private.remove(&(from, ctx.me())).unwrap());
        All::private(ctx, ctx.others().map(from).collect()).unwrap()
    }
}

pub type Sent1<P> = Sent<State1<P>, Broadcast1, <P as Ole>::Request>;
pub type Sent2<P> = Sent<State2<P>, Broadcast2, <P as Ole>::Reply>;
pub type Sent3 = Sent<State3, Broadcast3, ()>;
pub type Sent4 = Sent<State4, Broadcast4, ()>;

/// Hash of what all have seen.
pub fn echo<P: Copy, B: Message<P>>(label: &str, shown: &By<B>) -> [u8; 32] {
    let all: Vec<Vec<u8>> = shown.values().map(Message::encode).collect();
    Transcript::new("test/echo").list(label, &all).digest()
}

impl<P: Ole> Cluster<P> {
    pub fn round1(&mut self) -> Sent1<P> {
        let mut sent = Sent::new();
        for me in self.set.clone().iter() {
            let mut table = self.tables.remove(&me).unwrap();
            let mut rng = self.rng.clone();
            rng.set_stream(u64::from(me.get()));
            let got = presign::round1(&self.ctx(me), &self.view(me), &mut table, self.count, &mut rng);
            self.tables.insert(me, table);
            let (state, broadcast, requests) = got.unwrap();
            sent.add(me, state, broadcast, requests);
        }
        sent
    }

    pub fn outcomes2(&mut self, mut sent: Sent1<P>) -> (Sent2<P>, By<Abort>) {
        let (mut next, mut aborts) = (Sent::new(), By::new());
        for me in self.set.clone().iter() {
            let ctx = self.ctx(me);
            let state = sent.states.remove(&me).unwrap();
            let (broadcasts, private) = (sent.broadcasts(&ctx), sent.take_private(&ctx));
            let table = self.tables.get_mut(&me).unwrap();
            match presign::round2(state, broadcasts, private, table, &mut self.rng) {
                Ok((state, broadcast, replies)) => next.add(me, state, broadcast, replies),
                Err(abort) => drop(aborts.insert(me, abort)),
            }
        }
        (next, aborts)
    }

    pub fn round2(&mut self, sent: Sent1<P>) -> Sent2<P> {
        let (next, aborts) = self.outcomes2(sent);
        assert!(aborts.is_empty(), "{aborts:?}");
        next
    }

    pub fn outcomes3(&mut self, mut sent: Sent2<P>) -> (Sent3, By<Abort>) {
        let echo = echo("2", &sent.shown);
        let (mut next, mut aborts) = (Sent::new(), By::new());
        for me in self.set.clone().iter() {
            let ctx = self.ctx(me);
            let state = sent.states.remove(&me).unwrap();
            let (broadcasts, private) = (sent.broadcasts(&ctx), sent.take_private(&ctx));
            let table = self.tables.get_mut(&me).unwrap();
            match presign::round3(state, broadcasts, private, table, echo, &mut self.rng) {
                Ok((state, broadcast)) => next.add(me, state, broadcast, By::new()),
                Err(abort) => drop(aborts.insert(me, abort)),
            }
        }
        (next, aborts)
    }

    pub fn round3(&mut self, sent: Sent2<P>) -> Sent3 {
        let (next, aborts) = self.outcomes3(sent);
        assert!(aborts.is_empty(), "{aborts:?}");
        next
    }

    pub fn outcomes4(&mut self, mut sent: Sent3) -> (Sent4, By<Abort>) {
        let echo = echo("3", &sent.shown);
        let (mut next, mut aborts) = (Sent::new(), By::new());
        for me in self.set.clone().iter() {
            let state = sent.states.remove(&me).unwrap();
            let broadcasts = sent.broadcasts(&self.ctx(me));
            let table = self.tables.get_mut(&me).unwrap();
            match presign::round4(state, broadcasts, table, echo, &mut self.rng) {
                Ok((state, broadcast)) => next.add(me, state, broadcast, By::new()),
                Err(abort) => drop(aborts.insert(me, abort)),
            }
        }
        (next, aborts)
    }

    pub fn round4(&mut self, sent: Sent3) -> Sent4 {
        let (next, aborts) = self.outcomes4(sent);
        assert!(aborts.is_empty(), "{aborts:?}");
        next
    }

    pub fn finish(&mut self, mut sent: Sent4) -> Outcomes<Vec<Presignature>> {
        let set = self.set.clone();
        let finish = |me| {
            let state = sent.states.remove(&me).unwrap();
            let broadcasts = sent.broadcasts(&self.ctx(me));
            (me, presign::finish(state, broadcasts, self.tables.get_mut(&me).unwrap()))
        };
        set.iter().map(finish).collect()
    }

    /// All rounds; each party's presignatures.
    pub fn presign(&mut self) -> By<Vec<Presignature>> {
        let sent = self.round1();
        let sent = self.round2(sent);
        let sent = self.round3(sent);
        let sent = self.round4(sent);
        self.finish(sent).into_iter().map(|(i, got)| (i, got.unwrap())).collect()
    }
}

/// A commitment as round 1 makes it.
pub fn commitment(ctx: &Ctx, salt: &[u8; 32], r: &[Point]) -> [u8; 32] {
    presign::commit(ctx, ctx.me(), salt, r)
}

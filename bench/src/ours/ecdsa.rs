//! Threshold ECDSA: presigning rounds, and the online step.

use super::{broadcast, contexts, keys, private};
use crate::race::Wire;
use crate::{BenchError, Setting};
use quorate_protocols::dkls::presign::{self, State1, State2, State3, State4};
use quorate_protocols::dkls::{
    Broadcast1, Broadcast2, Broadcast3, Broadcast4, KeyShareView, PairAccess, Partial, Point, Presignature,
    Request, Scalar, Shape, Signature, online,
};
use quorate_protocols::key::KeyShare;
use quorate_protocols::ot::{OleReply, OleRequest, PairState};
use quorate_protocols::{Ctx, Each, Message};
use quorate_sharing::{Curve, Index, Secp256k1, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;

/// One node's pair states by peer.
pub struct Pairs(BTreeMap<Index, PairState>);

impl PairAccess for Pairs {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        self.0.get_mut(&peer).map(action)
    }
}

/// A key and the t nodes that sign with it: the t highest indices.
pub struct Signers {
    keys: Vec<KeyShare<Secp256k1>>,
    publics: BTreeMap<Index, Point>,
    pairs: Vec<Pairs>,
    contexts: Vec<Ctx>,
    sessions: u64,
    rng: ChaCha20Rng,
}

/// What a round of all parties leaves: states, broadcasts, private messages, in the order of the set.
pub struct Sent<S, B, M> {
    states: Vec<S>,
    broadcasts: Vec<B>,
    private: Vec<Each<M>>,
}

impl<S, B, M> Sent<S, B, M> {
    fn new() -> Self {
        Self { states: Vec::new(), broadcasts: Vec::new(), private: Vec::new() }
    }

    fn add(&mut self, state: S, broadcast: B, private: Each<M>) {
        self.states.push(state);
        self.broadcasts.push(broadcast);
        self.private.push(private);
    }
}

/// After round 1.
pub type Sent1 = Sent<State1<PairState>, Broadcast1, OleRequest>;
/// After round 2.
pub type Sent2 = Sent<State2<PairState>, Broadcast2, OleReply>;
/// After round 3.
pub type Sent3 = Sent<State3, Broadcast3, ()>;
/// After round 4.
pub type Sent4 = Sent<State4, Broadcast4, ()>;

impl Signers {
    /// Generates a key by all n and sets up the pairs of the t that sign.
    ///
    /// # Errors
    /// If a round refuses.
    pub fn new(setting: Setting) -> Result<Self, BenchError> {
        let mut rng = ChaCha20Rng::from_entropy();
        let mut wire = Wire::default();
        let mut keys = keys::generate::<Secp256k1>(setting, [1; 32], &mut rng, &mut wire)?;
        keys::check(&keys, setting)?;
        let public = keys[0].public().clone();
        let publics = public.parties().iter().filter_map(|i| Some((i, public.share(i)?))).collect();
        let keys = keys.split_off(usize::from(setting.n - setting.t));
        let mut signers = Self { keys, publics, pairs: Vec::new(), contexts: Vec::new(), sessions: 0, rng };
        signers.renew_pairs()?;
        Ok(signers)
    }

    /// Sets up all pairs afresh: t(t−1)/2 of them.
    ///
    /// # Errors
    /// If a set-up refuses.
    pub fn renew_pairs(&mut self) -> Result<(), BenchError> {
        let indices: Vec<Index> = self.keys.iter().map(KeyShare::index).collect();
        self.pairs = indices.iter().map(|_| Pairs(BTreeMap::new())).collect();
        for (i, low) in indices.iter().enumerate() {
            for (j, high) in indices.iter().enumerate().skip(i + 1) {
                let mut wire = Wire::default();
                let [a, b] = keys::pair([2; 32], *low, *high, &mut self.rng, &mut wire)?;
                self.pairs[i].0.insert(*high, a);
                self.pairs[j].0.insert(*low, b);
            }
        }
        Ok(())
    }

    /// How many sign.
    pub fn parties(&self) -> usize {
        self.keys.len()
    }

    fn shape(&self, count: usize) -> Shape {
        Shape { parties: self.parties(), count }
    }

    /// Round 1 of all, for `count` presignatures, in a fresh session.
    ///
    /// # Errors
    /// If the round refuses.
    pub fn round1(&mut self, count: usize) -> Result<Sent1, BenchError> {
        self.sessions += 1;
        let ssid = Transcript::new("bench/session").number("number", self.sessions).digest();
        let set = self.keys.iter().map(|key| key.index().get());
        self.contexts = contexts::<Secp256k1>(ssid, set, self.keys.len() as u16)?;
        let mut sent = Sent::new();
        for ((ctx, key), pairs) in self.contexts.iter().zip(&self.keys).zip(&mut self.pairs) {
            let view = KeyShareView {
                index: key.index(),
                share: key.secret(),
                publics: &self.publics,
                public: key.public().key().key,
                threshold: key.public().threshold(),
                key_id: [9; 32],
                epoch: b"epoch",
            };
            let (state, broadcast, requests) = presign::round1(ctx, &view, pairs, count, &mut self.rng)?;
            sent.add(state, broadcast, requests);
        }
        Ok(sent)
    }

    /// Delivers round 1; round 2 of all.
    ///
    /// # Errors
    /// If the round refuses.
    pub fn round2(&mut self, sent: Sent1, count: usize, wire: &mut Wire) -> Result<Sent2, BenchError> {
        let broadcasts = broadcast(&self.contexts, &sent.broadcasts, self.shape(count), wire)?;
        let requests = private(&self.contexts, &sent.private, count, wire)?;
        let mut next = Sent::new();
        let all = sent.states.into_iter().zip(broadcasts).zip(requests).zip(&mut self.pairs);
        for (((state, broadcasts), requests), pairs) in all {
            let (state, broadcast, replies) =
                presign::round2(state, broadcasts, requests, pairs, &mut self.rng)?;
            next.add(state, broadcast, replies);
        }
        Ok(next)
    }

    /// Delivers round 2; round 3 of all.
    ///
    /// # Errors
    /// If the round refuses.
    pub fn round3(&mut self, sent: Sent2, count: usize, wire: &mut Wire) -> Result<Sent3, BenchError> {
        let echo = echo(&sent.broadcasts);
        let broadcasts = broadcast(&self.contexts, &sent.broadcasts, self.shape(count), wire)?;
        let replies = private(&self.contexts, &sent.private, count, wire)?;
        let mut next = Sent::new();
        let all = sent.states.into_iter().zip(broadcasts).zip(replies).zip(&mut self.pairs);
        for (((state, broadcasts), replies), pairs) in all {
            let (state, broadcast) = presign::round3(state, broadcasts, replies, pairs, echo, &mut self.rng)?;
            next.add(state, broadcast, Each::new());
        }
        Ok(next)
    }

    /// Delivers round 3; round 4 of all.
    ///
    /// # Errors
    /// If the round refuses.
    pub fn round4(&mut self, sent: Sent3, count: usize, wire: &mut Wire) -> Result<Sent4, BenchError> {
        let echo = echo(&sent.broadcasts);
        let broadcasts = broadcast(&self.contexts, &sent.broadcasts, self.shape(count), wire)?;
        let mut next = Sent::new();
        for ((state, broadcasts), pairs) in sent.states.into_iter().zip(broadcasts).zip(&mut self.pairs) {
            let (state, broadcast) = presign::round4(state, broadcasts, pairs, echo, &mut self.rng)?;
            next.add(state, broadcast, Each::new());
        }
        Ok(next)
    }

    /// Delivers round 4; each element's presignatures of all parties.
    ///
    /// # Errors
    /// If an end refuses.
    pub fn finish(
        &mut self,
        sent: Sent4,
        count: usize,
        wire: &mut Wire,
    ) -> Result<Vec<Vec<Presignature>>, BenchError> {
        let broadcasts = broadcast(&self.contexts, &sent.broadcasts, self.shape(count), wire)?;
        let mut elements: Vec<Vec<Presignature>> = (0..count).map(|_| Vec::new()).collect();
        for ((state, broadcasts), pairs) in sent.states.into_iter().zip(broadcasts).zip(&mut self.pairs) {
            let stock = presign::finish(state, broadcasts, pairs)?;
            elements.iter_mut().zip(stock).for_each(|(element, presignature)| element.push(presignature));
        }
        Ok(elements)
    }

    /// All rounds of presigning: for each of `count` elements, the presignature of each party.
    ///
    /// # Errors
    /// If a round refuses.
    pub fn presign(&mut self, count: usize, wire: &mut Wire) -> Result<Vec<Vec<Presignature>>, BenchError> {
        let sent = self.round1(count)?;
        let sent = self.round2(sent, count, wire)?;
        let sent = self.round3(sent, count, wire)?;
        let sent = self.round4(sent, count, wire)?;
        self.finish(sent, count, wire)
    }

    /// The public key, compressed.
    pub fn key(&self) -> Vec<u8> {
        Secp256k1::encode_point(&self.keys[0].public().key().key)
    }
}

/// Hash of what all have seen; the session makes it, and here it only has to be the same for all.
fn echo<P: Copy, B: Message<P>>(broadcasts: &[B]) -> [u8; 32] {
    let all: Vec<Vec<u8>> = broadcasts.iter().map(Message::encode).collect();
    Transcript::new("bench/echo").list("all", &all).digest()
}

/// The request to sign `digest` with the wallet's own key (τ = 0).
///
/// # Errors
/// If the digest is not below the group order, or there is no presignature.
pub fn request(presignatures: &[Presignature], digest: &[u8; 32]) -> Result<Request, BenchError> {
    let first = presignatures.first().ok_or(BenchError::Invalid("no presignatures"))?;
    let m = Secp256k1::decode_scalar(digest).map_err(BenchError::other)?;
    let public = first.public();
    Ok(Request { pd: *public.pd(), m, tau: Scalar::ZERO, rq: [3; 32], public_key: *public.key() })
}

/// Every party's partial signature.
///
/// # Errors
/// If one refuses.
pub fn partials(
    presignatures: Vec<Presignature>,
    request: &Request,
) -> Result<Vec<(Index, Partial)>, BenchError> {
    presignatures.into_iter().map(|p| Ok((p.party(), online::sign(p, request)?))).collect()
}

/// The online step: t partials, each carried to the one that combines, which verifies the signature (§4.4).
///
/// # Errors
/// If a party or the combination refuses.
pub fn online(
    presignatures: Vec<Presignature>,
    digest: &[u8; 32],
    wire: &mut Wire,
) -> Result<Signature, BenchError> {
    let request = request(&presignatures, digest)?;
    let public = presignatures[0].public().clone();
    let mut received = Vec::new();
    for (index, partial) in partials(presignatures, &request)? {
        let bytes = partial.encode();
        wire.sent(bytes.len(), 1);
        received.push((index, Partial::decode(&bytes, ())?));
    }
    Ok(online::combine(&public, &request, &received)?)
}

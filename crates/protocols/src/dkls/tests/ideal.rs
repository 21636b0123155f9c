//! An ideal evaluation, in which messages carry what a dealer would hand out: fast, and easy to break on purpose.

use crate::dkls::{Ole, OleFailure, Scalar, Secret};
use alloc::vec::Vec;
use ff::Field;
use quorate_sharing::{Secp256k1, Transcript};
use rand_core::{CryptoRng, RngCore};

pub struct IdealPair {
    seed: [u8; 32],
    /// Of the two ends, the one with the lower index.
    lower: bool,
    poisoned: bool,
}

/// χ in the clear. `bad` stands for a request that fails its check.
pub struct IdealRequest {
    pub chi: Vec<Scalar>,
    pub bad: bool,
}

/// d in the clear.
pub struct IdealReply {
    pub d: Vec<[Scalar; 2]>,
    pub bad: bool,
}

impl IdealPair {
    pub fn both_ends(seed: [u8; 32]) -> [Self; 2] {
        [true, false].map(|lower| Self { seed, lower, poisoned: false })
    }
}

impl Ole for IdealPair {
    type Receiver = Vec<Secret>;
    type Request = IdealRequest;
    type Reply = IdealReply;

    fn id(&self) -> [u8; 32] {
        self.seed
    }

    fn zero_share(&self, ssid: &[u8; 32], index: u32) -> Result<Secret, OleFailure> {
        let transcript = Transcript::new("test/zero").field("seed", &self.seed).field("ssid", ssid);
        let value = transcript.number("index", u64::from(index)).challenge::<Secp256k1>();
        Ok(Secret::new(if self.lower { value } else { -value }))
    }

    fn poison(&mut self) {
        self.poisoned = true;
    }

    fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn receive_start(
        &mut self,
        _: &[u8; 32],
        count: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Vec<Secret>, IdealRequest), OleFailure> {
        let chi: Vec<Scalar> = (0..count).map(|_| Scalar::random(&mut *rng)).collect();
        Ok((chi.iter().map(|chi| Secret::new(*chi)).collect(), IdealRequest { chi, bad: false }))
    }

    fn chi(receiver: &Vec<Secret>) -> &[Secret] {
        receiver
    }

    fn send(
        &mut self,
        _: &[u8; 32],
        request: &IdealRequest,
        inputs: &[[Secret; 2]],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(IdealReply, Vec<[Secret; 2]>), OleFailure> {
        if request.bad {
            return Err(OleFailure::Peer("ideal check of the request"));
        }
        let (mut d, mut c) = (Vec::new(), Vec::new());
        for (chi, [u, v]) in request.chi.iter().zip(inputs) {
            let own = [Secret::random(rng), Secret::random(rng)];
            d.push([*u.expose() * chi - own[0].expose(), *v.expose() * chi - own[1].expose()]);
            c.push(own);
        }
        Ok((IdealReply { d, bad: false }, c))
    }

    fn receive_finish(&mut self, _: Vec<Secret>, reply: &IdealReply) -> Result<Vec<[Secret; 2]>, OleFailure> {
        if reply.bad {
            return Err(OleFailure::Peer("ideal check of the reply"));
        }
        Ok(reply.d.iter().map(|d| d.map(Secret::new)).collect())
    }
}

/// A pair whose sender adds something to its inputs: toward one peer alone if only that pair is wrapped.
pub struct Cheat<P> {
    pub inner: P,
    pub add: [Scalar; 2],
}

impl<P: Ole> Ole for Cheat<P> {
    type Receiver = P::Receiver;
    type Request = P::Request;
    type Reply = P::Reply;

    fn id(&self) -> [u8; 32] {
        self.inner.id()
    }

    fn zero_share(&self, ssid: &[u8; 32], index: u32) -> Result<Secret, OleFailure> {
        self.inner.zero_share(ssid, index)
    }

    fn poison(&mut self) {
        self.inner.poison();
    }

    fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    fn receive_start(
        &mut self,
        ssid: &[u8; 32],
        count: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(P::Receiver, P::Request), OleFailure> {
        self.inner.receive_start(ssid, count, rng)
    }

    fn chi(receiver: &P::Receiver) -> &[Secret] {
        P::chi(receiver)
    }

    fn send(
        &mut self,
        ssid: &[u8; 32],
        request: &P::Request,
        inputs: &[[Secret; 2]],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(P::Reply, Vec<[Secret; 2]>), OleFailure> {
        let plus = |k: usize, input: &[Secret; 2]| Secret::new(*input[k].expose() + self.add[k]);
        let altered: Vec<[Secret; 2]> = inputs.iter().map(|input| [plus(0, input), plus(1, input)]).collect();
        self.inner.send(ssid, request, &altered, rng)
    }

    fn receive_finish(
        &mut self,
        receiver: P::Receiver,
        reply: &P::Reply,
    ) -> Result<Vec<[Secret; 2]>, OleFailure> {
        self.inner.receive_finish(receiver, reply)
    }
}

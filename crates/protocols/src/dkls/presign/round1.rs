//! Round 1: choose the nonce shares, make the zero shares, start the evaluations (docs/spec §4.3).

use super::Pair;
use crate::dkls::key::{Common, KeyShareView};
use crate::dkls::messages::Broadcast1;
use crate::dkls::pairs::{Ole, PairAccess, locked};
use crate::dkls::{Point, Scalar, Secret, points};
use crate::{Abort, Ctx, Each};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::{Curve, Index, Secp256k1};
use rand_core::{CryptoRng, RngCore};

/// What this party keeps between rounds 1 and 2.
pub struct State1<P: Ole> {
    pub(in crate::dkls) common: Common,
    /// (r_i, sk_i) of each element: what it brings to every evaluation.
    pub(in crate::dkls) inputs: Vec<Pair>,
    /// R_i
    pub(in crate::dkls) r: Vec<Point>,
    pub(in crate::dkls) salt: [u8; 32],
    pub(in crate::dkls) receivers: BTreeMap<Index, P::Receiver>,
    pub(in crate::dkls) own: Broadcast1,
}

/// What round 1 gives: the state, the broadcast, and the OLE request to each peer.
pub type Round1<P> = (State1<P>, Broadcast1, Each<<P as Ole>::Request>);

/// Starts a run for `count` presignatures by exactly the t parties of `ctx`.
///
/// # Errors
/// [`Abort::Usage`] if key, set and counts do not fit together; [`Abort::Restart`] if a pair state is missing, used
/// up or poisoned.
pub fn round1<A: PairAccess>(
    ctx: &Ctx,
    key: &KeyShareView<'_>,
    pairs: &mut A,
    count: usize,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Round1<A::Pair>, Abort> {
    let (mut common, weighted_share) = Common::new(ctx, key, count)?;
    let peers = common.peers();
    let mut sk: Vec<Secret> = (0..count).map(|_| Secret::new(*weighted_share.expose())).collect();
    let mut z = alloc::vec![Point::IDENTITY; count * peers.len()];
    let (mut receivers, mut requests) = (BTreeMap::new(), BTreeMap::new());
    for (slot, (_, peer)) in peers.iter().enumerate() {
        let (id, zeros, receiver, request) = locked(&common, pairs, *peer, |pair| {
            let zeros: Vec<Secret> =
                (0..count).map(|b| pair.zero_share(ctx.ssid(), b as u32)).collect::<Result<_, _>>()?;
            let (receiver, request) = pair.receive_start(ctx.ssid(), count, rng)?;
            Ok((pair.id(), zeros, receiver, request))
        })?;
        if <A::Pair as Ole>::chi(&receiver).len() != count {
            return Err(Abort::Usage("the evaluation has not one χ for each element"));
        }
        let publics = Secp256k1::mul_base_each(&zeros.iter().map(Secret::expose).collect::<Vec<_>>());
        for (b, (zero, public)) in zeros.iter().zip(publics).enumerate() {
            z[b * peers.len() + slot] = public;
            sk[b] = Secret::new(*sk[b].expose() + zero.expose());
        }
        common.pairs.insert(*peer, id);
        receivers.insert(*peer, receiver);
        requests.insert(*peer, request);
    }
    let inputs: Vec<Pair> = sk.into_iter().map(|sk| [nonzero(rng), sk]).collect();
    let r = Secp256k1::mul_base_each(&inputs.iter().map(|[r, _]| r.expose()).collect::<Vec<_>>());
    let mut salt = [0u8; 32];
    rng.fill_bytes(&mut salt);
    let own = Broadcast1 { commitment: commit(ctx, ctx.me(), &salt, &r), z };
    let state = State1 { common, inputs, r, salt, receivers, own: own.clone() };
    Ok((state, own, requests))
}

/// A random scalar that is not zero: R_i must not be the identity (§1.6).
fn nonzero(rng: &mut (impl RngCore + CryptoRng)) -> Secret {
    loop {
        let candidate = Secret::random(rng);
        if *candidate.expose() != Scalar::ZERO {
            return candidate;
        }
    }
}

/// The commitment of one party to its R of all elements.
pub(in crate::dkls) fn commit(ctx: &Ctx, party: Index, salt: &[u8; 32], r: &[Point]) -> [u8; 32] {
    let start = ctx.transcript("dkls/nonce-commitment", party, 1).field("salt", salt);
    let each = points::encode_each(r);
    each.iter()
        .enumerate()
        .fold(start, |transcript, (b, bytes)| transcript.number("index", b as u64).field("R", bytes))
        .digest()
}

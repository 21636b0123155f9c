//! Round 2: check the zero shares, answer the evaluations, open the nonce shares (docs/spec §4.3).

use super::round1::State1;
use super::{OWN_ALTERED, Pair};
use crate::dkls::key::Common;
use crate::dkls::messages::{Broadcast1, Broadcast2, Masked, slot};
use crate::dkls::pairs::{Ole, OleFailure, PairAccess, all_clean, locked};
use crate::dkls::{Point, Scalar, Secret};
use crate::{Abort, All, Each, Fault, Severity};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::{Curve, Index, Secp256k1};
use rand_core::{CryptoRng, RngCore};

/// What this party keeps between rounds 2 and 3.
pub struct State2<P: Ole> {
    pub(in crate::dkls) common: Common,
    pub(in crate::dkls) inputs: Vec<Pair>,
    /// φ_i of each element.
    pub(in crate::dkls) phi: Vec<Secret>,
    /// Σ_j (c^u_{i,j}, c^v_{i,j}) of each element.
    pub(in crate::dkls) corrections: Vec<Pair>,
    /// pk of each element, by position.
    pub(in crate::dkls) pk: Vec<Vec<Point>>,
    /// Commitments of round 1.
    pub(in crate::dkls) commitments: BTreeMap<Index, [u8; 32]>,
    pub(in crate::dkls) receivers: BTreeMap<Index, P::Receiver>,
    pub(in crate::dkls) own: Broadcast2,
}

/// What round 2 gives: the state, the broadcast, and the OLE reply to each peer.
pub type Round2<P> = (State2<P>, Broadcast2, Each<<P as Ole>::Reply>);

/// Checks round 1 and answers every peer's request, one peer after another, each under its pair's lock.
///
/// # Errors
/// A hard edge to a peer whose zero shares do not cancel ours, or whose request fails its check (either way the pair
/// is poisoned first); [`Abort::Witnessed`] if the zero shares of two others do not cancel.
pub fn round2<A: PairAccess>(
    state: State1<A::Pair>,
    broadcasts: All<Broadcast1>,
    requests: All<<A::Pair as Ole>::Request>,
    pairs: &mut A,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Round2<A::Pair>, Abort> {
    let State1 { common, inputs, r, salt, receivers, own } = state;
    if *broadcasts.of(common.ctx.me()) != own {
        return Err(OWN_ALTERED);
    }
    check_sizes(&common, &broadcasts)?;
    check_zero_shares(&common, &broadcasts, pairs)?;
    let pk = (0..common.count).map(|b| public_shares(&common, &broadcasts, b)).collect();
    let phi: Vec<Secret> = (0..common.count).map(|_| Secret::random(rng)).collect();

    let others = common.parties() - 1;
    let mut corrections: Vec<Pair> = (0..common.count).map(|_| [zero(), zero()]).collect();
    let mut masked: Vec<Option<Masked>> = alloc::vec![None; common.count * others];
    let mut replies = BTreeMap::new();
    for (at, (_, peer)) in common.peers().into_iter().enumerate() {
        let chi = <A::Pair as Ole>::chi(&receivers[&peer]);
        let (reply, shares) = locked(&common, pairs, peer, |pair| {
            pair.send(common.ctx.ssid(), requests.of(peer), &inputs, rng)
        })?;
        if shares.len() != common.count {
            return Err(Abort::Usage("the evaluation has not one result for each element"));
        }
        let secrets: Vec<&Scalar> = shares.iter().flatten().map(Secret::expose).collect();
        let gammas = Secp256k1::mul_base_each(&secrets);
        for ((b, [u, v]), [gamma_u, gamma_v]) in shares.iter().enumerate().zip(gammas.as_chunks().0) {
            masked[b * others + at] = Some(Masked {
                psi: *phi[b].expose() - chi[b].expose(),
                gamma_u: *gamma_u,
                gamma_v: *gamma_v,
            });
            add(&mut corrections[b], u, v);
        }
        replies.insert(peer, reply);
    }
    all_clean(&common, pairs)?;

    let own = Broadcast2 { salt, r, masked: masked.into_iter().flatten().collect() };
    let commitments = broadcasts.iter().map(|(party, message)| (party, message.commitment)).collect();
    let state = State2 { common, inputs, phi, corrections, pk, commitments, receivers, own: own.clone() };
    Ok((state, own, replies))
}

fn zero() -> Secret {
    Secret::new(Scalar::ZERO)
}

/// Adds one evaluation's shares to the running sums.
pub(super) fn add(sums: &mut Pair, u: &Secret, v: &Secret) {
    let [sum_u, sum_v] = &*sums;
    *sums = [Secret::new(*sum_u.expose() + u.expose()), Secret::new(*sum_v.expose() + v.expose())];
}

fn check_sizes(common: &Common, broadcasts: &All<Broadcast1>) -> Result<(), Abort> {
    let expected = common.count * (common.parties() - 1);
    match broadcasts.iter().find(|(_, message)| message.z.len() != expected) {
        None => Ok(()),
        Some((party, _)) => Err(Abort::condemn(party, "round 1 has the wrong number of zero shares")),
    }
}

/// Z_{i,j} = −Z_{j,i} for every pair and element. Own pairs come first: those edges are ours to draw, and their pair
/// states are poisoned before anybody hears of it (§4.2).
fn check_zero_shares<A: PairAccess>(
    common: &Common,
    broadcasts: &All<Broadcast1>,
    pairs: &mut A,
) -> Result<(), Abort> {
    const WHAT: &str = "the zero shares of the pair do not cancel";
    let (me, others) = (common.ctx.me(), common.parties() - 1);
    let (mut own, mut witnessed) = (Vec::new(), None);
    let members: Vec<(Index, &Broadcast1)> = broadcasts.iter().collect();
    for (i, (party_i, from_i)) in members.iter().enumerate() {
        for (j, (party_j, from_j)) in members.iter().enumerate().skip(i + 1) {
            let cancels = (0..common.count).all(|b| {
                from_i.z[b * others + slot(i, j)] + from_j.z[b * others + slot(j, i)] == Point::IDENTITY
            });
            if cancels {
                continue;
            }
            if *party_i == me || *party_j == me {
                let party = if *party_i == me { *party_j } else { *party_i };
                // A state that is gone, renewed or poisoned already leaves nothing to poison; the edge stands.
                let _ = locked(common, pairs, party, |_| Err::<(), _>(OleFailure::Peer(WHAT)));
                own.push(Fault { party, severity: Severity::HardEdge, what: WHAT });
            } else if witnessed.is_none() {
                witnessed = Some((*party_i, *party_j));
            }
        }
    }
    match (own.is_empty(), witnessed) {
        (false, _) => Err(Abort::Blame(own)),
        (true, Some(between)) => Err(Abort::Witnessed { between, what: WHAT }),
        (true, None) => Ok(()),
    }
}

/// pk_i = λ_i·X_i + Σ_j Z_{i,j} of every member, for one element. They sum to X because the Z cancel.
fn public_shares(common: &Common, broadcasts: &All<Broadcast1>, b: usize) -> Vec<Point> {
    let others = common.parties() - 1;
    broadcasts
        .iter()
        .zip(&common.weighted)
        .map(|((_, message), weighted)| *weighted + message.z[b * others..][..others].iter().sum::<Point>())
        .collect()
}

//! What presigning needs from pair states (docs/spec §4.1, §4.2), and how it gets at them.
//!
//! A pair state serves many sessions and keys, so no run owns it. A round asks for one peer's at a time, through
//! [`PairAccess::with`], which holds that pair's lock while its closure runs: receiving, checking and poisoning are one
//! step under one lock. A round returns nothing at all unless every check has passed, and looks at every pair once more
//! before it returns; the node releases what a round returned only while the pairs are still not poisoned.

use super::Secret;
use super::key::Common;
use crate::Abort;
use crate::ot::{self, OleError, OleReceiver, OleReply, OleRequest, PairState};
use alloc::vec::Vec;
use quorate_sharing::Index;
use rand_core::{CryptoRng, RngCore};

/// Why an oblivious linear evaluation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OleFailure {
    /// The peer's message failed a check: a hard edge (§4.2).
    Peer(&'static str),
    /// The state cannot serve this session, such as after too many: renew the pair and start a new session.
    Stale(&'static str),
    /// This side called it wrongly; nobody else is at fault.
    Usage(&'static str),
}

/// Two products for each element of a batch, c + d = input·χ, between the two ends of one pair.
///
/// The sender brings two inputs for each element and gets c; the receiver gets a random χ and d (DKLs23, eprint
/// 2023/765 §5: random vector OLE, ℓ = 2).
pub trait Ole {
    /// What the receiver keeps until the reply comes.
    type Receiver;
    /// The receiver's message.
    type Request;
    /// The sender's message.
    type Reply;

    /// Names this state; a renewed state has another name.
    fn id(&self) -> [u8; 32];
    /// ζ_{i,j} of this end; the two ends' sum to zero.
    fn zero_share(&self, ssid: &[u8; 32], index: u32) -> Result<Secret, OleFailure>;
    /// Makes the state useless for good.
    fn poison(&mut self);
    /// Whether a check has failed with this state.
    fn is_poisoned(&self) -> bool;
    /// Starts as receiver, for `count` elements.
    fn receive_start(
        &mut self,
        ssid: &[u8; 32],
        count: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self::Receiver, Self::Request), OleFailure>;
    /// χ of each element.
    fn chi(receiver: &Self::Receiver) -> &[Secret];
    /// Checks the request, then answers it; gives c^u, c^v of each element.
    fn send(
        &mut self,
        ssid: &[u8; 32],
        request: &Self::Request,
        inputs: &[[Secret; 2]],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self::Reply, Vec<[Secret; 2]>), OleFailure>;
    /// Checks the reply; gives d^u, d^v of each element.
    fn receive_finish(
        &mut self,
        receiver: Self::Receiver,
        reply: &Self::Reply,
    ) -> Result<Vec<[Secret; 2]>, OleFailure>;
}

/// A node's pair states, one lock each (§4.2).
pub trait PairAccess {
    /// The state of one pair.
    type Pair: Ole;

    /// Runs `action` under the lock of the pair with `peer`; `None`, without running it, if there is no such pair now.
    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut Self::Pair) -> T) -> Option<T>;
}

// The edge was drawn by the run whose check failed; this one has seen nothing itself.
const POISONED: &str = "a pair state is poisoned by a check that failed in another run; it must be renewed";

impl OleFailure {
    /// Poisons the pair unless the fault is ours, and says how it counts.
    fn settle(self, pair: &mut impl Ole, peer: Index) -> Abort {
        match self {
            Self::Peer(what) => {
                pair.poison();
                Abort::hard_edge(peer, what)
            }
            Self::Stale(what) => Abort::Restart(what),
            Self::Usage(what) => Abort::Usage(what),
        }
    }
}

/// Runs `action` under the pair's lock, if the pair is the one that this run began with and is not poisoned.
/// A failure of `action` that is the peer's poisons the pair before the lock is given up.
pub(super) fn locked<A: PairAccess, T>(
    common: &Common,
    pairs: &mut A,
    peer: Index,
    action: impl FnOnce(&mut A::Pair) -> Result<T, OleFailure>,
) -> Result<T, Abort> {
    let expected = common.pairs.get(&peer);
    let run = |pair: &mut A::Pair| {
        if pair.is_poisoned() {
            return Err(Abort::Restart(POISONED));
        }
        if expected.is_some_and(|id| *id != pair.id()) {
            return Err(Abort::Restart("a pair state was renewed while this run used the old one"));
        }
        action(pair).map_err(|failure| failure.settle(pair, peer))
    };
    pairs.with(peer, run).unwrap_or(Err(Abort::Restart("there is no pair state with a signer now")))
}

/// Looks at every pair once more before anything leaves.
pub(super) fn all_clean<A: PairAccess>(common: &Common, pairs: &mut A) -> Result<(), Abort> {
    common.ctx.others().try_for_each(|peer| locked(common, pairs, peer, |_| Ok(())))
}

impl From<OleError> for OleFailure {
    fn from(error: OleError) -> Self {
        match error {
            OleError::Cheated(what) => Self::Peer(what),
            OleError::Poisoned => Self::Stale(POISONED),
            OleError::Repeated => {
                Self::Stale("this session id was used with a pair before; start a fresh session")
            }
            OleError::Exhausted => Self::Stale("a pair state is used up; renew it"),
            OleError::Usage(what) => Self::Usage(what),
        }
    }
}

impl Ole for PairState {
    type Receiver = OleReceiver;
    type Request = OleRequest;
    type Reply = OleReply;

    fn id(&self) -> [u8; 32] {
        self.id
    }

    fn zero_share(&self, ssid: &[u8; 32], index: u32) -> Result<Secret, OleFailure> {
        Ok(Self::zero_share(self, ssid, index)?)
    }

    fn poison(&mut self) {
        Self::poison(self);
    }

    fn is_poisoned(&self) -> bool {
        Self::is_poisoned(self)
    }

    fn receive_start(
        &mut self,
        ssid: &[u8; 32],
        count: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(OleReceiver, OleRequest), OleFailure> {
        Ok(ot::ole::receive_start(self, ssid, count, rng)?)
    }

    fn chi(receiver: &OleReceiver) -> &[Secret] {
        &receiver.chi
    }

    fn send(
        &mut self,
        ssid: &[u8; 32],
        request: &OleRequest,
        inputs: &[[Secret; 2]],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(OleReply, Vec<[Secret; 2]>), OleFailure> {
        Ok(ot::ole::send(self, ssid, request, inputs, rng)?)
    }

    fn receive_finish(
        &mut self,
        receiver: OleReceiver,
        reply: &OleReply,
    ) -> Result<Vec<[Secret; 2]>, OleFailure> {
        Ok(ot::ole::receive_finish(self, receiver, reply)?)
    }
}

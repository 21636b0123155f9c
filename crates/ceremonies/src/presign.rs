//! Presign (docs/spec §4.3) as a ceremony of exactly t parties.
//!
//! Views are compared one round later, inside the next broadcast: each broadcast from round 2 on begins with the digest of
//! the echo vector of the round before, and the protocol's own echo is the running transcript over all of them.

use quorate_protocols::dkls::presign::{self, State1, State2, State3, State4};
use quorate_protocols::dkls::{
    Broadcast1, Broadcast2, Broadcast3, Broadcast4, KeyShareView, PairAccess, Presignature, Shape,
};
use quorate_protocols::key::KeyShare;
use quorate_protocols::ot::{OleReply, OleRequest, PairState};
use quorate_protocols::{Abort, All, Ctx, Message};
use quorate_session::{
    Echo, Env, Expects, Inbox, Outgoing, Protocol, Round, Step, decode_broadcasts, decode_private,
    encode_each,
};
use quorate_sharing::{Index, Secp256k1};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Length of an echo digest in front of a broadcast.
pub(crate) const ECHO: usize = 32;

/// Makes a batch of presignatures.
pub struct Presign<A> {
    /// This party's share.
    pub share: Arc<KeyShare<Secp256k1>>,
    /// Hash of the epoch's public record: names key and epoch.
    pub record: [u8; 32],
    /// Canonical bytes of the epoch's attempt.
    pub epoch: Vec<u8>,
    /// The node's pair states, one lock each.
    pub pairs: A,
    /// How many.
    pub count: usize,
}

/// What all rounds carry.
struct Common<A> {
    ctx: Ctx,
    shape: Shape,
    pairs: A,
}

struct Wait1<A> {
    common: Common<A>,
    state: State1<PairState>,
}

struct Wait2<A> {
    common: Common<A>,
    state: State2<PairState>,
}

struct Wait3<A> {
    common: Common<A>,
    state: State3,
}

struct Wait4<A> {
    common: Common<A>,
    state: State4,
}

fn expects(broadcast: usize, private: Option<usize>) -> Expects {
    Expects { broadcast: Some(broadcast), private, echo: Echo::Later }
}

/// A broadcast behind the echo digest of the round before.
fn echoed(echo: [u8; 32], body: Vec<u8>) -> Vec<u8> {
    [echo.as_slice(), &body].concat()
}

/// The echo digest that each participant put in front of its broadcast.
fn told(inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
    let digest = |(index, bytes): (&Index, &Vec<u8>)| {
        let head = bytes.first_chunk::<ECHO>().copied();
        head.map(|head| (*index, head)).ok_or_else(|| Abort::condemn(*index, "broadcast does not decode"))
    };
    inbox.broadcasts.iter().map(digest).collect()
}

/// The broadcasts behind their echo digests.
fn bodies<M: Message<Shape>, A>(common: &Common<A>, inbox: &Inbox) -> Result<All<M>, Abort> {
    let tail = |bytes: &Vec<u8>| bytes.get(ECHO..).unwrap_or_default().to_vec();
    let bodies = inbox.broadcasts.iter().map(|(index, bytes)| (*index, tail(bytes))).collect();
    decode_broadcasts(&common.ctx, &bodies, common.shape)
}

impl<A: PairAccess<Pair = PairState> + Send + 'static> Protocol for Presign<A> {
    type Output = Vec<Presignature>;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort> {
        let Self { share, record, epoch, mut pairs, count } = *self;
        let publics =
            share.public().parties().iter().filter_map(|j| Some((j, share.public().share(j)?))).collect();
        let key = KeyShareView {
            index: share.index(),
            share: share.secret(),
            publics: &publics,
            public: share.public().key().key,
            threshold: share.public().threshold(),
            key_id: record,
            epoch: &epoch,
        };
        let (state, broadcast, requests) = presign::round1(ctx, &key, &mut pairs, count, &mut env.rng)?;
        let shape = Shape { parties: ctx.parties().len(), count };
        let outgoing = Outgoing {
            broadcast: Some(broadcast.encode()),
            private: encode_each::<OleRequest, usize>(&requests),
            ..Outgoing::default()
        };
        let common = Common { ctx: ctx.clone(), shape, pairs };
        Ok(Step::Next { outgoing, round: Box::new(Wait1 { common, state }) })
    }
}

impl<A: PairAccess<Pair = PairState> + Send + 'static> Round for Wait1<A> {
    type Output = Vec<Presignature>;

    fn expects(&self) -> Expects {
        let Shape { count, .. } = self.common.shape;
        expects(Broadcast1::length(self.common.shape), Some(OleRequest::encoded_len(count)))
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort> {
        let Self { mut common, state } = *self;
        let broadcasts = decode_broadcasts::<Broadcast1, _>(&common.ctx, &inbox.broadcasts, common.shape)?;
        let requests = decode_private::<OleRequest, _>(&common.ctx, &inbox.private, common.shape.count)?;
        let (state, broadcast, replies) =
            presign::round2(state, broadcasts, requests, &mut common.pairs, &mut env.rng)?;
        let outgoing = Outgoing {
            broadcast: Some(echoed(inbox.echo, broadcast.encode())),
            private: encode_each::<OleReply, usize>(&replies),
            ..Outgoing::default()
        };
        Ok(Step::Next { outgoing, round: Box::new(Wait2 { common, state }) })
    }
}

impl<A: PairAccess<Pair = PairState> + Send + 'static> Round for Wait2<A> {
    type Output = Vec<Presignature>;

    fn expects(&self) -> Expects {
        let shape = self.common.shape;
        expects(ECHO + Broadcast2::length(shape), Some(OleReply::encoded_len(shape.count)))
    }

    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        told(inbox)
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort> {
        let Self { mut common, state } = *self;
        let broadcasts = bodies::<Broadcast2, _>(&common, &inbox)?;
        let replies = decode_private::<OleReply, _>(&common.ctx, &inbox.private, common.shape.count)?;
        let (state, broadcast) =
            presign::round3(state, broadcasts, replies, &mut common.pairs, inbox.transcript, &mut env.rng)?;
        // No private message follows: what was recorded of this run opens no more.
        let outgoing = Outgoing {
            broadcast: Some(echoed(inbox.echo, broadcast.encode())),
            erase_sealing_key: true,
            ..Outgoing::default()
        };
        Ok(Step::Next { outgoing, round: Box::new(Wait3 { common, state }) })
    }
}

impl<A: PairAccess<Pair = PairState> + Send + 'static> Round for Wait3<A> {
    type Output = Vec<Presignature>;

    fn expects(&self) -> Expects {
        expects(ECHO + Broadcast3::length(self.common.shape), None)
    }

    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        told(inbox)
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort> {
        let Self { mut common, state } = *self;
        let broadcasts = bodies::<Broadcast3, _>(&common, &inbox)?;
        let (state, broadcast) =
            presign::round4(state, broadcasts, &mut common.pairs, inbox.transcript, &mut env.rng)?;
        let outgoing =
            Outgoing { broadcast: Some(echoed(inbox.echo, broadcast.encode())), ..Outgoing::default() };
        Ok(Step::Next { outgoing, round: Box::new(Wait4 { common, state }) })
    }
}

impl<A: PairAccess<Pair = PairState> + Send + 'static> Round for Wait4<A> {
    type Output = Vec<Presignature>;

    fn expects(&self) -> Expects {
        // Nothing follows that could carry the echo of this last round.
        Expects { echo: Echo::Now, ..expects(ECHO + Broadcast4::length(self.common.shape), None) }
    }

    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        told(inbox)
    }

    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<Self::Output>, Abort> {
        let Self { mut common, state } = *self;
        let broadcasts = bodies::<Broadcast4, _>(&common, &inbox)?;
        let output = presign::finish(state, broadcasts, &mut common.pairs)?;
        Ok(Step::Done { outgoing: Outgoing::default(), output })
    }
}

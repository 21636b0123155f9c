//! Wrong values inside signed and sealed messages: between a protocol and its driver, so that it works for all of them.

use super::{How, What, fault, flip};
use quorate_protocols::{Abort, Ctx};
use quorate_session::{Env, Expects, Inbox, Outgoing, Protocol, Round, Step};
use quorate_sharing::Index;
use std::collections::BTreeMap;

/// A protocol that sends wrong values where a fault is on, and otherwise goes on as if it had sent the right ones.
pub(crate) fn spoiling<O: 'static>(
    purpose: &str,
    inner: Box<dyn Protocol<Output = O>>,
) -> Box<dyn Protocol<Output = O>> {
    Box::new(Spoilt { purpose: purpose.to_owned(), inner })
}

struct Spoilt<P: ?Sized> {
    purpose: String,
    inner: Box<P>,
}

struct SpoiltRound<O> {
    purpose: String,
    me: Index,
    number: u8,
    /// What this party would have broadcast.
    own: Option<Vec<u8>>,
    inner: Box<dyn Round<Output = O>>,
}

impl<O: 'static> Protocol for Spoilt<dyn Protocol<Output = O>> {
    type Output = O;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        let step = self.inner.start(ctx, env)?;
        Ok(spoil_step(self.purpose, ctx.me(), 1, step))
    }
}

fn spoil_step<O: 'static>(purpose: String, me: Index, number: u8, step: Step<O>) -> Step<O> {
    let Step::Next { mut outgoing, round } = step else { return step };
    let own = outgoing.broadcast.clone();
    spoil_outgoing(&purpose, number, &mut outgoing);
    Step::Next { outgoing, round: Box::new(SpoiltRound { purpose, me, number, own, inner: round }) }
}

fn spoil_outgoing(purpose: &str, number: u8, outgoing: &mut Outgoing) {
    if let (Some(How::Flip(at)), Some(body)) =
        (fault(purpose, number, What::Broadcast), &mut outgoing.broadcast)
    {
        flip(body, at);
    }
    if let Some(How::Flip(at)) = fault(purpose, number, What::Private) {
        outgoing.private.values_mut().for_each(|message| flip(message, at));
    }
}

impl<O> SpoiltRound<O> {
    /// The inbox with our own broadcast as it would have been.
    fn as_if(&self, inbox: &mut Inbox) {
        if let (Some(own), Some(slot)) = (&self.own, inbox.broadcasts.get_mut(&self.me)) {
            slot.clone_from(own);
        }
    }
}

impl<O: 'static> Round for SpoiltRound<O> {
    type Output = O;

    fn expects(&self) -> Expects {
        self.inner.expects()
    }

    fn sends_private(&self, from: Index, to: Index) -> bool {
        self.inner.sends_private(from, to)
    }

    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        let mut own = Inbox {
            round: inbox.round,
            broadcasts: inbox.broadcasts.clone(),
            private: BTreeMap::new(),
            echo: inbox.echo,
            transcript: inbox.transcript,
            signed: BTreeMap::new(),
        };
        self.as_if(&mut own);
        self.inner.echoes(&own)
    }

    fn receive(self: Box<Self>, mut inbox: Inbox, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        self.as_if(&mut inbox);
        let Self { purpose, me, number, inner, .. } = *self;
        Ok(spoil_step(purpose, me, number + 1, inner.receive(inbox, env)?))
    }
}

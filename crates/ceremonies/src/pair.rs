//! Pair set-up (docs/spec §4.1) as a ceremony of two: two private messages each way, nothing broadcast.

use quorate_protocols::ot::{PairCtx, PairMsg1, PairMsg2, PairReplied, PairSetup, PairState, pair};
use quorate_protocols::{Abort, Ctx, Message};
use quorate_session::{Echo, Env, Expects, Inbox, Outgoing, Protocol, Round, Step};
use quorate_sharing::Index;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Both ends make a new pair state.
pub struct Pair;

struct First {
    peer: Index,
    setup: PairSetup,
}

struct Second {
    peer: Index,
    replied: PairReplied,
}

fn private(peer: Index, bytes: Vec<u8>) -> Outgoing {
    Outgoing { private: BTreeMap::from([(peer, Zeroizing::new(bytes))]), ..Outgoing::default() }
}

fn expects(length: usize) -> Expects {
    Expects { broadcast: None, private: Some(length), echo: Echo::Now }
}

/// The peer's message of this round; what does not decode is a hard edge, since only the two ends have seen it.
fn decode<M: Message>(inbox: &Inbox, peer: Index) -> Result<M, Abort> {
    let bytes = inbox.private.get(&peer).ok_or(Abort::Usage("the peer's message is missing"))?;
    M::decode(bytes, ()).map_err(|_| Abort::hard_edge(peer, "private message does not decode"))
}

impl Protocol for Pair {
    type Output = PairState;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<PairState>, Abort> {
        let mut others = ctx.others();
        let (Some(peer), None) = (others.next(), others.next()) else {
            return Err(Abort::Usage("a pair set-up has exactly two participants"));
        };
        let identity = |index| env.participants().key(index).map(|key| key.0);
        let me = identity(ctx.me()).ok_or(Abort::Usage("unknown index"))?;
        let other = identity(peer).ok_or(Abort::Usage("unknown index"))?;
        let pair_ctx = PairCtx::new(ctx.ssid(), (ctx.me(), me), (peer, other))?;
        let (setup, message) = pair::start(&pair_ctx, &mut env.rng);
        Ok(Step::Next { outgoing: private(peer, message.encode()), round: Box::new(First { peer, setup }) })
    }
}

impl Round for First {
    type Output = PairState;

    fn expects(&self) -> Expects {
        expects(PairMsg1::BYTES)
    }

    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<PairState>, Abort> {
        let (replied, message) = pair::respond(self.setup, &decode::<PairMsg1>(&inbox, self.peer)?)?;
        let round = Box::new(Second { peer: self.peer, replied });
        Ok(Step::Next { outgoing: private(self.peer, message.encode()), round })
    }
}

impl Round for Second {
    type Output = PairState;

    fn expects(&self) -> Expects {
        expects(PairMsg2::BYTES)
    }

    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<PairState>, Abort> {
        let output = pair::finish(self.replied, &decode::<PairMsg2>(&inbox, self.peer)?)?;
        Ok(Step::Done { outgoing: Outgoing::default(), output })
    }
}

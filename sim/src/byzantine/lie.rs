//! A dishonest party's protocol: the honest rounds, whose messages are changed before the driver signs and seals them.
//!
//! The rounds inside go on with what they really made, so that the party lies in one place alone and plays on.

use quorate_protocols::{Abort, Ctx};
use quorate_session::seal::CeremonyKey;
use quorate_session::{Env, Expects, Inbox, Outgoing, Protocol, Round, Step};
use quorate_sharing::Index;
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Plaintexts by round, sender and, if private, recipient.
pub type Plain = BTreeMap<(u8, Index, Option<Index>), Vec<u8>>;

/// What a dishonest party has seen.
#[derive(Default)]
pub struct Board {
    /// This session's messages: its own before they were changed, and others' as soon as they are on the wire.
    pub now: Plain,
    /// An earlier session's messages.
    pub before: Plain,
    /// With it the party opens what is sealed to it while it is still on the wire.
    pub key: Option<CeremonyKey>,
    /// Who it is, once its session has begun.
    pub me: Option<Index>,
}

/// Changes the messages of a round: its number, what the party has seen, what is to leave.
pub type Change = dyn Fn(u8, &Board, &mut Outgoing) + Send + Sync;

/// What a dishonest party does.
#[derive(Clone)]
pub struct Lie {
    /// What it changes.
    pub change: Arc<Change>,
    board: Arc<Mutex<Board>>,
}

impl Lie {
    /// A party that changes its messages like this.
    pub fn new(change: impl Fn(u8, &Board, &mut Outgoing) + Send + Sync + 'static) -> Self {
        Self { change: Arc::new(change), board: Arc::default() }
    }

    /// A party that plays by the rules and notes what it sees.
    pub fn observe() -> Self {
        Self::new(|_, _, _| ())
    }

    /// What it has seen.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, round: u8, me: Index, outgoing: &mut Outgoing) {
        let mut board = self.board();
        if let Some(body) = &outgoing.broadcast {
            board.now.insert((round, me, None), body.clone());
        }
        for (to, message) in &outgoing.private {
            board.now.insert((round, me, Some(*to)), message.to_vec());
        }
        (self.change)(round, &board, outgoing);
    }
}

/// Lets a party lie in a protocol, if it is to. `rng` is the party's, before its session has drawn from it.
pub fn tell<O: 'static>(
    protocol: Box<dyn Protocol<Output = O>>,
    lie: Option<Lie>,
    rng: &ChaCha20Rng,
) -> Box<dyn Protocol<Output = O>> {
    let Some(lie) = lie else { return protocol };
    // A session's first draw is its one-ceremony key.
    lie.board().key = Some(CeremonyKey::random(&mut rng.clone()));
    Box::new(Liar { inner: protocol, lie })
}

struct Liar<O> {
    inner: Box<dyn Protocol<Output = O>>,
    lie: Lie,
}

struct LiarRound<O> {
    inner: Box<dyn Round<Output = O>>,
    lie: Lie,
    me: Index,
    round: u8,
    /// What it would have broadcast, and the lengths of what it did send.
    honest: Option<Vec<u8>>,
    sent: (usize, usize),
}

fn go_on<O: 'static>(step: Result<Step<O>, Abort>, lie: Lie, me: Index, round: u8) -> Result<Step<O>, Abort> {
    match step? {
        Step::Next { mut outgoing, round: inner } => {
            let honest = outgoing.broadcast.clone();
            lie.apply(round, me, &mut outgoing);
            let longest = outgoing.private.values().map(|message| message.len()).max().unwrap_or(0);
            let sent = (outgoing.broadcast.as_ref().map_or(0, Vec::len), longest);
            Ok(Step::Next { outgoing, round: Box::new(LiarRound { inner, lie, me, round, honest, sent }) })
        }
        done @ Step::Done { .. } => Ok(done),
    }
}

impl<O: 'static> Protocol for Liar<O> {
    type Output = O;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        let Self { inner, lie } = *self;
        let me = ctx.me();
        lie.board().me = Some(me);
        go_on(inner.start(ctx, env), lie, me, 1)
    }
}

impl<O> LiarRound<O> {
    /// The inbox with this party's own message as it would have been.
    fn as_if_honest(&self, mut inbox: Inbox) -> Inbox {
        if let (Some(honest), Some(own)) = (&self.honest, inbox.broadcasts.get_mut(&self.me)) {
            own.clone_from(honest);
        }
        inbox
    }
}

impl<O: 'static> Round for LiarRound<O> {
    type Output = O;

    fn expects(&self) -> Expects {
        // A dishonest party is free to send more than the honest ones expect.
        let Expects { broadcast, private, echo } = self.inner.expects();
        let (broadcast, private) =
            (broadcast.map(|most| most.max(self.sent.0)), private.map(|most| most.max(self.sent.1)));
        Expects { broadcast, private, echo }
    }

    fn sends_private(&self, from: Index, to: Index) -> bool {
        self.inner.sends_private(from, to)
    }

    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        let copy = Inbox {
            round: inbox.round,
            broadcasts: inbox.broadcasts.clone(),
            private: BTreeMap::<Index, Zeroizing<Vec<u8>>>::new(),
            echo: inbox.echo,
            transcript: inbox.transcript,
            signed: BTreeMap::new(),
        };
        self.inner.echoes(&self.as_if_honest(copy))
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        let inbox = self.as_if_honest(inbox);
        let Self { inner, lie, me, round, .. } = *self;
        go_on(inner.receive(inbox, env), lie, me, round + 1)
    }
}

//! The driver: takes messages, time and acknowledgements; gives sends, records to write, and in the end one result.
//!
//! The way of a session: hellos → session id → comparison of views → rounds 1, 2, … → result. Nothing secret is made
//! before all views agree. After its end a session still answers requests for evidence until it is dropped.

mod advance;
mod board;
mod gate;
mod intake;
mod outgoing;
mod settle;
mod timing;

use crate::echo::Settle;
use crate::seal::CeremonyKey;
use crate::ssid::View;
use crate::wire::{Kind, Stamp};
use crate::{
    Agreement, Config, Expects, Hello, Identity, NotStored, PersistRecord, Protocol, Round, SessionError,
};
use board::Board;
use gate::Gate;
use quorate_intent::PublicKey;
use quorate_protocols::Ctx;
use quorate_sharing::Index;
use rand_core::CryptoRngCore;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use timing::Timing;

/// What happens to a session.
pub enum Input {
    /// Bytes came over the channel of `from`, the identity that the transport has authenticated or claims.
    Message {
        /// The channel's identity.
        from: PublicKey,
        /// As they came.
        bytes: Vec<u8>,
    },
    /// The record of this number is durable.
    Persisted(u64),
    /// The record of this number was not written, and why.
    PersistFailed(u64, NotStored),
    /// Time has passed.
    Tick,
}

/// What a session wants to happen. To be carried out in order.
pub enum Output<O> {
    /// Send these bytes to that participant.
    Send {
        /// Its identity.
        to: PublicKey,
        /// An encoded envelope.
        bytes: Vec<u8>,
    },
    /// Write this durably, then call [`Session::step`] with [`Input::Persisted`]. Nothing leaves before that.
    Persist {
        /// Names the record in the answer.
        id: u64,
        /// What to write.
        record: PersistRecord,
    },
    /// Call [`Session::step`] with [`Input::Tick`] at this time in milliseconds, if not called earlier. Replaces any
    /// earlier timer.
    Timer(u64),
    /// The result. At most one of `Done` and `Abort`, once.
    Done(O),
    /// The session ended without a result.
    Abort(SessionError),
}

/// How many messages were refused, by reason. None of them is anybody's proven fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Not an envelope, or longer than any message may be.
    pub malformed: u64,
    /// Of another ceremony, or not from a participant.
    pub foreign: u64,
    /// Without a valid outer signature.
    pub unsigned: u64,
    /// Signed, but for another time: a repetition, a round that is over or far ahead, a finished session.
    pub unexpected: u64,
}

/// Where the session is.
enum Phase<O> {
    Hello(Box<dyn Protocol<Output = O>>),
    Compare(Box<dyn Protocol<Output = O>>),
    Round {
        number: u8,
        expects: Expects,
        round: Box<dyn Round<Output = O>>,
    },
    /// The messages of this round contradict one another, and its views are compared before that is told (§1.4).
    Contradiction(u8),
    Ended,
}

/// One run of one ceremony at one party. Neither Clone nor serialisable: a crash ends it (docs/spec §1.5).
pub struct Session<O> {
    config: Config,
    identity: Arc<Identity>,
    me: Index,
    phase: Phase<O>,
    /// Erased at the end, or when the protocol says that no private message follows.
    sealing: Option<CeremonyKey>,
    signed_hellos: BTreeMap<Index, Vec<u8>>,
    hellos: BTreeMap<Index, Hello>,
    own_hello: Vec<u8>,
    views: BTreeMap<Index, View>,
    agreement: Option<Agreement>,
    ctx: Option<Ctx>,
    transcript: [u8; 32],
    board: Board,
    /// The last round, if its echo is to come inside this round's broadcasts.
    later: Option<u8>,
    /// Rounds whose vectors are exchanged only when their digests differ.
    later_rounds: BTreeSet<u8>,
    /// To whom our vector of which round has gone.
    vectors_sent: BTreeSet<(u8, Index)>,
    /// How often whom an original was shown, so that requests cannot be used to multiply traffic.
    answered: BTreeMap<(u8, Index, Index), u8>,
    settle: Option<Settle>,
    gate: Gate<O>,
    timing: Timing,
    dropped: Dropped,
}

impl<O> Session<O> {
    /// Starts a session at time `now` (milliseconds on any clock that this session always sees) and says hello.
    ///
    /// # Errors
    /// [`SessionError::Config`] when the identity is not a participant or a value is out of bounds;
    /// [`SessionError::NoTryLeft`] when this party told the last try before.
    pub fn new(
        config: Config,
        identity: Arc<Identity>,
        protocol: Box<dyn Protocol<Output = O>>,
        now: u64,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Self, Vec<Output<O>>), SessionError> {
        let me = config.participants.index(&identity.public());
        let me = me.ok_or(SessionError::Config("this party's identity is not among the participants"))?;
        if config.own.told_try == u32::MAX {
            // A hello that tells this would be evidence against us.
            return Err(SessionError::NoTryLeft);
        }
        config.limits.check()?;
        config.terms.check(&config.participants)?;
        let sealing = CeremonyKey::random(rng);
        let hello = Hello::new(&config.own, &sealing, rng);
        if Hello::decode(&hello.encode(), me, &config.participants).is_none() {
            return Err(SessionError::Config("a pair state is named for a party that does not take part"));
        }
        let timing = Timing::new(now, &config.limits);
        let mut session = Self {
            config,
            identity,
            me,
            phase: Phase::Hello(protocol),
            sealing: Some(sealing),
            signed_hellos: BTreeMap::new(),
            hellos: BTreeMap::new(),
            own_hello: Vec::new(),
            views: BTreeMap::new(),
            agreement: None,
            ctx: None,
            transcript: [0; 32],
            board: Board::default(),
            later: None,
            later_rounds: BTreeSet::new(),
            vectors_sent: BTreeSet::new(),
            answered: BTreeMap::new(),
            settle: None,
            gate: Gate::default(),
            timing,
            dropped: Dropped::default(),
        };
        session.own_hello = session.send_all(Kind::Hello, 0, &hello.encode());
        session.signed_hellos.insert(me, session.own_hello.clone());
        session.hellos.insert(me, hello);
        let outputs = session.outputs();
        Ok((session, outputs))
    }

    /// Lets one thing happen. Never panics, whatever the bytes are.
    pub fn step(&mut self, now: u64, input: Input, rng: &mut impl CryptoRngCore) -> Vec<Output<O>> {
        self.timing.set(now);
        match &input {
            Input::Persisted(id) => self.persisted(*id),
            Input::PersistFailed(id, reason) if self.gate.waits_for(*id) => self.abort(reason.clone().into()),
            _ => (),
        }
        self.check_time();
        if let Input::Message { from, bytes } = input {
            self.intake(&from, bytes);
        }
        self.advance(rng);
        self.outputs()
    }

    /// What the participants agreed on, once they have.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.ctx.is_some().then_some(self.agreement.as_ref()).flatten()
    }

    /// What was refused so far.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Whether `Done` or `Abort` has come out.
    pub fn finished(&self) -> bool {
        self.gate.finished()
    }

    /// Whether the one-ceremony key is gone, so that no recorded message of this session opens any more.
    pub fn sealing_key_erased(&self) -> bool {
        self.sealing.is_none()
    }

    fn outputs(&mut self) -> Vec<Output<O>> {
        let timer = if self.gate.finished() { None } else { self.timing.wake(self.settle.as_ref()) };
        self.gate.take(timer)
    }

    fn others(&self) -> Vec<(Index, PublicKey)> {
        self.config.participants.iter().filter(|(index, _)| *index != self.me).collect()
    }

    fn key_of(&self, index: Index) -> PublicKey {
        // Indices in here are participants' by construction; a stranger's would verify nothing.
        self.config.participants.key(index).unwrap_or(PublicKey([0; 32]))
    }

    fn ssid(&self) -> Option<[u8; 32]> {
        self.agreement.as_ref().map(|agreement| agreement.ssid)
    }

    /// Signs a body; with `to` for that recipient alone.
    fn sign(&self, kind: Kind, round: u8, to: Option<&PublicKey>, body: &[u8]) -> Vec<u8> {
        let ceremony = &self.config.ceremony;
        let ssid = self.ssid();
        let scope = if kind.early() { ceremony } else { ssid.as_ref().unwrap_or(ceremony) };
        Stamp { ceremony, scope, kind, round, recipient: to }.sign(&self.identity, body)
    }

    /// Signs a body once and sends it to all others. Gives back the signed bytes.
    fn send_all(&mut self, kind: Kind, round: u8, body: &[u8]) -> Vec<u8> {
        let bytes = self.sign(kind, round, None, body);
        for (_, to) in self.others() {
            self.gate.send(to, bytes.clone());
        }
        bytes
    }

    /// Signs a body for one participant and sends it.
    fn send_one(&mut self, kind: Kind, round: u8, to: PublicKey, body: &[u8]) {
        let bytes = self.sign(kind, round, Some(&to), body);
        self.gate.send(to, bytes);
    }

    /// Ends the session without a result. Everything secret is dropped, whatever was held back is not sent.
    fn abort(&mut self, error: SessionError) {
        if !self.gate.finished() {
            self.erase();
            self.gate.abort(error);
        }
    }

    /// Drops what is secret: the protocol's state, the one-ceremony key, sealed messages.
    fn erase(&mut self) {
        self.phase = Phase::Ended;
        self.sealing = None;
        self.settle = None;
        self.board.forget_private(u8::MAX);
    }
}

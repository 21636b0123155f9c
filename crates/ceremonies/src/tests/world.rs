//! What the tests share: identities, a run of sessions, tampering.

use quorate_protocols::{Abort, Ctx, Severity};
pub use quorate_session::bus::{Bus, Packet, Store};
use quorate_session::wire::{Envelope, Kind, Stamp};
pub use quorate_session::{Config, Identity, Participants, Protocol, Session, SessionError};
use quorate_session::{Env, Expects, Inbox, Round, Step};
use quorate_sharing::{Index, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const CEREMONY: [u8; 32] = [9; 32];

/// Identities in order of their keys, so that the index of `ids[i]` is i + 1.
pub fn identities(n: usize) -> Vec<Arc<Identity>> {
    let mut ids: Vec<_> = (1..=n).map(|i| Arc::new(Identity::from_seed(&[i as u8; 32]))).collect();
    ids.sort_by_key(|id| id.public());
    ids
}

pub fn index(number: usize) -> Index {
    Index::new(number as u16).unwrap()
}

pub fn rng(seed: u64, party: usize) -> ChaCha20Rng {
    let seed = Transcript::new("test/rng").number("seed", seed).number("party", party as u64).digest();
    ChaCha20Rng::from_seed(seed)
}

pub fn honest(packet: Packet) -> Vec<Packet> {
    vec![packet]
}

/// Runs one session for each identity to its end.
pub fn run<O>(
    ids: &[Arc<Identity>],
    seed: u64,
    mut party: impl FnMut(usize) -> (Config, Box<dyn Protocol<Output = O>>),
    tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
) -> Bus<O> {
    let mut bus = Bus::new(seed);
    bus.tamper = Box::new(tamper);
    for (i, id) in ids.iter().enumerate() {
        let (config, protocol) = party(i);
        let mut rng = rng(seed, i);
        let (session, outputs) = Session::new(config, id.clone(), protocol, 0, &mut rng).unwrap();
        bus.seat(id.public(), session, outputs, rng, Store::Works);
    }
    bus.run();
    bus
}

/// How each ended, in order of index.
pub fn outcomes<O>(bus: &mut Bus<O>, ids: &[Arc<Identity>]) -> Vec<Result<O, SessionError>> {
    let mut outcome = |id: &Arc<Identity>| {
        let seat = bus.seats.get_mut(&id.public()).unwrap();
        seat.outcome.take().expect("ended")
    };
    ids.iter().map(&mut outcome).collect()
}

/// Everybody's result.
pub fn all<O>(bus: &mut Bus<O>, ids: &[Arc<Identity>]) -> Vec<O> {
    let outcomes = outcomes(bus, ids);
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|error| panic!("{error}"))).collect()
}

pub fn ssid<O>(bus: &Bus<O>) -> [u8; 32] {
    bus.seats.values().next().unwrap().session.agreement().expect("agreed").ssid
}

pub fn is(packet: &Packet, from: &Identity, to: Option<&Identity>, kind: Kind, round: u8) -> bool {
    let envelope = Envelope::decode(&packet.bytes).unwrap();
    packet.from == from.public()
        && to.is_none_or(|to| packet.to == to.public())
        && (envelope.kind, envelope.round) == (kind, round)
}

/// The packet with one bit of its body flipped, signed by its sender as that could.
pub fn flipped(packet: &Packet, id: &Identity, ssid: &[u8; 32], at: usize) -> Packet {
    let envelope = Envelope::decode(&packet.bytes).unwrap();
    let mut body = envelope.body.to_vec();
    body[at] ^= 1;
    let (kind, round) = (envelope.kind, envelope.round);
    let recipient = kind.addressed().then_some(&packet.to);
    let bytes = Stamp { ceremony: &CEREMONY, scope: ssid, kind, round, recipient }.sign(id, &body);
    Packet { bytes, ..packet.clone() }
}

/// What is done to the bytes of a message.
pub type Change = fn(&mut Vec<u8>);

/// What is done to a party's broadcast of one round before its own driver signs, sends and echoes it.
#[derive(Clone, Copy)]
pub struct Spoil {
    pub round: u8,
    pub with: Change,
}

impl Spoil {
    /// A protocol whose broadcast is spoilt.
    pub fn protocol<O: 'static>(self, inner: Box<dyn Protocol<Output = O>>) -> Box<dyn Protocol<Output = O>> {
        Box::new(Spoilt(inner, self))
    }

    fn step<O: 'static>(self, number: u8, step: Step<O>) -> Step<O> {
        let Step::Next { mut outgoing, round } = step else { return step };
        if let Some(body) = outgoing.broadcast.as_mut().filter(|_| number == self.round) {
            (self.with)(body);
        }
        Step::Next { outgoing, round: Box::new(SpoiltRound(round, self)) }
    }
}

struct Spoilt<O>(Box<dyn Protocol<Output = O>>, Spoil);
struct SpoiltRound<O>(Box<dyn Round<Output = O>>, Spoil);

impl<O: 'static> Protocol for Spoilt<O> {
    type Output = O;
    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        let Self(inner, spoil) = *self;
        Ok(spoil.step(1, inner.start(ctx, env)?))
    }
}

impl<O: 'static> Round for SpoiltRound<O> {
    type Output = O;
    fn expects(&self) -> Expects {
        self.0.expects()
    }
    fn sends_private(&self, from: Index, to: Index) -> bool {
        self.0.sends_private(from, to)
    }
    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        self.0.echoes(inbox)
    }
    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<O>, Abort> {
        let Self(inner, spoil) = *self;
        let next = inbox.round + 1;
        Ok(spoil.step(next, inner.receive(inbox, env)?))
    }
}

/// Everybody but the liar condemns it alone, and says this.
pub fn assert_condemned<O>(
    ended: &[Result<O, SessionError>],
    ids: &[Arc<Identity>],
    liar: &Identity,
    what: &str,
) {
    for (id, end) in ids.iter().zip(ended).filter(|(id, _)| id.public() != liar.public()) {
        let Err(SessionError::Blame(faults)) = end else {
            panic!("{}: {:?}", id.public(), end.as_ref().err())
        };
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!((fault.party, fault.severity), (liar.public(), Severity::Condemned));
        assert_eq!(fault.what, what);
    }
}

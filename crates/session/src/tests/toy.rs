//! A protocol of two rounds: commit to a number, open it and send each a note. And worlds of parties that run it.

use crate::bus::{Bus, Packet, Store};
use crate::wire::{Envelope, Kind, Stamp};
use crate::*;
use quorate_intent::PublicKey;
use quorate_protocols::{Abort, Ctx, Malformed, Message, Reader};
use quorate_sharing::{Index, Secp256k1, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How a party that runs an honest driver misbehaves in the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bad {
    #[default]
    Honest,
    WrongOpening,
    ShortOpening,
    LongOpening,
    ShortNote,
    LongNote,
    WrongEcho,
    BlamesItself,
    Witnesses,
    EndsEarly,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Toy {
    pub x: u64,
    pub later: bool,
    pub persist: bool,
    /// Notes go to higher indices alone.
    pub upward: bool,
    pub bad: Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub sum: u64,
    pub notes: u64,
    pub transcript: [u8; 32],
}

struct Commit([u8; 32]);
struct Open(u64, [u8; 32]);
struct Note(u64);

impl Message for Commit {
    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }
    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        bytes.try_into().map(Self).map_err(|_| Malformed::Length)
    }
}

impl Message for Open {
    fn encode(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], &self.1].concat()
    }
    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let open = Self(u64::from_be_bytes(reader.array()?), reader.array()?);
        reader.finish()?;
        Ok(open)
    }
}

impl Message for Note {
    fn encode(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        bytes.try_into().map(|b| Self(u64::from_be_bytes(b))).map_err(|_| Malformed::Length)
    }
}

fn commit(ctx: &Ctx, sender: Index, x: u64) -> [u8; 32] {
    ctx.transcript("toy/commit", sender, 1).number("x", x).digest()
}

struct First(Toy, Ctx);
struct Second(Toy, Ctx, All);
type All = quorate_protocols::All<Commit>;

impl Protocol for Toy {
    type Output = Sum;
    fn start(self: Box<Self>, ctx: &Ctx, _: &mut Env<'_>) -> Result<Step<Sum>, Abort> {
        let broadcast = Some(Commit(commit(ctx, ctx.me(), self.x)).encode());
        let outgoing = Outgoing { broadcast, ..Outgoing::default() };
        Ok(Step::Next { outgoing, round: Box::new(First(*self, ctx.clone())) })
    }
}

impl Round for First {
    type Output = Sum;
    fn expects(&self) -> Expects {
        let echo = if self.0.later { Echo::Later } else { Echo::Now };
        Expects { broadcast: Some(32), private: None, echo }
    }
    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<Sum>, Abort> {
        let Self(toy, ctx) = *self;
        let commits = decode_broadcasts(&ctx, &inbox.broadcasts, ())?;
        let mut echo = inbox.echo;
        match toy.bad {
            Bad::WrongEcho => echo[0] ^= 1,
            Bad::BlamesItself => return Err(Abort::condemn(ctx.me(), "myself")),
            Bad::Witnesses => {
                let between = (ctx.me(), ctx.others().next().expect("another"));
                return Err(Abort::Witnessed { between, what: "they differ" });
            }
            Bad::EndsEarly => {
                let output = Sum { sum: 0, notes: 0, transcript: inbox.transcript };
                return Ok(Step::Done { outgoing: Outgoing::default(), output });
            }
            _ => (),
        }
        let wrong = u64::from(toy.bad == Bad::WrongOpening);
        let mut open = Open(toy.x ^ wrong, echo).encode();
        match toy.bad {
            Bad::ShortOpening => drop(open.pop()),
            Bad::LongOpening => open.resize(60, 0),
            _ => (),
        }
        let note = |j: Index| match toy.bad {
            Bad::ShortNote => Zeroizing::new(vec![1, 2, 3]),
            Bad::LongNote => Zeroizing::new(vec![1; 60]),
            _ => Zeroizing::new(Note(toy.x ^ u64::from(j.get())).encode()),
        };
        let to = |j: &Index| !toy.upward || *j > ctx.me();
        let private = ctx.others().filter(to).map(|j| (j, note(j))).collect();
        let persist = toy.persist.then(|| PersistRecord { label: "toy", bytes: Zeroizing::new(vec![7; 9]) });
        let outgoing = Outgoing { broadcast: Some(open), private, persist, erase_sealing_key: false };
        Ok(Step::Next { outgoing, round: Box::new(Second(toy, ctx, commits)) })
    }
}

impl Round for Second {
    type Output = Sum;
    fn expects(&self) -> Expects {
        // A misbehaving party is free to send more than the honest ones expect.
        let long = |bad, honest| if self.0.bad == bad { 60 } else { honest };
        let (broadcast, private) = (long(Bad::LongOpening, 40), long(Bad::LongNote, 8));
        Expects { broadcast: Some(broadcast), private: Some(private), echo: Echo::Now }
    }
    fn sends_private(&self, from: Index, to: Index) -> bool {
        if self.0.upward { from < to } else { from != to }
    }
    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        let all = decode_broadcasts::<Open, ()>(&self.1, &inbox.broadcasts, ())?;
        let mut told: BTreeMap<_, _> = all.iter().map(|(index, open)| (index, open.1)).collect();
        if self.0.bad == Bad::WrongEcho {
            // It plays on with what the others said.
            told.get_mut(&self.1.me()).expect("own")[0] ^= 1;
        }
        Ok(told)
    }
    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<Sum>, Abort> {
        let Self(_, ctx, commits) = *self;
        let opens = decode_broadcasts::<Open, ()>(&ctx, &inbox.broadcasts, ())?;
        let notes = decode_private_of::<Note, ()>(&inbox.private, ())?;
        for (index, open) in opens.iter() {
            if commits.of(index).0 != commit(&ctx, index, open.0) {
                return Err(Abort::condemn(index, "wrong opening"));
            }
        }
        let sum = opens.iter().fold(0u64, |sum, (_, open)| sum.wrapping_add(open.0));
        let notes = notes.values().fold(0u64, |sum, note| sum ^ note.0);
        Ok(Step::Done {
            outgoing: Outgoing::default(),
            output: Sum { sum, notes, transcript: inbox.transcript },
        })
    }
}

pub struct World {
    pub bus: Bus<Sum>,
    /// Identities in order of their keys, so that the index of `ids[i]` is i + 1.
    pub ids: Vec<Arc<Identity>>,
}

pub fn identities(n: usize) -> Vec<Arc<Identity>> {
    let mut ids: Vec<_> = (1..=n).map(|i| Arc::new(Identity::from_seed(&[i as u8; 32]))).collect();
    ids.sort_by_key(|id| id.public());
    ids
}

pub fn config(ids: &[Arc<Identity>]) -> Config {
    Config {
        ceremony: [9; 32],
        participants: Participants::by_key::<Secp256k1>(ids.iter().map(|id| id.public())).unwrap(),
        terms: Terms {
            suite: "toy".into(),
            purpose: "test".into(),
            order: [3; 32],
            order_number: 5,
            key: [4; 16],
            base_epoch: Some([6; 32]),
            threshold: 2,
            extra: vec![("dealers".into(), vec![1, 2])],
        },
        own: Own { boot: [8; 16], pairs: BTreeMap::new(), told_try: 0 },
        limits: Limits { max_message: 200, ..Limits::default() },
    }
}

pub fn rng(seed: u64, party: usize) -> ChaCha20Rng {
    let seed = Transcript::new("toy/rng").number("seed", seed).number("party", party as u64).digest();
    ChaCha20Rng::from_seed(seed)
}

/// n parties that differ from the plain configuration as `change` says.
pub fn world(n: usize, seed: u64, mut change: impl FnMut(usize, &mut Config, &mut Toy, &mut Store)) -> World {
    let ids = identities(n);
    let mut bus = Bus::new(seed);
    for (i, id) in ids.iter().enumerate() {
        let (mut config, mut toy, mut store) = (config(&ids), Toy::default(), Store::Works);
        let mut rng = rng(seed, i);
        toy.x = rng.next_u64();
        change(i, &mut config, &mut toy, &mut store);
        let (session, outputs) =
            Session::new(config, id.clone(), Box::new(toy), bus.now(), &mut rng).unwrap();
        bus.seat(id.public(), session, outputs, rng, store);
    }
    World { bus, ids }
}

pub fn plain(n: usize, seed: u64) -> World {
    world(n, seed, |_, _, _, _| ())
}

impl World {
    pub fn key(&self, i: usize) -> PublicKey {
        self.ids[i].public()
    }

    pub fn run(&mut self) {
        self.bus.run();
    }

    pub fn outcome(&self, i: usize) -> &Result<Sum, SessionError> {
        self.bus.seats[&self.key(i)].outcome.as_ref().expect("ended")
    }

    /// Everybody ended with the same right result.
    pub fn assert_agreed(&self) {
        let first = self.outcome(0).as_ref().expect("done");
        for i in 0..self.ids.len() {
            let sum = self.outcome(i).as_ref().expect("done");
            assert_eq!((sum.sum, sum.transcript), (first.sum, first.transcript));
            assert!(self.bus.seats[&self.key(i)].session.sealing_key_erased());
        }
    }

    /// Nobody ended with blame of any kind.
    pub fn assert_no_blame(&self) {
        for i in 0..self.ids.len() {
            assert!(!matches!(self.outcome(i), Err(SessionError::Blame(_))), "{i}: {:?}", self.outcome(i));
        }
    }

    /// The faults that party i found.
    pub fn faults(&self, i: usize) -> &[Fault] {
        match self.outcome(i) {
            Err(SessionError::Blame(faults)) => faults,
            other => panic!("party {i} blames nobody: {other:?}"),
        }
    }
}

/// The envelope's kind and round.
pub fn kind(packet: &Packet) -> (Kind, u8) {
    let envelope = Envelope::decode(&packet.bytes).expect("sent by a session");
    (envelope.kind, envelope.round)
}

/// Signs another body in place of a packet's own, as its sender could.
pub fn resign(packet: &Packet, id: &Identity, ssid: &[u8; 32], body: &[u8]) -> Packet {
    let envelope = Envelope::decode(&packet.bytes).expect("sent by a session");
    let (kind, round) = (envelope.kind, envelope.round);
    let scope = if kind.early() { &envelope.ceremony } else { ssid };
    let recipient = kind.addressed().then_some(&packet.to);
    let bytes = Stamp { ceremony: &envelope.ceremony, scope, kind, round, recipient }.sign(id, body);
    Packet { bytes, ..packet.clone() }
}

/// The session id that a world will agree on: the same seed without tampering.
pub fn ssid_of(mut world: World) -> [u8; 32] {
    world.run();
    let key = world.key(0);
    world.bus.seats[&key].session.agreement().expect("agreed").ssid
}

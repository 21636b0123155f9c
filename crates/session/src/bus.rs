//! An in-memory network of sessions under one seed, for tests: random order, delay, loss, repetition, and tampering.
//!
//! Packets, timers and acknowledgements of writes are events on one clock, in milliseconds from 0.

use crate::{Input, NotStored, Output, PersistRecord, Session, SessionError};
use quorate_intent::PublicKey;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;

/// Bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The channel on which they come.
    pub from: PublicKey,
    /// Whom they are for.
    pub to: PublicKey,
    /// As sent.
    pub bytes: Vec<u8>,
}

/// How well the network and the stores work. Chances are in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The longest delay of a packet; each takes 1 to this many milliseconds, so that order is random.
    pub delay: u64,
    /// How often a packet is lost.
    pub drop: u32,
    /// How often a packet comes twice.
    pub repeat: u32,
}

impl Default for Weather {
    fn default() -> Self {
        Self { delay: 50, drop: 0, repeat: 0 }
    }
}

/// What a seat's store does with records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Acknowledges after a random delay.
    #[default]
    Works,
    /// Cannot write.
    Fails,
    /// Says that the record must not be written.
    Refuses,
    /// Never answers.
    Hangs,
}

/// What a seat has let out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A packet.
    Sent(Packet),
    /// A record was handed to the store.
    Persist(u64),
    /// The record is durable.
    Persisted(u64),
    /// The session ended.
    Ended,
}

/// One party.
pub struct Seat<O> {
    /// Its session.
    pub session: Session<O>,
    /// How it ended.
    pub outcome: Option<Result<O, SessionError>>,
    /// What its store has taken.
    pub records: Vec<PersistRecord>,
    /// What it has let out.
    pub trace: Vec<Trace>,
    /// How its store behaves.
    pub store: Store,
    timer: Option<u64>,
    rng: ChaCha20Rng,
}

enum Event {
    Packet(Packet),
    Answer(PublicKey, Input),
}

type Tamper = Box<dyn FnMut(Packet) -> Vec<Packet>>;

/// The network.
pub struct Bus<O> {
    /// The parties by identity key.
    pub seats: BTreeMap<PublicKey, Seat<O>>,
    /// How well everything works.
    pub weather: Weather,
    /// Every packet as it was sent, before tampering.
    pub log: Vec<Packet>,
    /// What a dishonest network or party makes of each packet: nothing, itself, others. Not applied to its own results.
    pub tamper: Tamper,
    queue: BTreeMap<(u64, u64), Event>,
    now: u64,
    sequence: u64,
    rng: ChaCha20Rng,
}

impl<O> Bus<O> {
    /// An empty network.
    pub fn new(seed: u64) -> Self {
        Self {
            seats: BTreeMap::new(),
            weather: Weather::default(),
            log: Vec::new(),
            tamper: Box::new(|packet| vec![packet]),
            queue: BTreeMap::new(),
            now: 0,
            sequence: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
        }
    }

    /// The clock.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Seats a party whose session was started at the bus's present time with `rng`.
    pub fn seat(
        &mut self,
        key: PublicKey,
        session: Session<O>,
        outputs: Vec<Output<O>>,
        rng: ChaCha20Rng,
        store: Store,
    ) {
        let (outcome, records, trace, timer) = (None, Vec::new(), Vec::new(), None);
        self.seats.insert(key, Seat { session, outcome, records, trace, store, timer, rng });
        self.carry_out(key, outputs);
    }

    /// Puts a packet on its way, past the tamperer.
    pub fn inject(&mut self, packet: Packet) {
        let delay = 1 + self.rng.next_u64() % self.weather.delay.max(1);
        self.schedule(delay, Event::Packet(packet));
    }

    /// Runs until nothing is on its way and every session has ended.
    ///
    /// # Panics
    /// When it does not come to an end, so a session or the bus has a defect.
    pub fn run(&mut self) {
        for _ in 0..200_000 {
            if !self.turn() {
                return;
            }
        }
        panic!("the bus does not come to rest");
    }

    /// Lets the next thing happen. False when nothing is left.
    pub fn turn(&mut self) -> bool {
        let timers = self.seats.iter().filter(|(_, seat)| seat.outcome.is_none());
        let timer = timers.filter_map(|(key, seat)| seat.timer.map(|at| (at, *key))).min();
        let event = self.queue.first_key_value().map(|((at, _), _)| *at);
        if let Some((at, key)) = timer
            && event.is_none_or(|event| at < event)
        {
            self.now = self.now.max(at);
            if let Some(seat) = self.seats.get_mut(&key) {
                seat.timer = None;
            }
            self.step(key, Input::Tick);
            return true;
        }
        let Some(((at, _), event)) = self.queue.pop_first() else { return false };
        self.now = self.now.max(at);
        match event {
            Event::Packet(Packet { from, to, bytes }) => self.step(to, Input::Message { from, bytes }),
            Event::Answer(key, input) => {
                if let (Input::Persisted(id), Some(seat)) = (&input, self.seats.get_mut(&key)) {
                    seat.trace.push(Trace::Persisted(*id));
                }
                self.step(key, input);
            }
        }
        true
    }

    fn schedule(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), event);
    }

    fn step(&mut self, key: PublicKey, input: Input) {
        let Some(seat) = self.seats.get_mut(&key) else { return };
        let outputs = seat.session.step(self.now, input, &mut seat.rng);
        self.carry_out(key, outputs);
    }

    fn chance(&mut self, thousandths: u32) -> bool {
        thousandths > 0 && self.rng.next_u32() % 1000 < thousandths
    }

    fn carry_out(&mut self, key: PublicKey, outputs: Vec<Output<O>>) {
        for output in outputs {
            let Some(seat) = self.seats.get_mut(&key) else { return };
            match output {
                Output::Send { to, bytes } => {
                    let packet = Packet { from: key, to, bytes };
                    seat.trace.push(Trace::Sent(packet.clone()));
                    self.send(packet);
                }
                Output::Persist { id, record } => {
                    seat.trace.push(Trace::Persist(id));
                    seat.records.push(record);
                    let answer = match seat.store {
                        Store::Works => Input::Persisted(id),
                        Store::Fails => {
                            Input::PersistFailed(id, NotStored::Failed("the write failed".to_owned()))
                        }
                        Store::Refuses => {
                            Input::PersistFailed(id, NotStored::Refused("superseded".to_owned()))
                        }
                        Store::Hangs => continue,
                    };
                    let delay = 1 + self.rng.next_u64() % 20;
                    self.schedule(delay, Event::Answer(key, answer));
                }
                Output::Timer(at) => seat.timer = Some(at),
                Output::Done(output) => {
                    seat.trace.push(Trace::Ended);
                    assert!(seat.outcome.replace(Ok(output)).is_none(), "a session ended twice");
                }
                Output::Abort(error) => {
                    seat.trace.push(Trace::Ended);
                    assert!(seat.outcome.replace(Err(error)).is_none(), "a session ended twice");
                }
            }
        }
    }

    fn send(&mut self, packet: Packet) {
        self.log.push(packet.clone());
        for packet in (self.tamper)(packet) {
            if self.chance(self.weather.drop) {
                continue;
            }
            if self.chance(self.weather.repeat) {
                self.inject(packet.clone());
            }
            self.inject(packet);
        }
    }
}

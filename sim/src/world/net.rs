//! The network: delay, loss, repetition, partition, and what an adversary makes of each packet.

use super::{Event, World};
use quorate_session::wire::Envelope;

/// Bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// On whose channel they come.
    pub from: usize,
    /// Whom they are for.
    pub to: usize,
    /// As sent.
    pub bytes: Vec<u8>,
}

/// What becomes of a packet: nothing, itself, others; each with how much later than usual it comes.
pub type Tamper = Box<dyn FnMut(&World, &Packet) -> Vec<(u64, Packet)>>;

/// How well everything works. Chances are in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// The longest delay of a packet in milliseconds; each takes 1 to this, so that order is random.
    pub delay: u64,
    /// How often a packet is lost.
    pub lose: u32,
    /// How often a packet comes twice.
    pub repeat: u32,
    /// From when to when two sides hear nothing of each other; the bits of the first side's parties.
    pub partitions: Vec<(u64, u64, u64)>,
    /// The longest time that a machine stays down, in milliseconds.
    pub down: u64,
    /// How often the coordinator asks for a second signature with the same material.
    pub greed: u32,
}

impl Weather {
    /// Nothing is lost and everything comes soon.
    pub fn calm() -> Self {
        Self { delay: 20, down: 500, ..Self::default() }
    }

    pub(super) fn parts(&self, now: u64, from: usize, to: usize) -> bool {
        let side = |sides: u64, at: usize| sides >> at & 1;
        self.partitions.iter().any(|(start, end, sides)| {
            (*start..*end).contains(&now) && side(*sides, from) != side(*sides, to)
        })
    }
}

/// Kind and round of a packet, for the log.
pub fn describe(packet: &Packet) -> String {
    let Packet { from, to, bytes } = packet;
    match Envelope::decode(bytes) {
        Some(envelope) => {
            format!("{from}→{to} {:?} {} ({} bytes)", envelope.kind, envelope.round, envelope.body.len())
        }
        None => format!("{from}→{to} garbage ({} bytes)", bytes.len()),
    }
}

impl World {
    /// Puts a packet of a party's session on its way, past whoever tampers.
    pub(super) fn send(&mut self, packet: Packet) {
        let Some(mut tamper) = self.tamper.take() else {
            return self.carry(0, packet);
        };
        for (later, packet) in tamper(self, &packet) {
            self.carry(later, packet);
        }
        self.tamper = Some(tamper);
    }

    /// Puts a packet on its way.
    pub fn carry(&mut self, later: u64, packet: Packet) {
        let lost = self.dice.chance(self.weather.lose);
        if lost || self.weather.parts(self.now, packet.from, packet.to) {
            let now = self.now;
            return self.log.add(now, Some(packet.from), || format!("lost {}", describe(&packet)));
        }
        if self.dice.chance(self.weather.repeat) {
            let delay = later + self.delay();
            self.schedule(delay, Event::Packet(packet.clone()));
        }
        let delay = later + self.delay();
        self.schedule(delay, Event::Packet(packet));
    }

    pub(super) fn delay(&mut self) -> u64 {
        let most = self.weather.delay.max(1);
        self.dice.between(1, most)
    }
}

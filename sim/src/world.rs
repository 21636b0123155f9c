//! The event loop: packets, stores, clocks and machines that go down, on one clock of milliseconds.

mod machine;
mod net;
mod news;
mod sessions;

pub use net::{Packet, Tamper, Weather};

use crate::kind::Job;
use crate::log::Log;
use crate::node::{Group, Node};
use crate::oracle::{Oracle, Violation};
use crate::people::People;
use crate::random::{self, Dice};
use quorate_coordination::Certificate;
use quorate_coordination::rpc::News;
use quorate_intent::{PublicKey, WalletId};
use quorate_session::{Identity, SessionError};
use quorate_vault::Leaves;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A cluster.
pub struct World {
    /// What decides everything.
    pub seed: u64,
    /// The clock, in milliseconds.
    pub now: u64,
    /// The parties in order of their identity keys, so that party i of a sharing of all is `nodes[i - 1]`.
    pub nodes: Vec<Node>,
    /// The people.
    pub people: People,
    /// The rules.
    pub oracle: Oracle,
    /// What happened.
    pub log: Log,
    /// How well everything works.
    pub weather: Weather,
    /// What dishonest parties and the network make of packets.
    pub tamper: Option<Tamper>,
    /// How the sessions ended since somebody last looked.
    pub ends: Vec<End>,
    /// Decides what happens.
    pub dice: Dice,
    /// What happened so far, in numbers.
    pub counts: Counts,
    /// A defect that is in on purpose.
    pub plant: Option<Plant>,
    /// In which group each key lives.
    pub groups: BTreeMap<WalletId, Group>,
    /// The highest certificates that the coordinator was given.
    pub certificates: BTreeMap<WalletId, Certificate>,
    /// Lower ones that it was given.
    pub history: Vec<Certificate>,
    /// Names of certificates that were judged to hold.
    pub checked: BTreeSet<[u8; 32]>,
    /// Seconds that have passed beside the clock of [`World::now`].
    pub later: u64,
    /// No party tells another of certificates: a planted defect.
    pub quiet: bool,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    ceremonies: u64,
    runtime: Rc<Runtime>,
}

/// A defect that is put in on purpose, to see that the rules find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plant {
    /// A record is acknowledged before it is written.
    AcknowledgesEarly,
    /// A ceremony that ends without a result takes what it wrote out of the store again.
    ErasesAfterFailure,
    /// After a restart the randomness begins anew, and with it nonces.
    RepeatsRandomness,
    /// A partial signature leaves without a log entry.
    SignsUnlogged,
    /// Silence is blamed like a wrong message.
    BlamesSilence,
    /// The store's log loses its last entries in a crash although they were synced.
    LosesSynced,
    /// The old share is erased as soon as the new one is stored.
    ForgetsOld,
    /// A party that has taken a certificate goes on in the epoch before.
    SignsOldEpoch,
    /// A party that has carried out a destroy goes on signing.
    SignsDestroyed,
    /// Erased shares stay in the store's log.
    KeepsErased,
    /// Nobody tells anybody of certificates.
    KeepsQuiet,
    /// A share is opened as if it were of another key.
    OpensAnother,
}

/// How a session ended at one party.
pub struct End {
    /// Where.
    pub node: usize,
    /// Which.
    pub ceremony: [u8; 32],
    /// Without a result, why.
    pub error: Option<SessionError>,
}

/// Totals of one world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Ceremonies that were started, by [`Kind`].
    pub ceremonies: [u64; 5],
    /// Ceremonies that ended well at every party that took part.
    pub done: u64,
    /// Machines that went down.
    pub crashes: u64,
    /// Older copies put in place of a disk.
    pub rollbacks: u64,
    /// Signatures made.
    pub signatures: u64,
    /// Machines that were lost for good.
    pub losses: u64,
    /// Things that dishonest parties did: a ceremony or a replay with a lie in it.
    pub lies: u64,
}

/// The kinds of ceremonies, for the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// §2.1.
    Generate,
    /// §2.2.
    Reshare,
    /// §4.1.
    Pair,
    /// §4.3.
    Presign,
    /// The end of a key.
    Destroy,
}

enum Event {
    Packet(Packet),
    /// One party tells another where it stands.
    Greet {
        at: usize,
        peer: usize,
    },
    News {
        from: usize,
        to: usize,
        news: Box<News>,
    },
    /// A machine is gone for good.
    Lose {
        node: usize,
    },
    /// A write is over.
    Stored {
        node: usize,
        life: u64,
        run: [u8; 32],
        id: u64,
    },
    Tick {
        node: usize,
        life: u64,
        run: [u8; 32],
    },
    Start {
        node: usize,
        job: Job,
    },
    Crash {
        node: usize,
        leaves: Leaves,
    },
    Restart {
        node: usize,
        life: u64,
    },
}

/// A runtime for all worlds of one thread. It never waits for anything outside.
///
/// # Panics
/// When the system gives no runtime.
pub fn runtime() -> Rc<Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_time().build();
    Rc::new(built.expect("a runtime of one thread"))
}

impl World {
    /// `n` parties with empty vaults, all up.
    pub fn new(seed: u64, n: usize, runtime: &Rc<Runtime>, log: Log) -> Self {
        let seeds = (0..n as u64).map(|at| random::bytes(seed, "identity", at));
        let mut seeds: Vec<_> = seeds.map(|bytes| (Identity::from_seed(&bytes).public(), bytes)).collect();
        seeds.sort_unstable();
        let node = |(at, (_, bytes)): (usize, (PublicKey, [u8; 32]))| {
            Node::new(seed, at, Arc::new(Identity::from_seed(&bytes)), bytes)
        };
        let nodes: Vec<Node> = seeds.into_iter().enumerate().map(node).collect();
        let keys: Vec<_> = nodes.iter().map(Node::key).collect();
        let mut world = Self {
            seed,
            now: 0,
            people: People::new(seed, &keys),
            nodes,
            oracle: Oracle::default(),
            log,
            weather: Weather::default(),
            tamper: None,
            ends: Vec::new(),
            dice: Dice::new(seed, "world"),
            counts: Counts::default(),
            plant: None,
            groups: BTreeMap::new(),
            certificates: BTreeMap::new(),
            history: Vec::new(),
            checked: BTreeSet::new(),
            later: 0,
            quiet: false,
            queue: BTreeMap::new(),
            sequence: 0,
            ceremonies: 0,
            runtime: Rc::clone(runtime),
        };
        for at in 0..n {
            world.install(at);
        }
        world
    }

    /// Puts a defect in, or none.
    pub fn set_plant(&mut self, plant: Option<Plant>) {
        self.plant = plant;
        self.quiet = plant == Some(Plant::KeepsQuiet);
        if plant == Some(Plant::KeepsErased) {
            self.nodes.iter().for_each(|node| node.disk.pretend_checkpoints());
        }
    }

    /// Runs something that never waits for anything outside.
    pub fn block<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The identity keys of these parties.
    pub fn keys(&self, parties: &[usize]) -> Vec<PublicKey> {
        parties.iter().map(|at| self.nodes[*at].key()).collect()
    }

    /// Which party has this key.
    pub fn find(&self, key: &PublicKey) -> Option<usize> {
        self.nodes.iter().position(|node| node.key() == *key)
    }

    /// A fresh ceremony id.
    pub fn ceremony(&mut self, kind: Kind) -> [u8; 32] {
        self.ceremonies += 1;
        self.counts.ceremonies[kind as usize] += 1;
        random::bytes(self.seed, "ceremony", self.ceremonies)
    }

    /// What the clocks of people and policies say, Unix seconds.
    pub fn time(&self) -> u64 {
        crate::people::NOW + self.later + self.now / 1000
    }

    /// Lets days pass in which nothing happens.
    pub fn pass(&mut self, seconds: u64) {
        self.later += seconds;
        self.people.today = self.time();
    }

    fn schedule(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), event);
    }

    /// Starts a job at a party after `delay`.
    pub fn start(&mut self, node: usize, delay: u64, job: Job) {
        self.schedule(delay, Event::Start { node, job });
    }

    /// Lets a machine go down after `delay`; it comes up again by itself.
    pub fn crash_later(&mut self, node: usize, delay: u64, leaves: Leaves) {
        self.schedule(delay, Event::Crash { node, leaves });
    }

    /// Lets a machine be lost for good after `delay`.
    pub fn lose_later(&mut self, node: usize, delay: u64) {
        self.schedule(delay, Event::Lose { node });
    }

    /// Lets everything happen that is under way, until nothing is left.
    ///
    /// # Errors
    /// The first rule that did not hold.
    pub fn settle(&mut self) -> Result<(), Violation> {
        const MOST: u64 = 2_000_000;
        let start = self.counts.events;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = self.now.max(at);
            self.counts.events += 1;
            self.happen(event);
            self.check()?;
            if self.counts.events - start > MOST {
                self.oracle.violate("it terminates", "two million events and no end");
                self.check()?;
            }
        }
        for node in &mut self.nodes {
            if let Some(up) = &mut node.up {
                let hanging = up.runs.values().filter(|live| !live.ended).map(|live| live.name).next();
                if let Some(name) = hanging {
                    self.oracle.violate("it terminates", format!("{name} at party {} never ends", node.at));
                }
                up.runs.clear();
                up.early.clear();
            }
        }
        self.check()
    }

    /// # Errors
    /// The first rule that did not hold.
    pub fn check(&self) -> Result<(), Violation> {
        self.oracle.first().map_or(Ok(()), |violation| Err(violation.clone()))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Packet(packet) => self.deliver(packet),
            Event::Greet { at, peer } => self.greet(at, peer),
            Event::News { from, to, news } => self.take_news(to, from, *news),
            Event::Lose { node } => self.lose(node),
            Event::Stored { node, life, run, id } => self.stored(node, life, run, id),
            Event::Tick { node, life, run } => self.tick(node, life, run),
            Event::Start { node, job } => self.begin(node, job),
            Event::Crash { node, leaves } => self.cut_power(node, leaves),
            Event::Restart { node, life } => self.restart(node, life),
        }
    }
}

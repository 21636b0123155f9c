//! Sessions: what arrives, what they want, how they end. As a node does it, on the world's clock.

use super::{End, Event, Packet, Plant, World, net};
use crate::kind::{Job, Ready, Refused, keep};
use crate::node::{Item, Live, Then, Up, lock};
use crate::run::{Made, Order};
use quorate_intent::PublicKey;
use quorate_protocols::Severity;
use quorate_session::wire::{Envelope, Kind};
use quorate_session::{Input, NotStored, SessionError};
use quorate_vault::{DisputeRecord, Leaves};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Most messages that wait for a ceremony that has not begun.
const MOST_EARLY: usize = 256;

impl World {
    fn live(&mut self, at: usize, run: &[u8; 32]) -> Option<&mut Live> {
        self.nodes[at].up.as_mut()?.runs.get_mut(run)
    }

    pub(super) fn begin(&mut self, at: usize, job: Job) {
        if self.nodes[at].up.is_none() {
            return;
        }
        if self.plant.is_some() {
            let node = &mut self.nodes[at];
            node.copy = Some(node.disk.snapshot());
        }
        let ready = job(self, at);
        if !self.still_up(at) {
            return;
        }
        match ready {
            Ok(Ready { id, name, run, orders, keep, then }) => {
                let now = self.now;
                self.log.add(now, Some(at), || format!("{name} begins"));
                let (records, prepared) = (BTreeMap::new(), None);
                let live = Live { run, name, keep, then, ended: false, records, prepared };
                let Some(up) = &mut self.nodes[at].up else { return };
                up.runs.insert(id, live);
                let early = up.early.remove(&id).unwrap_or_default();
                self.carry_out(at, id, orders);
                for (from, bytes) in early {
                    self.step(at, id, Input::Message { from, bytes });
                }
            }
            Err(Refused { id, error }) => {
                let now = self.now;
                self.log.add(now, Some(at), || format!("takes no part: {error}"));
                self.ends.push(End { node: at, ceremony: id, error: Some(error) });
            }
        }
    }

    pub(super) fn deliver(&mut self, packet: Packet) {
        let Packet { from, to, .. } = packet;
        let key = self.nodes[from].key();
        let now = self.now;
        self.log.add(now, Some(to), || net::describe(&packet));
        let Some(up) = &mut self.nodes[to].up else { return };
        let Some(id) = Envelope::decode(&packet.bytes).map(|envelope| envelope.ceremony) else { return };
        if up.runs.contains_key(&id) {
            return self.step(to, id, Input::Message { from: key, bytes: packet.bytes });
        }
        let early = up.early.entry(id).or_default();
        if early.len() < MOST_EARLY {
            early.push((key, packet.bytes));
        }
    }

    pub(super) fn tick(&mut self, at: usize, life: u64, run: [u8; 32]) {
        if self.nodes[at].life == life {
            self.step(at, run, Input::Tick);
        }
    }

    fn step(&mut self, at: usize, run: [u8; 32], input: Input) {
        let now = self.now;
        let node = &mut self.nodes[at];
        let Some(live) = node.up.as_mut().and_then(|up| up.runs.get_mut(&run)) else { return };
        let orders = live.run.step(now, input, &mut node.rng);
        self.carry_out(at, run, orders);
    }

    fn carry_out(&mut self, at: usize, run: [u8; 32], orders: Vec<Order>) {
        let life = self.nodes[at].life;
        for order in orders {
            match order {
                Order::Send(to, bytes) => self.send_for(at, run, to, bytes),
                Order::Persist(id, record) => {
                    let now = self.now;
                    self.log.add(now, Some(at), || format!("writes {}", record.label));
                    if let Some(live) = self.live(at, &run) {
                        live.records.insert(id, record);
                    }
                    let delay = self.dice.between(1, 20);
                    self.schedule(delay, Event::Stored { node: at, life, run, id });
                    if self.plant == Some(Plant::AcknowledgesEarly) {
                        self.acknowledge_early(at, run, id);
                    }
                }
                Order::Timer(time) => {
                    let delay = time.saturating_sub(self.now);
                    self.schedule(delay, Event::Tick { node: at, life, run });
                }
                Order::Ended(result) => self.end(at, run, result),
            }
            if self.nodes[at].life != life {
                return;
            }
        }
    }

    fn send_for(&mut self, at: usize, run: [u8; 32], to: PublicKey, bytes: Vec<u8>) {
        let Some(to) = self.find(&to) else { return };
        let broadcast = Envelope::decode(&bytes).is_some_and(|envelope| envelope.kind == Kind::Broadcast);
        let prepared = self.live(at, &run).and_then(|live| live.prepared.clone());
        if let Some((wallet, attempt)) = prepared.filter(|_| broadcast && self.nodes[at].honest) {
            self.oracle.signature_left(wallet, &attempt, &self.nodes[at], &self.nodes);
            self.oracle.shares_are_held(&self.nodes);
        }
        self.send(Packet { from: at, to, bytes });
    }

    /// A record's write takes place now, and may be the last thing that the machine does.
    pub(super) fn stored(&mut self, at: usize, life: u64, run: [u8; 32], id: u64) {
        if self.nodes[at].life != life {
            return;
        }
        let Some(live) = self.live(at, &run) else { return };
        let (Some(record), kept) = (live.records.remove(&id), live.keep.clone()) else { return };
        let result = keep::record(self, at, run, record, kept);
        self.oracle.shares_are_held(&self.nodes);
        if !self.still_up(at) {
            return;
        }
        let input = match result {
            Ok(()) => Input::Persisted(id),
            Err(reason) => {
                if matches!(reason, NotStored::Failed(_)) {
                    // The operator looks at the disk and starts the node again.
                    let delay = self.dice.between(1, 1000);
                    self.crash_later(at, delay, Leaves::Everything);
                }
                Input::PersistFailed(id, reason)
            }
        };
        self.step(at, run, input);
    }

    /// The planted defect: the signature may leave, and the share is still on its way to the disk.
    fn acknowledge_early(&mut self, at: usize, run: [u8; 32], id: u64) {
        let record = self.live(at, &run).and_then(|live| live.records.get(&id));
        let pending = record.and_then(keep::pending);
        if let Some(record) = pending {
            self.oracle.prepared(&record);
            let attempt = record.attempt.to_bytes().to_vec();
            if let Some(live) = self.live(at, &run) {
                live.prepared = Some((record.wallet, attempt));
            }
        }
        self.step(at, run, Input::Persisted(id));
    }

    fn end(&mut self, at: usize, run: [u8; 32], result: Result<Made, SessionError>) {
        let Some(live) = self.live(at, &run) else { return };
        live.ended = true;
        let (then, name) = (live.then.clone(), live.name);
        let now = self.now;
        let text = result.as_ref().err().map_or("done".to_owned(), ToString::to_string);
        self.log.add(now, Some(at), || format!("{name} ends: {text}"));
        let error = match result {
            Ok(made) => self.done(at, run, made, then).err(),
            Err(error) => {
                let error = self.as_planted(at, error);
                self.oracle.ended(&self.nodes[at], &self.nodes, &error);
                self.record_faults(at, &error);
                Some(error)
            }
        };
        self.ends.push(End { node: at, ceremony: run, error });
    }

    /// What planted defects make of an end without a result.
    fn as_planted(&mut self, at: usize, error: SessionError) -> SessionError {
        match (self.plant, error) {
            (Some(Plant::BlamesSilence), SessionError::Timeout(missing)) => {
                let fault = |missing: &quorate_session::Missing| quorate_session::Fault {
                    party: missing.party,
                    severity: Severity::HardEdge,
                    what: missing.what,
                    evidence: Vec::new(),
                };
                SessionError::Blame(missing.iter().map(fault).collect())
            }
            (Some(Plant::ErasesAfterFailure), error) => {
                if let Some(copy) = self.nodes[at].copy.clone() {
                    self.nodes[at].disk.restore(&copy);
                    self.nodes[at].acknowledged = None;
                    self.went_down(at);
                }
                error
            }
            (_, error) => error,
        }
    }

    fn done(&mut self, at: usize, run: [u8; 32], made: Made, then: Then) -> Result<(), SessionError> {
        let honest = self.nodes[at].honest;
        let output = match &made {
            Made::Key(key) => borsh::to_vec(&key.record).unwrap_or_default(),
            Made::Pair(pair) => pair.id.to_vec(),
            Made::Presignatures(all) => all.iter().flat_map(|one| *one.public().pd()).collect(),
        };
        if honest {
            self.oracle.output(run, at, output);
        }
        match (made, then) {
            (Made::Key(key), Then::Activate(approved)) => keep::certified(self, at, *key, *approved),
            (Made::Pair(pair), Then::Pair(peer)) => {
                let Some(up) = &mut self.nodes[at].up else { return Ok(()) };
                if let Some(old) = up.pairs.insert(peer, Arc::new(Mutex::new(*pair))) {
                    lock(&old).poison();
                }
                Ok(())
            }
            (Made::Presignatures(all), Then::Stock(pairs)) => {
                if !pairs.sound() {
                    return Err(SessionError::Restart("a pair of this run was poisoned meanwhile"));
                }
                let Some(up) = &mut self.nodes[at].up else { return Ok(()) };
                for one in all {
                    up.stock.insert(one.public().pd().to_vec(), Item::Ecdsa(Box::new(one)));
                }
                Ok(())
            }
            _ => Err(SessionError::Usage("a result that nothing takes")),
        }
    }

    /// Everything with a party that was found at fault stops, and the edge is durable (§4.2).
    fn record_faults(&mut self, at: usize, error: &SessionError) {
        let SessionError::Blame(faults) = error else { return };
        for fault in faults.iter().filter(|fault| fault.severity != Severity::SoftEdge) {
            let peer = self.find(&fault.party);
            let Some(up) = &mut self.nodes[at].up else { return };
            if let Some(peer) = peer {
                cut_off(up, peer);
            }
            let record = DisputeRecord {
                peer: fault.party,
                severity: match fault.severity {
                    Severity::Condemned => quorate_vault::Severity::Condemned,
                    _ => quorate_vault::Severity::HardEdge,
                },
                what: fault.what.to_owned(),
                time: crate::people::NOW,
                evidence: quorate_session::shorten::fit(&fault.evidence, quorate_vault::MAX_EVIDENCE),
            };
            let vault = up.vault.clone();
            let stored = self.block(vault.dispute(record));
            if !self.still_up(at) {
                return;
            }
            if let Err(error) = stored.as_ref().map_err(ToString::to_string)
                && !self.oracle.disks_failed
            {
                self.oracle.violate("no defect", format!("party {at} cannot store an edge: {error}"));
            }
        }
    }
}

/// Poisons the pair with a party and drops every presignature, since any of them may have been made with it.
fn cut_off(up: &mut Up, peer: usize) {
    if let Some(slot) = up.pairs.get(&peer) {
        lock(slot).poison();
    }
    up.stock.retain(|_, item| !matches!(item, Item::Ecdsa(_)));
}

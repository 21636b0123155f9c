//! Which session a message is for, and how much may wait.

use crate::budget::{Budget, Room};
use quorate_intent::PublicKey;
use quorate_session::SessionError;
use quorate_session::wire::{Envelope, Kind};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Ceremonies that may run at once.
const MAX_LIVE: usize = 64;
/// Bytes of one party that may wait in all queues together.
const MAX_QUEUED: usize = 64 << 20;
/// Early messages kept, for ceremonies that this node has not been asked to join yet; of one party a sixteenth.
const MAX_EARLY: usize = 256;
/// Only a hello can come early, since everything else answers ours.
const MAX_EARLY_BYTES: usize = 4096;
/// How long an early message is kept.
const EARLY_LIFE: Duration = Duration::from_secs(20);

/// A message that waits; its room is given back when it is taken.
pub(crate) struct Message {
    pub from: PublicKey,
    pub bytes: Vec<u8>,
    _room: Room,
}

/// What a run is given: its messages, and the word to stop.
pub(crate) type Inlet = (mpsc::UnboundedReceiver<Message>, oneshot::Receiver<&'static str>);

struct Live {
    // Bounded by the senders' budgets.
    queue: mpsc::UnboundedSender<Message>,
    participants: Vec<PublicKey>,
    /// None once the ceremony has its result and only answers requests for evidence.
    stop: Option<oneshot::Sender<&'static str>>,
}

/// All live ceremonies, and early messages.
pub(crate) struct Routes {
    live: BTreeMap<[u8; 32], Live>,
    early: VecDeque<(Instant, [u8; 32], Message)>,
    budgets: BTreeMap<PublicKey, Budget>,
}

impl Routes {
    /// For messages of these parties alone.
    pub fn new(parties: impl IntoIterator<Item = PublicKey>) -> Self {
        let budgets = parties.into_iter().map(|party| (party, Budget::new(MAX_QUEUED))).collect();
        Self { live: BTreeMap::new(), early: VecDeque::new(), budgets }
    }

    /// Messages of these parties alone from now on.
    pub fn follow(&mut self, parties: impl IntoIterator<Item = PublicKey>) {
        let mut old = std::mem::take(&mut self.budgets);
        let keep = |party| (party, old.remove(&party).unwrap_or_else(|| Budget::new(MAX_QUEUED)));
        self.budgets = parties.into_iter().map(keep).collect();
    }

    fn purge(&mut self, now: Instant) {
        while self.early.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > EARLY_LIFE) {
            self.early.pop_front();
        }
    }

    /// Hands a message on, or keeps it for a while. What has no room is dropped: to the session a lost message.
    pub fn deliver(&mut self, now: Instant, from: PublicKey, bytes: Vec<u8>) {
        self.purge(now);
        let Some((id, kind)) = Envelope::decode(&bytes).map(|envelope| (envelope.ceremony, envelope.kind))
        else {
            return;
        };
        let Some(budget) = self.budgets.get(&from) else { return };
        match self.live.get(&id) {
            Some(live) if live.participants.contains(&from) => {
                if let Some(room) = budget.take(bytes.len()) {
                    let _ = live.queue.send(Message { from, bytes, _room: room });
                }
            }
            Some(_) => (),
            None => {
                let own = self.early.iter().filter(|(.., message)| message.from == from).count();
                let fits = kind == Kind::Hello
                    && bytes.len() <= MAX_EARLY_BYTES
                    && self.early.len() < MAX_EARLY
                    && own < MAX_EARLY / 16;
                if let Some(room) = budget.take(bytes.len()).filter(|_| fits) {
                    self.early.push_back((now, id, Message { from, bytes, _room: room }));
                }
            }
        }
    }

    /// Makes a ceremony live; what came early for it comes first.
    pub fn register(
        &mut self,
        now: Instant,
        id: [u8; 32],
        participants: Vec<PublicKey>,
    ) -> Result<Inlet, SessionError> {
        if self.live.len() >= MAX_LIVE {
            return Err(SessionError::Config("too many ceremonies run at once; try again later"));
        }
        if self.live.contains_key(&id) {
            return Err(SessionError::Config("a ceremony with this id runs already"));
        }
        self.purge(now);
        let (queue, messages) = mpsc::unbounded_channel();
        for (at, early, message) in std::mem::take(&mut self.early) {
            if early != id {
                self.early.push_back((at, early, message));
            } else if participants.contains(&message.from) {
                let _ = queue.send(message);
            }
        }
        let (stop, stopped) = oneshot::channel();
        self.live.insert(id, Live { queue, participants, stop: Some(stop) });
        Ok((messages, stopped))
    }

    /// The ceremony has its result.
    pub fn decided(&mut self, id: &[u8; 32]) {
        if let Some(live) = self.live.get_mut(id) {
            // Not dropped before the run looks at something else than this.
            live.stop = None;
        }
    }

    /// The ceremony is over.
    pub fn remove(&mut self, id: &[u8; 32]) {
        self.live.remove(id);
    }

    /// Stops every undecided ceremony with a party, or all.
    pub fn stop(&mut self, with: Option<&PublicKey>, reason: &'static str) {
        let hit = |live: &&mut Live| with.is_none_or(|party| live.participants.contains(party));
        for live in self.live.values_mut().filter(hit) {
            if let Some(stop) = live.stop.take() {
                let _ = stop.send(reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_session::Identity;
    use quorate_session::wire::Stamp;

    fn id(n: u8) -> Identity {
        Identity::from_seed(&[n; 32])
    }

    fn message(from: u8, ceremony: u8, kind: Kind, length: usize) -> (PublicKey, Vec<u8>) {
        let (ceremony, round) = ([ceremony; 32], u8::from(!kind.early()));
        let stamp = Stamp { ceremony: &ceremony, scope: &ceremony, kind, round, recipient: None };
        (id(from).public(), stamp.sign(&id(from), &vec![0; length]))
    }

    fn routes() -> Routes {
        Routes::new((1..=20).map(|n| id(n).public()))
    }

    fn came(inlet: &mut Inlet) -> Vec<PublicKey> {
        std::iter::from_fn(|| inlet.0.try_recv().ok()).map(|message| message.from).collect()
    }

    #[test]
    fn only_participants_reach_a_ceremony() {
        let (mut routes, now) = (routes(), Instant::now());
        let participants = vec![id(1).public(), id(2).public()];
        for from in [1, 3, 30] {
            let (from, bytes) = message(from, 7, Kind::Hello, 10);
            routes.deliver(now, from, bytes);
        }
        let mut inlet = routes.register(now, [7; 32], participants).unwrap();
        for from in [2, 3, 30] {
            let (from, bytes) = message(from, 7, Kind::Broadcast, 10);
            routes.deliver(now, from, bytes);
        }
        assert_eq!(came(&mut inlet), [id(1).public(), id(2).public()]);
        assert!(routes.register(now, [7; 32], Vec::new()).is_err());
    }

    #[test]
    fn early_messages_are_few_short_hellos_and_grow_old() {
        let (mut routes, now) = (routes(), Instant::now());
        let mut bring = |at: Instant, (from, bytes): (PublicKey, Vec<u8>)| {
            routes.deliver(at, from, bytes);
            routes.early.len()
        };
        assert_eq!(bring(now, message(1, 1, Kind::Broadcast, 10)), 0);
        assert_eq!(bring(now, message(1, 1, Kind::Hello, MAX_EARLY_BYTES)), 0);
        for n in 0..40 {
            bring(now, message(1, n, Kind::Hello, 10));
        }
        assert_eq!(bring(now, message(2, 1, Kind::Hello, 10)), 17, "nobody crowds out the others");
        // Time takes them, whatever comes next, also a registration alone.
        assert_eq!(bring(now + EARLY_LIFE, message(2, 2, Kind::Hello, 10)), 18);
        let later = now + EARLY_LIFE + Duration::from_millis(1);
        routes.register(later, [1; 32], vec![id(1).public()]).unwrap();
        assert_eq!(routes.early.len(), 1);
    }

    #[test]
    fn what_waits_is_counted_in_bytes() {
        let (mut routes, now) = (routes(), Instant::now());
        let participants = vec![id(1).public(), id(2).public()];
        let mut inlet = routes.register(now, [7; 32], participants).unwrap();
        let big = message(1, 7, Kind::Broadcast, 16 << 20);
        let mut bring = |(from, bytes): (PublicKey, Vec<u8>)| routes.deliver(now, from, bytes);
        for _ in 0..6 {
            bring(big.clone());
        }
        bring(message(2, 7, Kind::Broadcast, 10));
        assert_eq!(came(&mut inlet).len(), 3 + 1, "64 MiB hold three messages of a little over 16");
        bring(big);
        assert_eq!(came(&mut inlet).len(), 1, "room comes back");
    }

    #[test]
    fn ceremonies_with_a_party_are_stopped() {
        let (mut routes, now) = (routes(), Instant::now());
        let mut with = |id_: u8, party: u8| {
            routes.register(now, [id_; 32], vec![id(1).public(), id(party).public()]).unwrap()
        };
        let (mut two, mut three, mut decided) = (with(1, 2), with(2, 3), with(3, 2));
        routes.decided(&[3; 32]);
        routes.stop(Some(&id(2).public()), "found out");
        assert_eq!(two.1.try_recv(), Ok("found out"));
        assert_eq!(three.1.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(decided.1.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        routes.stop(None, "the end");
        assert_eq!(three.1.try_recv(), Ok("the end"));
    }
}

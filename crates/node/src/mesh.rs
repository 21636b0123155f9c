//! The mesh: one outgoing channel to each peer, dialled again whenever it breaks.

use crate::budget::{Budget, Room};
use borsh::BorshSerialize;
use quorate_coordination::rpc::{Frame, News};
use quorate_intent::{Party, PublicKey};
use quorate_transport::{Endpoint, TransportError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Carries ceremony messages to peers. It need not be reliable and is not trusted: messages are signed and sealed.
pub trait Transport: Send + Sync + 'static {
    /// Queues bytes for a peer; false when the peer is unknown or its queue is full.
    fn send(&self, to: &PublicKey, bytes: Vec<u8>) -> bool;
    /// Peers that a channel is open to right now.
    fn connected(&self) -> Vec<PublicKey>;
    /// Queues news for a peer; false when that is not possible. A transport without news may leave this out.
    fn news(&self, _to: &PublicKey, _news: News) -> bool {
        false
    }
    /// The parties are these from now on: channels to others end, moved ones are dialled where they are now.
    fn follow(&self, _parties: &[Party]) {}
}

/// Bytes that may wait for one peer.
const QUEUE: usize = 64 << 20;
/// First and longest pause before dialling again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// A frame that waits for its peer, and its room.
type Waiting = (Vec<u8>, Room);

/// TLS channels to all peers.
pub struct Mesh {
    endpoint: Endpoint,
    me: PublicKey,
    peers: Mutex<BTreeMap<PublicKey, Peer>>,
    /// Told of every channel that comes up.
    up: mpsc::UnboundedSender<PublicKey>,
}

struct Peer {
    address: String,
    // Bounded by the budget.
    queue: mpsc::UnboundedSender<Waiting>,
    budget: Budget,
    up: Arc<AtomicBool>,
}

impl Mesh {
    /// Starts dialling every other party. Ends when the mesh is dropped. The receiver gets each peer whose channel has just
    /// come up.
    pub fn start(
        endpoint: &Endpoint,
        parties: &[Party],
        me: PublicKey,
    ) -> (Self, mpsc::UnboundedReceiver<PublicKey>) {
        let (up, came_up) = mpsc::unbounded_channel();
        let mesh = Self { endpoint: endpoint.clone(), me, peers: Mutex::default(), up };
        mesh.follow(parties);
        (mesh, came_up)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<PublicKey, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dial(&self, party: &Party) -> Peer {
        let (queue, messages) = mpsc::unbounded_channel();
        let up = Arc::new(AtomicBool::new(false));
        let line = Line {
            endpoint: self.endpoint.clone(),
            address: party.address.clone(),
            peer: party.key,
            up: Arc::clone(&up),
            tell: self.up.clone(),
        };
        tokio::spawn(line.keep_open(messages));
        Peer { address: party.address.clone(), queue, budget: Budget::new(QUEUE), up }
    }

    fn queue(&self, to: &PublicKey, frame: &Frame) -> bool {
        let peers = self.peers();
        let Some(peer) = peers.get(to) else { return false };
        let bytes = encode(frame);
        let room = peer.budget.take(bytes.len());
        room.is_some_and(|room| peer.queue.send((bytes, room)).is_ok())
    }
}

impl Transport for Mesh {
    fn send(&self, to: &PublicKey, bytes: Vec<u8>) -> bool {
        self.queue(to, &Frame::Session(bytes))
    }

    fn connected(&self) -> Vec<PublicKey> {
        let up = |peer: &Peer| peer.up.load(Ordering::Relaxed);
        self.peers().iter().filter(|(_, peer)| up(peer)).map(|(key, _)| *key).collect()
    }

    fn news(&self, to: &PublicKey, news: News) -> bool {
        self.queue(to, &Frame::News(news))
    }

    fn follow(&self, parties: &[Party]) {
        let mut peers = self.peers();
        peers.retain(|key, _| parties.iter().any(|party| party.key == *key));
        for party in parties.iter().filter(|party| party.key != self.me) {
            if peers.get(&party.key).is_none_or(|peer| peer.address != party.address) {
                peers.insert(party.key, self.dial(party));
            }
        }
    }
}

/// What keeps one channel open.
struct Line {
    endpoint: Endpoint,
    address: String,
    peer: PublicKey,
    up: Arc<AtomicBool>,
    tell: mpsc::UnboundedSender<PublicKey>,
}

impl Line {
    async fn keep_open(self, mut messages: mpsc::UnboundedReceiver<Waiting>) {
        let (peer, address) = (&self.peer, &self.address);
        let mut pause = BACKOFF.0;
        while !messages.is_closed() {
            match self.serve(&mut messages).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(%peer, %address, %error, "no channel to peer"),
            }
            if self.up.swap(false, Ordering::Relaxed) {
                pause = BACKOFF.0;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// Sends what is queued until the peer is dropped (Ok) or the channel breaks.
    async fn serve(&self, messages: &mut mpsc::UnboundedReceiver<Waiting>) -> Result<(), TransportError> {
        let (mut sender, mut receiver) = self.endpoint.connect(&self.address, self.peer).await?.split();
        self.up.store(true, Ordering::Relaxed);
        tracing::debug!(peer = %self.peer, address = %self.address, "channel to peer is open");
        // Nobody listens any more when the node stops.
        let _ = self.tell.send(self.peer);
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some((frame, _room)) => sender.send(&frame).await?,
                    None => return Ok(()),
                },
                // The peer says nothing on this channel; waiting here notices when it goes away.
                closed = receiver.receive() => {
                    closed?;
                    return Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into());
                }
            }
        }
    }
}

/// Canonical bytes; writing to a vector cannot fail.
pub(crate) fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).unwrap_or_default()
}

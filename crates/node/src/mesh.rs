//! The mesh: one outgoing channel to each peer, dialled again whenever it breaks.

use crate::budget::{Budget, Room};
use borsh::BorshSerialize;
use quorate_coordination::rpc::Frame;
use quorate_intent::{Genesis, PublicKey};
use quorate_transport::{Endpoint, TransportError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Carries ceremony messages to peers. It need not be reliable and is not trusted: messages are signed and sealed.
pub trait Transport: Send + Sync + 'static {
    /// Queues bytes for a peer; false when the peer is unknown or its queue is full.
    fn send(&self, to: &PublicKey, bytes: Vec<u8>) -> bool;
    /// Peers that a channel is open to right now.
    fn connected(&self) -> Vec<PublicKey>;
}

/// Bytes that may wait for one peer.
const QUEUE: usize = 64 << 20;
/// First and longest pause before dialling again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// A message that waits for its peer, and its room.
type Waiting = (Vec<u8>, Room);

/// TLS channels to all peers of the genesis.
pub struct Mesh {
    peers: BTreeMap<PublicKey, Peer>,
}

struct Peer {
    // Bounded by the budget.
    queue: mpsc::UnboundedSender<Waiting>,
    budget: Budget,
    up: Arc<AtomicBool>,
}

impl Mesh {
    /// Starts dialling every other party of the genesis. Ends when the mesh is dropped.
    pub fn start(endpoint: &Endpoint, genesis: &Genesis, me: PublicKey) -> Self {
        let dial = |party: &quorate_intent::Party| {
            let (queue, messages) = mpsc::unbounded_channel();
            let up = Arc::new(AtomicBool::new(false));
            let task =
                keep_open(endpoint.clone(), party.address.clone(), party.key, messages, Arc::clone(&up));
            tokio::spawn(task);
            (party.key, Peer { queue, budget: Budget::new(QUEUE), up })
        };
        Self { peers: genesis.parties.iter().filter(|party| party.key != me).map(dial).collect() }
    }
}

impl Transport for Mesh {
    fn send(&self, to: &PublicKey, bytes: Vec<u8>) -> bool {
        let Some(peer) = self.peers.get(to) else { return false };
        let room = peer.budget.take(bytes.len());
        room.is_some_and(|room| peer.queue.send((bytes, room)).is_ok())
    }

    fn connected(&self) -> Vec<PublicKey> {
        let up = |peer: &Peer| peer.up.load(Ordering::Relaxed);
        self.peers.iter().filter(|(_, peer)| up(peer)).map(|(key, _)| *key).collect()
    }
}

async fn keep_open(
    endpoint: Endpoint,
    address: String,
    peer: PublicKey,
    mut messages: mpsc::UnboundedReceiver<Waiting>,
    up: Arc<AtomicBool>,
) {
    let mut pause = BACKOFF.0;
    while !messages.is_closed() {
        match serve(&endpoint, &address, peer, &mut messages, &up).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%peer, %address, %error, "no channel to peer"),
        }
        if up.swap(false, Ordering::Relaxed) {
            pause = BACKOFF.0;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Sends what is queued until the mesh is dropped (Ok) or the channel breaks.
async fn serve(
    endpoint: &Endpoint,
    address: &str,
    peer: PublicKey,
    messages: &mut mpsc::UnboundedReceiver<Waiting>,
    up: &AtomicBool,
) -> Result<(), TransportError> {
    let (mut sender, mut receiver) = endpoint.connect(address, peer).await?.split();
    up.store(true, Ordering::Relaxed);
    tracing::debug!(%peer, %address, "channel to peer is open");
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some((bytes, _room)) => sender.send(&encode(&Frame::Session(bytes))).await?,
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

/// Canonical bytes; writing to a vector cannot fail.
pub(crate) fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).unwrap_or_default()
}

//! Incoming channels: peers bring ceremony messages, the gateway brings calls. Everybody else is turned away.

use crate::calls;
use crate::mesh::encode;
use crate::news;
use crate::node::Shared;
use quorate_audit::Body;
use quorate_coordination::NodeError;
use quorate_coordination::rpc::{ErrorCode, Frame};
use quorate_intent::PublicKey;
use quorate_transport::{Channel, Endpoint, Receiver, TransportError};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

/// Connections that may be in their handshake at once, of all addresses and of one. Open channels need no such limit:
/// each pinned identity has few.
const MAX_HANDSHAKES: (usize, usize) = (64, 16);
/// Open channels of one identity. More than one, since a machine that lost its connection dials again before this end
/// has seen the loss; the oldest goes when another comes, so that nobody shuts itself out.
const MAX_CHANNELS: usize = 4;
/// Calls that one gateway channel may have under way; further ones are answered with `Busy`.
const MAX_CALLS: usize = 256;
/// Strangers at the door are logged at most this often, so that they cannot fill the log.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Accepts channels until the task is aborted.
pub(crate) async fn listen(shared: Arc<Shared>, endpoint: Endpoint, listener: TcpListener) {
    let door = Arc::new(Door::default());
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // When all places are taken the connection is closed at once instead of waiting unanswered.
        let Some(place) = Place::take(&door, address.ip()) else { continue };
        let (own, endpoint) = (Arc::clone(&shared), endpoint.clone());
        shared.tasks.spawn(async move { greet(&own, &endpoint, tcp, address, place).await });
    }
}

/// Who is at the door and who is in.
#[derive(Default)]
struct Door {
    /// Handshakes by address.
    handshakes: std::sync::Mutex<BTreeMap<IpAddr, usize>>,
    /// The channels of each identity, oldest first. Dropping one ends it.
    channels: std::sync::Mutex<BTreeMap<PublicKey, VecDeque<oneshot::Sender<()>>>>,
    last_logged: Mutex<Option<Instant>>,
}

/// A place for one handshake; given back on drop.
struct Place {
    door: Arc<Door>,
    address: IpAddr,
}

impl Place {
    fn take(door: &Arc<Door>, address: IpAddr) -> Option<Self> {
        let mut handshakes = door.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        let own = handshakes.get(&address).copied().unwrap_or_default();
        if handshakes.values().sum::<usize>() >= MAX_HANDSHAKES.0 || own >= MAX_HANDSHAKES.1 {
            return None;
        }
        handshakes.insert(address, own + 1);
        drop(handshakes);
        Some(Self { door: Arc::clone(door), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut handshakes = self.door.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        match handshakes.get_mut(&self.address) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(handshakes.remove(&self.address)),
        }
    }
}

impl Door {
    /// Lets an identity in, if need be in place of its oldest channel. Ends when this one is to go.
    fn enter(&self, peer: PublicKey) -> oneshot::Receiver<()> {
        let (channel, replaced) = oneshot::channel();
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let own = channels.entry(peer).or_default();
        own.retain(|channel| !channel.is_closed());
        if own.len() >= MAX_CHANNELS {
            own.pop_front();
        }
        own.push_back(channel);
        replaced
    }
}

async fn greet(shared: &Arc<Shared>, endpoint: &Endpoint, tcp: TcpStream, address: SocketAddr, place: Place) {
    let chain = shared.genesis.chain();
    let genesis = chain.current();
    let known = genesis.parties.iter().map(|party| party.key).chain([genesis.gateway]);
    let known: Vec<PublicKey> = known.filter(|key| *key != shared.me).collect();
    drop(chain);
    let accepted = endpoint.accept(tcp, known).await;
    let door = Arc::clone(&place.door);
    drop(place);
    let result = match accepted {
        Ok(channel) => {
            let replaced = door.enter(channel.peer());
            tokio::select! {
                _ = replaced => Ok(()),
                ended = serve(shared, channel) => ended,
            }
        }
        Err(error) => {
            tracing::debug!(%address, %error, "a connection was turned away");
            let mut last = door.last_logged.lock().await;
            if last.is_none_or(|at| at.elapsed() > LOG_PAUSE) {
                *last = Some(Instant::now());
                drop(last);
                shared.log(Body::AuthFailed { who: address.to_string(), what: error.to_string() }).await;
            }
            return;
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, %error, "a channel ended");
    }
}

fn malformed() -> TransportError {
    TransportError::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, "not a frame"))
}

async fn next_frame(receiver: &mut Receiver) -> Result<Option<Frame>, TransportError> {
    let Some(bytes) = receiver.receive().await? else { return Ok(None) };
    borsh::from_slice(&bytes).map(Some).map_err(|_| malformed())
}

async fn serve(shared: &Arc<Shared>, channel: Channel) -> Result<(), TransportError> {
    if channel.peer() == shared.genesis.gateway() {
        serve_gateway(shared, channel).await
    } else {
        serve_peer(shared, channel).await
    }
}

/// A peer may bring ceremony messages and news, and nothing else, as long as it is a party.
async fn serve_peer(shared: &Arc<Shared>, channel: Channel) -> Result<(), TransportError> {
    let peer: PublicKey = channel.peer();
    let (_sender, mut receiver) = channel.split();
    while let Some(frame) = next_frame(&mut receiver).await? {
        if shared.genesis.party(&peer).is_none() {
            return Ok(());
        }
        match frame {
            Frame::Session(bytes) => shared.ceremonies.deliver(peer, bytes),
            // One after another: a peer that floods with news holds up its own channel and nobody else's.
            Frame::News(news) => news::take(shared, peer, news).await,
            Frame::Call { .. } | Frame::Answer { .. } => return Err(malformed()),
        }
    }
    Ok(())
}

/// The gateway makes calls; each is answered when it is done, in any order.
async fn serve_gateway(shared: &Arc<Shared>, channel: Channel) -> Result<(), TransportError> {
    let (mut sender, mut receiver) = channel.split();
    let (answers, mut ready) = mpsc::channel::<Frame>(MAX_CALLS);
    let places = Arc::new(Semaphore::new(MAX_CALLS));
    // Ends when this channel and all its calls have, or when sending fails.
    shared.tasks.spawn(async move {
        while let Some(frame) = ready.recv().await {
            if sender.send(&encode(&frame)).await.is_err() {
                return;
            }
        }
    });
    loop {
        let (id, request) = match next_frame(&mut receiver).await {
            Ok(Some(Frame::Call { id, request })) => (id, request),
            Ok(Some(_)) => return Err(malformed()),
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        };
        let answers = answers.clone();
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            let busy = NodeError::new(ErrorCode::Busy, "too many calls at once; try again later");
            // Waits for room: a caller that does not read its answers is not read either.
            let _ = answers.send(Frame::Answer { id, response: Err(busy) }).await;
            continue;
        };
        let own = Arc::clone(shared);
        shared.tasks.spawn(async move {
            let response = calls::handle(&own, request).await;
            let _ = answers.send(Frame::Answer { id, response }).await;
            drop(place);
        });
    }
}

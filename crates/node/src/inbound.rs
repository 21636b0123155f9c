//! Incoming channels: peers bring ceremony messages, the gateway brings calls. Everybody else is turned away.

use crate::calls;
use crate::mesh::encode;
use crate::node::Shared;
use quorate_audit::Body;
use quorate_coordination::NodeError;
use quorate_coordination::rpc::{ErrorCode, Frame};
use quorate_intent::PublicKey;
use quorate_transport::{Channel, Endpoint, Receiver, TransportError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, mpsc};

/// Channels that may be open or in their handshake at once.
const MAX_CHANNELS: usize = 128;
/// Calls that one gateway channel may have under way; further ones are answered with `Busy`.
const MAX_CALLS: usize = 256;
/// Strangers at the door are logged at most this often, so that they cannot fill the log.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Accepts channels until the task is aborted.
pub(crate) async fn listen(shared: Arc<Shared>, endpoint: Endpoint, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(MAX_CHANNELS));
    let last_logged = Arc::new(Mutex::new(None));
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
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (shared, endpoint, last) = (Arc::clone(&shared), endpoint.clone(), Arc::clone(&last_logged));
        tokio::spawn(async move {
            greet(&shared, &endpoint, tcp, address, &last).await;
            drop(place);
        });
    }
}

async fn greet(
    shared: &Arc<Shared>,
    endpoint: &Endpoint,
    tcp: TcpStream,
    address: SocketAddr,
    last_logged: &Mutex<Option<Instant>>,
) {
    let known = shared.genesis.parties.iter().map(|party| party.key).chain([shared.genesis.gateway]);
    let known = known.filter(|key| *key != shared.me);
    let result = match endpoint.accept(tcp, known).await {
        Ok(channel) if channel.peer() == shared.genesis.gateway => serve_gateway(shared, channel).await,
        Ok(channel) => serve_peer(shared, channel).await,
        Err(error) => {
            tracing::debug!(%address, %error, "a connection was turned away");
            let mut last = last_logged.lock().await;
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

/// A peer may bring ceremony messages and nothing else.
async fn serve_peer(shared: &Arc<Shared>, channel: Channel) -> Result<(), TransportError> {
    let peer: PublicKey = channel.peer();
    let (_sender, mut receiver) = channel.split();
    while let Some(frame) = next_frame(&mut receiver).await? {
        match frame {
            Frame::Session(bytes) => shared.ceremonies.deliver(peer, bytes),
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
    let writer = tokio::spawn(async move {
        while let Some(frame) = ready.recv().await {
            sender.send(&encode(&frame)).await?;
        }
        Ok::<_, TransportError>(())
    });
    let result = loop {
        let (id, request) = match next_frame(&mut receiver).await {
            Ok(Some(Frame::Call { id, request })) => (id, request),
            Ok(Some(_)) => break Err(malformed()),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let answers = answers.clone();
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            let busy = NodeError::new(ErrorCode::Busy, "too many calls at once; try again later");
            let _ = answers.try_send(Frame::Answer { id, response: Err(busy) });
            continue;
        };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let response = calls::handle(&shared, request).await;
            let _ = answers.send(Frame::Answer { id, response }).await;
            drop(place);
        });
    };
    drop(answers);
    writer.abort();
    result
}

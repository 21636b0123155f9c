//! Nodes that a test plays, over real TLS channels.

use super::support::key;
use super::support::party_seeds;
use quorate_coordination::rpc::{Frame, Status};
use quorate_coordination::{NodeError, NodeRequest, NodeResponse, WalletRecord};
use quorate_intent::{Genesis, Hash, PublicKey};
use quorate_transport::Endpoint;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub type Answer = Result<NodeResponse, NodeError>;
/// Answers a call of a node (0 to 2); `None` leaves it without an answer.
pub type Play = Arc<dyn Fn(usize, &NodeRequest) -> Option<Answer> + Send + Sync>;

/// Three listeners, so that a genesis can name them.
pub async fn listeners() -> ([TcpListener; 3], [String; 3]) {
    let mut bound = Vec::new();
    for _ in 0..3 {
        bound.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses = [0, 1, 2].map(|at: usize| bound[at].local_addr().unwrap().to_string());
    (bound.try_into().unwrap(), addresses)
}

/// The status of a node with these wallets.
pub fn status(genesis: &Genesis, at: usize, wallets: Vec<WalletRecord>) -> Status {
    Status {
        name: genesis.parties[at].name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        genesis: genesis.hash(),
        governance: 0,
        boot: [at as u8 + 1; 16],
        now: crate::store::now(),
        wallets,
        stock: 0,
        connected: Vec::<PublicKey>::new(),
    }
}

/// Calls that nodes got: node and call, `Status` and `Disputes` left out.
pub type Log = Arc<Mutex<Vec<(usize, NodeRequest)>>>;

/// Plays all nodes until the test ends.
pub fn play(listeners: [TcpListener; 3], gateway: PublicKey, play: Play) -> Log {
    let log = Log::default();
    for (at, (listener, seed)) in listeners.into_iter().zip(party_seeds()).enumerate() {
        let (play, log) = (Arc::clone(&play), Arc::clone(&log));
        tokio::spawn(async move {
            let endpoint = Endpoint::new(&key(seed)).unwrap();
            loop {
                let Ok((tcp, _)) = listener.accept().await else { return };
                let Ok(channel) = endpoint.accept(tcp, [gateway]).await else { continue };
                let (play, log) = (Arc::clone(&play), Arc::clone(&log));
                tokio::spawn(serve(at, channel, play, log));
            }
        });
    }
    log
}

async fn serve(at: usize, channel: quorate_transport::Channel, play: Play, log: Log) {
    let (mut sender, mut receiver) = channel.split();
    let (queue, mut answers) = mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(frame) = answers.recv().await {
            if sender.send(&frame).await.is_err() {
                return;
            }
        }
    });
    while let Ok(Some(frame)) = receiver.receive().await {
        let Ok(Frame::Call { id, request }) = borsh::from_slice(&frame) else { return };
        if !matches!(request, NodeRequest::Status | NodeRequest::Disputes { .. } | NodeRequest::Witness) {
            log.lock().unwrap().push((at, request.clone()));
        }
        let (play, queue) = (Arc::clone(&play), queue.clone());
        tokio::task::spawn_blocking(move || {
            if let Some(response) = play(at, &request) {
                let _ = queue.send(borsh::to_vec(&Frame::Answer { id, response }).unwrap());
            }
        });
    }
}

/// A genesis hash that no cluster here has.
pub const OTHER: Hash = Hash([0xaa; 32]);

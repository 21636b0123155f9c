//! One link: a channel that is opened again whenever it breaks, and many calls on it at once.

use quorate_coordination::rpc::Frame;
use quorate_coordination::{NodeError, NodeRequest, NodeResponse};
use quorate_intent::PublicKey;
use quorate_transport::{Channel, Endpoint, Receiver, Sender};
use rand_core::{OsRng, RngCore};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// First and longest pause before connecting again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Most calls that wait for answers on one link.
const MAX_PENDING: usize = 1024;
/// Frames that wait to be written.
const QUEUE: usize = 64;

/// Why a call gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// There is no channel.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Too many calls wait already.
    #[error("too many calls at once")]
    Busy,
    /// The node said no.
    #[error("{0}")]
    Refused(NodeError),
}

type Answer = Result<NodeResponse, NodeError>;
type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

#[derive(Clone)]
enum State {
    Connecting,
    Up(mpsc::Sender<Vec<u8>>),
    Down(String),
}

/// The calling end of a link.
pub struct Link {
    state: watch::Receiver<State>,
    pending: Pending,
    next: AtomicU64,
    reset: Arc<Notify>,
    turns: Arc<AtomicU64>,
}

/// Removes a call that nobody waits for any more, also when its future is dropped.
struct Waiting<'l>(&'l Pending, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).remove(&self.1);
    }
}

fn lock(pending: &Pending) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A link and the work that keeps it up, to be spawned.
pub fn start(
    endpoint: Endpoint,
    address: String,
    peer: PublicKey,
) -> (Link, impl Future<Output = ()> + Send + 'static) {
    let (set, state) = watch::channel(State::Connecting);
    let pending = Pending::default();
    let reset = Arc::new(Notify::new());
    let turns = Arc::new(AtomicU64::new(0));
    let end = WorkingEnd {
        state: set,
        pending: Arc::clone(&pending),
        reset: Arc::clone(&reset),
        turns: Arc::clone(&turns),
    };
    let work = keep_up(endpoint, address, peer, end);
    (Link { state, pending, next: AtomicU64::new(1), reset, turns }, work)
}

/// What the work behind a link holds of it.
struct WorkingEnd {
    state: watch::Sender<State>,
    pending: Pending,
    reset: Arc<Notify>,
    turns: Arc<AtomicU64>,
}

impl WorkingEnd {
    fn set(&self, state: State) {
        self.turns.fetch_add(1, Ordering::Release);
        self.state.send_replace(state);
    }
}

async fn keep_up(endpoint: Endpoint, address: String, peer: PublicKey, end: WorkingEnd) {
    let mut pause = BACKOFF.0;
    loop {
        let problem = match endpoint.connect(&address, peer).await {
            Ok(channel) => {
                pause = BACKOFF.0;
                serve(channel, &end).await
            }
            Err(error) => error.to_string(),
        };
        end.set(State::Down(problem));
        // Whoever waits learns that no answer comes.
        lock(&end.pending).clear();
        // Jitter, so that a restarted node is not met by everybody at once.
        let jitter = u64::from(OsRng.next_u32()) % 100;
        sleep(pause + Duration::from_millis(jitter)).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Runs one channel until it ends; tells why it did.
async fn serve(channel: Channel, end: &WorkingEnd) -> String {
    let (sender, receiver) = channel.split();
    let (queue, frames) = mpsc::channel(QUEUE);
    end.set(State::Up(queue));
    // Each half is one future that is never dropped between two frames while the channel is in use.
    tokio::select! {
        problem = write(sender, frames) => problem,
        problem = read(receiver, &end.pending) => problem,
        () = end.reset.notified() => "it stopped answering".into(),
    }
}

async fn write(mut sender: Sender, mut frames: mpsc::Receiver<Vec<u8>>) -> String {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = sender.send(&frame).await {
            return error.to_string();
        }
    }
    "the link was closed".into()
}

async fn read(mut receiver: Receiver, pending: &Pending) -> String {
    loop {
        let frame = match receiver.receive().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return "it closed the channel".into(),
            Err(error) => return error.to_string(),
        };
        match borsh::from_slice(&frame) {
            Ok(Frame::Answer { id, response }) => {
                if let Some(waiting) = lock(pending).remove(&id) {
                    // Nobody listens when the call timed out just now.
                    let _ = waiting.send(response);
                }
            }
            Ok(_) => return "it sent a frame that is not for a gateway".into(),
            Err(error) => return format!("it sent a malformed frame: {error}"),
        }
    }
}

impl Link {
    /// Sends a call and waits for its answer. Waits for a first connection, but not for one that is known to be down.
    pub async fn call(&self, request: NodeRequest, within: Duration) -> Result<NodeResponse, CallError> {
        match timeout(within, self.call_now(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout(within)),
        }
    }

    async fn call_now(&self, request: NodeRequest) -> Result<NodeResponse, CallError> {
        let queue = self.queue().await?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let frame = borsh::to_vec(&Frame::Call { id, request })
            .map_err(|error| CallError::Unreachable(error.to_string()))?;
        let (tell, told) = oneshot::channel();
        {
            let mut pending = lock(&self.pending);
            if pending.len() >= MAX_PENDING {
                return Err(CallError::Busy);
            }
            pending.insert(id, tell);
        }
        let _waiting = Waiting(&self.pending, id);
        let broken = || CallError::Unreachable("the channel broke".into());
        queue.send(frame).await.map_err(|_| broken())?;
        match told.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(CallError::Refused(error)),
            Err(_) => Err(broken()),
        }
    }

    async fn queue(&self) -> Result<mpsc::Sender<Vec<u8>>, CallError> {
        let mut state = self.state.clone();
        loop {
            match &*state.borrow_and_update() {
                State::Up(queue) => return Ok(queue.clone()),
                State::Down(problem) => return Err(CallError::Unreachable(problem.clone())),
                State::Connecting => {}
            }
            if state.changed().await.is_err() {
                return Err(CallError::Unreachable("the gateway is shutting down".into()));
            }
        }
    }

    /// How often the channel came up or broke so far: what was learnt in an earlier turn may be out of date.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Acquire)
    }

    /// Why there is no channel right now, if there is none.
    pub fn down(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Down(problem) => Some(problem.clone()),
            State::Connecting | State::Up(_) => None,
        }
    }

    /// Resolves when the channel comes up or breaks.
    pub async fn turned(&self) {
        let mut state = self.state.clone();
        state.mark_unchanged();
        // An error means that the gateway is shutting down; the caller's own task ends then.
        if state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends the channel, so that it is opened anew.
    pub fn reset(&self) {
        self.reset.notify_waiters();
    }
}

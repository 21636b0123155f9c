//! Running ceremonies: the driver's outputs become sends, writes and timers; incoming messages find their session.

use crate::mesh::Transport;
use quorate_intent::PublicKey;
use quorate_session::wire::Envelope;
use quorate_session::{Config, Identity, Input, Output, PersistRecord, Protocol, Session, SessionError};
use rand_core::OsRng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Ceremonies that may run at once.
const MAX_LIVE: usize = 64;
/// Messages that may wait for one live ceremony.
const QUEUE: usize = 1024;
/// Early messages kept, for ceremonies that this node has not been asked to join yet.
const MAX_EARLY: usize = 256;
/// How long an early message is kept.
const EARLY_LIFE: Duration = Duration::from_secs(20);
/// How long a finished session still answers requests for evidence.
const LINGER: Duration = Duration::from_secs(5);

type Message = (PublicKey, Vec<u8>);

/// All live ceremonies of this node.
pub struct Ceremonies {
    transport: Arc<dyn Transport>,
    identity: Arc<Identity>,
    started: Instant,
    routes: Mutex<Routes>,
}

#[derive(Default)]
struct Routes {
    live: BTreeMap<[u8; 32], mpsc::Sender<Message>>,
    early: VecDeque<(Instant, [u8; 32], Message)>,
}

/// What durable writes a ceremony needs; done by the node.
pub trait Persist: Send + Sync + 'static {
    /// Writes a record; Ok means that it is durable.
    fn persist(&self, record: PersistRecord) -> impl Future<Output = Result<(), String>> + Send;
}

/// For ceremonies that write nothing.
pub struct NoPersist;

impl Persist for NoPersist {
    async fn persist(&self, record: PersistRecord) -> Result<(), String> {
        Err(format!("nothing takes a record {}", record.label))
    }
}

impl Ceremonies {
    /// Ceremonies over a transport.
    pub fn new(transport: Arc<dyn Transport>, identity: Arc<Identity>) -> Self {
        Self { transport, identity, started: Instant::now(), routes: Mutex::default() }
    }

    fn routes(&self) -> std::sync::MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a message to its ceremony, or keeps it for a while if there is none yet. Full queues drop it: to the
    /// session that is a lost message.
    pub fn deliver(&self, from: PublicKey, bytes: Vec<u8>) {
        let Some(id) = Envelope::decode(&bytes).map(|envelope| envelope.ceremony) else { return };
        let mut routes = self.routes();
        if let Some(queue) = routes.live.get(&id) {
            let _ = queue.try_send((from, bytes));
            return;
        }
        let now = Instant::now();
        while routes.early.front().is_some_and(|(at, ..)| now - *at > EARLY_LIFE) {
            routes.early.pop_front();
        }
        // No peer may crowd out the others.
        let share = MAX_EARLY / 16;
        if routes.early.len() < MAX_EARLY
            && routes.early.iter().filter(|(_, _, m)| m.0 == from).count() < share
        {
            routes.early.push_back((now, id, (from, bytes)));
        }
    }

    fn register(&self, id: [u8; 32]) -> Result<mpsc::Receiver<Message>, SessionError> {
        let mut routes = self.routes();
        if routes.live.len() >= MAX_LIVE {
            return Err(SessionError::Config("too many ceremonies run at once; try again later"));
        }
        if routes.live.contains_key(&id) {
            return Err(SessionError::Config("a ceremony with this id runs already"));
        }
        let (queue, messages) = mpsc::channel(QUEUE);
        let (mine, others) =
            std::mem::take(&mut routes.early).into_iter().partition(|(_, early, _)| *early == id);
        let mine: VecDeque<(Instant, [u8; 32], Message)> = mine;
        routes.early = others;
        for (_, _, message) in mine {
            let _ = queue.try_send(message);
        }
        routes.live.insert(id, queue);
        Ok(messages)
    }

    /// Runs a ceremony to its end.
    pub async fn run<O: Send + 'static>(
        self: &Arc<Self>,
        config: Config,
        protocol: Box<dyn Protocol<Output = O>>,
        persist: impl Persist,
    ) -> Result<O, SessionError> {
        let id = config.ceremony;
        let messages = self.register(id)?;
        let now = self.now();
        let started = Session::new(config, Arc::clone(&self.identity), protocol, now, &mut OsRng);
        let (session, outputs) = match started {
            Ok(started) => started,
            Err(error) => {
                self.routes().live.remove(&id);
                return Err(error);
            }
        };
        let (done, result) = oneshot::channel();
        let run = Run {
            ceremonies: Arc::clone(self),
            id,
            session,
            messages,
            persist,
            done: Some(done),
            wake: None,
        };
        tokio::spawn(run.to_end(outputs));
        result.await.unwrap_or(Err(SessionError::Usage("the ceremony's task ended without a result")))
    }

    /// Milliseconds on this process's own clock.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// One running session.
struct Run<O, P> {
    ceremonies: Arc<Ceremonies>,
    id: [u8; 32],
    session: Session<O>,
    messages: mpsc::Receiver<Message>,
    persist: P,
    done: Option<oneshot::Sender<Result<O, SessionError>>>,
    wake: Option<u64>,
}

impl<O: Send + 'static, P: Persist> Run<O, P> {
    async fn to_end(mut self, outputs: Vec<Output<O>>) {
        self.carry_out(outputs).await;
        let mut until = None;
        loop {
            if self.done.is_none() && until.is_none() {
                until = Some(Instant::now() + LINGER);
            }
            let wait = match until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None => Duration::from_millis(
                    self.wake.map_or(1000, |at| at.saturating_sub(self.ceremonies.now())),
                ),
            };
            let input = match tokio::time::timeout(wait, self.messages.recv()).await {
                Ok(Some((from, bytes))) => Input::Message { from, bytes },
                Ok(None) => break,
                Err(_) if until.is_some() => break,
                Err(_) => Input::Tick,
            };
            self.step(input).await;
        }
        self.ceremonies.routes().live.remove(&self.id);
    }

    async fn step(&mut self, input: Input) {
        let now = self.ceremonies.now();
        // A round is up to hundreds of milliseconds of arithmetic: other tasks move to other threads meanwhile.
        let outputs = tokio::task::block_in_place(|| self.session.step(now, input, &mut OsRng));
        self.carry_out(outputs).await;
    }

    async fn carry_out(&mut self, outputs: Vec<Output<O>>) {
        let mut queue = VecDeque::from(outputs);
        while let Some(output) = queue.pop_front() {
            match output {
                Output::Send { to, bytes } => {
                    if !self.ceremonies.transport.send(&to, bytes) {
                        tracing::debug!(%to, "a ceremony message could not be queued");
                    }
                }
                Output::Persist { id, record } => {
                    let input = match self.persist.persist(record).await {
                        Ok(()) => Input::Persisted(id),
                        Err(error) => {
                            tracing::error!(%error, "a ceremony's record could not be stored");
                            Input::PersistFailed(id)
                        }
                    };
                    let now = self.ceremonies.now();
                    queue.extend(self.session.step(now, input, &mut OsRng));
                }
                Output::Timer(at) => self.wake = Some(at),
                Output::Done(output) => self.finish(Ok(output)),
                Output::Abort(error) => self.finish(Err(error)),
            }
        }
    }

    fn finish(&mut self, result: Result<O, SessionError>) {
        if let Some(done) = self.done.take() {
            let _ = done.send(result);
        }
    }
}

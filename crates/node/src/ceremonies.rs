//! Running ceremonies: the driver's outputs become sends, writes and timers; incoming messages find their session.

use crate::mesh::Transport;
use crate::routes::{Inlet, Message, Routes};
use quorate_intent::PublicKey;
use quorate_session::{
    Config, Identity, Input, NotStored, Output, PersistRecord, Protocol, Session, SessionError,
};
use quorate_sharing::Index;
use rand_core::OsRng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How long a finished session still answers requests for evidence.
const LINGER: Duration = Duration::from_secs(5);

/// All live ceremonies of this node.
pub struct Ceremonies {
    transport: Arc<dyn Transport>,
    identity: Arc<Identity>,
    started: Instant,
    routes: Mutex<Routes>,
    /// The last boot id that each peer showed in a session that came to an agreement, so that it is fresh (§1.9).
    boots: Mutex<BTreeMap<PublicKey, [u8; 16]>>,
    /// Told when a peer's process is another one than before.
    restarted: OnceLock<Restarted>,
}

/// What is to happen when a peer's process is another one.
type Restarted = Box<dyn Fn(&PublicKey) + Send + Sync>;

/// What durable writes a ceremony needs; done by the node.
pub trait Persist: Send + Sync + 'static {
    /// Writes a record; Ok means that it is durable.
    fn persist(&self, record: PersistRecord) -> impl Future<Output = Result<(), NotStored>> + Send;
}

/// For ceremonies that write nothing.
pub struct NoPersist;

impl Persist for NoPersist {
    async fn persist(&self, record: PersistRecord) -> Result<(), NotStored> {
        Err(NotStored::Failed(format!("nothing takes a record {}", record.label)))
    }
}

/// Decides at the last moment whether what a step has made may leave (docs/spec §4.2).
pub trait Release: Send + Sync + 'static {
    /// Runs `send` while nothing that forbids it can happen, or says why it must not.
    fn release(&self, send: &mut dyn FnMut()) -> Result<(), &'static str>;
}

/// For ceremonies that depend on nothing that others share.
pub struct Freely;

impl Release for Freely {
    fn release(&self, send: &mut dyn FnMut()) -> Result<(), &'static str> {
        send();
        Ok(())
    }
}

impl Ceremonies {
    /// Ceremonies over a transport, with these parties.
    pub fn new(
        transport: Arc<dyn Transport>,
        identity: Arc<Identity>,
        parties: impl IntoIterator<Item = PublicKey>,
    ) -> Self {
        let (boots, restarted) = Default::default();
        let routes = Mutex::new(Routes::new(parties));
        Self { transport, identity, started: Instant::now(), routes, boots, restarted }
    }

    /// Says what is to happen when a peer's process is another one than before; once.
    pub fn on_restart(&self, action: impl Fn(&PublicKey) + Send + Sync + 'static) {
        // A second action would be a defect of this crate; the first stays.
        let _ = self.restarted.set(Box::new(action));
    }

    /// Notes the boot ids that an agreement shows.
    fn note_boots(&self, config: &[(PublicKey, [u8; 16])]) {
        for (peer, boot) in config {
            let before = self.boots.lock().unwrap_or_else(PoisonError::into_inner).insert(*peer, *boot);
            if let (Some(before), Some(action)) = (before, self.restarted.get())
                && before != *boot
            {
                tracing::info!(%peer, "a peer was restarted; what was made with its earlier process is dropped");
                action(peer);
            }
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a message to its ceremony, or keeps it for a while if there is none yet.
    pub fn deliver(&self, from: PublicKey, bytes: Vec<u8>) {
        self.routes().deliver(Instant::now(), from, bytes);
    }

    /// The parties are these from now on.
    pub fn follow(&self, parties: impl IntoIterator<Item = PublicKey>) {
        self.routes().follow(parties);
    }

    /// Ends every ceremony with a party that has no result yet (§4.2), or all.
    pub fn stop(&self, with: Option<&PublicKey>, reason: &'static str) {
        self.routes().stop(with, reason);
    }

    /// Runs a ceremony to its end.
    pub async fn run<O: Send + 'static>(
        self: &Arc<Self>,
        config: Config,
        protocol: Box<dyn Protocol<Output = O>>,
        persist: impl Persist,
        release: impl Release,
    ) -> Result<O, SessionError> {
        let id = config.ceremony;
        #[cfg(feature = "fault-injection")]
        let (purpose, protocol) =
            (config.terms.purpose.clone(), crate::faults::spoiling(&config.terms.purpose, protocol));
        let keys: BTreeMap<Index, PublicKey> = config.participants.iter().collect();
        let participants = keys.values().copied().collect();
        let inlet = self.routes().register(Instant::now(), id, participants)?;
        let now = self.now();
        let started = Session::new(config, Arc::clone(&self.identity), protocol, now, &mut OsRng);
        let (session, outputs) = match started {
            Ok(started) => started,
            Err(error) => {
                self.routes().remove(&id);
                return Err(error);
            }
        };
        let (done, result) = oneshot::channel();
        let (messages, stop): Inlet = inlet;
        let ceremonies = Arc::clone(self);
        let run = Run {
            ceremonies,
            id,
            session,
            keys: Some(keys),
            messages,
            persist,
            release,
            done: Some(done),
            wake: None,
            #[cfg(feature = "fault-injection")]
            purpose,
        };
        tokio::spawn(run.drive(stop, outputs));
        result.await.unwrap_or(Err(SessionError::Usage("the ceremony's task ended without a result")))
    }

    /// Milliseconds on this process's own clock.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// One running session.
struct Run<O, P, R> {
    ceremonies: Arc<Ceremonies>,
    id: [u8; 32],
    session: Session<O>,
    /// Who takes part, until there is an agreement.
    keys: Option<BTreeMap<Index, PublicKey>>,
    messages: mpsc::UnboundedReceiver<Message>,
    persist: P,
    release: R,
    done: Option<oneshot::Sender<Result<O, SessionError>>>,
    wake: Option<u64>,
    #[cfg(feature = "fault-injection")]
    purpose: String,
}

/// The session must not go on, nor answer anything.
struct Halted;

impl<O, P, R> Drop for Run<O, P, R> {
    fn drop(&mut self) {
        self.ceremonies.routes().remove(&self.id);
    }
}

impl<O: Send + 'static, P: Persist, R: Release> Run<O, P, R> {
    async fn drive(mut self, mut stop: oneshot::Receiver<&'static str>, outputs: Vec<Output<O>>) {
        let mut halted = self.carry_out(outputs).await;
        let mut until = None;
        while halted.is_ok() {
            if self.done.is_none() && until.is_none() {
                until = Some(Instant::now() + LINGER);
            }
            let now = Instant::now();
            // Before a message is taken: a peer that never stops asking does not keep a session alive.
            if until.is_some_and(|until| now >= until) {
                break;
            }
            let wait = match until {
                Some(until) => until.saturating_duration_since(now),
                None => Duration::from_millis(
                    self.wake.map_or(1000, |at| at.saturating_sub(self.ceremonies.now())),
                ),
            };
            let message = tokio::select! {
                biased;
                reason = &mut stop, if until.is_none() => {
                    self.finish(Err(SessionError::Restart(reason.unwrap_or("the node stops"))));
                    break;
                }
                message = tokio::time::timeout(wait, self.messages.recv()) => message,
            };
            let input = match message {
                Ok(Some(Message { from, bytes, .. })) => Input::Message { from, bytes },
                Ok(None) => break,
                Err(_) => Input::Tick,
            };
            halted = self.step(input).await;
        }
    }

    async fn step(&mut self, input: Input) -> Result<(), Halted> {
        let now = self.ceremonies.now();
        // A round is up to hundreds of milliseconds of arithmetic: other tasks move to other threads meanwhile.
        let outputs = tokio::task::block_in_place(|| self.session.step(now, input, &mut OsRng));
        self.note_agreement();
        self.carry_out(outputs).await
    }

    /// At the first look at an agreement: its boot ids are fresh, since each is in a hello that was signed for ours.
    fn note_agreement(&mut self) {
        let Some(agreement) = self.session.agreement() else { return };
        let Some(keys) = self.keys.take() else { return };
        let shown =
            agreement.hellos.iter().filter_map(|(index, hello)| Some((*keys.get(index)?, hello.boot)));
        self.ceremonies.note_boots(&shown.collect::<Vec<_>>());
    }

    async fn carry_out(&mut self, outputs: Vec<Output<O>>) -> Result<(), Halted> {
        let mut queue = VecDeque::from(outputs);
        while let Some(output) = queue.pop_front() {
            match output {
                Output::Send { to, bytes } => {
                    let mut batch = vec![(to, bytes)];
                    while let Some(Output::Send { to, bytes }) =
                        queue.pop_front_if(|next| matches!(next, Output::Send { .. }))
                    {
                        batch.push((to, bytes));
                    }
                    self.send(batch)?;
                }
                Output::Persist { id, record } => {
                    let input = match self.persist.persist(record).await {
                        Ok(()) => Input::Persisted(id),
                        Err(reason) => {
                            tracing::error!(?reason, "a ceremony's record was not stored");
                            Input::PersistFailed(id, reason)
                        }
                    };
                    let now = self.ceremonies.now();
                    let outputs = tokio::task::block_in_place(|| self.session.step(now, input, &mut OsRng));
                    queue.extend(outputs);
                }
                Output::Timer(at) => self.wake = Some(at),
                Output::Done(output) => self.finish(Ok(output)),
                Output::Abort(error) => self.finish(Err(error)),
            }
        }
        Ok(())
    }

    /// Queues messages under the release guard. Once there is a result, only originals that have left before are shown.
    fn send(&mut self, mut batch: Vec<(PublicKey, Vec<u8>)>) -> Result<(), Halted> {
        let transport = Arc::clone(&self.ceremonies.transport);
        #[cfg(feature = "fault-injection")]
        {
            let ssid = self.session.agreement().map(|agreement| agreement.ssid);
            batch = crate::faults::spoil_sent(&self.purpose, &self.ceremonies.identity, ssid, batch);
        }
        let mut send = || {
            for (to, bytes) in batch.drain(..) {
                if !transport.send(&to, bytes) {
                    tracing::debug!(%to, "a ceremony message could not be queued");
                }
            }
        };
        if self.done.is_none() {
            send();
            return Ok(());
        }
        tokio::task::block_in_place(|| self.release.release(&mut send)).map_err(|reason| {
            self.finish(Err(SessionError::Restart(reason)));
            Halted
        })
    }

    fn finish(&mut self, result: Result<O, SessionError>) {
        if let Some(done) = self.done.take() {
            self.ceremonies.routes().decided(&self.id);
            let _ = done.send(result);
        }
    }
}

//! The coordinator: carries approved intents out, keeps the stock of nonces and presignatures, watches the nodes. Trusted
//! for liveness alone (docs/spec §4.4, §5): every node judges for itself what it is asked.

mod attempt;
pub mod by_file;
mod certify;
mod consider;
mod demand;
pub mod disputes;
mod governance;
mod heal;
mod logs;
mod material;
mod order;
mod pairs;
pub mod refill;
mod reshare;
mod robust;
mod schedule;
mod sets;
pub mod signed;
mod stock;
mod transfer;
mod watch;

use crate::gateway::Gateway;
use crate::intents;
use crate::nodes::Node;
use crate::store::{Change, IntentRow, now};
use crate::watch::plan::{self, NoPlan};
use consider::Ahead;
use quorate_coordination::api::State;
use quorate_coordination::{Certificate, KeySet, RecordError};
use quorate_intent::api_auth::WINDOW;
use quorate_intent::{Body, ContractCall, Hash, IntentId, Message, PublicKey, Transfer, WalletId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stock::Stock;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Most intents that are carried out at once.
const AT_ONCE: usize = 64;
/// Pause between two looks for what has expired.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two looks for pairs that a set-up may heal.
const HEAL_TICKS: u64 = 60;
/// Pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// A wallet with its keys decoded.
pub struct Wallet {
    /// Its certificate.
    pub certificate: Certificate,
    /// Hash of the public record.
    pub record: Hash,
    /// Its keys.
    pub keys: KeySet,
    /// Since when its epoch is known here, Unix seconds.
    pub since: u64,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Carry an approved intent out.
    Intent(IntentId),
    /// Set up what a wallet signs with, ahead of need.
    Prepare(WalletId),
    /// Refresh a wallet whose schedule is due.
    Refresh(WalletId),
    /// Complete a transaction's certificate.
    Certify(IntentId),
    /// Link to the nodes of a new governance version.
    Follow,
}

/// What the coordinator remembers while it runs.
pub struct Coordinator {
    queue: mpsc::UnboundedSender<Work>,
    wallets: Mutex<BTreeMap<WalletId, Arc<Wallet>>>,
    /// What is in stock.
    pub stock: Stock,
    /// The dispute graph.
    pub disputes: disputes::Disputes,
    /// What nodes say of logs.
    pub logs: logs::Logs,
    pairs: pairs::PairLocks,
    /// Among whom all pairs were renewed last, and when.
    renewed: Mutex<Option<(BTreeSet<PublicKey>, Instant)>>,
    slots: Semaphore,
    /// Intents that wait for time, or for a node's operator.
    pauses: consider::Pauses,
    /// Held while parties are asked to record a spending.
    considering: tokio::sync::Mutex<()>,
}

/// How carrying an intent out ended.
pub struct End {
    /// The final state.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// What decided, where it is not the rule that approved.
    pub rule: Option<String>,
}

impl End {
    fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: Some(reason.into()), rule: None }
    }

    fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }
}

impl Coordinator {
    /// A coordinator and the end of its queue, for [`run`].
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Work>) {
        let (queue, work) = mpsc::unbounded_channel();
        let coordinator = Self {
            queue,
            wallets: Mutex::default(),
            stock: Stock::default(),
            disputes: disputes::Disputes::default(),
            logs: logs::Logs::default(),
            pairs: pairs::PairLocks::default(),
            renewed: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
            pauses: consider::Pauses::default(),
            considering: tokio::sync::Mutex::default(),
        };
        (coordinator, work)
    }

    /// An intent was approved, or somebody with a say said more about it.
    pub fn wake_now(&self, id: IntentId) {
        self.pauses.forget(&id);
        self.wake(id);
    }

    /// An intent was approved.
    pub fn wake(&self, id: IntentId) {
        self.enqueue(Work::Intent(id));
    }

    /// There is something to do.
    pub fn enqueue(&self, work: Work) {
        // The receiver is gone only when the gateway stops; the store knows what to go on with.
        let _ = self.queue.send(work);
    }

    /// A wallet that can sign: not one that was destroyed.
    pub fn wallet(&self, id: &WalletId) -> Option<Arc<Wallet>> {
        self.known(id).filter(|wallet| !wallet.certificate.destroys())
    }

    /// A wallet, also one that was destroyed.
    fn known(&self, id: &WalletId) -> Option<Arc<Wallet>> {
        self.wallets.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All wallets that can sign.
    pub fn all_wallets(&self) -> Vec<Arc<Wallet>> {
        self.all_known().into_iter().filter(|wallet| !wallet.certificate.destroys()).collect()
    }

    fn all_known(&self) -> Vec<Arc<Wallet>> {
        self.wallets.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes the higher of two certificates of a key (§2.3), and gives it. What is in stock is of the lower one's epoch.
    fn know(&self, wallet: Wallet) -> Arc<Wallet> {
        let id = wallet.certificate.record.wallet;
        let mut wallets = self.wallets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = wallets.get(&id) {
            if held.certificate.rank() >= wallet.certificate.rank() {
                return Arc::clone(held);
            }
            self.stock.forget(id);
        }
        let wallet = Arc::new(wallet);
        wallets.insert(id, Arc::clone(&wallet));
        wallet
    }
}

/// Carries out what is approved, until it is dropped. Everything that matters is durable, so it may be dropped anywhere.
pub async fn run(gateway: Arc<Gateway>, mut queue: mpsc::UnboundedReceiver<Work>) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    while let Err(error) = resume(&gateway).await {
        tracing::error!(%error, "cannot read what is under way; trying again");
        sleep(STORE_PAUSE).await;
    }
    watch_all(&gateway, &mut tasks, gateway.nodes.all());
    let ticking = Arc::clone(&gateway);
    tasks.spawn(async move { tick(&ticking).await });
    let mut active: HashMap<tokio::task::Id, Work> = HashMap::new();
    loop {
        tokio::select! {
            work = queue.recv() => {
                let Some(work) = work else { return };
                if work == Work::Follow {
                    let new = gateway.nodes.follow(&mut tasks);
                    watch_all(&gateway, &mut tasks, new);
                } else if !active.values().any(|other| *other == work) {
                    let gateway = Arc::clone(&gateway);
                    let task = tasks.spawn(async move { do_work(&gateway, work).await });
                    active.insert(task.id(), work);
                }
            }
            Some(done) = tasks.join_next_with_id() => match done {
                Ok((id, ())) => { active.remove(&id); }
                // What watched a node that is gone.
                Err(error) if error.is_cancelled() => {}
                Err(error) => {
                    let work = active.remove(&error.id());
                    tracing::error!(%error, ?work, "a task of the coordinator broke down");
                }
            },
        }
    }
}

/// Watches nodes, each until it is gone.
fn watch_all(gateway: &Arc<Gateway>, tasks: &mut JoinSet<()>, nodes: Vec<Arc<Node>>) {
    for node in nodes {
        let (gateway_, key) = (Arc::clone(gateway), node.party.key);
        let task = tasks.spawn(async move { watch::node(&gateway_, &node).await });
        gateway.nodes.attach(&key, task);
    }
}

async fn resume(gateway: &Gateway) -> Result<(), sqlx::Error> {
    gateway.coordinator.disputes.load(gateway.store.graph().await?);
    for certificate in gateway.store.all_wallets().await? {
        let id = certificate.record.wallet;
        match certificate.record.keys() {
            Ok(keys) => {
                let record = certificate.record.hash();
                let since = gateway.store.epoch_since(&record).await?;
                gateway.coordinator.know(Wallet { certificate, record, keys, since });
                gateway.coordinator.enqueue(Work::Prepare(id));
            }
            Err(error) => tracing::error!(wallet = %id, %error, "a stored certificate cannot be used"),
        }
    }
    for state in [State::Approved, State::Signing] {
        for id in gateway.store.in_state(state).await? {
            tracing::info!(intent = %id, %state, "going on with an intent");
            gateway.coordinator.wake(id);
        }
    }
    Ok(())
}

async fn tick(gateway: &Arc<Gateway>) {
    let mut ticks: u64 = 0;
    loop {
        if let Err(error) = intents::expire(gateway).await {
            tracing::error!(%error, "cannot look for expired intents");
        }
        // A plan that came just as its intent was looked at and passed over.
        match gateway.store.ready().await {
            Ok(ready) => ready.into_iter().for_each(|id| gateway.coordinator.wake(id)),
            Err(error) => tracing::error!(%error, "cannot look for approved intents"),
        }
        if let Err(error) = schedule::look(gateway).await {
            tracing::error!(%error, "cannot look for due schedules");
        }
        gateway.replay.forget(now());
        if let Err(error) = gateway.store.forget_nonces(now().saturating_sub(WINDOW)).await {
            tracing::error!(%error, "cannot forget old requests");
        }
        refill::look(gateway);
        if let Err(error) = certify::look(gateway).await {
            tracing::error!(%error, "cannot look for pending certificates");
        }
        if ticks.is_multiple_of(HEAL_TICKS)
            && let Err(error) = heal::due(gateway).await
        {
            tracing::error!(%error, "the dispute graph could not be stored");
        }
        ticks += 1;
        sleep(TICK).await;
    }
}

async fn do_work(gateway: &Arc<Gateway>, work: Work) {
    match work {
        // Done by `run`, which owns the tasks.
        Work::Follow => {}
        Work::Certify(id) => certify::run(gateway, &id).await,
        Work::Prepare(id) => {
            if let Some(wallet) = gateway.coordinator.wallet(&id) {
                refill::run(gateway, &wallet).await;
            }
        }
        Work::Refresh(id) => match gateway.store.schedule(&id).await {
            Ok(Some(row)) => {
                if let Err(error) = schedule::refresh(gateway, &row).await {
                    tracing::error!(wallet = %id, %error, "the store failed during a refresh by schedule");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!(wallet = %id, %error, "cannot read a schedule"),
        },
        Work::Intent(id) => {
            let Ok(_slot) = gateway.coordinator.slots.acquire().await else { return };
            while let Err(error) = carry_out(gateway, &id).await {
                tracing::error!(intent = %id, %error, "the store failed; trying again");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

/// Carries one intent out, from wherever it is.
async fn carry_out(gateway: &Arc<Gateway>, id: &IntentId) -> Result<(), sqlx::Error> {
    // Its signers are called by file (`by_file`), at their operators' word; or its plan is still to come.
    if gateway.store.intent(id).await?.is_none_or(|row| row.by_file || row.unplanned()) {
        return Ok(());
    }
    if gateway.coordinator.pauses.waits(id) {
        return Ok(());
    }
    if !planned(gateway, id).await? {
        return Ok(());
    }
    let ready = match ahead(gateway, id).await? {
        Some(Ahead::Ready(ready)) => ready,
        Some(Ahead::End(end)) => return finish(gateway, id, end).await,
        Some(Ahead::Wait(_)) | None => return Ok(()),
    };
    let mut tx = gateway.store.begin().await?;
    let change = Change { from: &[State::Approved], to: State::Signing, reason: None, rule: None };
    tx.change(id, &change).await?;
    tx.commit().await?;
    let Some(row) = gateway.store.intent(id).await?.filter(|row| row.state == State::Signing) else {
        return Ok(());
    };
    let end = match &row.signed.intent.body {
        Body::Transfer(Transfer { wallet, .. })
        | Body::Call(ContractCall { wallet, .. })
        | Body::Message(Message { wallet, .. }) => transfer::run(gateway, &row, *wallet, ready).await?,
        Body::Order(order) => order::run(gateway, &row, order).await?,
        Body::Governance(change) => governance::run(gateway, &row, change).await?,
        _ => End::new(State::Failed, "this gateway cannot carry out this kind of intent"),
    };
    if let (Body::Order(order), State::Completed) = (&row.signed.intent.body, end.state) {
        gateway.coordinator.enqueue(Work::Prepare(order.wallet));
    }
    finish(gateway, id, end).await
}

/// Plans an approved intent that the gateway plans by itself; false when it has to wait, and says so.
async fn planned(gateway: &Gateway, id: &IntentId) -> Result<bool, sqlx::Error> {
    let auto = |row: &IntentRow| row.auto && row.state == State::Approved;
    let Some(row) = gateway.store.intent(id).await?.filter(auto) else { return Ok(true) };
    match plan::make(gateway, &row).await {
        Ok(()) => Ok(true),
        Err(NoPlan::Later(reason)) => {
            wait(gateway, &row, &reason).await?;
            Ok(false)
        }
        Err(NoPlan::Store(error)) => Err(error),
    }
}

/// What the nodes say of what a wallet is to sign; none when there is nothing to do. One that waits says so.
async fn ahead(gateway: &Arc<Gateway>, id: &IntentId) -> Result<Option<Ahead>, sqlx::Error> {
    let open = |row: &IntentRow| matches!(row.state, State::Approved | State::Signing);
    let Some(row) = gateway.store.intent(id).await?.filter(open) else { return Ok(None) };
    let Some(wallet) = row.signed.intent.body.signing_wallet() else {
        return Ok(Some(Ahead::Ready(consider::Ready::default())));
    };
    let ahead = consider::run(gateway, &row, wallet).await?;
    if let Ahead::Wait(reason) = &ahead {
        wait(gateway, &row, reason).await?;
    }
    Ok(Some(ahead))
}

/// Leaves an intent approved, with what it waits for.
async fn wait(gateway: &Gateway, row: &IntentRow, reason: &str) -> Result<(), sqlx::Error> {
    gateway.coordinator.pauses.later(&row.id);
    if row.state == State::Approved && row.reason.as_deref() == Some(reason) {
        return Ok(());
    }
    let mut tx = gateway.store.begin().await?;
    let from = &[State::Approved, State::Signing];
    let change = Change { from, to: State::Approved, reason: Some(reason), rule: None };
    tx.change(&row.id, &change).await?;
    tx.commit().await
}

/// Moves an intent to its end, or back to where it waits.
async fn finish(gateway: &Gateway, id: &IntentId, end: End) -> Result<(), sqlx::Error> {
    let (reason, rule) = (end.reason.as_deref(), end.rule.as_deref());
    if end.state == State::Approved {
        let Some(row) = gateway.store.intent(id).await? else { return Ok(()) };
        return wait(gateway, &row, reason.unwrap_or_default()).await;
    }
    gateway.coordinator.pauses.forget(id);
    if end.state != State::Signed {
        // A signed transfer is moved in the same write as its transaction.
        let mut tx = gateway.store.begin().await?;
        let from = &[State::Approved, State::Signing];
        if tx.is_outgoing(id).await? {
            // A higher fee was not signed. What was signed before is still on its way.
            let told = format!("its fee was not raised: {}", reason.unwrap_or("no reason is given"));
            let to = State::Broadcasting;
            if tx.change(id, &Change { from, to, reason: Some(&told), rule: None }).await? {
                tx.restore_plan(id).await?;
                tx.commit().await?;
            }
            return Ok(());
        }
        let change = Change { from, to: end.state, reason, rule };
        if tx.change(id, &change).await? {
            tx.release(id).await?;
            tx.commit().await?;
        }
    }
    tracing::info!(intent = %id, state = %end.state, reason, rule, "intent carried out");
    Ok(())
}

/// Why a certificate is not kept.
#[derive(Debug, thiserror::Error)]
enum AdoptError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    #[error("the check broke down: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// Checks a certificate and keeps it.
async fn adopt(gateway: &Arc<Gateway>, certificate: Certificate) -> Result<Arc<Wallet>, AdoptError> {
    let checking = Arc::clone(gateway);
    let checked = tokio::task::spawn_blocking(move || {
        let keys = certificate.check_in(&checking.genesis.chain(), quorate_session::statement_digest);
        keys.map(|keys| Wallet { record: certificate.record.hash(), certificate, keys, since: 0 })
    });
    let mut wallet = checked.await??;
    gateway.store.put_wallet(&wallet.certificate).await?;
    wallet.since = gateway.store.epoch_since(&wallet.record).await?;
    Ok(gateway.coordinator.know(wallet))
}

/// The parties among `keys` that cannot be asked now, each with the reason.
fn unusable(gateway: &Gateway, keys: &[PublicKey]) -> Vec<String> {
    let problem = |key: &PublicKey| match gateway.nodes.get(key) {
        None => Some(format!("{} (no party of the cluster)", gateway.genesis.name(key))),
        Some(node) => node.usable().err().map(|problem| format!("{} ({problem})", node.party.name)),
    };
    keys.iter().filter_map(problem).collect()
}

//! The nodes: one link to each, and what each said of itself last.

mod link;
mod version;
mod waits;

pub use link::CallError;
pub use waits::Waits;

use crate::store;
use link::Link;
use quorate_coordination::rpc::Status;
use quorate_coordination::{InForce, NodeRequest, NodeResponse};
use quorate_intent::{Party, PublicKey};
use quorate_transport::Endpoint;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout_at;

/// A node that does not answer `Status` in this time is not reachable.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);
/// So many unanswered `Status` calls in a row end a channel.
const LOST_AFTER: u32 = 2;

/// What a node said of itself.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its answer.
    pub status: Status,
    /// Its clock minus ours, in seconds.
    pub skew: i64,
    /// How long the answer took.
    pub round_trip: Duration,
}

/// One node.
pub struct Node {
    /// As governance names it.
    pub party: Party,
    link: Link,
    /// What it said last, and in which turn of the link.
    seen: Mutex<(u64, Result<Seen, String>)>,
    governance: Arc<InForce>,
    /// How long its answers were waited for.
    pub waits: Waits,
}

/// All nodes of the governance version in force.
pub struct Nodes {
    endpoint: Endpoint,
    governance: Arc<InForce>,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    by_key: BTreeMap<PublicKey, Entry>,
    order: Vec<PublicKey>,
}

struct Entry {
    node: Arc<Node>,
    /// What runs for it: the link, and what watches it.
    tasks: Vec<AbortHandle>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Nodes {
    /// No link to any node yet; see [`Nodes::follow`].
    pub fn new(endpoint: Endpoint, governance: Arc<InForce>) -> Self {
        Self { endpoint, governance, table: RwLock::default() }
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the nodes those of the version in force: ends everything that runs for nodes that are gone or moved, and
    /// starts a link to each new one. Gives the new ones.
    pub fn follow(&self, tasks: &mut JoinSet<()>) -> Vec<Arc<Node>> {
        let mut new = Vec::new();
        let parties = self.governance.current().parties;
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.by_key.retain(|_, entry| parties.contains(&entry.node.party));
        for party in &parties {
            if table.by_key.contains_key(&party.key) {
                continue;
            }
            let (link, work) = link::start(self.endpoint.clone(), party.address.clone(), party.key);
            let node = Arc::new(Node {
                party: party.clone(),
                link,
                seen: Mutex::new((0, Err("it was not asked yet".into()))),
                governance: Arc::clone(&self.governance),
                waits: Waits::default(),
            });
            new.push(Arc::clone(&node));
            table.by_key.insert(party.key, Entry { node, tasks: vec![tasks.spawn(work)] });
        }
        table.order = parties.iter().map(|party| party.key).collect();
        new
    }

    /// Ends a task together with the node that it is for.
    pub fn attach(&self, key: &PublicKey, task: AbortHandle) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        match table.by_key.get_mut(key) {
            Some(entry) => entry.tasks.push(task),
            None => task.abort(),
        }
    }

    /// The node with this identity key.
    pub fn get(&self, key: &PublicKey) -> Option<Arc<Node>> {
        self.table().by_key.get(key).map(|entry| Arc::clone(&entry.node))
    }

    /// All nodes in the order of governance.
    pub fn all(&self) -> Vec<Arc<Node>> {
        let table = self.table();
        let node = |key| table.by_key.get(key).map(|entry: &Entry| Arc::clone(&entry.node));
        table.order.iter().filter_map(node).collect()
    }

    /// The name of a node, or its key.
    pub fn name(&self, key: &PublicKey) -> String {
        self.governance.name(key)
    }

    /// Sends one call to each, all at once, and waits for all answers.
    pub async fn call_all(
        &self,
        calls: Vec<(PublicKey, NodeRequest)>,
        timeout: Duration,
    ) -> Vec<(PublicKey, Result<NodeResponse, CallError>)> {
        let mut waiting = JoinSet::new();
        for (at, (key, request)) in calls.into_iter().enumerate() {
            let node = self.get(&key);
            waiting.spawn(async move {
                let answer = match node {
                    Some(node) => node.call(request, timeout).await,
                    None => Err(CallError::Unreachable("it is no party of the cluster".into())),
                };
                (at, key, answer)
            });
        }
        let mut answers = waiting.join_all().await;
        answers.sort_by_key(|(at, ..)| *at);
        answers.into_iter().map(|(_, key, answer)| (key, answer)).collect()
    }

    /// As [`Nodes::call_all`], for calls that fail together: once one has failed, the others have `grace` left.
    pub async fn call_all_or(
        &self,
        calls: Vec<(PublicKey, NodeRequest)>,
        longest: Duration,
        grace: Duration,
    ) -> Vec<(PublicKey, Result<NodeResponse, CallError>)> {
        let keys: Vec<PublicKey> = calls.iter().map(|(key, _)| *key).collect();
        let mut waiting = JoinSet::new();
        for (at, (key, request)) in calls.into_iter().enumerate() {
            let node = self.get(&key);
            waiting.spawn(async move {
                let answer = match node {
                    Some(node) => node.call(request, longest).await,
                    None => Err(CallError::Unreachable("it is no party of the cluster".into())),
                };
                (at, answer)
            });
        }
        let mut answers: Vec<Option<Result<NodeResponse, CallError>>> = keys.iter().map(|_| None).collect();
        let mut until = Instant::now() + longest;
        while let Ok(Some(done)) = timeout_at(until.into(), waiting.join_next()).await {
            let Ok((at, answer)) = done else { continue };
            if answer.is_err() {
                until = until.min(Instant::now() + grace);
            }
            answers[at] = Some(answer);
        }
        let late = || Err(CallError::Timeout(grace));
        keys.into_iter().zip(answers).map(|(key, answer)| (key, answer.unwrap_or_else(late))).collect()
    }
}

impl Node {
    /// Sends a call and waits for its answer.
    pub async fn call(&self, request: NodeRequest, timeout: Duration) -> Result<NodeResponse, CallError> {
        let wait = self.waits.begin();
        let answer = self.link.call(request, timeout).await;
        wait.end(answer.is_ok());
        answer
    }

    /// What it said last, or why it says nothing.
    pub fn seen(&self) -> Result<Seen, String> {
        let (turn, seen) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.link.down(), seen) {
            (Some(problem), _) => Err(format!("not reachable: {problem}")),
            (None, Ok(_)) if turn != self.link.turns() => Err("it was not asked since it came back".into()),
            (None, seen) => seen,
        }
    }

    /// Resolves when its channel comes up or breaks.
    pub async fn turned(&self) {
        self.link.turned().await;
    }

    /// Whether it answers, runs a version that works with ours, and has the same governance version in force as we; else why
    /// not.
    pub fn usable(&self) -> Result<Seen, String> {
        let seen = self.seen()?;
        version::compatible(version::OURS, &seen.status.version)?;
        if seen.status.genesis != self.governance.hash() {
            let (number, hash) = (seen.status.governance, seen.status.genesis);
            return Err(format!(
                "it has another genesis, or another governance version (number {number}, {hash})"
            ));
        }
        Ok(seen)
    }

    /// The boot id of its process, when it answers.
    pub fn boot(&self) -> Option<[u8; 16]> {
        self.seen().ok().map(|seen| seen.status.boot)
    }

    /// Asks for its status once and remembers the answer. `missed` counts unanswered calls in a row.
    pub async fn look(&self, missed: &mut u32) -> Option<Seen> {
        let (began, turn) = (Instant::now(), self.link.turns());
        let answer = self.call(NodeRequest::Status, STATUS_TIMEOUT).await;
        let seen = match answer {
            Ok(NodeResponse::Status(status)) => {
                *missed = 0;
                let skew = i128::from(status.now) - i128::from(store::now());
                let skew = i64::try_from(skew).unwrap_or(i64::MAX);
                Ok(Seen { status, skew, round_trip: began.elapsed() })
            }
            Ok(_) => Err("it answered Status with something else".to_owned()),
            Err(error) => {
                if matches!(error, CallError::Timeout(_)) {
                    *missed += 1;
                    if *missed >= LOST_AFTER {
                        self.link.reset();
                    }
                }
                Err(error.to_string())
            }
        };
        let mut slot = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (&slot.1, &seen) {
            (Ok(_), Err(problem)) => {
                tracing::warn!(node = %self.party.name, %problem, "node is not reachable")
            }
            (Err(_), Ok(_)) => tracing::info!(node = %self.party.name, "node is reachable"),
            _ => {}
        }
        *slot = (turn, seen.clone());
        seen.ok()
    }
}

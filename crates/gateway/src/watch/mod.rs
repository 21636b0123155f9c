//! Watchers: one for each network that the file of networks names. A watcher follows the chain of its node, takes in what pays
//! an own address, brings signed transactions into the chain and tells when they are final.
//!
//! ```text
//! cursor.rs    the last blocks, and where two chains part (pure)      stand.rs    where a signed transaction stands (pure)
//! book.rs      own addresses in memory                                follow.rs   one look: back to common ground, then on
//! take.rs      what a block means for deposits, coins, transactions   settle.rs   what enough blocks on it mean
//! pool.rs      unconfirmed payments                                   send.rs     broadcasting
//! plan.rs      plans that the gateway makes itself                    bump.rs     the same intent with a higher fee
//! ```
//! Every step is one durable write together with the place in the chain, so that a restart at any moment loses nothing and
//! counts nothing twice. A watcher believes its node; what it can do wrong is bounded by that (docs/networks.md).

mod balances;
mod book;
pub mod bump;
mod cursor;
mod follow;
pub mod plan;
mod pool;
mod send;
mod settle;
mod stand;
mod take;

pub use balances::all as balances;
pub use follow::run;

use crate::gateway::Gateway;
use quorate_coordination::api::{NetworkView, TransactionStatus};
use quorate_intent::{IntentId, Network};
use quorate_networks::{Client, Fees, Head, NetworkConfig, NetworkError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A network that is not level with its node for longer than this many polls is not healthy.
const UNHEALTHY_POLLS: u32 = 20;
/// Least time without being level that makes a network unhealthy.
const UNHEALTHY_LEAST: Duration = Duration::from_secs(30);

/// All networks that are watched.
#[derive(Default)]
pub struct Watch {
    all: Vec<Arc<Watched>>,
}

/// One network that is watched.
pub struct Watched {
    /// What the file says.
    pub config: NetworkConfig,
    /// Its node.
    pub client: Client,
    /// Told when there is something to broadcast.
    wake: Notify,
    status: Mutex<Status>,
    /// Held while a plan is made, so that two never choose the same nonce.
    planning: tokio::sync::Mutex<()>,
}

/// How a network stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The last block that was looked at.
    pub head: Option<Head>,
    /// The height of the node's chain.
    pub tip: u64,
    /// When the two were last the same.
    pub level: Option<Instant>,
    /// What is wrong.
    pub problem: Option<String>,
    /// What fees are.
    pub fees: Option<Fees>,
    /// How often a reorganisation was followed.
    pub reorganised: u64,
}

impl Watch {
    /// Clients of all networks; nothing is asked yet.
    pub fn new(configs: Vec<NetworkConfig>) -> Result<Self, NetworkError> {
        let watched = |config: NetworkConfig| {
            let client = Client::new(&config)?;
            let (wake, status, planning) = (Notify::new(), Mutex::default(), tokio::sync::Mutex::default());
            Ok(Arc::new(Watched { config, client, wake, status, planning }))
        };
        Ok(Self { all: configs.into_iter().map(watched).collect::<Result<_, NetworkError>>()? })
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<Watched>] {
        &self.all
    }

    /// A network, if it is watched.
    pub fn of(&self, network: &Network) -> Option<&Arc<Watched>> {
        self.all.iter().find(|watched| watched.config.network == *network)
    }
}

impl Watched {
    /// There is something to broadcast.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// As the API shows it.
    pub fn view(&self) -> NetworkView {
        let status = self.status();
        let height = status.head.map(|head| head.height);
        let lag = status.level.map(|level| level.elapsed());
        let patience = (self.config.poll * UNHEALTHY_POLLS).max(UNHEALTHY_LEAST);
        NetworkView {
            network: self.config.network,
            kind: quorate_networks::kind(&self.config.network).into(),
            height,
            behind: height.map_or(0, |height| status.tip.saturating_sub(height)),
            lag_s: lag.map(|lag| lag.as_secs()),
            healthy: status.problem.is_none() && lag.is_some_and(|lag| lag <= patience),
            problem: status.problem,
            required: self.config.confirmations,
        }
    }
}

/// Where an intent's transaction stands, where its network is watched.
pub async fn transaction_status(
    gateway: &Gateway,
    id: &IntentId,
    network: Option<Network>,
) -> Result<Option<TransactionStatus>, sqlx::Error> {
    let Some(watched) = network.and_then(|network| gateway.watch.of(&network)) else { return Ok(None) };
    let Some(outgoing) = gateway.store.outgoing_of(id).await? else { return Ok(None) };
    let head = watched.status().head.map_or(0, |head| head.height);
    let mined = outgoing.forms.iter().find_map(|form| form.block.clone());
    let latest = outgoing.forms.last();
    Ok(Some(TransactionStatus {
        confirmations: mined.as_ref().map_or(0, |(_, height)| (head + 1).saturating_sub(*height)),
        block: mined.as_ref().map(|(hash, _)| hash.clone()),
        height: mined.map(|(_, height)| height),
        required: watched.config.confirmations,
        forms: outgoing.forms.len() as u64,
        problem: latest.and_then(|form| form.problem.clone()),
    }))
}

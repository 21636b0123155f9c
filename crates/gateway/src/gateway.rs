//! A running gateway: everything that its parts share, its start and its end.

use crate::addresses::{self, Addresses};
use crate::api::{self, Replay};
use crate::coordinator::{self, Coordinator};
use crate::invoices;
use crate::judging::Past;
use crate::nodes::Nodes;
use crate::pay::{self, Pages};
use crate::sessions::SignIns;
use crate::store::Store;
use crate::streams::Streams;
use crate::watch::{self, Watch};
use crate::webhooks::{self, Keys, Webhooks};
use crate::{Config, GatewayError, Identity, Limits, Signing};
use quorate_coordination::InForce;
use quorate_intent::Governance;
use quorate_transport::Endpoint;
use quorate_verify::Verifier;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch as channel;
use tokio::task::{JoinHandle, JoinSet};

/// What the parts of a gateway share.
pub struct Gateway {
    /// The governance version in force.
    pub(crate) genesis: Arc<InForce>,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) signing: Signing,
    pub(crate) store: Store,
    pub(crate) nodes: Nodes,
    pub(crate) coordinator: Coordinator,
    pub(crate) replay: Replay,
    pub(crate) watch: Watch,
    pub(crate) addresses: Addresses,
    pub(crate) webhooks: Webhooks,
    pub(crate) streams: Streams,
    pub(crate) pages: Pages,
    pub(crate) sign_ins: SignIns,
    /// What was signed, as far as rules look at it.
    pub(crate) past: Past,
    pub(crate) verifier: Verifier,
}

/// A gateway that runs. Dropping it stops it at once; [`Running::shutdown`] lets open requests end first.
pub struct Running {
    address: SocketAddr,
    gateway: Arc<Gateway>,
    stop: channel::Sender<bool>,
    server: JoinHandle<()>,
    work: JoinSet<()>,
}

impl Gateway {
    /// Opens the store, links to every node, goes on with what was under way, and listens.
    ///
    /// # Errors
    /// [`GatewayError`] for a wrong genesis or identity, an unusable store, or an address that is in use.
    pub async fn start(config: Config) -> Result<Running, GatewayError> {
        let Config { genesis, identity, store, listen, limits, signing, .. } = config;
        let watch = Watch::new(config.networks)?;
        let pinned = Governance::new(genesis.clone())?;
        if identity.public() != genesis.gateway {
            let (expected, found) = (genesis.gateway.to_string(), identity.public().to_string());
            return Err(GatewayError::OtherIdentity { expected, found });
        }
        let webhooks = Webhooks::new(Keys::open(config.webhook_keys)?, config.webhook_private_hosts)?;
        let store = Store::open(&store, genesis.hash()).await?;
        let chain =
            Governance::replay(pinned.genesis().clone(), store.steps().await?, &quorate_policy::judge_step)?;
        let genesis = Arc::new(InForce::new(chain));
        let replay = Replay::new(store.nonces().await?);
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| GatewayError::Listen { address: listen.to_string(), source })?;
        let address = listener
            .local_addr()
            .map_err(|source| GatewayError::Listen { address: listen.to_string(), source })?;
        let endpoint = Endpoint::new(identity.key())?;
        let mut work = JoinSet::new();
        let nodes = Nodes::new(endpoint, Arc::clone(&genesis));
        nodes.follow(&mut work);
        let (coordinator, orders) = Coordinator::new();
        let (addresses, wanted) = Addresses::new();
        let (stop, stopped) = channel::channel(false);
        let gateway = Arc::new(Self {
            genesis,
            identity,
            limits,
            signing,
            store,
            nodes,
            coordinator,
            replay,
            addresses,
            webhooks,
            streams: Streams::new(stopped.clone()),
            pages: Pages::default(),
            watch,
            sign_ins: SignIns::new(),
            past: Past::default(),
            verifier: Verifier::default(),
        });
        work.spawn(coordinator::run(Arc::clone(&gateway), orders));
        work.spawn(addresses::run(Arc::clone(&gateway), wanted));
        work.spawn(webhooks::run(Arc::clone(&gateway)));
        work.spawn(invoices::run(Arc::clone(&gateway)));
        work.spawn(pay::tell(Arc::clone(&gateway)));
        for watched in gateway.watch.all() {
            work.spawn(watch::run(Arc::clone(&gateway), Arc::clone(watched)));
        }
        let server = tokio::spawn(api::serve(Arc::clone(&gateway), listener, stopped));
        tracing::info!(%address, cluster = %gateway.genesis.current().name, "gateway listens");
        Ok(Running { address, gateway, stop, server, work })
    }
}

impl Running {
    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// Takes no more requests, lets open ones end, stops all work, and closes the store. What was under way goes on at
    /// the next start.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The server has its own limit for open requests.
        let _ = (&mut self.server).await;
        self.work.shutdown().await;
        self.gateway.store.close().await;
        tracing::info!("gateway stopped");
    }

    /// Runs until `end` resolves, then shuts down.
    pub async fn run_until(self, end: impl Future<Output = ()>) {
        end.await;
        self.shutdown().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.work.abort_all();
    }
}

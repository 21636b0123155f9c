//! Starting a node and what all its parts share.

use crate::ceremonies::Ceremonies;
use crate::control::{self, Control};
use crate::error::StartError;
use crate::inbound;
use crate::mesh::{Mesh, Transport};
use crate::pairs::Pairs;
use crate::stock::Stock;
use crate::wallets::Wallets;
use quorate_audit::Body;
use quorate_intent::{Genesis, PublicKey};
use quorate_session::Identity;
use quorate_transport::Endpoint;
use quorate_vault::Vault;
use rand_core::{OsRng, RngCore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a node is run.
pub struct Config {
    /// The unlocked vault, with a pinned genesis.
    pub vault: Vault,
    /// Where to listen for peers and the gateway.
    pub listen: SocketAddr,
}

/// A running node. Dropping it stops it.
pub struct Node {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
    control: Option<Control>,
}

/// What all parts of a node share.
pub(crate) struct Shared {
    pub vault: Vault,
    pub genesis: Genesis,
    pub me: PublicKey,
    pub identity: Arc<Identity>,
    /// Names this process: nonces, presignatures and pair states live under it, in memory alone (§1.9).
    pub boot: [u8; 16],
    pub transport: Arc<dyn Transport>,
    pub ceremonies: Arc<Ceremonies>,
    pub wallets: Wallets,
    pub stock: Stock,
    pub pairs: Pairs,
}

impl Shared {
    /// This node's own clock, Unix seconds.
    pub fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Logs an entry; a failure is the vault's own to report, and stops signing there.
    pub async fn log(&self, body: Body) {
        if let Err(error) = self.vault.append(body).await {
            tracing::error!(%error, "an audit entry could not be written");
        }
    }

    /// The name of a party, for people.
    pub fn name(&self, key: &PublicKey) -> String {
        self.genesis.party(key).map_or_else(|| key.to_string(), |party| party.name.clone())
    }
}

impl Node {
    /// Opens the stock room, the channels and the ears of a node.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config { vault, listen } = config;
        let genesis = vault.genesis().await?.ok_or(StartError::NoGenesis)?;
        let me = vault.identity().public();
        genesis.party(&me).ok_or(StartError::NotAParty)?;
        let endpoint = Endpoint::new(vault.identity().expose())?;
        let listener = TcpListener::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
        let wallets = Wallets::load(&vault).await?;
        let mut boot = [0; 16];
        OsRng.fill_bytes(&mut boot);
        let mut entry = [0; 32];
        entry[..16].copy_from_slice(&boot);
        vault.append(Body::Started { boot: entry, version: env!("CARGO_PKG_VERSION").to_owned() }).await?;
        let identity =
            Arc::new(Identity::from_seed(&zeroize::Zeroizing::new(vault.identity().expose().to_bytes())));
        let transport: Arc<dyn Transport> = Arc::new(Mesh::start(&endpoint, &genesis, me));
        let ceremonies = Arc::new(Ceremonies::new(Arc::clone(&transport), Arc::clone(&identity)));
        let shared = Arc::new(Shared {
            vault,
            genesis,
            me,
            identity,
            boot,
            transport,
            ceremonies,
            wallets,
            stock: Stock::default(),
            pairs: Pairs::default(),
        });
        let task = tokio::spawn(inbound::listen(Arc::clone(&shared), endpoint, listener));
        Ok(Self { shared, address, task, control: None })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its identity key.
    pub fn identity(&self) -> PublicKey {
        self.shared.me
    }

    /// Opens the control socket in the node's folder, which must be its owner's alone; see [`crate::control`].
    pub fn open_control(&mut self, folder: &Path) -> Result<(), StartError> {
        self.control = Some(control::open(Arc::clone(&self.shared), folder)?);
        Ok(())
    }

    /// Stops listening and closes the vault, after everything queued there is written.
    pub async fn stop(mut self) {
        self.task.abort();
        self.control = None;
        if let Err(error) = self.shared.vault.close().await {
            tracing::error!(%error, "the vault did not close cleanly");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

//! Starting a node and what all its parts share.

use crate::attest::Allowance;
use crate::ceremonies::Ceremonies;
use crate::clock::Clock;
use crate::control::{self, Control};
use crate::disputes::{self, SoftEdges};
use crate::error::StartError;
use crate::inbound;
use crate::judging::Judging;
use crate::ledger::Ledger;
use crate::mesh::{Mesh, Transport};
use crate::news;
use crate::own::OwnAddresses;
use crate::pairs::Pairs;
use crate::stock::Stock;
use crate::tasks::Tasks;
use crate::turns::Turns;
use crate::wallets::Wallets;
use crate::witness::{self, Witness};
use quorate_audit::Body;
use quorate_coordination::InForce;
use quorate_intent::{PublicKey, WalletId};
use quorate_policy::LocalPolicy;
use quorate_session::Identity;
use quorate_transport::Endpoint;
use quorate_vault::Vault;
use rand_core::{OsRng, RngCore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a node is run.
pub struct Config {
    /// The unlocked vault, with a pinned genesis.
    pub vault: Vault,
    /// Where to listen for peers and the gateway.
    pub listen: SocketAddr,
    /// The operator's own rules. They can only narrow what the cluster's allow.
    pub local: Option<LocalPolicy>,
}

/// A running node. Dropping it stops it.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
    control: Option<Control>,
}

/// What all parts of a node share.
pub(crate) struct Shared {
    pub vault: Vault,
    /// The governance version in force: the pinned genesis and every change since.
    pub genesis: InForce,
    pub me: PublicKey,
    /// When the vault was last restored from a backup, Unix seconds.
    pub restored: Option<u64>,
    /// Names this process: nonces, presignatures and pair states live under it, in memory alone (§1.9).
    pub boot: [u8; 16],
    pub transport: Arc<dyn Transport>,
    pub ceremonies: Arc<Ceremonies>,
    pub wallets: Wallets,
    pub stock: Stock,
    pub pairs: Pairs,
    pub soft_edges: SoftEdges,
    /// Wallets that are in a key ceremony.
    pub generating: Turns<WalletId>,
    /// Certificates are taken one after another.
    pub activating: Arc<tokio::sync::Mutex<()>>,
    /// Peers that a pair is being set up with.
    pub setting_up: Turns<PublicKey>,
    /// When each peer was told last what it lacks.
    pub answered: news::Pace,
    /// When each peer was told last what was spent.
    pub asked: news::Pace,
    /// The log before its witnesses.
    pub witness: Witness,
    pub clock: Clock,
    pub judging: Judging,
    /// How many addresses the gateway may have attested now.
    pub attesting: Allowance,
    pub own: OwnAddresses,
    pub tasks: Tasks,
}

impl Shared {
    /// This node's own clock, Unix seconds.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Logs an entry; a failure is the vault's own to report, and stops signing there.
    pub async fn log(&self, body: Body) {
        match self.vault.append(body).await {
            Ok(head) => self.clock.seen(head.time),
            Err(error) => tracing::error!(%error, "an audit entry could not be written"),
        }
    }

    /// The name of a party, for people.
    pub fn name(&self, key: &PublicKey) -> String {
        self.genesis.name(key)
    }
}

impl Node {
    /// Opens the stock room, the channels and the ears of a node.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config { vault, listen, local } = config;
        let chain = vault.governance().await.ok_or(StartError::NoGenesis)?;
        let me = vault.identity().public();
        let parties = chain.current().parties.clone();
        if !parties.iter().any(|party| party.key == me) {
            return Err(if chain.party_ever(&me).is_some() {
                StartError::Left
            } else {
                StartError::NotAParty
            });
        }
        let endpoint = Endpoint::new(vault.identity().expose())?;
        let listener = TcpListener::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
        let wallets = Wallets::load(&vault).await?;
        let restored = vault.restored().await;
        let ledger = Ledger::load(&vault).await?;
        let mut boot = [0; 16];
        OsRng.fill_bytes(&mut boot);
        let mut entry = [0; 32];
        entry[..16].copy_from_slice(&boot);
        let started = Body::Started { boot: entry, version: env!("CARGO_PKG_VERSION").to_owned() };
        let head = vault.append(started).await?;
        let identity =
            Arc::new(Identity::from_seed(&zeroize::Zeroizing::new(vault.identity().expose().to_bytes())));
        let (mesh, came_up) = Mesh::start(&endpoint, &parties, me);
        let transport: Arc<dyn Transport> = Arc::new(mesh);
        let ceremonies =
            Ceremonies::new(Arc::clone(&transport), identity, parties.iter().map(|party| party.key));
        let shared = Arc::new(Shared {
            vault,
            genesis: InForce::new(chain.as_ref().clone()),
            me,
            restored,
            boot,
            transport,
            ceremonies: Arc::new(ceremonies),
            wallets,
            stock: Stock::default(),
            pairs: Pairs::default(),
            soft_edges: SoftEdges::default(),
            generating: Turns::default(),
            activating: Arc::default(),
            setting_up: Turns::default(),
            answered: news::Pace::default(),
            asked: news::Pace::default(),
            witness: Witness::default(),
            clock: Clock::new(head.time),
            judging: Judging::new(local, ledger),
            attesting: Allowance::default(),
            own: OwnAddresses::default(),
            tasks: Tasks::new(),
        });
        let weak = Arc::downgrade(&shared);
        shared.ceremonies.on_restart(move |peer| {
            if let Some(shared) = weak.upgrade() {
                tokio::task::block_in_place(|| disputes::restarted(&shared, peer));
            }
        });
        let task = tokio::spawn(inbound::listen(Arc::clone(&shared), endpoint, listener));
        shared.tasks.spawn(news::greet(Arc::clone(&shared), came_up));
        shared.tasks.spawn(news::again(Arc::clone(&shared)));
        shared.tasks.spawn(witness::publish(Arc::clone(&shared)));
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
        self.control = None;
        self.halt();
        if let Err(error) = self.shared.vault.close().await {
            tracing::error!(%error, "the vault did not close cleanly");
        }
    }
}

impl Node {
    /// Ends every task: listening, open channels, calls, ceremonies.
    fn halt(&self) {
        self.task.abort();
        self.shared.tasks.stop();
        self.shared.ceremonies.stop(None, "the node stops");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.halt();
    }
}

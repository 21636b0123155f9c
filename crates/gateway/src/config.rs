//! What a gateway is told at its start.

use crate::Identity;
use quorate_intent::Genesis;
use quorate_networks::NetworkConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A gateway's configuration.
pub struct Config {
    /// Who is who.
    pub genesis: Genesis,
    /// The gateway's identity, as the genesis names it.
    pub identity: Identity,
    /// The database file; made when it does not exist.
    pub store: PathBuf,
    /// Where the API listens; port 0 takes a free one. Plain HTTP: beyond loopback, put a TLS proxy before it.
    pub listen: SocketAddr,
    /// Limits of the API.
    pub limits: Limits,
    /// How ceremonies and signatures are run.
    pub signing: Signing,
    /// Networks that are watched, with their nodes; on others a transfer ends with its signature.
    pub networks: Vec<NetworkConfig>,
    /// The file with the keys that webhooks are signed by; made when it does not exist.
    pub webhook_keys: PathBuf,
    /// Hosts that webhooks may reach by private addresses and plain HTTP.
    pub webhook_private_hosts: Vec<String>,
}

impl Config {
    /// A configuration with the usual limits.
    pub fn new(genesis: Genesis, identity: Identity, store: PathBuf, listen: SocketAddr) -> Self {
        let webhook_keys = store.with_extension("webhook-keys");
        let (limits, signing) = (Limits::default(), Signing::default());
        let (webhook_private_hosts, networks) = (Vec::new(), Vec::new());
        Self {
            genesis,
            identity,
            store,
            listen,
            limits,
            signing,
            networks,
            webhook_keys,
            webhook_private_hosts,
        }
    }
}

/// Limits of the API.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub body: usize,
    /// Largest request body where whole earlier transactions are handed in, in bytes.
    pub large_body: usize,
    /// Longest time for one request, its body included.
    pub request_timeout: Duration,
    /// Most connections at once; more wait.
    pub connections: usize,
    /// How long open requests may take to end at shutdown.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            large_body: 16 << 20,
            request_timeout: Duration::from_secs(30),
            connections: 1024,
            shutdown: Duration::from_secs(10),
        }
    }
}

/// How ceremonies and signatures are run.
#[derive(Clone, Debug)]
pub struct Signing {
    /// How long a transfer may wait for reachable parties before it fails; twice as long while sets are tried.
    pub transfer_timeout: Duration,
    /// How long an order may wait for its parties before it fails.
    pub order_timeout: Duration,
    /// Longest wait for a ceremony between nodes.
    pub ceremony_timeout: Duration,
    /// Longest wait for partial signatures or commitments.
    pub call_timeout: Duration,
    /// How long a signing request is valid, in seconds.
    pub request_seconds: u64,
    /// Most attempts under one signing request.
    pub attempts: u32,
    /// Presignatures kept ready at least for the preferred signer set of each ECDSA wallet; more by observed use. None:
    /// nothing is made ahead.
    pub presignatures: usize,
    /// Nonce commitments kept ready at least for each node and Schnorr wallet; more by observed use.
    pub commitments: usize,
    /// Satoshi per virtual byte where a client gives no fee rate.
    pub fee_rate: u64,
    /// Pause between two looks at every node.
    pub status_interval: Duration,
}

impl Signing {
    /// Longest wait for what a node answers without any other, such as commitments.
    pub(crate) fn quick_timeout(&self) -> Duration {
        self.call_timeout.min(Duration::from_secs(4))
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            transfer_timeout: Duration::from_secs(55),
            order_timeout: Duration::from_secs(180),
            ceremony_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(15),
            request_seconds: 120,
            attempts: 16,
            presignatures: 4,
            commitments: 4,
            fee_rate: 5,
            status_interval: Duration::from_secs(3),
        }
    }
}

//! What can go wrong when a gateway starts or keeps its store.

use quorate_intent::IntentError;
use quorate_networks::NetworkError;
use quorate_transport::TransportError;
use std::path::PathBuf;

/// Errors of this room that reach the operator. Callers of the API get problem details instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The identity file is not usable.
    #[error("{path}: {problem}", path = .path.display())]
    Identity {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The genesis is not well formed.
    #[error("the genesis is wrong: {0}")]
    Genesis(#[from] IntentError),
    /// Identity and genesis do not belong together.
    #[error("the genesis names the gateway key {expected}, but the identity file holds {found}")]
    OtherIdentity {
        /// By the genesis.
        expected: String,
        /// By the file.
        found: String,
    },
    /// The listening socket.
    #[error("cannot listen on {address}: {source}; take another address or stop what uses it")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Channels to nodes.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A node of a network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Webhooks cannot be sent.
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(String),
    /// The database.
    #[error("the gateway's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database is not this gateway's.
    #[error("the gateway's database {0}")]
    Store(String),
}

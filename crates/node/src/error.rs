//! Why a node does not start, and how inner errors are told to the caller.

use quorate_coordination::NodeError;
use quorate_coordination::rpc::ErrorCode;
use quorate_session::SessionError;
use quorate_transport::TransportError;
use quorate_vault::VaultError;

/// Errors of starting a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No genesis is pinned.
    #[error(
        "no genesis is pinned in this vault; compare fingerprints with the other operators and pin it first"
    )]
    NoGenesis,
    /// This node is not part of the cluster.
    #[error(
        "this node's identity key is not among the parties; have the administrators approve that it joins, then hand it the chain: quorate governance pin"
    )]
    NotAParty,
    /// This node was a party once.
    #[error(
        "this node's identity key has left the parties; it takes part in nothing any more, and a machine joins again under a new identity"
    )]
    Left,
    /// TLS or network.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The listening address.
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    /// The control socket.
    #[error("cannot open the control socket {0}: {1}")]
    Control(std::path::PathBuf, std::io::Error),
    /// A stored share that cannot be read.
    #[error("the share of wallet {0} in the vault is unusable: {1}")]
    Share(quorate_intent::WalletId, String),
}

/// A vault error as the caller sees it: a refusal by the ledger, or a fault of this node.
pub(crate) fn vault_error(error: &VaultError) -> NodeError {
    let code = match error {
        VaultError::NoConflict { .. }
        | VaultError::Order { .. }
        | VaultError::Attempt { .. }
        | VaultError::NeverSigned { .. }
        | VaultError::PasskeyCounter { .. }
        | VaultError::NotedBefore { .. } => ErrorCode::Refused,
        _ => ErrorCode::Internal,
    };
    NodeError::new(code, error.to_string())
}

pub(crate) fn session_error(error: &SessionError) -> NodeError {
    NodeError::new(ErrorCode::Ceremony, error.to_string())
}

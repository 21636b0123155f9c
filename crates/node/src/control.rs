//! The control socket: how an operator on the node's own machine hands it a signing call, where no gateway reaches it. It
//! takes `Sign` and `Status` on the very same way as the gateway's calls (policy, rebuilding, ledger, log, stock), `Backup`,
//! the operator's own word on what his local rules ask him for, and what `quorate audit` asks of the log, and nothing else.
//!
//! Whoever may open it could read the node's folder anyway, so it gives nobody more power; what is signed is decided by the
//! signatures in the call, as ever.

use crate::error::StartError;
use crate::mesh::encode;
use crate::node::Shared;
use crate::{calls, log};
use quorate_audit::Body;
use quorate_coordination::rpc::{ErrorCode, Frame};
use quorate_coordination::{NodeError, NodeRequest, NodeResponse};
use quorate_intent::Hash;
use quorate_transport::{TransportError, receive_frame, send_frame};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The socket's name in a node's folder.
pub const SOCKET: &str = "control.sock";
/// Where a backup lies in a node's folder until its operator fetches it.
pub const BACKUP: &str = "backup.db";
/// Connections at once; further ones are closed.
const MAX_CONNECTIONS: usize = 4;
/// Longest wait for the next call on a connection.
const IDLE: Duration = Duration::from_secs(30);
/// Longest wait for an answer, on the asking side.
const ANSWER: Duration = Duration::from_secs(60);

/// Why a call over the control socket got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// There is no node behind it.
    #[error("no node answers at {0} ({1}); is it running, and is this its folder?")]
    Connect(PathBuf, Error),
    /// The way there and back.
    #[error("the node's control socket: {0}")]
    Transport(#[from] TransportError),
    /// No answer in time.
    #[error("the node did not answer within {} s", ANSWER.as_secs())]
    Timeout,
    /// Something else than an answer.
    #[error("the node's control socket gave something that is no answer to the call")]
    Nonsense,
    /// The node says no.
    #[error("the node refuses: {0}")]
    Refused(NodeError),
}

/// Asks the node whose folder this is.
///
/// # Errors
/// [`ControlError`].
pub async fn ask(folder: &Path, request: NodeRequest) -> Result<NodeResponse, ControlError> {
    let path = folder.join(SOCKET);
    let connect = UnixStream::connect(&path).await;
    let mut stream = connect.map_err(|error| ControlError::Connect(path, error))?;
    let work = async {
        send_frame(&mut stream, &encode(&Frame::Call { id: 0, request })).await?;
        let frame = receive_frame(&mut stream).await?.ok_or(ControlError::Nonsense)?;
        match borsh::from_slice(&frame) {
            Ok(Frame::Answer { id: 0, response }) => response.map_err(ControlError::Refused),
            _ => Err(ControlError::Nonsense),
        }
    };
    timeout(ANSWER, work).await.map_err(|_| ControlError::Timeout)?
}

/// An open control socket. Dropping it closes and removes it.
pub(crate) struct Control {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        // The vault's lock keeps a second process of this folder away, so the file is still ours.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the socket in a folder that is its owner's alone.
pub(crate) fn open(shared: Arc<Shared>, folder: &Path) -> Result<Control, StartError> {
    let path = folder.join(SOCKET);
    let listener = bind(folder, &path).map_err(|error| StartError::Control(path.clone(), error))?;
    let task = tokio::spawn(listen(shared, folder.into(), listener));
    Ok(Control { path, task })
}

fn bind(folder: &Path, path: &Path) -> std::io::Result<UnixListener> {
    let mode = std::fs::metadata(folder)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::other(format!(
            "others may enter the folder (mode {mode:o}); run chmod 700 on it"
        )));
    }
    // What a killed process left behind. Anything but a socket is not ours to remove, and binding will refuse it.
    if std::fs::symlink_metadata(path).is_ok_and(|left| left.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn listen(shared: Arc<Shared>, folder: Arc<Path>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting on the control socket failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (shared, folder) = (Arc::clone(&shared), Arc::clone(&folder));
        tokio::spawn(async move {
            if let Err(error) = serve(&shared, &folder, stream).await {
                tracing::debug!(%error, "a connection to the control socket ended");
            }
            drop(place);
        });
    }
}

/// Writes a backup beside the vault, in place of an earlier one that nobody fetched.
async fn backup(shared: &Arc<Shared>, folder: &Path) -> Result<NodeResponse, NodeError> {
    let path = folder.join(BACKUP);
    let failed = |error: String| NodeError::new(ErrorCode::Internal, error);
    if path.exists() {
        std::fs::remove_file(&path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    }
    let size = shared.vault.head().await.size;
    shared.vault.backup(&path).await.map_err(|error| failed(error.to_string()))?;
    shared.log(Body::BackedUp { size }).await;
    Ok(NodeResponse::Done)
}

/// The operator's answer, in the log before it counts.
async fn confirm(shared: &Arc<Shared>, intent: Hash, yes: bool) -> Result<NodeResponse, NodeError> {
    if !shared.judging.confirm(&intent, yes, shared.now()) {
        let message = format!("no intent {intent} waits for this node's operator (any more)");
        return Err(NodeError::new(ErrorCode::BadRequest, message));
    }
    if !yes {
        let (rule, reason) = ("local/confirm".to_owned(), "this node's operator declined it".to_owned());
        shared.log(Body::Refused { intent, rule, reason }).await;
    }
    Ok(NodeResponse::Done)
}

/// Answers one call after another.
async fn serve(shared: &Arc<Shared>, folder: &Path, mut stream: UnixStream) -> Result<(), TransportError> {
    let malformed = || TransportError::Io(Error::new(ErrorKind::InvalidData, "not a call"));
    loop {
        let next = timeout(IDLE, receive_frame(&mut stream)).await;
        let Some(frame) = next.map_err(|_| TransportError::Timeout("waiting for a call"))?? else {
            return Ok(());
        };
        let Ok(Frame::Call { id, request }) = borsh::from_slice(&frame) else { return Err(malformed()) };
        let response = match request {
            request @ (NodeRequest::Sign(_) | NodeRequest::Status | NodeRequest::Witness) => {
                calls::handle(shared, request).await
            }
            NodeRequest::Entries { from, limit } => log::entries(shared, from, limit).await,
            NodeRequest::Prove { sequence } => log::prove(shared, sequence).await,
            NodeRequest::Backup => backup(shared, folder).await,
            request @ NodeRequest::Reject(_) => calls::handle(shared, request).await,
            NodeRequest::Confirmations => Ok(NodeResponse::Confirmations(
                shared.judging.confirmations(shared.now(), &shared.genesis.hash()),
            )),
            NodeRequest::Confirm { intent, yes } => confirm(shared, intent, yes).await,
            _ => {
                let message = "the control socket takes Sign, Status, Backup, Confirmations, Confirm, Reject and the questions of `quorate audit` alone";
                Err(NodeError::new(ErrorCode::BadRequest, message))
            }
        };
        send_frame(&mut stream, &encode(&Frame::Answer { id, response })).await?;
    }
}

//! The vault as its users hold it, and what its parts share.

use crate::commit::{self, Job};
use crate::files::Folder;
use crate::open::Identity;
use crate::seal::{Place, Sealer};
use crate::store::{Store, Tx};
use crate::verify::Verified;
use crate::{VaultError, open};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::{Chain, Head, Tree};
use quorate_intent::{Governance, Hash};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// A node's vault. Cheap to clone; all clones are one vault.
#[derive(Clone)]
pub struct Vault {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Sender<Job>,
}

/// What all clones and the writer hold.
pub struct Shared {
    pub(crate) core: Mutex<Core>,
    pub(crate) sealer: Sealer,
    pub(crate) identity: Identity,
}

/// What only one task may touch at a time.
pub struct Core {
    // In this order, so that the file is closed before the lock is given back.
    store: Option<Store>,
    folder: Option<Folder>,
    pub(crate) head: Head,
    /// The Merkle tree over the log's entries, those up to `head`.
    pub(crate) tree: Tree,
    /// The chain from the pinned genesis, as the log has it; none before a genesis is pinned.
    pub(crate) governance: Option<Arc<Governance>>,
    /// When this vault was last restored from a backup.
    pub(crate) restored: Option<u64>,
    /// That restore's entry: its place and its hash.
    pub(crate) restored_entry: Option<(u64, Hash)>,
    stopped: Option<String>,
}

impl Core {
    fn new(store: Store, folder: Option<Folder>, head: Head, verified: Verified) -> Self {
        let Verified { governance, restored, restored_entry, tree } = verified;
        let governance = governance.map(Arc::new);
        Self { store: Some(store), folder, head, tree, governance, restored, restored_entry, stopped: None }
    }

    /// The open database; an error after `close` or a failed commit.
    pub(crate) fn store(&mut self) -> Result<&mut Store, VaultError> {
        if let Some(problem) = &self.stopped {
            return Err(VaultError::Stopped(problem.clone()));
        }
        self.store.as_mut().ok_or(VaultError::Closed)
    }

    /// Begins a write; end it with [`Core::settle`].
    pub(crate) async fn begin(&mut self) -> Result<Tx<'_>, VaultError> {
        self.store()?.begin().await
    }

    /// Takes note of how a commit ended. After a failed sync nobody knows what is on the disk, and trying again can
    /// report a success that is none: so nothing is written any more until a restart reads the file anew.
    pub(crate) fn settle(&mut self, commit: Result<(), VaultError>) -> Result<(), VaultError> {
        if let Err(error) = &commit {
            tracing::error!(%error, "a commit failed; the vault stops");
            self.stopped = Some(error.to_string());
        }
        commit
    }
}

/// The place of a row in `meta`.
pub(crate) fn meta_place(name: &'static str) -> Place<'static> {
    Place { table: "meta", key: name.as_bytes(), epoch: b"" }
}

/// Canonical bytes of a value that holds no secret.
pub(crate) fn encode(value: &impl BorshSerialize) -> Result<Vec<u8>, VaultError> {
    borsh::to_vec(value).map_err(|error| VaultError::Storage(error.to_string()))
}

/// Encodes and seals a value.
pub(crate) fn seal_value(
    sealer: &Sealer,
    place: Place<'_>,
    value: &impl BorshSerialize,
) -> Result<Vec<u8>, VaultError> {
    sealer.seal(place, &encode(value)?)
}

/// Opens and decodes a value.
pub(crate) fn open_value<T: BorshDeserialize>(
    sealer: &Sealer,
    place: Place<'_>,
    sealed: &[u8],
) -> Result<T, VaultError> {
    let plain = sealer.open(place, sealed)?;
    borsh::from_slice(&plain)
        .map_err(|error| VaultError::corrupt(format!("a row of {}", place.table), error.to_string()))
}

/// Runs a write to its end even when the caller's future is dropped half-way.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, VaultError>> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(VaultError::Storage(format!("a write did not finish: {error}"))),
    }
}

impl Vault {
    pub(crate) fn start(store: Store, folder: Option<Folder>, opened: open::Opened) -> Self {
        let core = Mutex::new(Core::new(store, folder, opened.head, opened.verified));
        let shared = Arc::new(Shared { core, sealer: opened.sealer, identity: opened.identity });
        let queue = commit::start(shared.clone());
        Self { shared, queue }
    }

    /// The node's identity key.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// When this vault was last restored from a backup, Unix seconds, as its log has it. What it had decided between the
    /// backup and then it does not know (§1.7).
    pub async fn restored(&self) -> Option<u64> {
        self.shared.core.lock().await.restored
    }

    /// The entry of the last restore, its place and its hash: it names the log's branch (docs/audit.md).
    pub async fn restored_entry(&self) -> Option<(u64, Hash)> {
        self.shared.core.lock().await.restored_entry
    }

    /// Reads and verifies the whole log again, the ledger against it, and that every row still opens in its place.
    /// `open` does this too. The vault does nothing else meanwhile.
    pub async fn verify_log(&self) -> Result<Head, VaultError> {
        let mut core = self.shared.core.lock().await;
        let head = core.head;
        let node = self.shared.identity.public();
        let _ = crate::verify::all(core.store()?, &self.shared.sealer, &node, head).await?;
        Ok(head)
    }

    /// Closes the file and gives the lock back. What was queued before is written first; later calls get
    /// [`VaultError::Closed`]. Dropping the last clone closes as well, but not at once.
    pub async fn close(&self) -> Result<(), VaultError> {
        // The queue is in order: when this has been answered, everything before it has.
        let _ = commit::flush(&self.queue).await;
        let shared = self.shared.clone();
        detached(async move {
            let mut core = shared.core.lock().await;
            let (store, folder) = (core.store.take(), core.folder.take());
            let closed = match store {
                Some(store) => store.close().await,
                None => Ok(()),
            };
            drop(folder);
            closed
        })
        .await
    }
}

/// The chain at the vault's head.
pub(crate) fn chain(core: &Core) -> Chain {
    Chain::new(core.head)
}

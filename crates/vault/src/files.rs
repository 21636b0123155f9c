//! The folder, its permissions, and the lock that keeps a second process out.

use crate::VaultError;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database file's name.
pub const DATABASE: &str = "vault.db";
const LOCK: &str = "vault.lock";

/// A vault's folder, locked for this `Vault` while it lives.
pub struct Folder {
    path: PathBuf,
    // Held for its lock; the system releases it with the process, however that ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder (0700) and an empty database file (0600), and locks it.
    pub async fn create(path: &Path) -> Result<Self, VaultError> {
        let database = path.join(DATABASE);
        if !path.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|error| file_error(path, &error))?;
        }
        check_mode(path, 0o700)?;
        let folder = Self::lock(path).await?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&database);
        match file {
            Ok(file) => file.sync_all().map_err(|error| file_error(&database, &error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(VaultError::Exists(path.into()));
            }
            Err(error) => return Err(file_error(&database, &error)),
        }
        folder.sync()?;
        Ok(folder)
    }

    /// Locks a folder that has a vault.
    pub async fn open(path: &Path) -> Result<Self, VaultError> {
        let database = path.join(DATABASE);
        if !database.is_file() {
            return Err(VaultError::Missing(path.into()));
        }
        check_mode(path, 0o700)?;
        check_mode(&database, 0o600)?;
        Self::lock(path).await
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Makes new names in the folder, and the folder's own name, durable.
    pub fn sync(&self) -> Result<(), VaultError> {
        for path in [Some(self.path.as_path()), self.path.parent()].into_iter().flatten() {
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            File::open(path)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| file_error(path, &error))?;
        }
        Ok(())
    }

    async fn lock(path: &Path) -> Result<Self, VaultError> {
        let name = path.join(LOCK);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
        let file = file.map_err(|error| file_error(&name, &error))?;
        // A `Vault` that was dropped a moment ago gives its lock back as soon as its last write is done.
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) => return Ok(Self { path: path.into(), _lock: file }),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(25)).await,
                Err(TryLockError::Error(error)) => return Err(file_error(&name, &error)),
            }
        }
        Err(VaultError::Locked(path.into()))
    }
}

/// Refuses what group or others may touch. `wanted` is named in the advice.
pub fn check_mode(path: &Path, wanted: u32) -> Result<(), VaultError> {
    let metadata = std::fs::metadata(path).map_err(|error| file_error(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(VaultError::Permissions { path: path.into(), mode, wanted })
}

/// A failure of the file system.
pub fn file_error(path: &Path, error: &io::Error) -> VaultError {
    VaultError::File { path: path.into(), problem: error.to_string() }
}

//! Backups: a consistent copy of a vault that is in use, and a new vault out of a copy.
//!
//! A copy is sealed as the vault is: every row under the master key, which the operator's passphrase or key file wraps. Pair
//! states, presignatures and nonces are never in a vault (docs/spec §1.9), so none is in a copy. What was erased before is not
//! in it either: SQLite writes the live rows alone.

use crate::core::{Vault, detached};
use crate::files::{DATABASE, check_mode, file_error};
use crate::{Body, Unlock, VaultError};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

impl Vault {
    /// Writes a copy as it stands now to a new file (0600), and syncs it. The vault goes on working.
    ///
    /// # Errors
    /// [`VaultError`]; a file that exists is never written over.
    pub async fn backup(&self, to: &Path) -> Result<(), VaultError> {
        let (shared, to) = (self.shared.clone(), to.to_path_buf());
        detached(async move {
            let file = new_file(&to)?;
            let copied = shared.core.lock().await.store()?.copy(&to).await;
            if let Err(error) = copied {
                drop(file);
                let _ = std::fs::remove_file(&to);
                return Err(error);
            }
            sync(&to)
        })
        .await
    }

    /// Makes a vault in a new folder (0700) out of a copy, opens it with everything that opening checks, and notes in its
    /// log that it is a restored one.
    ///
    /// # Errors
    /// [`VaultError`]; then the folder is not left behind as a vault.
    pub async fn restore(copy: &Path, folder: &Path, unlock: Unlock) -> Result<Self, VaultError> {
        check_mode(copy, 0o600)?;
        if folder.join(DATABASE).exists() {
            return Err(VaultError::Exists(folder.into()));
        }
        if !folder.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| file_error(folder, &error))?;
        }
        check_mode(folder, 0o700)?;
        let database = folder.join(DATABASE);
        let written = write_copy(copy, &database);
        let opened = match written {
            Ok(()) => Self::open(folder, unlock).await,
            Err(error) => Err(error),
        };
        let vault = match opened {
            Ok(vault) => vault,
            Err(error) => {
                for name in [DATABASE.to_owned(), format!("{DATABASE}-wal"), format!("{DATABASE}-shm")] {
                    let _ = std::fs::remove_file(folder.join(name));
                }
                return Err(error);
            }
        };
        let size = vault.head().await.size;
        vault.append(Body::Restored { size }).await?;
        Ok(vault)
    }
}

fn new_file(path: &Path) -> Result<File, VaultError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| file_error(path, &error))
}

fn write_copy(from: &Path, to: &Path) -> Result<(), VaultError> {
    let mut source = File::open(from).map_err(|error| file_error(from, &error))?;
    let mut file = new_file(to)?;
    io::copy(&mut source, &mut file).map_err(|error| file_error(to, &error))?;
    sync(to)
}

/// The file and its name.
fn sync(path: &Path) -> Result<(), VaultError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    for path in [path, &folder] {
        File::open(path).and_then(|file| file.sync_all()).map_err(|error| file_error(path, &error))?;
    }
    Ok(())
}

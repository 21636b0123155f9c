//! Creating and opening a vault.

use crate::core::{Vault, meta_place, open_value, seal_value};
use crate::files::Folder;
use crate::seal::{Key, Sealer, random_key};
use crate::shares::erase;
use crate::store::Store;
#[cfg(any(test, feature = "test-util"))]
use crate::store::memory::{self, Disk};
use crate::unlock::Header;
use crate::verify::{self, Verified};
use crate::{Unlock, VaultError};
use ed25519_dalek::SigningKey;
use quorate_audit::Head;
use quorate_intent::{PublicKey, keys};
use std::path::Path;
use zeroize::Zeroizing;

/// The node's identity key. Erased on drop; no Debug, no Clone.
pub struct Identity(Box<SigningKey>);

/// What unlocking gives.
pub struct Opened {
    pub sealer: Sealer,
    pub identity: Identity,
    pub head: Head,
    pub verified: Verified,
}

impl Identity {
    fn new(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The key, for signing.
    pub fn expose(&self) -> &SigningKey {
        &self.0
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        keys::public(&self.0)
    }
}

impl Vault {
    /// Makes a vault with a new random identity in `folder`, which is made (0700) if it does not exist.
    pub async fn create(folder: &Path, unlock: Unlock) -> Result<Self, VaultError> {
        Self::create_with_identity(folder, unlock, *random_key()).await
    }

    /// Makes a vault for an identity that exists already: the 32-byte seed of an Ed25519 key (RFC 8032).
    pub async fn create_with_identity(
        folder: &Path,
        unlock: Unlock,
        seed: Zeroizing<[u8; 32]>,
    ) -> Result<Self, VaultError> {
        let (header, master) = blocking(move || Header::create(&unlock)).await?;
        let folder = Folder::create(folder).await?;
        let mut store = Store::connect(&folder.database()).await?;
        store.prepare(true).await?;
        let opened = write_new(&mut store, &header, &master, &seed).await?;
        // A whole vault in the one file from the start, whatever becomes of the write-ahead log.
        store.checkpoint().await?;
        folder.sync()?;
        Ok(Self::start(store, Some(folder), opened))
    }

    /// Opens the vault in `folder`: takes the lock, checks the file, unlocks it, opens every row in its place, verifies
    /// the whole log and the ledger against it, and finishes any erasing that was left undone.
    pub async fn open(folder: &Path, unlock: Unlock) -> Result<Self, VaultError> {
        let folder = Folder::open(folder).await?;
        let mut store = Store::connect(&folder.database()).await?;
        store.prepare(false).await?;
        let header = Header::decode(&required(&mut store, "header").await?)?;
        let master: Key = blocking(move || header.unlock(&unlock)).await?;
        let opened = read(&mut store, &master).await?;
        drop(master);
        let _ = erase(store.checkpoint().await);
        Ok(Self::start(store, Some(folder), opened))
    }

    /// Makes a vault on a disk in memory, as [`Vault::create_with_identity`] does in a folder.
    #[cfg(any(test, feature = "test-util"))]
    pub async fn create_on(
        disk: &Disk,
        key: Zeroizing<[u8; 32]>,
        seed: Zeroizing<[u8; 32]>,
    ) -> Result<Self, VaultError> {
        let (header, master) = Header::create(&Unlock::Key(key))?;
        let mut store = Store::Memory(memory::Store::connect(disk)?);
        let opened = write_new(&mut store, &header, &master, &seed).await?;
        store.checkpoint().await?;
        Ok(Self::start(store, None, opened))
    }

    /// Opens the vault on a disk in memory, as [`Vault::open`] does in a folder.
    #[cfg(any(test, feature = "test-util"))]
    pub async fn open_on(disk: &Disk, key: Zeroizing<[u8; 32]>) -> Result<Self, VaultError> {
        let mut store = Store::Memory(memory::Store::connect(disk)?);
        store.prepare(false).await?;
        let header = Header::decode(&required(&mut store, "header").await?)?;
        let master = header.unlock(&Unlock::Key(key))?;
        let opened = read(&mut store, &master).await?;
        let _ = erase(store.checkpoint().await);
        Ok(Self::start(store, None, opened))
    }
}

/// The first rows of a new vault.
async fn write_new(
    store: &mut Store,
    header: &Header,
    master: &Key,
    seed: &Zeroizing<[u8; 32]>,
) -> Result<Opened, VaultError> {
    let sealer = Sealer::new(master);
    let identity = Identity::new(seed);
    let head = Head::start(&identity.public());
    let mut tx = store.begin().await?;
    let mut rows = tx.rows();
    rows.put_meta("header", &header.encode()?).await?;
    rows.put_meta("identity", &sealer.seal(meta_place("identity"), seed.as_slice())?).await?;
    rows.put_meta("head", &seal_value(&sealer, meta_place("head"), &head)?).await?;
    tx.commit().await?;
    Ok(Opened { sealer, identity, head, verified: Verified::default() })
}

/// Opens every row in its place and checks all of it.
async fn read(store: &mut Store, master: &Key) -> Result<Opened, VaultError> {
    let sealer = Sealer::new(master);
    let seed = sealer.open(meta_place("identity"), &required(store, "identity").await?)?;
    let seed = Zeroizing::new(
        <[u8; 32]>::try_from(seed.as_slice())
            .map_err(|_| VaultError::corrupt("the identity's row", "it is not 32 bytes"))?,
    );
    let identity = Identity::new(&seed);
    let head: Head = open_value(&sealer, meta_place("head"), &required(store, "head").await?)?;
    let verified = verify::all(store, &sealer, &identity.public(), head).await?;
    Ok(Opened { sealer, identity, head, verified })
}

async fn required(store: &mut Store, name: &str) -> Result<Vec<u8>, VaultError> {
    let row = store.rows().meta(name).await?;
    row.ok_or_else(|| VaultError::corrupt("the vault file", format!("its row {name} is missing")))
}

/// Argon2id takes its time and must not hold up a runtime's thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(VaultError::Unusable(format!("unlocking did not finish: {error}"))),
    }
}

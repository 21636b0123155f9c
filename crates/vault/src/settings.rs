//! The pinned genesis and small named values, such as the boot counter.

use crate::VaultError;
use crate::core::{Shared, Vault, detached, encode, meta_place, open_value, seal_value};
use crate::seal::{Place, Sealer};
use crate::store::Rows;
use quorate_intent::{Genesis, Governance};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest name of a setting, in bytes.
pub const MAX_SETTING_NAME: usize = 64;
/// Largest value of a setting, in bytes.
pub const MAX_SETTING: usize = 64 * 1024;
/// Largest encoded genesis.
const MAX_GENESIS: usize = 512 * 1024;

fn place(name: &str) -> Place<'_> {
    Place { table: "settings", key: name.as_bytes(), epoch: b"" }
}

/// Opens one row.
pub fn open(sealer: &Sealer, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    sealer.open(place(name), sealed)
}

/// Writes one row inside a transaction.
pub async fn put(shared: &Shared, rows: &mut Rows<'_>, name: &str, value: &[u8]) -> Result<(), VaultError> {
    rows.put_setting(name, &shared.sealer.seal(place(name), value)?).await
}

impl Shared {
    async fn pin_genesis(&self, genesis: &Genesis) -> Result<(), VaultError> {
        let governance = Governance::new(genesis.clone())?;
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        if let Some(sealed) = tx.rows().meta("genesis").await? {
            let pinned: Genesis = open_value(&self.sealer, meta_place("genesis"), &sealed)?;
            let (pinned, found) = (pinned.hash(), genesis.hash());
            return if pinned == found { Ok(()) } else { Err(VaultError::OtherGenesis { pinned, found }) };
        }
        let sealed = seal_value(&self.sealer, meta_place("genesis"), genesis)?;
        tx.rows().put_meta("genesis", &sealed).await?;
        let committed = tx.commit().await;
        core.settle(committed)?;
        core.governance = Some(Arc::new(governance));
        Ok(())
    }

    async fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        put(self, &mut tx.rows(), name, value).await?;
        let committed = tx.commit().await;
        core.settle(committed)
    }

    async fn count(&self, name: &str) -> Result<u64, VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        let last = match tx.rows().setting(name).await? {
            None => 0,
            Some(sealed) => {
                let value = open(&self.sealer, name, &sealed)?;
                let bytes = value.as_slice().try_into().map_err(|_| {
                    VaultError::corrupt(format!("setting {name}"), "it is not a counter of 8 bytes")
                })?;
                u64::from_be_bytes(bytes)
            }
        };
        let next = last.saturating_add(1);
        put(self, &mut tx.rows(), name, &next.to_be_bytes()).await?;
        let committed = tx.commit().await;
        core.settle(committed)?;
        Ok(next)
    }
}

impl Vault {
    /// Pins the genesis for good (§1.8). The same one again is fine, another is refused.
    pub async fn pin_genesis(&self, genesis: &Genesis) -> Result<(), VaultError> {
        VaultError::size("genesis", encode(genesis)?.len(), MAX_GENESIS)?;
        let (shared, genesis) = (self.shared.clone(), genesis.clone());
        detached(async move { shared.pin_genesis(&genesis).await }).await
    }

    /// The pinned genesis.
    pub async fn genesis(&self) -> Result<Option<Genesis>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let sealed = core.store()?.rows().meta("genesis").await?;
        sealed.map(|sealed| open_value(&self.shared.sealer, meta_place("genesis"), &sealed)).transpose()
    }

    /// The governance chain as it stands: the pinned genesis and every change in the log. A change is made by appending
    /// [`crate::Body::GovernanceChanged`]; one that does not follow is refused, one that is known already is not written
    /// again.
    pub async fn governance(&self) -> Option<Arc<Governance>> {
        self.shared.core.lock().await.governance.clone()
    }

    /// Writes a setting durably; it is sealed like everything else.
    pub async fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        VaultError::size("setting name", name.len(), MAX_SETTING_NAME)?;
        VaultError::size("setting", value.len(), MAX_SETTING)?;
        let (shared, name) = (self.shared.clone(), name.to_owned());
        let value = Zeroizing::new(value.to_vec());
        detached(async move { shared.set(&name, &value).await }).await
    }

    /// A setting.
    pub async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let sealed = core.store()?.rows().setting(name).await?;
        sealed.map(|sealed| open(&self.shared.sealer, name, &sealed)).transpose()
    }

    /// Adds one to a counter among the settings, durably, and answers with the new value; the first is 1.
    pub async fn count(&self, name: &str) -> Result<u64, VaultError> {
        VaultError::size("setting name", name.len(), MAX_SETTING_NAME)?;
        let (shared, name) = (self.shared.clone(), name.to_owned());
        detached(async move { shared.count(&name).await }).await
    }
}

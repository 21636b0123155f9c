//! Counters of passkeys: an authenticator counts its signatures, and a copy of one shows when a count comes a second time, or
//! long after the others (W3C Web Authentication Level 3, §6.1.1).
//!
//! Approvals, and intents that a passkey signed, are taken when they are carried out, not when they are given, so counts of one
//! authenticator come in another order than it made them. A count is taken once, and only within [`WINDOW`] of the highest.

use crate::core::{Shared, Vault, detached};
use crate::{VaultError, settings};
use quorate_intent::passkey::Use;
use quorate_sharing::Transcript;

/// A setting's name has at most 64 bytes.
fn name(domain: &str, kind: &str, key: &[u8; 32]) -> String {
    let digest = Transcript::new(domain).field("key", key).digest();
    format!("{kind}/{}", hex::encode(&digest[..24]))
}

/// How far a count may lie behind the highest: many authenticators have one counter for all sites, and an intent may wait for
/// weeks.
const WINDOW: u32 = 1024;

/// The counts of the window with one more; none where it was there, or comes too late. An authenticator that keeps no counter
/// always says 0.
fn take(mut taken: Vec<u32>, counter: u32) -> Option<Vec<u32>> {
    let highest = taken.iter().copied().max().unwrap_or(0);
    let fresh = counter != 0 && !taken.contains(&counter) && counter > highest.saturating_sub(WINDOW);
    if !fresh && (highest, counter) != (0, 0) {
        return None;
    }
    taken.push(counter);
    let least = highest.max(counter).saturating_sub(WINDOW);
    taken.retain(|count| *count > least);
    Some(taken)
}

impl Shared {
    async fn admit_passkeys(&self, uses: &[Use]) -> Result<(), VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        for passkey_use in uses {
            let Use { passkey, counter, answer } = passkey_use;
            let seen = name("vault/passkey/approval", "passkey-use", &answer.0);
            if tx.rows().setting(&seen).await?.is_some() {
                continue;
            }
            let counts = name("vault/passkey", "passkey", &passkey.0);
            let taken = match tx.rows().setting(&counts).await? {
                Some(sealed) => {
                    let value = settings::open(&self.sealer, &counts, &sealed)?;
                    borsh::from_slice::<Vec<u32>>(&value).map_err(|_| {
                        VaultError::corrupt(format!("setting {counts}"), "it is not a list of counters")
                    })?
                }
                None => Vec::new(),
            };
            let Some(taken) = take(taken, *counter) else {
                return Err(VaultError::PasskeyCounter { passkey: *passkey, found: *counter });
            };
            let taken = borsh::to_vec(&taken).unwrap_or_default();
            settings::put(self, &mut tx.rows(), &counts, &taken).await?;
            settings::put(self, &mut tx.rows(), &seen, &counter.to_be_bytes()).await?;
        }
        let committed = tx.commit().await;
        core.settle(committed)
    }
}

impl Vault {
    /// Takes answers of passkeys whose signatures were checked: each count of a passkey is taken once, and none that lies far
    /// behind the highest, durably. An answer that was taken before is taken again, whatever came in between.
    ///
    /// # Errors
    /// [`VaultError::PasskeyCounter`] for a count that was taken or comes too late; then none of the answers is taken.
    pub async fn admit_passkeys(&self, uses: Vec<Use>) -> Result<(), VaultError> {
        if uses.is_empty() {
            return Ok(());
        }
        let shared = self.shared.clone();
        detached(async move { shared.admit_passkeys(&uses).await }).await
    }
}

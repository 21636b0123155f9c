//! Counters of passkeys: an authenticator counts its signatures, and a copy of one shows when a count comes that is not
//! above the highest (W3C Web Authentication Level 3, §6.1.1).

use crate::core::{Shared, Vault, detached};
use crate::{VaultError, settings};
use quorate_intent::{Approval, Hash, PublicKey};
use quorate_sharing::Transcript;

/// An approval by a passkey, as the vault remembers it.
struct Use {
    passkey: PublicKey,
    counter: u32,
    approval: Hash,
}

/// A setting's name has at most 64 bytes.
fn name(domain: &str, kind: &str, key: &[u8; 32]) -> String {
    let digest = Transcript::new(domain).field("key", key).digest();
    format!("{kind}/{}", hex::encode(&digest[..24]))
}

impl Shared {
    async fn admit_passkeys(&self, uses: &[Use]) -> Result<(), VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        for passkey_use in uses {
            let Use { passkey, counter, approval } = passkey_use;
            let seen = name("vault/passkey/approval", "passkey-use", &approval.0);
            if tx.rows().setting(&seen).await?.is_some() {
                continue;
            }
            let highest = name("vault/passkey", "passkey", &passkey.0);
            let last = match tx.rows().setting(&highest).await? {
                Some(sealed) => {
                    let value = settings::open(&self.sealer, &highest, &sealed)?;
                    let bytes = value.as_slice().try_into().map_err(|_| {
                        VaultError::corrupt(format!("setting {highest}"), "it is not a counter of 4 bytes")
                    })?;
                    u32::from_be_bytes(bytes)
                }
                None => 0,
            };
            // An authenticator that keeps no counter always says 0.
            if *counter <= last && (last, *counter) != (0, 0) {
                return Err(VaultError::PasskeyCounter { passkey: *passkey, last, found: *counter });
            }
            settings::put(self, &mut tx.rows(), &highest, &counter.to_be_bytes()).await?;
            settings::put(self, &mut tx.rows(), &seen, &counter.to_be_bytes()).await?;
        }
        let committed = tx.commit().await;
        core.settle(committed)
    }
}

impl Vault {
    /// Takes approvals whose signatures were checked: the counter of each passkey must be above every earlier one of that
    /// passkey, durably. An approval that was taken before is taken again, whatever came in between; approvals by device
    /// keys have no counter.
    ///
    /// # Errors
    /// [`VaultError::PasskeyCounter`] where a counter did not go up; then none of the approvals is taken.
    pub async fn admit_passkeys(&self, approvals: &[Approval]) -> Result<(), VaultError> {
        let uses = approvals.iter().filter_map(|approval| {
            let assertion = approval.passkey.as_ref()?;
            // Without the signature: ECDSA has two for one assertion, and anybody can make the second out of the first.
            let challenge = Approval::challenge(&approval.intent, &approval.approver, approval.verdict);
            let digest = Transcript::new("vault/passkey/use")
                .field("challenge", &challenge)
                .field("authenticator data", &assertion.authenticator_data)
                .digest();
            let (passkey, counter) = (approval.approver, assertion.counter());
            Some(Use { passkey, counter, approval: Hash(digest) })
        });
        let uses: Vec<Use> = uses.collect();
        if uses.is_empty() {
            return Ok(());
        }
        let shared = self.shared.clone();
        detached(async move { shared.admit_passkeys(&uses).await }).await
    }
}

//! Durable writes of key ceremonies: the try before anything is dealt, the share before `prepared` leaves (docs/spec §1.7, §2.3).

use crate::ceremonies::Persist;
use crate::mesh::encode;
use quorate_ceremonies::generate::Pending;
use quorate_ceremonies::{generate, reshare};
use quorate_intent::{Hash, WalletId};
use quorate_session::{NotStored, PersistRecord};
use quorate_vault::{Attempt, Share, Vault, VaultError};
use zeroize::Zeroizing;

/// Where the records of one ceremony go.
pub(crate) struct Records {
    pub vault: Vault,
    pub wallet: WalletId,
    /// The order's number.
    pub number: u64,
    /// Its hash.
    pub order: Hash,
    /// The epoch that the ceremony starts from; none for a generation.
    pub base: Option<Attempt>,
}

impl Persist for Records {
    async fn persist(&self, record: PersistRecord) -> Result<(), NotStored> {
        let failed = |what: String| NotStored::Failed(what);
        match record.label {
            generate::ORDER_TRY | reshare::ORDER_TRY => {
                let attempt_try = record.bytes.as_slice().try_into().map(u32::from_be_bytes);
                let attempt_try = attempt_try.map_err(|_| failed("a try has four bytes".to_owned()))?;
                let accepted =
                    self.vault.accept_order(self.wallet, self.number, attempt_try, self.order, self.base);
                accepted.await.map_err(not_stored)
            }
            generate::PENDING | reshare::PENDING => {
                let mut pending: Pending =
                    borsh::from_slice(&record.bytes).map_err(|error| failed(error.to_string()))?;
                let share = Share {
                    attempt: pending.record.attempt,
                    secret: Zeroizing::new(std::mem::take(&mut pending.secret)),
                    record: encode(&pending.record),
                    prepared: pending.signature.0.to_vec(),
                };
                self.vault.put_pending(self.wallet, share, self.base).await.map_err(not_stored)
            }
            other => Err(failed(format!("nothing takes a record {other}"))),
        }
    }
}

/// A rule's refusal is not a fault of the disk.
fn not_stored(error: VaultError) -> NotStored {
    match error {
        VaultError::Order(_) | VaultError::Attempt { .. } => NotStored::Refused(error.to_string()),
        other => NotStored::Failed(other.to_string()),
    }
}

//! Accepted orders: numbers and tries only go up (docs/spec §2.3). The rules are `quorate_audit::Epochs`'s.

use crate::VaultError;
use crate::core::{Vault, detached, open_value, seal_value};
use crate::seal::{Place, Sealer};
use crate::shares::epochs;
use crate::store::Rows;
use quorate_audit::{AcceptedOrder, Attempt, Epochs};
use quorate_intent::{Hash, WalletId};

fn place(wallet: &WalletId) -> Place<'_> {
    Place { table: "orders", key: &wallet.0, epoch: b"" }
}

/// What `wallet` accepted last.
pub async fn accepted(
    sealer: &Sealer,
    rows: &mut Rows<'_>,
    wallet: &WalletId,
) -> Result<Option<AcceptedOrder>, VaultError> {
    let sealed = rows.order(&wallet.0).await?;
    sealed.map(|sealed| open_value(sealer, place(wallet), &sealed)).transpose()
}

impl Vault {
    /// Records durably that this node takes part in a try of an order that starts from `base`, none for a generation; every
    /// party does so before it deals or signs `prepared`. Refused by the rules of [`Epochs::accept`]: among them that the base
    /// must be the highest certified epoch that is known here, judged inside of the same write.
    pub async fn accept_order(
        &self,
        wallet: WalletId,
        number: u64,
        attempt_try: u32,
        order: Hash,
        base: Option<Attempt>,
    ) -> Result<(), VaultError> {
        let shared = self.shared.clone();
        let new = AcceptedOrder { number, attempt_try, order };
        detached(async move {
            let mut core = shared.core.lock().await;
            let mut tx = core.begin().await?;
            let mut rows = tx.rows();
            epochs(&shared.sealer, &mut rows, &wallet).await?.accept(new, base).map_err(VaultError::Order)?;
            let sealed = seal_value(&shared.sealer, place(&wallet), &new)?;
            rows.put_order(&wallet.0, &sealed).await?;
            let committed = tx.commit().await;
            core.settle(committed)
        })
        .await
    }

    /// The order that the key accepted last; what is told in hello is [`Epochs::told_try`].
    pub async fn accepted_order(&self, wallet: &WalletId) -> Result<Option<AcceptedOrder>, VaultError> {
        let mut core = self.shared.core.lock().await;
        accepted(&self.shared.sealer, &mut core.store()?.rows(), wallet).await
    }

    /// What this node holds of a key: accepted order, highest certificate, attempts of its shares.
    pub async fn epochs(&self, wallet: &WalletId) -> Result<Epochs, VaultError> {
        let mut core = self.shared.core.lock().await;
        epochs(&self.shared.sealer, &mut core.store()?.rows(), wallet).await
    }
}

//! Accepted orders: numbers and tries only go up (docs/spec §2.3).

use crate::core::{Vault, detached, open_value, seal_value};
use crate::seal::{Place, Sealer};
use crate::shares::{attempts, certified};
use crate::store::Rows;
use crate::{OrderRefusal, VaultError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, WalletId};

/// The number of every order that generates a key; there is no key before it and none after it.
pub const GENERATE: u64 = 1;

/// The order that a key accepted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AcceptedOrder {
    /// Its number.
    pub number: u64,
    /// The highest try of it.
    pub attempt_try: u32,
    /// Its hash.
    pub order: Hash,
}

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

/// The rule of §2.3: nothing below what was accepted or is certified, one order a number, each try once.
fn admit(last: Option<AcceptedOrder>, new: AcceptedOrder) -> Result<(), OrderRefusal> {
    if new.number == 0 || new.attempt_try == 0 {
        return Err(OrderRefusal::Zero);
    }
    let Some(last) = last else { return Ok(()) };
    if new.number < last.number {
        return Err(OrderRefusal::Lower { number: new.number, accepted: last.number });
    }
    if new.number > last.number {
        return Ok(());
    }
    if new.order != last.order {
        return Err(OrderRefusal::Other { number: new.number, accepted: last.order });
    }
    if new.attempt_try <= last.attempt_try {
        return Err(refused_try(new, last.attempt_try));
    }
    Ok(())
}

/// A key is generated once: while a share or a certificate of it is here, no other try may make another key under its
/// id. The share of an earlier try may belong to a certificate that others hold already (§2.1).
pub async fn admit_generate(
    sealer: &Sealer,
    rows: &mut Rows<'_>,
    wallet: &WalletId,
) -> Result<(), VaultError> {
    if let Some((active, _)) = certified(sealer, rows, wallet).await? {
        return Err(VaultError::Order(OrderRefusal::Exists { active }));
    }
    match attempts(rows, wallet).await?.first() {
        Some(kept) => Err(VaultError::Order(OrderRefusal::Kept { kept: *kept })),
        None => Ok(()),
    }
}

fn refused_try(new: AcceptedOrder, last: u32) -> OrderRefusal {
    OrderRefusal::Try { number: new.number, attempt_try: new.attempt_try, last }
}

impl Vault {
    /// Records durably that this node takes part in a try of an order; every party does so before it deals or signs
    /// `prepared`. Refused when the number is below one that was accepted or is certified for the key, when another
    /// order has the number, or when the try is not above the last; a generate order (number 1) also while any share
    /// or certificate of the key is here.
    pub async fn accept_order(
        &self,
        wallet: WalletId,
        number: u64,
        attempt_try: u32,
        order: Hash,
    ) -> Result<(), VaultError> {
        let shared = self.shared.clone();
        let new = AcceptedOrder { number, attempt_try, order };
        detached(async move {
            let mut core = shared.core.lock().await;
            let mut tx = core.begin().await?;
            let mut rows = tx.rows();
            admit(accepted(&shared.sealer, &mut rows, &wallet).await?, new).map_err(VaultError::Order)?;
            if number == GENERATE {
                admit_generate(&shared.sealer, &mut rows, &wallet).await?;
            }
            if let Some((active, _)) = certified(&shared.sealer, &mut rows, &wallet).await? {
                if number < active.order_number {
                    let refusal = OrderRefusal::Lower { number, accepted: active.order_number };
                    return Err(VaultError::Order(refusal));
                }
                if number == active.order_number && attempt_try <= active.attempt_try {
                    return Err(VaultError::Order(refused_try(new, active.attempt_try)));
                }
            }
            let sealed = seal_value(&shared.sealer, place(&wallet), &new)?;
            rows.put_order(&wallet.0, &sealed).await?;
            let committed = tx.commit().await;
            core.settle(committed)
        })
        .await
    }

    /// The order that the key accepted last; its `attempt_try` is what this node tells in hello.
    pub async fn accepted_order(&self, wallet: &WalletId) -> Result<Option<AcceptedOrder>, VaultError> {
        let mut core = self.shared.core.lock().await;
        accepted(&self.shared.sealer, &mut core.store()?.rows(), wallet).await
    }
}

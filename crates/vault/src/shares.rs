//! Shares by epoch: pending until a certificate, then active; what lies below is erased (docs/spec §2.3).

use crate::core::{Shared, Vault, detached, open_value, seal_value};
use crate::orders::accepted;
use crate::seal::{Place, Sealer};
use crate::store::{Rows, ShareRow};
use crate::{Attempt, VaultError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::{AttemptRefusal, Certified, Epochs};
use quorate_intent::WalletId;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Largest share, in bytes.
pub const MAX_SECRET: usize = 32 * 1024;
/// Largest record, `prepared` or certificate, in bytes.
pub const MAX_PUBLIC: usize = 256 * 1024;
/// Most shares of one key, pending ones included.
const MAX_SHARES: u64 = 4096;

/// A share of one epoch. Its secret is erased on drop.
pub struct Share {
    /// The epoch.
    pub attempt: Attempt,
    /// The share's bytes, as they were given.
    pub secret: Zeroizing<Vec<u8>>,
    /// The epoch's public record (§1.8).
    pub record: Vec<u8>,
    /// This node's signed `prepared`.
    pub prepared: Vec<u8>,
}

/// What `activate` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// False when a certificate above this one is held already: this one was ignored.
    pub activated: bool,
    /// Whether this node holds a share of the active epoch; false for who is not among its recipients, after a destroy, and
    /// at a recipient whose folder went back in time (§2.4).
    pub share: bool,
    /// Whether what lay below is gone from every file.
    pub erased: Erasure,
}

/// Whether erased rows are gone from every file of the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Erasure {
    /// Overwritten, and the write-ahead log cut to nothing.
    Done,
    /// Another program reads the database, so that the write-ahead log could not be cut. Stop it and call
    /// [`Vault::erase`]; the next activation and the next start try again as well.
    Pending,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Public {
    record: Vec<u8>,
    prepared: Vec<u8>,
}

/// Where the secret of a share stands.
pub fn secret_place<'a>(wallet: &'a WalletId, attempt: &'a [u8]) -> Place<'a> {
    Place { table: "shares.secret", key: &wallet.0, epoch: attempt }
}

fn public_place<'a>(wallet: &'a WalletId, attempt: &'a [u8]) -> Place<'a> {
    Place { table: "shares.public", key: &wallet.0, epoch: attempt }
}

fn certificate_place<'a>(wallet: &'a WalletId, attempt: &'a [u8]) -> Place<'a> {
    Place { table: "certificates", key: &wallet.0, epoch: attempt }
}

fn attempt(bytes: &[u8]) -> Result<Attempt, VaultError> {
    Attempt::from_bytes(bytes)
        .ok_or_else(|| VaultError::corrupt("a share's row", "its attempt is not 44 bytes"))
}

/// A key's highest certificate.
pub async fn certified(
    sealer: &Sealer,
    rows: &mut Rows<'_>,
    wallet: &WalletId,
) -> Result<Option<(Attempt, Vec<u8>)>, VaultError> {
    let Some((bytes, sealed)) = rows.certificate(&wallet.0).await? else { return Ok(None) };
    let certificate = sealer.open(certificate_place(wallet, &bytes), &sealed)?;
    Ok(Some((attempt(&bytes)?, certificate.to_vec())))
}

/// The attempts of all shares of a key, lowest first.
pub async fn attempts(rows: &mut Rows<'_>, wallet: &WalletId) -> Result<Vec<Attempt>, VaultError> {
    rows.shares(&wallet.0).await?.iter().map(|row| attempt(&row.attempt)).collect()
}

/// What this node holds of a key, as the rules of §2.3 see it.
pub async fn epochs(sealer: &Sealer, rows: &mut Rows<'_>, wallet: &WalletId) -> Result<Epochs, VaultError> {
    Ok(Epochs {
        accepted: accepted(sealer, rows, wallet).await?,
        certified: certified(sealer, rows, wallet).await?.map(|(rank, _)| rank),
        shares: attempts(rows, wallet).await?.into_iter().collect(),
    })
}

/// All shares of a key, lowest first.
pub async fn all(sealer: &Sealer, rows: &mut Rows<'_>, wallet: &WalletId) -> Result<Vec<Share>, VaultError> {
    rows.shares(&wallet.0).await?.into_iter().map(|row| open(sealer, wallet, &row)).collect()
}

fn open(sealer: &Sealer, wallet: &WalletId, row: &ShareRow) -> Result<Share, VaultError> {
    let secret = sealer.open(secret_place(wallet, &row.attempt), &row.secret)?;
    let Public { record, prepared } = open_value(sealer, public_place(wallet, &row.attempt), &row.public)?;
    Ok(Share { attempt: attempt(&row.attempt)?, secret, record, prepared })
}

fn seal(sealer: &Sealer, wallet: &WalletId, share: &Share) -> Result<ShareRow, VaultError> {
    let attempt = share.attempt.to_bytes();
    let secret = sealer.seal(secret_place(wallet, &attempt), &share.secret)?;
    let public = Public { record: share.record.clone(), prepared: share.prepared.clone() };
    let public = seal_value(sealer, public_place(wallet, &attempt), &public)?;
    Ok(ShareRow { attempt: attempt.to_vec(), secret, public })
}

impl Shared {
    async fn put_pending(
        &self,
        wallet: WalletId,
        share: &Share,
        base: Option<Attempt>,
    ) -> Result<(), VaultError> {
        let attempt = share.attempt;
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        let mut rows = tx.rows();
        let refused = |problem: AttemptRefusal| match problem {
            AttemptRefusal::Order(refusal) => VaultError::Order(refusal),
            problem => VaultError::attempt(attempt, problem.to_string()),
        };
        epochs(&self.sealer, &mut rows, &wallet).await?.prepare(attempt, base).map_err(refused)?;
        if rows.count_shares(&wallet.0).await? >= MAX_SHARES {
            return Err(VaultError::attempt(attempt, format!("{MAX_SHARES} shares of this key are pending")));
        }
        rows.insert_share(&wallet.0, &seal(&self.sealer, &wallet, share)?).await?;
        let committed = tx.commit().await;
        core.settle(committed)?;
        let row = core.store()?.rows().share(&wallet.0, &attempt.to_bytes()).await?;
        let row =
            row.ok_or_else(|| VaultError::Storage("the share was not found after it was written".into()))?;
        let back = open(&self.sealer, &wallet, &row)?;
        let same = bool::from(back.secret.ct_eq(&share.secret))
            && (&back.record, &back.prepared) == (&share.record, &share.prepared);
        if same { Ok(()) } else { Err(VaultError::Storage("the share was read back differently".into())) }
    }

    async fn activate(
        &self,
        wallet: WalletId,
        attempt: Attempt,
        certificate: &[u8],
    ) -> Result<Activation, VaultError> {
        let bytes = attempt.to_bytes();
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        let mut rows = tx.rows();
        let held = epochs(&self.sealer, &mut rows, &wallet).await?;
        let refused = |problem: AttemptRefusal| VaultError::attempt(attempt, problem.to_string());
        let (activated, share) = match held.certify(attempt).map_err(refused)? {
            Certified::Ignored => (false, held.active().is_some()),
            Certified::Taken { erase, share } => {
                let sealed = self.sealer.seal(certificate_place(&wallet, &bytes), certificate)?;
                rows.put_certificate(&wallet.0, &bytes, &sealed).await?;
                for below in erase {
                    rows.delete_share(&wallet.0, &below.to_bytes()).await?;
                }
                (true, share)
            }
        };
        let committed = tx.commit().await;
        core.settle(committed)?;
        let erased = erase(core.store()?.checkpoint().await);
        Ok(Activation { activated, share, erased })
    }
}

/// The activation itself is durable by now, so a checkpoint that fails is a state to report and not an error.
pub fn erase(checkpoint: Result<bool, VaultError>) -> Erasure {
    match checkpoint {
        Ok(true) => Erasure::Done,
        Ok(false) => {
            tracing::warn!(
                "erased shares are still in the write-ahead log: another program reads the vault file"
            );
            Erasure::Pending
        }
        Err(error) => {
            tracing::warn!(%error, "erased shares are still in the write-ahead log");
            Erasure::Pending
        }
    }
}

impl Vault {
    /// Stores a new share and this node's signed `prepared` in one durable write and reads both back. Only then may
    /// `prepared` leave; from here on only a certificate above it erases the share (§2.3). `base` is the epoch that it was
    /// made from, none for a generation. Refused by the rules of [`Epochs::prepare`], judged inside of the same write.
    pub async fn put_pending(
        &self,
        wallet: WalletId,
        share: Share,
        base: Option<Attempt>,
    ) -> Result<(), VaultError> {
        VaultError::size("share", share.secret.len(), MAX_SECRET)?;
        VaultError::size("record", share.record.len(), MAX_PUBLIC)?;
        VaultError::size("prepared", share.prepared.len(), MAX_PUBLIC)?;
        let shared = self.shared.clone();
        detached(async move { shared.put_pending(wallet, &share, base).await }).await
    }

    /// Stores a certificate that the caller has judged, makes its attempt the active epoch, erases every share below it
    /// and keeps pendings above, all by [`Epochs::certify`] and in one write. `attempt` is the certificate's rank: that of a
    /// destroy is [`Attempt::end`], and erases whatever has a lower order number. A certificate below the active epoch is
    /// ignored. Repeating it is harmless. One of a second generation (order number 1) of the same key is refused: it replaces
    /// and erases nothing.
    pub async fn activate(
        &self,
        wallet: WalletId,
        attempt: Attempt,
        certificate: Vec<u8>,
    ) -> Result<Activation, VaultError> {
        VaultError::size("certificate", certificate.len(), MAX_PUBLIC)?;
        let shared = self.shared.clone();
        detached(async move { shared.activate(wallet, attempt, &certificate).await }).await
    }

    /// Tries again to cut erased rows out of the write-ahead log.
    pub async fn erase(&self) -> Result<Erasure, VaultError> {
        let shared = self.shared.clone();
        detached(async move { Ok(erase(shared.core.lock().await.store()?.checkpoint().await)) }).await
    }

    /// This node's share of the key's active epoch; none when there is no certificate or it is no recipient.
    pub async fn active(&self, wallet: &WalletId) -> Result<Option<Share>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let mut rows = core.store()?.rows();
        let Some((active, _)) = certified(&self.shared.sealer, &mut rows, wallet).await? else {
            return Ok(None);
        };
        let row = rows.share(&wallet.0, &active.to_bytes()).await?;
        row.map(|row| open(&self.shared.sealer, wallet, &row)).transpose()
    }

    /// Shares that wait for a certificate, lowest attempt first.
    pub async fn pendings(&self, wallet: &WalletId) -> Result<Vec<Share>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let mut rows = core.store()?.rows();
        let active = certified(&self.shared.sealer, &mut rows, wallet).await?.map(|(active, _)| active);
        let mut shares = all(&self.shared.sealer, &mut rows, wallet).await?;
        shares.retain(|share| Some(share.attempt) > active);
        Ok(shares)
    }

    /// The key's highest certificate and its attempt, to hand to peers.
    pub async fn certificate(&self, wallet: &WalletId) -> Result<Option<(Attempt, Vec<u8>)>, VaultError> {
        let mut core = self.shared.core.lock().await;
        certified(&self.shared.sealer, &mut core.store()?.rows(), wallet).await
    }

    /// The highest certified epoch of each key; none where there are shares that wait for one alone.
    pub async fn heads(&self) -> Result<Vec<(WalletId, Option<Attempt>)>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let mut rows = core.store()?.rows();
        let mut epochs = Vec::new();
        for wallet in wallets(&mut rows).await? {
            let rank = certified(&self.shared.sealer, &mut rows, &wallet).await?.map(|(rank, _)| rank);
            // An order alone is nothing that a certificate would end.
            if rank.is_some() || rows.count_shares(&wallet.0).await? > 0 {
                epochs.push((wallet, rank));
            }
        }
        Ok(epochs)
    }

    /// Every key that an order, a share or a certificate here is about.
    pub async fn wallets(&self) -> Result<Vec<WalletId>, VaultError> {
        let mut core = self.shared.core.lock().await;
        wallets(&mut core.store()?.rows()).await
    }
}

/// Every key that any row is about.
pub async fn wallets(rows: &mut Rows<'_>) -> Result<Vec<WalletId>, VaultError> {
    let wrong = |_| VaultError::corrupt("a wallet's row", "its id is not 16 bytes");
    rows.wallets().await?.into_iter().map(|id| id.try_into().map(WalletId).map_err(wrong)).collect()
}

/// Sees that everything about a key opens in its place, and that nothing lies below its active epoch.
pub async fn check(sealer: &Sealer, rows: &mut Rows<'_>, wallet: &WalletId) -> Result<(), VaultError> {
    accepted(sealer, rows, wallet).await?;
    let active = certified(sealer, rows, wallet).await?.map(|(active, _)| active);
    for share in all(sealer, rows, wallet).await? {
        if Some(share.attempt) < active {
            let problem = format!("the share of {} should have been erased", share.attempt);
            return Err(VaultError::corrupt(format!("the shares of {wallet}"), problem));
        }
    }
    Ok(())
}

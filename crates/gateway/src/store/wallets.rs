//! Wallets: the certificate of each.

use super::{Result, Store, decode, encode, int, uint};
use quorate_coordination::Certificate;
use quorate_intent::WalletId;
use sqlx::Row;

impl Store {
    /// Keeps a certificate that was checked; false when the wallet is known already.
    pub async fn add_wallet(&self, certificate: &Certificate) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("INSERT INTO wallets (id, certificate) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(certificate.record.wallet.0.as_slice())
            .bind(encode(certificate))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// A wallet's certificate.
    pub async fn wallet(&self, id: &WalletId) -> Result<Option<Certificate>> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT certificate FROM wallets WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        bytes.map(|bytes| decode(&bytes)).transpose()
    }

    /// Certificates with their places in the list, newest first.
    pub async fn wallets(&self, before: Option<u64>, limit: u32) -> Result<Vec<(u64, Certificate)>> {
        let rows = sqlx::query(
            "SELECT sequence, certificate FROM wallets WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
        )
        .bind(before.map_or(i64::MAX, int))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((uint(row.try_get("sequence")?), decode(row.try_get("certificate")?)?)))
            .collect()
    }

    /// All certificates, oldest first.
    pub async fn all_wallets(&self) -> Result<Vec<Certificate>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT certificate FROM wallets ORDER BY sequence")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|bytes| decode(bytes)).collect()
    }
}

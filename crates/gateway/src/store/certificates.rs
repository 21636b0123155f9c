//! Certificates of transactions, pending and complete.

use super::{Result, Store, Tx, fixed, int, now, uint};
use quorate_intent::IntentId;
use sqlx::Row;

impl Tx<'_> {
    /// Keeps the beginning of a certificate, or what it has become.
    pub async fn put_certificate(&mut self, id: &IntentId, certificate: &[u8], complete: bool) -> Result<()> {
        sqlx::query(
            "INSERT INTO certificates (intent, certificate, complete, tried) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (intent) DO UPDATE SET certificate = ?2, complete = ?3, tried = ?4",
        )
        .bind(id.0.as_slice())
        .bind(certificate)
        .bind(complete)
        .bind(int(now()))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Store {
    /// A certificate's canonical bytes, and whether it is complete.
    pub async fn certificate(&self, id: &IntentId) -> Result<Option<(Vec<u8>, bool)>> {
        let row = sqlx::query("SELECT certificate, complete FROM certificates WHERE intent = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((row.try_get("certificate")?, row.try_get("complete")?))).transpose()
    }

    /// Pending certificates that were last tried before a time, longest ago first.
    pub async fn pending_certificates(&self, before: u64, limit: u32) -> Result<Vec<IntentId>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT intent FROM certificates WHERE NOT complete AND tried <= ? ORDER BY tried LIMIT ?",
        )
        .bind(int(before))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|id| fixed(id).map(IntentId)).collect()
    }

    /// How many certificates are pending, and how many complete.
    pub async fn count_certificates(&self) -> Result<(u64, u64)> {
        let row =
            sqlx::query("SELECT count(*) AS n, coalesce(sum(complete), 0) AS complete FROM certificates")
                .fetch_one(&self.pool)
                .await?;
        let (all, complete) = (uint(row.try_get("n")?), uint(row.try_get("complete")?));
        Ok((all.saturating_sub(complete), complete))
    }
}

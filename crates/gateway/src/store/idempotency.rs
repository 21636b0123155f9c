//! Answers that were given under an idempotency key, and the nonces of requests.

use super::{Result, Store, fixed, int, uint};
use quorate_intent::PublicKey;
use sqlx::Row;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Never,
    /// The same request, answered like this.
    Same(Kept),
    /// Another request.
    Other,
}

/// How long answers are kept, in seconds: 7 days.
const KEEP: u64 = 7 * 24 * 3600;

impl Store {
    /// What was answered to `caller` under this key; `request` is the hash of the request.
    pub async fn seen(&self, caller: &PublicKey, key: &str, request: &[u8; 32]) -> Result<Seen> {
        let row = sqlx::query("SELECT request, status, body FROM idempotency WHERE caller = ? AND key = ?")
            .bind(caller.0.as_slice())
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(Seen::Never) };
        if row.try_get::<&[u8], _>("request")? != request {
            return Ok(Seen::Other);
        }
        let status = u16::try_from(row.try_get::<i64, _>("status")?).unwrap_or(500);
        Ok(Seen::Same(Kept { status, body: row.try_get("body")? }))
    }

    /// Keeps the first answer under a key, and forgets what is too old.
    pub async fn keep(
        &self,
        caller: &PublicKey,
        key: &str,
        request: &[u8; 32],
        answer: &Kept,
        now: u64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM idempotency WHERE at < ?")
            .bind(int(now.saturating_sub(KEEP)))
            .execute(&mut *tx.tx)
            .await?;
        sqlx::query(
            "INSERT INTO idempotency (caller, key, request, status, body, at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(caller.0.as_slice())
        .bind(key)
        .bind(request.as_slice())
        .bind(i64::from(answer.status))
        .bind(answer.body.as_slice())
        .bind(int(now))
        .execute(&mut *tx.tx)
        .await?;
        tx.commit().await
    }

    /// Forgets nonces of requests that were signed before `oldest`. It looks at all of them: now and then, not with each request.
    pub async fn forget_nonces(&self, oldest: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM nonces WHERE time < ?").bind(int(oldest)).execute(&mut *tx.tx).await?;
        tx.commit().await
    }

    /// Remembers the nonce of a request that changes something.
    pub async fn add_nonce(&self, caller: &PublicKey, nonce: &[u8; 16], time: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO nonces (caller, nonce, time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(caller.0.as_slice())
            .bind(nonce.as_slice())
            .bind(int(time))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// All remembered nonces with the times of their requests.
    pub async fn nonces(&self) -> Result<Vec<(PublicKey, [u8; 16], u64)>> {
        let rows = sqlx::query("SELECT caller, nonce, time FROM nonces").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let caller = PublicKey(fixed(row.try_get("caller")?)?);
                Ok((caller, fixed(row.try_get("nonce")?)?, uint(row.try_get("time")?)))
            })
            .collect()
    }
}

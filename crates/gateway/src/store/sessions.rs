//! Sessions of the console, links that begin one, and the documents of passkeys.

use super::{Result, Store, decode, encode, fixed, int, uint};
use quorate_intent::{Passkey, PublicKey};
use sqlx::Row;

/// A session as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub member: PublicKey,
    /// Unix seconds.
    pub created: u64,
    /// When it was last used, Unix seconds; exact to a minute.
    pub seen: u64,
}

/// Most sessions of one key; the oldest ends when another begins.
const MAX_OF_ONE: i64 = 8;
/// Most links of one key that wait to be used.
const MAX_LINKS: i64 = 8;

impl Store {
    /// Keeps a link, and forgets those that are over.
    pub async fn add_link(&self, token: &[u8; 32], member: &PublicKey, now: u64, expires: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sign_in_links WHERE expires <= ?")
            .bind(int(now))
            .execute(&mut *tx.tx)
            .await?;
        sqlx::query(
            "DELETE FROM sign_in_links WHERE token IN (SELECT token FROM sign_in_links WHERE member = ?
             ORDER BY expires DESC LIMIT -1 OFFSET ?)",
        )
        .bind(member.0.as_slice())
        .bind(MAX_LINKS - 1)
        .execute(&mut *tx.tx)
        .await?;
        sqlx::query("INSERT INTO sign_in_links (token, member, expires) VALUES (?, ?, ?)")
            .bind(token.as_slice())
            .bind(member.0.as_slice())
            .bind(int(expires))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// Uses a link up: whose it was, unless it is unknown or over.
    pub async fn take_link(&self, token: &[u8; 32], now: u64) -> Result<Option<PublicKey>> {
        // A look without the writer's lock first: strangers' guesses shall not hold anybody up.
        let known = sqlx::query("SELECT 1 FROM sign_in_links WHERE token = ?")
            .bind(token.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        if known.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let row = sqlx::query("DELETE FROM sign_in_links WHERE token = ? RETURNING member, expires")
            .bind(token.as_slice())
            .fetch_optional(&mut *tx.tx)
            .await?;
        let found = row.map(|row| -> Result<_> {
            let member = PublicKey(fixed(row.try_get("member")?)?);
            Ok((member, uint(row.try_get("expires")?)))
        });
        let found = found.transpose()?;
        tx.commit().await?;
        Ok(found.filter(|(_, expires)| now < *expires).map(|(member, _)| member))
    }

    /// Begins a session, ends those that are over and the oldest of a member with too many.
    pub async fn add_session(
        &self,
        token: &[u8; 32],
        member: &PublicKey,
        now: u64,
        limits: (u64, u64),
    ) -> Result<()> {
        let (absolute, idle) = limits;
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE created <= ? OR seen <= ?")
            .bind(int(now.saturating_sub(absolute)))
            .bind(int(now.saturating_sub(idle)))
            .execute(&mut *tx.tx)
            .await?;
        sqlx::query(
            "DELETE FROM sessions WHERE token IN (SELECT token FROM sessions WHERE member = ?
             ORDER BY created DESC, seen DESC LIMIT -1 OFFSET ?)",
        )
        .bind(member.0.as_slice())
        .bind(MAX_OF_ONE - 1)
        .execute(&mut *tx.tx)
        .await?;
        sqlx::query("INSERT INTO sessions (token, member, created, seen) VALUES (?, ?, ?, ?)")
            .bind(token.as_slice())
            .bind(member.0.as_slice())
            .bind(int(now))
            .bind(int(now))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// A session by the hash of its cookie.
    pub async fn session(&self, token: &[u8; 32]) -> Result<Option<SessionRow>> {
        let row = sqlx::query("SELECT member, created, seen FROM sessions WHERE token = ?")
            .bind(token.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let row = row.map(|row| -> Result<_> {
            Ok(SessionRow {
                member: PublicKey(fixed(row.try_get("member")?)?),
                created: uint(row.try_get("created")?),
                seen: uint(row.try_get("seen")?),
            })
        });
        row.transpose()
    }

    /// Takes note that a session is used.
    pub async fn touch_session(&self, token: &[u8; 32], now: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sessions SET seen = ? WHERE token = ?")
            .bind(int(now))
            .bind(token.as_slice())
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// Ends a session.
    pub async fn end_session(&self, token: &[u8; 32]) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE token = ?")
            .bind(token.as_slice())
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// The documents of passkeys with this credential, at most eight.
    pub async fn passkeys_of(&self, credential: &[u8]) -> Result<Vec<Passkey>> {
        let rows = sqlx::query("SELECT passkey FROM passkeys WHERE credential = ? LIMIT 8")
            .bind(credential)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| decode(row.try_get("passkey")?)).collect()
    }

    /// The document of the passkey with this id.
    pub async fn passkey(&self, id: &PublicKey) -> Result<Option<Passkey>> {
        let row = sqlx::query("SELECT passkey FROM passkeys WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| decode(row.try_get("passkey")?)).transpose()
    }

    /// Keeps a passkey's document, and takes note of a counter. False, and nothing is changed, when the counter is not above
    /// the highest that was seen; an authenticator that keeps none always says 0.
    pub async fn note_passkey(&self, passkey: &Passkey, counter: Option<u32>) -> Result<bool> {
        let id = passkey.id();
        let mut tx = self.begin().await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT counter FROM passkeys WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&mut *tx.tx)
            .await?;
        let last = last.unwrap_or(0);
        let next = counter.map_or(last, i64::from);
        if counter.is_some() && next <= last && (last, next) != (0, 0) {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO passkeys (id, credential, passkey, counter) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET counter = excluded.counter",
        )
        .bind(id.0.as_slice())
        .bind(passkey.credential.as_slice())
        .bind(encode(passkey))
        .bind(next)
        .execute(&mut *tx.tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}

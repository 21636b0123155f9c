//! Wallets: the highest certificate of each.

use super::{Result, Store, decode, encode, fixed, int, now, uint};
use quorate_coordination::Certificate;
use quorate_intent::{Body, IntentId, SignedIntent, WalletId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A wallet's highest certificate.
#[derive(Clone, Debug)]
pub struct WalletRow {
    /// Its place in the list.
    pub sequence: u64,
    /// The certificate.
    pub certificate: Certificate,
    /// Since when this gateway knows it, Unix seconds; 0 where that was not noted yet.
    pub since: u64,
}

/// When a wallet is refreshed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// The wallet.
    pub wallet: WalletId,
    /// The order that carries the schedule.
    pub intent: IntentId,
    /// When the next refresh is due, Unix seconds.
    pub due: u64,
    /// Why the last one did not come to its end, if it did not.
    pub problem: Option<String>,
}

impl Store {
    /// Keeps a certificate that was checked, unless one at or above it is known; true when it is new.
    pub async fn put_wallet(&self, certificate: &Certificate) -> Result<bool> {
        let id = certificate.record.wallet.0;
        let mut tx = self.begin().await?;
        let held: Option<Vec<u8>> = sqlx::query_scalar("SELECT certificate FROM wallets WHERE id = ?")
            .bind(id.as_slice())
            .fetch_optional(&mut *tx.tx)
            .await?;
        if let Some(held) = held
            && decode::<Certificate>(&held)?.rank() >= certificate.rank()
        {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO wallets (id, certificate, since) VALUES (?, ?, ?) ON CONFLICT (id)
             DO UPDATE SET certificate = excluded.certificate, since = excluded.since",
        )
        .bind(id.as_slice())
        .bind(encode(certificate))
        .bind(int(now()))
        .execute(&mut *tx.tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A wallet.
    pub async fn wallet_row(&self, id: &WalletId) -> Result<Option<WalletRow>> {
        let row = sqlx::query("SELECT sequence, certificate, since FROM wallets WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A wallet's certificate.
    pub async fn wallet(&self, id: &WalletId) -> Result<Option<Certificate>> {
        Ok(self.wallet_row(id).await?.map(|row| row.certificate))
    }

    /// Wallets, newest first.
    pub async fn wallets(&self, before: Option<u64>, limit: u32) -> Result<Vec<WalletRow>> {
        let rows = sqlx::query(
            "SELECT sequence, certificate, since FROM wallets WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
        )
        .bind(before.map_or(i64::MAX, int))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// All certificates, oldest first.
    pub async fn all_wallets(&self) -> Result<Vec<Certificate>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT certificate FROM wallets ORDER BY sequence")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|bytes| decode(bytes)).collect()
    }

    /// The highest number of an order for a wallet that nodes may have accepted: one that was approved, whatever became of
    /// it.
    pub async fn highest_order(&self, wallet: &WalletId) -> Result<u64> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT signed FROM intents WHERE wallet = ? AND kind = 'order' AND EXISTS
             (SELECT 1 FROM transitions WHERE intent = intents.id AND state = 'approved')",
        )
        .bind(wallet.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        let mut highest = 0;
        for bytes in rows {
            if let Body::Order(order) = decode::<SignedIntent>(&bytes)?.intent.body {
                highest = highest.max(order.number);
            }
        }
        Ok(highest)
    }

    /// Puts a wallet's schedule in place of the one before; none ends it.
    pub async fn set_schedule(&self, wallet: &WalletId, new: Option<(IntentId, u64)>) -> Result<()> {
        let mut tx = self.begin().await?;
        match new {
            Some((intent, due)) => {
                sqlx::query(
                    "INSERT INTO schedules (wallet, intent, due, problem) VALUES (?, ?, ?, NULL) ON CONFLICT (wallet)
                     DO UPDATE SET intent = excluded.intent, due = excluded.due, problem = NULL",
                )
                .bind(wallet.0.as_slice())
                .bind(intent.0.as_slice())
                .bind(int(due))
                .execute(&mut *tx.tx)
                .await?
            }
            None => {
                sqlx::query("DELETE FROM schedules WHERE wallet = ?")
                    .bind(wallet.0.as_slice())
                    .execute(&mut *tx.tx)
                    .await?
            }
        };
        tx.commit().await
    }

    /// Moves the schedule of one order to its next time, with the problem of the last if it had one. Nothing happens when
    /// another order has taken its place.
    pub async fn move_schedule(
        &self,
        wallet: &WalletId,
        intent: &IntentId,
        due: u64,
        problem: Option<&str>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE schedules SET due = ?, problem = ? WHERE wallet = ? AND intent = ?")
            .bind(int(due))
            .bind(problem)
            .bind(wallet.0.as_slice())
            .bind(intent.0.as_slice())
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// A wallet's schedule.
    pub async fn schedule(&self, wallet: &WalletId) -> Result<Option<ScheduleRow>> {
        let row = sqlx::query("SELECT * FROM schedules WHERE wallet = ?")
            .bind(wallet.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(schedule).transpose()
    }

    /// Schedules that are due.
    pub async fn due_schedules(&self, now: u64) -> Result<Vec<ScheduleRow>> {
        let rows = sqlx::query("SELECT * FROM schedules WHERE due <= ?")
            .bind(int(now))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(schedule).collect()
    }
}

fn read(row: &SqliteRow) -> Result<WalletRow> {
    Ok(WalletRow {
        sequence: uint(row.try_get("sequence")?),
        certificate: decode(row.try_get("certificate")?)?,
        since: uint(row.try_get("since")?),
    })
}

fn schedule(row: &SqliteRow) -> Result<ScheduleRow> {
    Ok(ScheduleRow {
        wallet: WalletId(fixed(row.try_get("wallet")?)?),
        intent: IntentId(fixed(row.try_get("intent")?)?),
        due: uint(row.try_get("due")?),
        problem: row.try_get("problem")?,
    })
}

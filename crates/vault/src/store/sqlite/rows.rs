//! Every statement that reads or changes rows.

use crate::VaultError;
use crate::store::{Bytes, LedgerRow, ShareRow};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

/// Access to the rows, inside or outside a transaction.
pub struct Rows<'a>(pub(super) &'a mut SqliteConnection);

/// SQLite counts in signed 64 bits.
fn signed(number: u64) -> Result<i64, VaultError> {
    i64::try_from(number).map_err(|_| VaultError::Storage(format!("{number} is too large for the database")))
}

fn unsigned(number: i64) -> Result<u64, VaultError> {
    u64::try_from(number).map_err(|_| VaultError::corrupt("a row number", format!("it is {number}")))
}

fn ledger_row(row: &SqliteRow) -> Result<LedgerRow, VaultError> {
    Ok(LedgerRow { intent: row.try_get(0)?, form: row.try_get(1)?, sequence: unsigned(row.try_get(2)?)? })
}

fn numbered(row: &SqliteRow) -> Result<(u64, Bytes), VaultError> {
    Ok((unsigned(row.try_get(0)?)?, row.try_get(1)?))
}

impl Rows<'_> {
    /// A row of `meta`.
    pub async fn meta(&mut self, name: &str) -> Result<Option<Bytes>, VaultError> {
        let query = sqlx::query_scalar("SELECT value FROM meta WHERE name = ?1").bind(name);
        Ok(query.fetch_optional(&mut *self.0).await?)
    }

    /// Writes a row of `meta`.
    pub async fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let statement = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(statement).bind(name).bind(value).execute(&mut *self.0).await?;
        Ok(())
    }

    /// A setting.
    pub async fn setting(&mut self, name: &str) -> Result<Option<Bytes>, VaultError> {
        let query = sqlx::query_scalar("SELECT sealed FROM settings WHERE name = ?1").bind(name);
        Ok(query.fetch_optional(&mut *self.0).await?)
    }

    /// Writes a setting.
    pub async fn put_setting(&mut self, name: &str, sealed: &[u8]) -> Result<(), VaultError> {
        let statement = "INSERT INTO settings (name, sealed) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed";
        sqlx::query(statement).bind(name).bind(sealed).execute(&mut *self.0).await?;
        Ok(())
    }

    /// The names of all settings.
    pub async fn setting_names(&mut self) -> Result<Vec<String>, VaultError> {
        Ok(sqlx::query_scalar("SELECT name FROM settings ORDER BY name").fetch_all(&mut *self.0).await?)
    }

    /// The order that a key accepted last.
    pub async fn order(&mut self, wallet: &[u8]) -> Result<Option<Bytes>, VaultError> {
        let query = sqlx::query_scalar("SELECT sealed FROM orders WHERE wallet = ?1").bind(wallet);
        Ok(query.fetch_optional(&mut *self.0).await?)
    }

    /// Writes it.
    pub async fn put_order(&mut self, wallet: &[u8], sealed: &[u8]) -> Result<(), VaultError> {
        let statement = "INSERT INTO orders (wallet, sealed) VALUES (?1, ?2)
            ON CONFLICT (wallet) DO UPDATE SET sealed = excluded.sealed";
        sqlx::query(statement).bind(wallet).bind(sealed).execute(&mut *self.0).await?;
        Ok(())
    }

    /// Adds a share.
    pub async fn insert_share(&mut self, wallet: &[u8], row: &ShareRow) -> Result<(), VaultError> {
        sqlx::query("INSERT INTO shares (wallet, attempt, secret, public) VALUES (?1, ?2, ?3, ?4)")
            .bind(wallet)
            .bind(&row.attempt)
            .bind(&row.secret)
            .bind(&row.public)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// A key's shares, lowest attempt first.
    pub async fn shares(&mut self, wallet: &[u8]) -> Result<Vec<ShareRow>, VaultError> {
        let query = "SELECT attempt, secret, public FROM shares WHERE wallet = ?1 ORDER BY attempt";
        let rows = sqlx::query(query).bind(wallet).fetch_all(&mut *self.0).await?;
        rows.iter()
            .map(|row| {
                Ok(ShareRow { attempt: row.try_get(0)?, secret: row.try_get(1)?, public: row.try_get(2)? })
            })
            .collect()
    }

    /// One share.
    pub async fn share(&mut self, wallet: &[u8], attempt: &[u8]) -> Result<Option<ShareRow>, VaultError> {
        let query = "SELECT attempt, secret, public FROM shares WHERE wallet = ?1 AND attempt = ?2";
        let row = sqlx::query(query).bind(wallet).bind(attempt).fetch_optional(&mut *self.0).await?;
        row.map(|row| {
            Ok(ShareRow { attempt: row.try_get(0)?, secret: row.try_get(1)?, public: row.try_get(2)? })
        })
        .transpose()
    }

    /// How many shares a key has, pending ones included.
    pub async fn count_shares(&mut self, wallet: &[u8]) -> Result<u64, VaultError> {
        let query = sqlx::query_scalar("SELECT count(*) FROM shares WHERE wallet = ?1").bind(wallet);
        unsigned(query.fetch_one(&mut *self.0).await?)
    }

    /// Deletes a share.
    pub async fn delete_share(&mut self, wallet: &[u8], attempt: &[u8]) -> Result<(), VaultError> {
        let statement = "DELETE FROM shares WHERE wallet = ?1 AND attempt = ?2";
        sqlx::query(statement).bind(wallet).bind(attempt).execute(&mut *self.0).await?;
        Ok(())
    }

    /// A key's highest certificate: its attempt and the sealed bytes.
    pub async fn certificate(&mut self, wallet: &[u8]) -> Result<Option<(Bytes, Bytes)>, VaultError> {
        let query = "SELECT attempt, sealed FROM certificates WHERE wallet = ?1";
        let row = sqlx::query(query).bind(wallet).fetch_optional(&mut *self.0).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Writes it.
    pub async fn put_certificate(
        &mut self,
        wallet: &[u8],
        attempt: &[u8],
        sealed: &[u8],
    ) -> Result<(), VaultError> {
        let statement = "INSERT INTO certificates (wallet, attempt, sealed) VALUES (?1, ?2, ?3)
            ON CONFLICT (wallet) DO UPDATE SET attempt = excluded.attempt, sealed = excluded.sealed";
        sqlx::query(statement).bind(wallet).bind(attempt).bind(sealed).execute(&mut *self.0).await?;
        Ok(())
    }

    /// Every key that any row is about.
    pub async fn wallets(&mut self) -> Result<Vec<Bytes>, VaultError> {
        let query =
            "SELECT wallet FROM orders UNION SELECT wallet FROM shares UNION SELECT wallet FROM certificates
            ORDER BY 1";
        Ok(sqlx::query_scalar(query).fetch_all(&mut *self.0).await?)
    }

    /// Adds a log entry.
    pub async fn insert_entry(&mut self, sequence: u64, sealed: &[u8]) -> Result<(), VaultError> {
        let statement = "INSERT INTO log (sequence, sealed) VALUES (?1, ?2)";
        sqlx::query(statement).bind(signed(sequence)?).bind(sealed).execute(&mut *self.0).await?;
        Ok(())
    }

    /// Log entries from a sequence number on.
    pub async fn entries(&mut self, from: u64, limit: u32) -> Result<Vec<(u64, Bytes)>, VaultError> {
        let query = "SELECT sequence, sealed FROM log WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
        let rows = sqlx::query(query).bind(signed(from)?).bind(limit).fetch_all(&mut *self.0).await?;
        rows.iter().map(numbered).collect()
    }

    /// Adds a form of an intent.
    pub async fn insert_form(&mut self, row: &LedgerRow) -> Result<(), VaultError> {
        sqlx::query("INSERT INTO ledger (intent, form, sequence) VALUES (?1, ?2, ?3)")
            .bind(&row.intent)
            .bind(&row.form)
            .bind(signed(row.sequence)?)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// All forms of an intent, first signed first.
    pub async fn forms(&mut self, intent: &[u8]) -> Result<Vec<LedgerRow>, VaultError> {
        let query = "SELECT intent, form, sequence FROM ledger WHERE intent = ?1 ORDER BY sequence";
        let rows = sqlx::query(query).bind(intent).fetch_all(&mut *self.0).await?;
        rows.iter().map(ledger_row).collect()
    }

    /// Ledger rows whose log entry lies in a range, both ends included.
    pub async fn forms_between(&mut self, first: u64, last: u64) -> Result<Vec<LedgerRow>, VaultError> {
        let query =
            "SELECT intent, form, sequence FROM ledger WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence";
        let query = sqlx::query(query).bind(signed(first)?).bind(signed(last)?);
        query.fetch_all(&mut *self.0).await?.iter().map(ledger_row).collect()
    }

    /// How many rows the ledger has.
    pub async fn count_forms(&mut self) -> Result<u64, VaultError> {
        unsigned(sqlx::query_scalar("SELECT count(*) FROM ledger").fetch_one(&mut *self.0).await?)
    }

    /// The next dispute's number, from 1.
    pub async fn next_dispute(&mut self) -> Result<u64, VaultError> {
        let query = "SELECT coalesce(max(id), 0) + 1 FROM disputes";
        unsigned(sqlx::query_scalar(query).fetch_one(&mut *self.0).await?)
    }

    /// Adds a dispute.
    pub async fn insert_dispute(&mut self, id: u64, sealed: &[u8]) -> Result<(), VaultError> {
        let statement = "INSERT INTO disputes (id, sealed) VALUES (?1, ?2)";
        sqlx::query(statement).bind(signed(id)?).bind(sealed).execute(&mut *self.0).await?;
        Ok(())
    }

    /// Disputes from a number on.
    pub async fn disputes(&mut self, from: u64, limit: u32) -> Result<Vec<(u64, Bytes)>, VaultError> {
        let query = "SELECT id, sealed FROM disputes WHERE id >= ?1 ORDER BY id LIMIT ?2";
        let rows = sqlx::query(query).bind(signed(from)?).bind(limit).fetch_all(&mut *self.0).await?;
        rows.iter().map(numbered).collect()
    }
}

//! Tables, their versions, and the check that a file has exactly these.

use crate::VaultError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

/// "Quor" in ASCII: marks the file as a vault.
const APPLICATION: i64 = 0x5175_6f72;

/// What each schema version adds. Never change one that was released; add another.
///
/// Lengths are limited here so that `integrity_check` refuses an oversized row before anything reads it.
const MIGRATIONS: [&str; 1] = ["
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL CHECK (length(value) <= 1048576)) STRICT, WITHOUT ROWID;
CREATE TABLE orders (wallet BLOB PRIMARY KEY CHECK (length(wallet) = 16),
    sealed BLOB NOT NULL CHECK (length(sealed) <= 1024)) STRICT, WITHOUT ROWID;
CREATE TABLE shares (wallet BLOB NOT NULL CHECK (length(wallet) = 16), attempt BLOB NOT NULL CHECK (length(attempt) = 44),
    secret BLOB NOT NULL CHECK (length(secret) <= 65536), public BLOB NOT NULL CHECK (length(public) <= 1048576),
    PRIMARY KEY (wallet, attempt)) STRICT;
CREATE TABLE certificates (wallet BLOB PRIMARY KEY CHECK (length(wallet) = 16),
    attempt BLOB NOT NULL CHECK (length(attempt) = 44),
    sealed BLOB NOT NULL CHECK (length(sealed) <= 1048576)) STRICT;
CREATE TABLE log (sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL CHECK (length(sealed) <= 262144)) STRICT;
CREATE TABLE ledger (intent BLOB NOT NULL CHECK (length(intent) = 32), form BLOB NOT NULL CHECK (length(form) = 32),
    sequence INTEGER NOT NULL UNIQUE REFERENCES log (sequence), PRIMARY KEY (intent, form)) STRICT, WITHOUT ROWID;
CREATE TABLE disputes (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL CHECK (length(sealed) <= 262144)) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY CHECK (length(name) <= 64),
    sealed BLOB NOT NULL CHECK (length(sealed) <= 131072)) STRICT, WITHOUT ROWID;
"];

/// The newest schema that this program knows.
pub const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Migrates a known older (or, if `fresh`, an empty) file and checks the result.
pub async fn prepare(connection: &mut SqliteConnection, fresh: bool) -> Result<(), VaultError> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    if !fresh {
        if application == 0 && found == 0 {
            let problem = "it is empty or its creation was interrupted; remove it and create it again";
            return Err(VaultError::corrupt("the vault file", problem));
        }
        if application != APPLICATION || found < 1 {
            return Err(VaultError::corrupt("the vault file", "it is a database of another program"));
        }
        if found > KNOWN {
            return Err(VaultError::FutureSchema { found, known: KNOWN });
        }
    }
    migrate(connection, found).await?;
    let mut reference = SqliteConnection::connect("sqlite::memory:").await?;
    migrate(&mut reference, 0).await?;
    // A planted trigger could undo a ledger entry in the very write that makes it.
    if objects(connection).await? != objects(&mut reference).await? {
        return Err(VaultError::corrupt("the vault file", "its tables are not those of this program"));
    }
    // The full check: a damaged index would hide a share that is there.
    let sound: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_all(&mut *connection).await?;
    match sound.first().map(String::as_str) {
        Some("ok") => Ok(()),
        problem => {
            Err(VaultError::corrupt("the vault file", problem.unwrap_or("integrity_check said nothing")))
        }
    }
}

async fn migrate(connection: &mut SqliteConnection, from: i64) -> Result<(), VaultError> {
    let from = usize::try_from(from).unwrap_or(0);
    for (at, statements) in MIGRATIONS.iter().enumerate().skip(from) {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(*statements).execute(&mut *tx).await?;
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};", at + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn objects(connection: &mut SqliteConnection) -> Result<Vec<[Option<String>; 4]>, VaultError> {
    let list = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    let rows = sqlx::query(list).fetch_all(connection).await?;
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        objects.push([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?]);
    }
    Ok(objects)
}

//! Tables and their versions.

use crate::GatewayError;
use sqlx::SqlitePool;

/// "QuoG" in ASCII: marks the file as a gateway's.
const APPLICATION: i64 = 0x5175_6f47;

/// What each schema version adds. Never change one that was released; add another.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    rule TEXT,
    expires INTEGER NOT NULL,
    signed BLOB NOT NULL,
    plan BLOB,
    summary TEXT,
    request BLOB,
    attempt INTEGER NOT NULL DEFAULT 0,
    asked INTEGER NOT NULL DEFAULT 0,
    outcome TEXT) STRICT;
CREATE INDEX intents_state ON intents (state);
CREATE INDEX intents_wallet ON intents (wallet);
CREATE TABLE transitions (
    intent BLOB NOT NULL REFERENCES intents (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    rule TEXT,
    PRIMARY KEY (intent, number)) STRICT, WITHOUT ROWID;
CREATE TABLE approvals (
    intent BLOB NOT NULL REFERENCES intents (id),
    approver BLOB NOT NULL CHECK (length(approver) = 32),
    approval BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (intent, approver)) STRICT, WITHOUT ROWID;
CREATE TABLE wallets (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    certificate BLOB NOT NULL) STRICT;
CREATE TABLE transactions (
    network TEXT NOT NULL,
    txid TEXT NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (network, txid)) STRICT, WITHOUT ROWID;
CREATE TABLE coins (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    network TEXT NOT NULL,
    txid TEXT NOT NULL,
    vout INTEGER NOT NULL,
    account INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (wallet, resource),
    FOREIGN KEY (network, txid) REFERENCES transactions (network, txid)) STRICT;
-- What an intent's transaction uses up; kept for good once its partial signatures were asked for.
CREATE TABLE resources (
    resource TEXT PRIMARY KEY,
    intent BLOB NOT NULL REFERENCES intents (id)) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    caller BLOB NOT NULL CHECK (length(caller) = 32),
    key TEXT NOT NULL,
    request BLOB NOT NULL CHECK (length(request) = 32),
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)) STRICT, WITHOUT ROWID;
CREATE TABLE nonces (
    caller BLOB NOT NULL CHECK (length(caller) = 32),
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    time INTEGER NOT NULL,
    PRIMARY KEY (caller, nonce)) STRICT, WITHOUT ROWID;
",
    "
-- 1: its partial signatures go by file; the coordinator asks no node.
ALTER TABLE intents ADD COLUMN by_file INTEGER NOT NULL DEFAULT 0;
",
    "
-- What changes the dispute graph, in order; soft edges apart, since they fade.
CREATE TABLE disputes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    reporter BLOB NOT NULL CHECK (length(reporter) = 32),
    accused BLOB NOT NULL CHECK (length(accused) = 32),
    condemns INTEGER NOT NULL,
    event BLOB NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    report BLOB) STRICT;
CREATE INDEX disputes_parties ON disputes (reporter, accused);
CREATE TABLE soft_edges (pair BLOB PRIMARY KEY, edge BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dispute_cursors (node BLOB PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (record BLOB PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
    "
-- Step `number` led to governance version `number`; the genesis is version 0.
CREATE TABLE governance (number INTEGER PRIMARY KEY, step BLOB NOT NULL) STRICT;
-- Since when the certificate is known here, Unix seconds.
ALTER TABLE wallets ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
CREATE TABLE schedules (
    wallet BLOB PRIMARY KEY CHECK (length(wallet) = 16),
    intent BLOB NOT NULL REFERENCES intents (id),
    due INTEGER NOT NULL,
    problem TEXT) STRICT, WITHOUT ROWID;
",
    "
-- A transaction's certificate; complete once every signer's verdict stands under a head that enough witnesses cosigned.
CREATE TABLE certificates (
    intent BLOB PRIMARY KEY REFERENCES intents (id),
    certificate BLOB NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    tried INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_pending ON certificates (tried) WHERE NOT complete;
",
    include_str!("service.sql"),
];

/// Brings an empty or older file of ours up to date; refuses any other.
pub async fn prepare(pool: &SqlitePool) -> Result<(), GatewayError> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(pool).await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(pool).await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(pool).await?;
    let known = MIGRATIONS.len();
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(GatewayError::Store("is a database of another program; give another file".into()));
    }
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > known {
        let problem = format!("has schema {found}, this program knows {known}; take a newer program");
        return Err(GatewayError::Store(problem));
    }
    for (at, statements) in MIGRATIONS.iter().enumerate().skip(found) {
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(*statements).execute(&mut *tx).await?;
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};", at + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

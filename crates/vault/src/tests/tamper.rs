//! What a file that was changed, cut or exchanged is answered with.

use super::crash::state;
use super::*;
use crate::{Body, DisputeRecord, Severity};
use quorate_audit::AuditError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

/// A vault with something in every table, closed, so that all of it is in the one file.
async fn full() -> (tempfile::TempDir, PathBuf) {
    let (folder, path, vault) = fresh().await;
    for wallet in [WalletId([1; 16]), WalletId([2; 16])] {
        accept(&vault, wallet, 2, 3, Hash([1; 32])).await.unwrap();
        for n in 1..=3 {
            put(&vault, wallet, share(attempt(2, n, 1), &[n as u8; 64])).await.unwrap();
        }
        vault.activate(wallet, attempt(2, 2, 1), b"certificate".to_vec()).await.unwrap();
    }
    for n in 1..=3 {
        vault.will_sign(will_sign(n, 1, &[1])).await.unwrap();
        vault.will_sign(will_sign(n, 2, &[1])).await.unwrap();
        vault.append(Body::Unlocked).await.unwrap();
        vault.will_sign(will_sign(n, 1, &[1])).await.unwrap();
        vault.set(&format!("name{n}"), b"value").await.unwrap();
        let (peer, severity, what) = (PublicKey([1; 32]), Severity::HardEdge, "what".into());
        vault.dispute(DisputeRecord { peer, severity, what, time: 1, evidence: vec![1] }).await.unwrap();
    }
    vault.close().await.unwrap();
    (folder, path)
}

pub async fn sql(path: &Path, statement: &str) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(path.join("vault.db")).foreign_keys(false);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.unwrap();
}

/// Applies each change to a fresh copy; it must be refused, and the untouched copy must open.
async fn each_is_refused(path: &Path, changes: &[String]) {
    let copy = path.with_file_name("control");
    snapshot(path, &copy);
    Vault::open(&copy, key()).await.unwrap().close().await.unwrap();
    for (n, change) in changes.iter().enumerate() {
        let copy = path.with_file_name(format!("copy{n}"));
        snapshot(path, &copy);
        sql(&copy, change).await;
        let error = refused(&copy, key()).await;
        let told = matches!(error, VaultError::Corrupt { .. } | VaultError::Audit(_) | VaultError::WrongKey);
        assert!(told, "{change}: {error}");
    }
}

#[tokio::test]
async fn any_two_swapped_rows_are_refused() {
    let (_folder, path) = full().await;
    let mut changes = Vec::new();
    // Within a table: every pair of rows of each sealed column.
    for (table, column, order, rows) in [
        ("meta", "value", "name", 3),
        ("orders", "sealed", "wallet", 2),
        ("shares", "secret", "wallet, attempt", 4),
        ("shares", "public", "wallet, attempt", 4),
        ("certificates", "sealed", "wallet", 2),
        ("log", "sealed", "sequence", 5),
        ("disputes", "sealed", "id", 3),
        ("settings", "sealed", "name", 3),
    ] {
        for a in 0..rows {
            for b in 0..a {
                let pick = |n| format!("SELECT {column} FROM {table} ORDER BY {order} LIMIT 1 OFFSET {n}");
                let mut set =
                    format!("CREATE TEMP TABLE x AS SELECT ({}) AS a, ({}) AS b;", pick(a), pick(b));
                set.push_str(&format!(
                    "UPDATE {table} SET {column} = CASE {column} WHEN (SELECT a FROM x) THEN (SELECT b FROM x)
                     WHEN (SELECT b FROM x) THEN (SELECT a FROM x) ELSE {column} END;"
                ));
                changes.push(set);
            }
        }
    }
    // Across tables and columns.
    for (to, from) in [
        ("shares SET secret", "public FROM shares"),
        ("shares SET public", "secret FROM shares"),
        ("certificates SET sealed", "public FROM shares"),
        ("orders SET sealed", "sealed FROM settings"),
        ("settings SET sealed", "sealed FROM disputes"),
        ("disputes SET sealed", "sealed FROM log"),
    ] {
        changes.push(format!("UPDATE {to} = (SELECT {from} LIMIT 1)"));
    }
    // The same row under another key or epoch.
    for change in [
        "UPDATE orders SET wallet = zeroblob(16) WHERE wallet = (SELECT max(wallet) FROM orders)",
        "UPDATE shares SET wallet = zeroblob(16) WHERE rowid = (SELECT max(rowid) FROM shares)",
        "UPDATE shares SET attempt = zeroblob(44) WHERE rowid = 2",
        "UPDATE certificates SET attempt = (SELECT max(attempt) FROM shares)",
        "UPDATE certificates SET wallet = zeroblob(16) WHERE wallet = (SELECT max(wallet) FROM certificates)",
        "UPDATE settings SET name = 'other' WHERE name = 'name1'",
        "UPDATE disputes SET id = 77 WHERE id = 1",
    ] {
        changes.push(change.to_owned());
    }
    each_is_refused(&path, &changes).await;
}

#[tokio::test]
async fn changes_to_the_log_the_ledger_and_the_schema_are_refused() {
    let (_folder, path) = full().await;
    let changes = [
        "DELETE FROM log WHERE sequence = (SELECT max(sequence) FROM log)",
        "DELETE FROM log WHERE sequence = 2",
        "DELETE FROM log WHERE sequence = 0",
        "DELETE FROM log",
        "UPDATE log SET sequence = 100 WHERE sequence = 11",
        "INSERT INTO log SELECT 12, sealed FROM log WHERE sequence = 11",
        "DELETE FROM ledger WHERE sequence = 0",
        "DELETE FROM ledger WHERE sequence = 1",
        "DELETE FROM ledger",
        "UPDATE ledger SET sequence = 2 WHERE sequence = 1",
        "UPDATE ledger SET sequence = 3 WHERE sequence = 0",
        "UPDATE ledger SET sequence = 99 WHERE sequence = 0",
        "UPDATE ledger SET form = zeroblob(32) WHERE sequence = 1",
        "UPDATE ledger SET intent = zeroblob(32) WHERE sequence = 1",
        "INSERT INTO ledger VALUES (zeroblob(32), zeroblob(32), 2)",
        "INSERT INTO ledger VALUES (zeroblob(32), zeroblob(32), -1)",
        "DELETE FROM meta WHERE name = 'head'",
        "DELETE FROM meta WHERE name = 'identity'",
        "DELETE FROM meta WHERE name = 'header'",
        "UPDATE meta SET value = zeroblob(40) WHERE name = 'header'",
        "UPDATE meta SET value = x'' WHERE name = 'head'",
        "CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM ledger; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE disputes",
        "ALTER TABLE settings ADD COLUMN more TEXT",
        "PRAGMA ignore_check_constraints = ON; UPDATE log SET sealed = zeroblob(300000) WHERE sequence = 1",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 0",
    ];
    each_is_refused(&path, &changes.map(str::to_owned)).await;
}

/// Whoever restores a node must know from where the log is missing, and not only that it does not fit.
#[tokio::test]
async fn a_missing_entry_is_named() {
    let (_folder, path) = full().await;
    sql(&path, "DELETE FROM log WHERE sequence = 2").await;
    let error = refused(&path, key()).await;
    let VaultError::Audit(AuditError::Broken { sequence: 2, problem }) = error else { panic!("{error}") };
    assert_eq!(problem, "it is missing, the next is 3");
}

/// A sealed share of an epoch that is over still opens in its place. Put back into the file, it is found at the start.
#[tokio::test]
async fn a_share_below_the_active_epoch_that_is_put_back_is_refused() {
    let (_folder, path, vault) = fresh().await;
    accept(&vault, WALLET, 2, 3, Hash([1; 32])).await.unwrap();
    for n in 1..=2 {
        put(&vault, WALLET, share(attempt(2, n, 1), &[n as u8; 64])).await.unwrap();
    }
    let before = path.with_file_name("before");
    snapshot(&path, &before);
    vault.activate(WALLET, attempt(2, 2, 1), b"certificate".to_vec()).await.unwrap();
    vault.close().await.unwrap();
    let old = before.join("vault.db");
    let back = format!(
        "ATTACH '{}' AS old; INSERT INTO shares SELECT * FROM old.shares AS o
         WHERE NOT EXISTS (SELECT 1 FROM shares AS s WHERE s.attempt = o.attempt);",
        old.display()
    );
    sql(&path, &back).await;
    let error = refused(&path, key()).await;
    let VaultError::Corrupt { problem, .. } = &error else { panic!("{error}") };
    assert_eq!(*problem, format!("the share of {} should have been erased", attempt(2, 1, 1)));
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_advice() {
    let (_folder, path) = full().await;
    sql(&path, "PRAGMA user_version = 2").await;
    let error = refused(&path, key()).await;
    assert!(matches!(error, VaultError::FutureSchema { found: 2, known: 1 }));
    assert!(error.to_string().contains("newer program"));
    sql(&path, "PRAGMA user_version = 1").await;
    Vault::open(&path, key()).await.unwrap();
}

/// Argon2id parameters in a file are held between a floor and a ceiling; the header is in the clear.
#[tokio::test]
async fn parameters_that_are_too_cheap_or_too_dear_are_refused() {
    let (_folder, path) = place();
    let unlock = || Unlock::passphrase("correct horse battery");
    Vault::create(&path, unlock()).await.unwrap().close().await.unwrap();
    // borsh of Header: the method's number, then memory, passes and lanes, 4 bytes each, little-endian.
    for (n, (at, value)) in [
        (2, "08000000"),
        (2, "FFFFFFFF"),
        (6, "01000000"),
        (6, "00010000"),
        (10, "00000000"),
        (10, "00010000"),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = path.with_file_name(format!("copy{n}"));
        snapshot(&path, &copy);
        let change = format!(
            "UPDATE meta SET value = CAST(substr(value, 1, {}) || x'{value}' || substr(value, {}) AS BLOB) WHERE name = 'header'",
            at - 1,
            at + 4
        );
        sql(&copy, &change).await;
        let error = refused(&copy, unlock()).await;
        assert!(matches!(error, VaultError::Corrupt { .. }), "{at}: {error}");
    }
    // Legal but other parameters, and another salt, are another key.
    for (n, (at, value)) in [(2, "00980000"), (14, "00000000")].into_iter().enumerate() {
        let copy = path.with_file_name(format!("other{n}"));
        snapshot(&path, &copy);
        let change = format!(
            "UPDATE meta SET value = CAST(substr(value, 1, {}) || x'{value}' || substr(value, {}) AS BLOB) WHERE name = 'header'",
            at - 1,
            at + 4
        );
        sql(&copy, &change).await;
        let error = refused(&copy, unlock()).await;
        assert!(matches!(error, VaultError::WrongKey), "{at}: {error}");
    }
}

/// A flipped byte anywhere in the file either changes nothing that is used, or is refused; never another content.
#[tokio::test]
async fn flipped_bytes_and_cut_files_never_give_other_content() {
    let (_folder, path) = full().await;
    let whole = std::fs::read(path.join("vault.db")).unwrap();
    let control = Vault::open(&path, key()).await.unwrap();
    let wanted = (state(&control).await, control.log(0, 100).await.unwrap());
    control.close().await.unwrap();
    let copy = path.with_file_name("copy");
    snapshot(&path, &copy);
    let file = copy.join("vault.db");
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).step_by(31).collect();
    let mut refusals = 0;
    for at in &used {
        let mut bad = whole.clone();
        bad[*at] ^= 0x10;
        std::fs::write(&file, &bad).unwrap();
        let _ = std::fs::remove_file(copy.join("vault.db-wal"));
        match Vault::open(&copy, key()).await {
            Err(_) => refusals += 1,
            Ok(vault) => {
                assert_eq!((state(&vault).await, vault.log(0, 100).await.unwrap()), wanted, "byte {at}");
                vault.close().await.unwrap();
            }
        }
    }
    println!("{refusals} of {} flipped bytes refused, the others changed nothing", used.len());
    assert!(refusals * 2 > used.len(), "{refusals} of {}", used.len());
    for length in (0..whole.len()).step_by(1777) {
        std::fs::write(&file, &whole[..length]).unwrap();
        let _ = std::fs::remove_file(copy.join("vault.db-wal"));
        let error = refused(&copy, key()).await;
        assert!(!error.to_string().is_empty());
    }
    std::fs::write(&file, b"not a database at all, but long enough to be looked at as one".repeat(99))
        .unwrap();
    assert!(matches!(refused(&copy, key()).await, VaultError::Corrupt { .. }));
}

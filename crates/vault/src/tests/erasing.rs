//! Shares by epoch, and that erased ones are gone from every file (§2.3).

use super::tamper::sql;
use super::*;
use crate::{Activation, Body, Erasure};
use sqlx::{ConnectOptions, Connection};
use std::collections::HashSet;

/// The rows of shares as they stand on the disk.
async fn ciphertexts(vault: &Vault, wallet: &WalletId) -> Vec<Vec<u8>> {
    let mut core = vault.shared.core.lock().await;
    let rows = core.store().unwrap().rows().shares(&wallet.0).await.unwrap();
    rows.into_iter().flat_map(|row| [row.secret, row.public]).collect()
}

/// How many 16-byte samples, one at every 8th byte of the needles, occur anywhere in the folder's files. Any piece of
/// 24 bytes holds a whole sample.
fn found(folder: &Path, needles: &[Vec<u8>]) -> usize {
    let samples: HashSet<&[u8]> = needles.iter().flat_map(|needle| needle.windows(16).step_by(8)).collect();
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.map(|file| file.windows(16).filter(|window| samples.contains(window)).count()).sum()
}

/// Bytes that do not occur by chance.
fn secret(seed: u8, length: usize) -> Vec<u8> {
    quorate_sharing::Transcript::new("test").number("seed", seed.into()).expand(length)
}

async fn pend(vault: &Vault, wallet: WalletId, attempt: Attempt, secret: &[u8]) {
    let _ = accept(vault, wallet, attempt.order_number, attempt.attempt_try, Hash([1; 32])).await;
    put(vault, wallet, share(attempt, secret)).await.unwrap();
}

#[tokio::test]
async fn pending_active_and_what_lies_below_and_above() {
    let (_folder, path, vault) = fresh().await;
    let (one, two, three) = (attempt(2, 1, 5), attempt(2, 2, 4), attempt(2, 3, 3));
    for (n, a) in [(1, one), (2, two), (3, three)] {
        pend(&vault, WALLET, a, &[n; 32]).await;
    }
    let vault = reopen(vault, &path).await;
    assert!(vault.active(&WALLET).await.unwrap().is_none());
    let attempts = |shares: Vec<Share>| shares.into_iter().map(|share| share.attempt).collect::<Vec<_>>();
    assert_eq!(attempts(vault.pendings(&WALLET).await.unwrap()), [one, two, three]);

    let done = vault.activate(WALLET, two, b"certificate".to_vec()).await.unwrap();
    assert_eq!(done, Activation { activated: true, share: true, erased: Erasure::Done });
    let vault = reopen(vault, &path).await;
    let active = vault.active(&WALLET).await.unwrap().unwrap();
    assert_eq!((active.attempt, active.secret.as_slice()), (two, [2; 32].as_slice()));
    assert_eq!((active.record.as_slice(), active.prepared.as_slice()), (&b"record"[..], &b"prepared"[..]));
    assert_eq!(attempts(vault.pendings(&WALLET).await.unwrap()), [three]);
    assert_eq!(vault.certificate(&WALLET).await.unwrap(), Some((two, b"certificate".to_vec())));

    // A lower certificate is ignored, the same one again is harmless.
    let lower = vault.activate(WALLET, one, b"old".to_vec()).await.unwrap();
    assert_eq!(lower, Activation { activated: false, share: true, erased: Erasure::Done });
    assert_eq!(vault.certificate(&WALLET).await.unwrap().unwrap().0, two);
    assert!(vault.activate(WALLET, two, b"certificate".to_vec()).await.unwrap().activated);

    // A certificate for an epoch that this node is no recipient of erases everything at and below it.
    let above = attempt(3, 1, 0);
    let gone = vault.activate(WALLET, above, b"without us".to_vec()).await.unwrap();
    assert_eq!(gone, Activation { activated: true, share: false, erased: Erasure::Done });
    let vault = reopen(vault, &path).await;
    assert!(vault.active(&WALLET).await.unwrap().is_none());
    assert!(vault.pendings(&WALLET).await.unwrap().is_empty());
    // What is certified binds orders too: nothing below it, and no try of it that is not above.
    for (number, attempt_try) in [(2, 9), (3, 1)] {
        let order = accept(&vault, WALLET, number, attempt_try, Hash([1; 32])).await;
        assert!(matches!(order, Err(VaultError::Order(_))), "{number} {attempt_try}");
    }
    accept(&vault, WALLET, 3, 2, Hash([1; 32])).await.unwrap();
}

/// Who withholds its signature can hold a certificate that nobody else has seen, while the others time out: a second
/// try of the same order must not make another key, nor erase the shares of the first.
#[tokio::test]
async fn a_key_is_generated_once() {
    use crate::OrderRefusal::*;
    let order = Hash([1; 32]);
    let (first, second) = (attempt(1, 1, 5), attempt(1, 2, 6));
    let (_folder, path, vault) = fresh().await;
    // Nothing signed yet: a try that timed out may be repeated.
    accept(&vault, WALLET, 1, 1, order).await.unwrap();
    accept(&vault, WALLET, 1, 2, order).await.unwrap();
    put(&vault, WALLET, share(first, b"first")).await.unwrap();
    // The second try had its number recorded before the first one's share came: it comes too late all the same.
    let late = put(&vault, WALLET, share(second, b"second")).await;
    assert!(matches!(late, Err(VaultError::Order(Kept { kept })) if kept == first), "{late:?}");
    let vault = reopen(vault, &path).await;
    let again = accept(&vault, WALLET, 1, 3, order).await;
    assert!(matches!(again, Err(VaultError::Order(Kept { kept })) if kept == first), "{again:?}");
    // A certificate of another generation erases nothing and is not kept.
    let other = vault.activate(WALLET, second, b"other".to_vec()).await;
    assert!(matches!(other, Err(VaultError::Attempt { .. })), "{other:?}");
    assert!(vault.certificate(&WALLET).await.unwrap().is_none());
    assert_eq!(vault.pendings(&WALLET).await.unwrap()[0].attempt, first);
    // The certificate of the share does its work, and from then on no other comes in, nor another try.
    assert!(vault.activate(WALLET, first, b"certificate".to_vec()).await.unwrap().share);
    for other in [second, attempt(1, 1, 4)] {
        let replaced = vault.activate(WALLET, other, b"other".to_vec()).await;
        assert!(matches!(replaced, Err(VaultError::Attempt { .. })), "{replaced:?}");
    }
    assert_eq!(vault.certificate(&WALLET).await.unwrap().unwrap().0, first);
    assert_eq!(vault.active(&WALLET).await.unwrap().unwrap().secret.as_slice(), b"first");
    let exists = accept(&vault, WALLET, 1, 3, order).await;
    assert!(matches!(exists, Err(VaultError::Order(Exists { active })) if active == first), "{exists:?}");
    let exists = put(&vault, WALLET, share(second, b"second")).await;
    assert!(matches!(exists, Err(VaultError::Order(Exists { .. }))), "{exists:?}");
    // The same certificate again is harmless, and later orders replace the epoch as they should.
    assert!(vault.activate(WALLET, first, b"certificate".to_vec()).await.unwrap().activated);
    pend(&vault, WALLET, attempt(2, 1, 1), b"reshared").await;
    assert!(vault.activate(WALLET, attempt(2, 1, 1), b"next".to_vec()).await.unwrap().share);
    assert!(!vault.activate(WALLET, first, b"certificate".to_vec()).await.unwrap().activated);
}

#[tokio::test]
async fn pendings_need_their_order_and_a_higher_attempt() {
    let (_folder, _path, vault) = fresh().await;
    let refused = |result: Result<(), VaultError>| {
        assert!(matches!(result, Err(VaultError::Attempt { .. })), "{result:?}")
    };
    refused(put(&vault, WALLET, share(attempt(1, 1, 1), b"s")).await);
    accept(&vault, WALLET, 2, 2, Hash([1; 32])).await.unwrap();
    refused(put(&vault, WALLET, share(attempt(1, 1, 1), b"s")).await);
    refused(put(&vault, WALLET, share(attempt(3, 1, 1), b"s")).await);
    refused(put(&vault, WALLET, share(attempt(2, 3, 1), b"s")).await);
    put(&vault, WALLET, share(attempt(2, 2, 1), b"s")).await.unwrap();
    refused(put(&vault, WALLET, share(attempt(2, 2, 1), b"t")).await);
    // Another transcript of the same try is another attempt.
    put(&vault, WALLET, share(attempt(2, 2, 9), b"s")).await.unwrap();
    vault.activate(WALLET, attempt(2, 2, 5), vec![]).await.unwrap();
    refused(put(&vault, WALLET, share(attempt(2, 2, 5), b"s")).await);
    refused(put(&vault, WALLET, share(attempt(2, 2, 4), b"s")).await);
    put(&vault, WALLET, share(attempt(2, 2, 6), b"s")).await.unwrap();
}

/// Each try may leave a share behind, so a gateway that tries for ever would fill the disk.
#[tokio::test]
async fn pendings_of_one_key_have_a_cap() {
    let (_folder, path, vault) = fresh().await;
    accept(&vault, WALLET, 2, 2, Hash([1; 32])).await.unwrap();
    // 4095 tries of order 2 with a transcript each, as rows; nobody opens them here.
    let many = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4095)
         INSERT INTO shares SELECT x'{}',
         CAST(x'000000000000000200000001' || CAST(printf('%032d', i) AS BLOB) AS BLOB), x'00', x'00' FROM n",
        hex::encode(WALLET.0)
    );
    sql(&path, &many).await;
    put(&vault, WALLET, share(attempt(2, 2, 1), b"s")).await.unwrap();
    let next = attempt(2, 2, 2);
    let error = put(&vault, WALLET, share(next, b"s")).await.unwrap_err();
    let VaultError::Attempt { attempt, problem } = &error else { panic!("{error}") };
    assert_eq!((*attempt, problem.as_str()), (next, "4096 shares of this key are pending"));
    // Another key has its own.
    pend(&vault, WalletId([8; 16]), next, b"s").await;
}

#[tokio::test]
async fn nothing_secret_stands_in_the_clear() {
    let (_folder, path, vault) = fresh().await;
    let share = secret(1, 600);
    pend(&vault, WALLET, attempt(1, 1, 1), &share).await;
    vault.set("name", &secret(2, 600)).await.unwrap();
    let mut entry = will_sign(1, 1, &[1]);
    entry.rule = hex::encode(secret(3, 300));
    vault.will_sign(entry.clone()).await.unwrap();
    let seed = vault.identity().expose().to_bytes().to_vec();
    let plain = [share, secret(2, 600), entry.rule.into_bytes(), seed, KEY.to_vec()];
    for _ in 0..2 {
        assert_eq!(found(&path, &plain), 0);
        // The scan finds what is there: the sealed rows, and a planted secret.
        assert!(found(&path, &ciphertexts(&vault, &WALLET).await) > 0);
        let _ = vault.erase().await.unwrap();
    }
    std::fs::write(path.join("planted"), &plain[0][100..130]).unwrap();
    assert!(found(&path, &plain) > 0);
}

#[tokio::test]
async fn erased_shares_are_gone_from_every_file() {
    let (_folder, path, vault) = fresh().await;
    let mut erased = Vec::new();
    let mut lengths = (40..).step_by(397).map(|n| n % 7000 + 32);
    for epoch in 1..=8u64 {
        for wallet in (0..12u8).map(|n| WalletId([n; 16])) {
            pend(&vault, wallet, attempt(epoch, 1, 1), &secret(1, lengths.next().unwrap())).await;
            let mut refusal = will_sign(epoch as u8, 1, &[1]);
            refusal.intent.0[0] = wallet.0[0];
            vault.will_sign(refusal).await.unwrap();
        }
        // A crash or a full write-ahead log may move rows into the file at any time.
        if epoch % 2 == 0 {
            let _ = vault.erase().await.unwrap();
        }
        for wallet in (0..12u8).map(|n| WalletId([n; 16])) {
            let mut below = ciphertexts(&vault, &wallet).await;
            let kept = below.split_off(below.len() - 2);
            erased.extend(below);
            if epoch % 3 == 0 || wallet.0[0] % 2 == 0 {
                let done = vault.activate(wallet, attempt(epoch, 1, 1), vec![1; 500]).await.unwrap();
                assert_eq!(done.erased, Erasure::Done);
                assert!(found(&path, &kept) > 0, "the active share is found by the same scan");
                assert_eq!(ciphertexts(&vault, &wallet).await, kept);
            } else {
                let still = ciphertexts(&vault, &wallet).await;
                erased.retain(|row| !still.contains(row));
            }
        }
        assert!(erased.len() > 12 || epoch < 3);
        assert_eq!(found(&path, &erased), 0, "epoch {epoch}");
    }
}

#[tokio::test]
async fn a_reader_delays_erasing_and_is_reported() {
    let (_folder, path, vault) = fresh().await;
    pend(&vault, WALLET, attempt(2, 1, 1), &secret(1, 500)).await;
    let old = ciphertexts(&vault, &WALLET).await;
    pend(&vault, WALLET, attempt(2, 2, 1), &secret(2, 500)).await;
    // Another program that holds a read transaction open.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path.join("vault.db"));
    let mut reader = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM shares;").execute(&mut reader).await.unwrap();
    let done = vault.activate(WALLET, attempt(2, 2, 1), vec![]).await.unwrap();
    assert_eq!(done, Activation { activated: true, share: true, erased: Erasure::Pending });
    assert!(found(&path, &old) > 0);
    assert_eq!(vault.erase().await.unwrap(), Erasure::Pending);
    vault.append(Body::Unlocked).await.unwrap();
    // A crash here: the next start repeats the erasing.
    let copy = path.parent().unwrap().join("copy");
    snapshot(&path, &copy);
    assert!(found(&copy, &old) > 0);
    let restarted = Vault::open(&copy, key()).await.unwrap();
    assert_eq!(found(&copy, &old), 0);
    assert_eq!(restarted.active(&WALLET).await.unwrap().unwrap().attempt, attempt(2, 2, 1));
    reader.close().await.unwrap();
    assert_eq!(vault.erase().await.unwrap(), Erasure::Done);
    assert_eq!(found(&path, &old), 0);
}

//! Reshares as the vault sees them: bases, destroys, folders that went back in time, and that an old share is really gone
//! (docs/spec §2.3, §2.4).

use super::*;
use crate::shares::secret_place;
use crate::{Activation, Erasure, OrderRefusal};

const ORDER: Hash = Hash([1; 32]);

/// Stores a share as its ceremony would.
async fn reshared(vault: &Vault, wallet: WalletId, attempt: Attempt, secret: &[u8]) {
    accept(vault, wallet, attempt.order_number, attempt.attempt_try, ORDER).await.unwrap();
    put(vault, wallet, share(attempt, secret)).await.unwrap();
}

/// How many byte ranges in the folder's files, database, write-ahead log and free pages alike, the master key opens as this
/// epoch's share of `length` bytes.
fn opening(vault: &Vault, folder: &Path, wallet: &WalletId, attempt: Attempt, length: usize) -> usize {
    let (bytes, sealer) = (attempt.to_bytes(), &vault.shared.sealer);
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let windows = |file: Vec<u8>| {
        let opens = |window: &&[u8]| sealer.open(secret_place(wallet, &bytes), window).is_ok();
        file.windows(length + crate::seal::OVERHEAD).filter(opens).count()
    };
    files.map(windows).sum()
}

#[tokio::test]
async fn no_byte_range_opens_to_an_old_share() {
    let (_folder, path, vault) = fresh().await;
    let other = WalletId([8; 16]);
    reshared(&vault, other, attempt(1, 1, 1), &[9; 32]).await;
    let found = |wallet: &WalletId, attempt| opening(&vault, &path, wallet, attempt, 32);
    let (first, failed, next) = (attempt(1, 1, 1), attempt(2, 1, 2), attempt(2, 2, 3));
    reshared(&vault, WALLET, first, &[1; 32]).await;
    let _ = vault.activate(WALLET, first, b"one".to_vec()).await.unwrap();
    // Rows move from the write-ahead log into the file, and stand in both for a while.
    let _ = vault.erase().await.unwrap();
    reshared(&vault, WALLET, failed, &[2; 32]).await;
    let _ = vault.erase().await.unwrap();
    reshared(&vault, WALLET, next, &[3; 32]).await;
    // The scan finds what is there: the active one and both pendings.
    for attempt in [first, failed, next] {
        assert!(found(&WALLET, attempt) > 0, "{attempt}");
    }
    let done = vault.activate(WALLET, next, b"two".to_vec()).await.unwrap();
    assert_eq!(done, Activation { activated: true, share: true, erased: Erasure::Done });
    assert_eq!((found(&WALLET, first), found(&WALLET, failed)), (0, 0));
    assert!(found(&WALLET, next) > 0);
    // A destroy takes active and pending shares with it, and nothing of another key.
    reshared(&vault, WALLET, attempt(2, 3, 4), &[4; 32]).await;
    assert!(found(&WALLET, attempt(2, 3, 4)) > 0);
    let end = Attempt::end(3, ORDER);
    let done = vault.activate(WALLET, end, b"end".to_vec()).await.unwrap();
    assert_eq!(done, Activation { activated: true, share: false, erased: Erasure::Done });
    for attempt in [first, failed, next, attempt(2, 3, 4)] {
        assert_eq!(found(&WALLET, attempt), 0, "{attempt}");
    }
    assert!(found(&other, attempt(1, 1, 1)) > 0);
    assert_eq!(vault.certificate(&WALLET).await.unwrap().unwrap().0, end);
}

#[tokio::test]
async fn a_base_is_judged_in_the_same_write() {
    let (_folder, path, vault) = fresh().await;
    let (first, second) = (attempt(1, 1, 1), attempt(2, 1, 2));
    reshared(&vault, WALLET, first, b"first").await;
    let _ = vault.activate(WALLET, first, b"one".to_vec()).await.unwrap();
    // Two orders from one base; the first one's certificate comes while the second one runs.
    vault.accept_order(WALLET, 2, 1, ORDER, Some(first)).await.unwrap();
    vault.put_pending(WALLET, share(second, b"second"), Some(first)).await.unwrap();
    vault.accept_order(WALLET, 3, 1, ORDER, Some(first)).await.unwrap();
    let late = vault.put_pending(WALLET, share(attempt(2, 1, 9), b"late"), Some(first)).await;
    assert!(matches!(late, Err(VaultError::Attempt { .. })), "below the order that was accepted: {late:?}");
    let _ = vault.activate(WALLET, second, b"two".to_vec()).await.unwrap();
    let vault = reopen(vault, &path).await;
    let expected = |result: Result<(), VaultError>| {
        let base = matches!(result, Err(VaultError::Order(OrderRefusal::Base { certified, .. })) if certified == second);
        assert!(base, "{result:?}");
    };
    expected(vault.put_pending(WALLET, share(attempt(3, 1, 3), b"third"), Some(first)).await);
    expected(vault.accept_order(WALLET, 3, 2, ORDER, Some(first)).await);
    vault.accept_order(WALLET, 3, 2, ORDER, Some(second)).await.unwrap();
    vault.put_pending(WALLET, share(attempt(3, 2, 4), b"fourth"), Some(second)).await.unwrap();
    assert_eq!(vault.epochs(&WALLET).await.unwrap().told_try(3, &ORDER), 2);
}

#[tokio::test]
async fn nothing_comes_after_a_destroy() {
    let (_folder, path, vault) = fresh().await;
    let first = attempt(1, 1, 1);
    reshared(&vault, WALLET, first, b"first").await;
    let _ = vault.activate(WALLET, first, b"one".to_vec()).await.unwrap();
    let end = Attempt::end(2, ORDER);
    let _ = vault.activate(WALLET, end, b"end".to_vec()).await.unwrap();
    let vault = reopen(vault, &path).await;
    assert!(vault.active(&WALLET).await.unwrap().is_none());
    // The certificate of the epoch is below it and brings nothing back; no order starts from anywhere.
    let back = vault.activate(WALLET, first, b"one".to_vec()).await;
    assert!(back.is_err() || !back.unwrap().activated);
    for base in [first, end] {
        let refused = vault.accept_order(WALLET, 3, 1, ORDER, Some(base)).await;
        assert!(matches!(refused, Err(VaultError::Order(_))), "{base}");
    }
}

/// A folder from before a refresh, put back: the next certificate makes it known, and the old share is of no use.
#[tokio::test]
async fn a_folder_from_before_a_refresh_is_told_so() {
    let (folder, path, vault) = fresh().await;
    let (first, second) = (attempt(1, 1, 1), attempt(2, 1, 2));
    reshared(&vault, WALLET, first, b"first").await;
    let _ = vault.activate(WALLET, first, b"one".to_vec()).await.unwrap();
    let old = folder.path().join("old");
    snapshot(&path, &old);
    reshared(&vault, WALLET, second, b"second").await;
    assert!(vault.activate(WALLET, second, b"two".to_vec()).await.unwrap().share);
    let stale = Vault::open(&old, key()).await.unwrap();
    assert_eq!(stale.active(&WALLET).await.unwrap().unwrap().attempt, first);
    let done = stale.activate(WALLET, second, b"two".to_vec()).await.unwrap();
    assert_eq!(done, Activation { activated: true, share: false, erased: Erasure::Done });
    assert!(stale.active(&WALLET).await.unwrap().is_none());
    let epochs = stale.epochs(&WALLET).await.unwrap();
    assert_eq!((epochs.certified, epochs.active(), epochs.shares.len()), (Some(second), None, 0));
    assert_eq!(opening(&stale, &old, &WALLET, first, b"first".len()), 0);
    // It deals for nobody, and may be a recipient again.
    let refused = stale.accept_order(WALLET, 3, 1, ORDER, Some(first)).await;
    assert!(matches!(refused, Err(VaultError::Order(OrderRefusal::Base { .. }))));
    stale.accept_order(WALLET, 3, 1, ORDER, Some(second)).await.unwrap();
}

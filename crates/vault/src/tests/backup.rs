//! Copies of a vault in use, and vaults out of copies.

use super::key as unlock;
use crate::{Body, Unlock, Vault, VaultError};
use std::os::unix::fs::PermissionsExt;
use zeroize::Zeroizing;

#[tokio::test]
async fn a_copy_is_the_vault_of_its_moment_and_opens_only_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let vault = Vault::create(&path("vault"), unlock()).await.unwrap();
    vault.append(Body::Created).await.unwrap();
    vault.set("name", b"before").await.unwrap();
    vault.backup(&path("copy")).await.unwrap();
    assert_eq!(std::fs::metadata(path("copy")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(vault.backup(&path("copy")).await, Err(VaultError::File { .. })), "written over");
    // The vault goes on, and the copy stays what it was.
    vault.set("name", b"after").await.unwrap();
    vault.append(Body::Unlocked).await.unwrap();
    let head = vault.head().await;
    let wrong = Unlock::Key(Zeroizing::new([6; 32]));
    assert!(matches!(Vault::restore(&path("copy"), &path("new"), wrong).await, Err(VaultError::WrongKey)));
    let restored = Vault::restore(&path("copy"), &path("new"), unlock()).await.unwrap();
    assert_eq!(restored.identity().public(), vault.identity().public());
    assert_eq!(restored.get("name").await.unwrap().unwrap().as_slice(), b"before");
    assert_eq!(restored.head().await.size, 2, "the copied entry and the note that it was restored");
    assert!(matches!(restored.log(1, 1).await.unwrap()[0].body, Body::Restored { size: 1 }));
    assert_eq!(head.size, 2);
    // It knows when that was, now and after every start.
    let when = restored.log(1, 1).await.unwrap()[0].time;
    assert_eq!((vault.restored().await, restored.restored().await), (None, Some(when)));
    restored.append(Body::Unlocked).await.unwrap();
    restored.close().await.unwrap();
    let again = Vault::open(&path("new"), unlock()).await.unwrap();
    assert_eq!(again.restored().await, Some(when));
    again.close().await.unwrap();
    let over = Vault::restore(&path("copy"), &path("new"), unlock()).await;
    assert!(matches!(over, Err(VaultError::Exists(_))));
}

#[tokio::test]
async fn an_altered_copy_is_refused_and_leaves_no_vault() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let vault = Vault::create(&path("vault"), unlock()).await.unwrap();
    vault.set("name", b"value").await.unwrap();
    vault.backup(&path("copy")).await.unwrap();
    let sealed = std::fs::read(path("copy")).unwrap();
    // The value's own row: found by its name, which stands in the clear right before its seal.
    let at = sealed.windows(4).rposition(|bytes| bytes == b"name").unwrap() + 10;
    let mut altered = sealed;
    altered[at] ^= 1;
    std::fs::write(path("copy"), altered).unwrap();
    assert!(Vault::restore(&path("copy"), &path("new"), unlock()).await.is_err());
    assert!(matches!(Vault::open(&path("new"), unlock()).await, Err(VaultError::Missing(_))));
}

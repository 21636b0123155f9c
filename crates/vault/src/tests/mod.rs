//! Tests of the whole room, each on real files.

mod backup;
mod basics;
mod crash;
mod epochs;
mod erasing;
mod governance;
mod ledger;
mod memory;
mod passkeys;
mod tamper;

use crate::{Attempt, Share, Unlock, Vault, VaultError, WillSign};
use quorate_intent::{Hash, PublicKey, WalletId};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const WALLET: WalletId = WalletId([9; 16]);
const KEY: [u8; 32] = [0x42; 32];

fn key() -> Unlock {
    Unlock::Key(Zeroizing::new(KEY))
}

/// A temporary folder and the vault's place in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    (folder, path)
}

async fn fresh() -> (tempfile::TempDir, PathBuf, Vault) {
    let (folder, path) = place();
    let vault = Vault::create(&path, key()).await.unwrap();
    (folder, path, vault)
}

async fn reopen(vault: Vault, path: &Path) -> Vault {
    vault.close().await.unwrap();
    Vault::open(path, key()).await.unwrap()
}

/// Opens, and gives the error, as `Vault` has no Debug.
async fn refused(path: &Path, unlock: Unlock) -> VaultError {
    match Vault::open(path, unlock).await {
        Ok(_) => panic!("the vault opened"),
        Err(error) => error,
    }
}

fn attempt(order_number: u64, attempt_try: u32, hash: u8) -> Attempt {
    Attempt { order_number, attempt_try, transcript: Hash([hash; 32]) }
}

fn share(attempt: Attempt, secret: &[u8]) -> Share {
    Share {
        attempt,
        secret: Zeroizing::new(secret.to_vec()),
        record: b"record".to_vec(),
        prepared: b"prepared".to_vec(),
    }
}

/// What a party would start from: the highest certified epoch, or one that it was told of.
async fn base(vault: &Vault, wallet: WalletId, number: u64) -> Option<Attempt> {
    let certified = vault.epochs(&wallet).await.unwrap().certified;
    (number > 1).then(|| certified.unwrap_or(attempt(1, 1, 1)))
}

async fn accept(
    vault: &Vault,
    wallet: WalletId,
    number: u64,
    attempt_try: u32,
    order: Hash,
) -> Result<(), VaultError> {
    let base = base(vault, wallet, number).await;
    vault.accept_order(wallet, number, attempt_try, order, base).await
}

async fn put(vault: &Vault, wallet: WalletId, share: Share) -> Result<(), VaultError> {
    let base = base(vault, wallet, share.attempt.order_number).await;
    vault.put_pending(wallet, share, base).await
}

fn will_sign(intent: u8, form: u8, resources: &[u8]) -> WillSign {
    WillSign {
        intent: Hash([intent; 32]),
        wallet: WALLET,
        form: Hash([form; 32]),
        resources: resources.iter().map(|r| Hash([*r; 32])).collect(),
        digests: vec![Hash([form; 32])],
        governance: Hash([7; 32]),
        approvers: vec![PublicKey([8; 32])],
        rule: "rule".into(),
        judged: None,
    }
}

/// Copies the database and its write-ahead log as a crash at this moment would leave them.
fn snapshot(from: &Path, to: &Path) {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for name in ["vault.db", "vault.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
            std::fs::set_permissions(to.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

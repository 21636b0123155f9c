//! Nothing secret in logs, however much is logged: shares, keys, device keys and what unlocks vaults, in every encoding.

use anyhow::{Context, Result, ensure};
use quorate_e2e::cluster::How;
use quorate_e2e::scan::{Needle, Scanner, encodings};
use quorate_e2e::{Cluster, secrets};
use quorate_intent::Suite;
use std::path::Path;

/// Seeds of people and gateway (64 hex digits) and keys of vaults (32 bytes) below a folder.
fn key_files(folder: &Path, needles: &mut Vec<Needle>) -> Result<usize> {
    let mut found = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found += key_files(&path, needles)?;
        } else if path.extension().is_some_and(|extension| extension == "key") {
            let bytes = std::fs::read(&path)?;
            let key: [u8; 32] = match <[u8; 32]>::try_from(bytes.as_slice()) {
                Ok(key) => key,
                Err(_) => hex::decode(bytes.trim_ascii_end())?.as_slice().try_into()?,
            };
            needles.extend(encodings(&path.display().to_string(), &key));
            found += 1;
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged_at_the_highest_level() -> Result<()> {
    let how = How { log: Some("trace"), ..How::default() };
    let cluster = Cluster::start_as(3, how).await?;
    let mut needles = Vec::new();
    let mut wallets = Vec::new();
    for suite in [Suite::Ecdsa, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        cluster.sign(&wallet).await?;
        wallets.push(cluster.refresh(&wallet).await?);
    }
    cluster.freeze()?;
    let copies = tempfile::tempdir()?;
    let mut vaults = Vec::new();
    for at in 0..3 {
        vaults.push(secrets::open_copy(&cluster, at, copies.path()).await?);
    }
    for wallet in &wallets {
        let shares = secrets::shares(&cluster, wallet, &vaults).await?;
        for (name, key) in secrets::keys(wallet, &shares)? {
            needles.extend(encodings(&name, &key));
        }
        for share in &shares {
            needles.extend(encodings(&format!("share of node {}", share.node), &share.scalar));
        }
    }
    let found = key_files(cluster.dir(), &mut needles)?;
    ensure!(found >= 3 + 1 + 6, "only {found} key files were found");
    let scanner = Scanner::new(needles);

    let logs = tempfile::tempdir()?;
    let mut bytes = 0;
    for name in cluster.pids().into_iter().map(|(name, _)| name) {
        let log = cluster.dir().join(format!("{name}.log"));
        bytes += std::fs::copy(&log, logs.path().join(format!("{name}.log"))).context(name)?;
    }
    let seen = scanner.folder(logs.path())?;
    println!("{} KiB of logs, {:?}", bytes >> 10, seen.found);
    ensure!(bytes > 10_000, "only {bytes} bytes were logged: the level is not the highest");
    ensure!(seen.found.is_empty(), "a log holds {:?}", seen.found);
    // The control: the same scanner finds a seed that does stand in a log.
    let person = std::fs::read(cluster.dir().join("people").join("dora.key"));
    if let Ok(seed) = person {
        std::fs::write(logs.path().join("leak.log"), seed)?;
        ensure!(!scanner.folder(logs.path())?.found.is_empty(), "the control is not found");
    }
    cluster.thaw()
}

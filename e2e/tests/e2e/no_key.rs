//! No full key anywhere: not in any process's memory, not in any file.

use anyhow::{Context, Result, ensure};
use quorate_e2e::scan::{Scanner, encodings};
use quorate_e2e::secrets::{self, OpenShare};
use quorate_e2e::{Cluster, Wallet};
use quorate_intent::Suite;
use quorate_vault::Vault;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// A process that holds `bytes` in its memory and nowhere else.
fn holder(bytes: &[u8]) -> Result<Child> {
    // A copying program keeps what it last read in its buffer. It stays up as long as its input is open.
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.as_mut().context("its input")?.write_all(bytes)?;
    let mut back = vec![0; bytes.len()];
    child.stdout.as_mut().context("its output")?.read_exact(&mut back)?;
    ensure!(back == bytes, "it copies");
    Ok(child)
}

/// Plants every needle in another process and sees that the scanner finds each. False: memory cannot be read here.
fn control(name: &str, secret: &[u8; 32]) -> Result<bool> {
    let scanner = Scanner::new(encodings(name, secret));
    // Unaligned on purpose.
    let planted =
        encodings(name, secret).into_iter().flat_map(|needle| [needle.bytes, vec![0x55; 3]].concat());
    let mut child = holder(&planted.collect::<Vec<u8>>())?;
    let seen = scanner.memory(child.id());
    child.kill()?;
    child.wait()?;
    let Some(seen) = seen? else { return Ok(false) };
    for needle in encodings(name, secret) {
        let found = seen.found.iter().any(|found| found.starts_with(&format!("{} in ", needle.name)));
        ensure!(found, "the scanner does not find {}", needle.name);
    }
    let other = Scanner::new(encodings("something else", &[0xa7; 32]));
    let mut child = holder(b"nothing")?;
    let seen = other.memory(child.id());
    child.kill()?;
    child.wait()?;
    ensure!(seen?.is_some_and(|seen| seen.found.is_empty()), "the scanner finds what is not there");
    Ok(true)
}

/// What is looked for, for one wallet.
struct Secrets {
    suite: Suite,
    keys: Vec<(String, [u8; 32])>,
    shares: Vec<OpenShare>,
}

async fn secrets(cluster: &Cluster, wallets: &[Wallet], vaults: &[Vault]) -> Result<Vec<Secrets>> {
    let mut all = Vec::new();
    for wallet in wallets {
        let mut shares = secrets::shares(cluster, wallet, vaults).await?;
        shares.sort_by_key(|share| share.index);
        let keys = secrets::keys(wallet, &shares)?;
        all.push(Secrets { suite: wallet.keys.suite(), keys, shares });
    }
    Ok(all)
}

/// Scanners: for what nobody may have and `node` may not have (its own share in memory is its own), and for its own.
fn scanners(all: &[Secrets], node: Option<usize>) -> (Scanner, Scanner) {
    let (mut foreign, mut own) = (Vec::new(), Vec::new());
    for secrets in all {
        foreign.extend(secrets.keys.iter().flat_map(|(name, key)| encodings(name, key)));
        for share in &secrets.shares {
            let needles =
                encodings(&format!("{} share of node {}", secrets.suite, share.node), &share.scalar);
            if node == Some(share.node) { own.extend(needles) } else { foreign.extend(needles) }
        }
    }
    (Scanner::new(foreign), Scanner::new(own))
}

/// Looks into every process and every folder.
fn look(cluster: &Cluster, all: &[Secrets], when: &str) -> Result<()> {
    for (at, (name, pid)) in cluster.pids().into_iter().enumerate() {
        let node = (name != "gateway").then_some(at);
        let (foreign, own) = scanners(all, node);
        let seen = foreign.memory(pid)?.context("its memory was readable a moment ago")?;
        ensure!(seen.unread.is_empty(), "{name}: unread mappings {:?}", seen.unread);
        ensure!(seen.bytes > 1 << 20, "{name}: only {} bytes of memory were seen", seen.bytes);
        println!("{when}: {name} (pid {pid}): {} MiB of writable memory, {:?}", seen.bytes >> 20, seen.found);
        ensure!(seen.found.is_empty(), "{when}: {name} holds what it must not: {:?}", seen.found);
        if node.is_some() {
            // A second control, on the node itself: its own shares are there, so ours is the right way to look.
            let seen = own.memory(pid)?.context("memory")?;
            println!("{when}: {name} has its own shares in {} places", seen.found.len());
            ensure!(
                seen.found.len() >= all.len(),
                "{name}: not even its own shares are found: {:?}",
                seen.found
            );
        }
    }
    // In files not even the node's own share may stand open.
    let (everything, _) = scanners(all, None);
    let seen = everything.folder(cluster.dir())?;
    println!("{when}: {} KiB of files, {:?}", seen.bytes >> 10, seen.found);
    ensure!(seen.found.is_empty(), "{when}: a file holds {:?}", seen.found);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_full_key_in_any_memory_or_file() -> Result<()> {
    if !control("control", &quorate_e2e::people::random())? {
        println!("SKIP: /proc/<pid>/mem of other processes cannot be read here; run this test as root");
        return Ok(());
    }
    let mut cluster = Cluster::start(3).await?;
    let mut wallets = Vec::new();
    for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        cluster.sign(&wallet).await?;
        wallets.push(wallet);
    }
    // Frozen, so that memory, files and copies show one moment.
    cluster.freeze()?;
    let copies = tempfile::tempdir()?;
    let mut vaults = Vec::new();
    for at in 0..3 {
        vaults.push(secrets::open_copy(&cluster, at, copies.path()).await?);
    }
    let all = secrets(&cluster, &wallets, &vaults).await?;
    for key in all.iter().flat_map(|secrets| &secrets.keys) {
        ensure!(control(&key.0, &key.1)?, "the control");
    }
    look(&cluster, &all, "after generating and signing")?;
    cluster.thaw()?;
    // Not a snapshot only: again while more is signed, and after a restart.
    for wallet in &wallets {
        cluster.sign(wallet).await?;
    }
    cluster.kill_node(2)?;
    cluster.start_node(2)?;
    cluster.ready().await?;
    cluster.sign(&wallets[0]).await?;
    cluster.freeze()?;
    look(&cluster, &all, "after more signatures and a restart")?;
    cluster.thaw()?;
    // The same after a reshare of each key: the new shares stay where they belong, and nothing puts any together.
    let mut refreshed = Vec::new();
    for wallet in &wallets {
        let wallet = cluster.refresh(wallet).await?;
        cluster.sign(&wallet).await?;
        refreshed.push(wallet);
    }
    cluster.freeze()?;
    let copies = tempfile::tempdir()?;
    let mut vaults = Vec::new();
    for at in 0..3 {
        vaults.push(secrets::open_copy(&cluster, at, copies.path()).await?);
    }
    let new = secrets(&cluster, &refreshed, &vaults).await?;
    look(&cluster, &new, "after a refresh")?;
    // Old shares are in nobody else's memory and in no file.
    for (at, (name, pid)) in cluster.pids().into_iter().enumerate() {
        let (foreign, own) = scanners(&all, (name != "gateway").then_some(at));
        let seen = foreign.memory(pid)?.context("memory")?;
        ensure!(seen.found.is_empty(), "after a refresh: {name} holds {:?}", seen.found);
        let left = own.memory(pid)?.context("memory")?;
        println!("after a refresh: {name} has its own old shares in {} places", left.found.len());
    }
    let (everything, _) = scanners(&all, None);
    let seen = everything.folder(cluster.dir())?;
    ensure!(seen.found.is_empty(), "after a refresh a file holds {:?}", seen.found);
    cluster.thaw()
}

//! Machines that join, are lost, go back in time, and are killed at any moment: the key stays one and signs.

use anyhow::{Context, Result, ensure};
use quorate_coordination::NodeRequest;
use quorate_e2e::people::random;
use quorate_e2e::program::run;
use quorate_e2e::{Cluster, Liar, Wallet, secrets};
use quorate_intent::{Change, Purpose, Suite};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest wait for something that happens by itself.
const LIMIT: Duration = Duration::from_secs(60);

/// Puts a folder in the place of another.
fn put_back(from: &Path, to: &Path) -> Result<()> {
    std::fs::remove_dir_all(to)?;
    secrets::copy_vault(from, to)
}

/// Copies a node's folder while the node does not run.
fn keep(cluster: &Cluster, at: usize, to: &Path) -> Result<PathBuf> {
    let copy = to.join(format!("kept-{at}"));
    secrets::copy_vault(&cluster.home(at).join("vault"), &copy)?;
    Ok(copy)
}

/// Waits until a node says why it signs nothing for a wallet.
async fn refuses(liar: &mut Liar, at: usize, wallet: &Wallet, words: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        liar.hang_up(at);
        let asked = liar.call(at, NodeRequest::Commitments { wallet: wallet.id, count: 1 }).await;
        let said = match asked {
            Ok(Err(error)) if error.message.contains(words) => return Ok(()),
            Ok(Err(error)) => error.message,
            Ok(Ok(_)) => "it makes nonces".to_owned(),
            Err(error) => error.to_string(),
        };
        ensure!(began.elapsed() < LIMIT, "node {at} does not say {words:?}: {said}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_machine_is_replaced_by_one_that_joins() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    cluster.kill_node(2)?;
    let new = cluster.join().await?;
    let replaced = cluster.reshare(&wallet, 2, &[0, 1, new], Purpose::Replace).await?;
    cluster.sign(&replaced).await?;
    // The lost machine leaves; it may come back from wherever it was, and has no say any more.
    let lost = cluster.key(2);
    cluster.govern(Change::Leave { party: lost }).await?;
    cluster.kill_node(0)?;
    cluster.sign(&replaced).await.context("with the new machine needed")?;
    cluster.start_node(0)?;
    cluster.ready().await?;
    // What was approved under the version before starts nothing.
    let mut old = cluster.client()?;
    old.genesis = cluster.genesis.clone();
    let plan = quorate_e2e::transfers::plan(&replaced);
    let body = quorate_intent::Body::Transfer(quorate_e2e::transfers::transfer(&replaced));
    ensure!(old.submit(body, plan).await.is_err(), "an intent of a superseded version was taken in");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_from_before_a_refresh_is_refused_with_what_to_do() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let kept = tempfile::tempdir()?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.kill_node(2)?;
    let copy = keep(&cluster, 2, kept.path())?;
    cluster.start_node(2)?;
    cluster.ready().await?;
    let refreshed = cluster.refresh(&wallet).await?;
    cluster.kill_node(2)?;
    put_back(&copy, &cluster.home(2).join("vault"))?;
    cluster.start_node(2)?;
    cluster.ready().await?;
    let mut liar = Liar::new(&cluster)?;
    refuses(&mut liar, 2, &wallet, "quorate wallet refresh").await?;
    // The others sign, and what the message says to do brings the machine back.
    cluster.sign(&refreshed).await?;
    let again = cluster.refresh(&refreshed).await?;
    cluster.kill_node(0)?;
    cluster.sign(&again).await.context("with the machine that was put back")?;
    Ok(())
}

/// One share of before and one of after a refresh, of any two parties, give nothing; two of one epoch give the key.
#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_shares_together_give_nothing() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    for suite in [Suite::Ecdsa, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        let copies = tempfile::tempdir()?;
        let shares = async |wallet: &Wallet, name: &str| -> Result<_> {
            cluster.freeze()?;
            let mut vaults = Vec::new();
            for at in 0..3 {
                vaults.push(secrets::open_copy(&cluster, at, &copies.path().join(name)).await?);
            }
            let shares = secrets::shares(&cluster, wallet, &vaults).await;
            cluster.thaw()?;
            shares
        };
        let old = shares(&wallet, "old").await?;
        let refreshed = cluster.refresh(&wallet).await?;
        let new = shares(&refreshed, "new").await?;
        let pair = |one: &secrets::OpenShare, other: &secrets::OpenShare| {
            let mut two = [secrets::OpenShare { ..*one }, secrets::OpenShare { ..*other }];
            two.sort_by_key(|share| share.index);
            two
        };
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            for (epoch, shares) in [(&wallet, &old), (&refreshed, &new)] {
                let two = pair(&shares[a], &shares[b]);
                ensure!(secrets::keys(epoch, &two).is_ok(), "two shares of one epoch do not give the key");
            }
            for (one, other) in [(&old[a], &new[b]), (&new[a], &old[b])] {
                let two = pair(one, other);
                ensure!(secrets::keys(&refreshed, &two).is_err(), "{suite}: old and new shares give the key");
            }
        }
    }
    Ok(())
}

/// A backup of a running node, a new machine out of it, and a drill: what a set of backups is worth, before and after a
/// refresh.
#[tokio::test(flavor = "multi_thread")]
async fn backups_restore_and_drills_tell_what_they_are_worth() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let folder = tempfile::tempdir()?;
    let path = |name: String| folder.path().join(name).to_string_lossy().into_owned();
    let homes: Vec<PathBuf> = (0..3).map(|at| cluster.home(at)).collect();
    let home = |at: usize, name: &str| homes[at].join(name).to_string_lossy().into_owned();
    let (client, genesis) = (cluster.dir().join("people/treasury.key"), cluster.dir().join("genesis.json"));
    let (client, genesis) = (client.to_string_lossy().into_owned(), genesis.to_string_lossy().into_owned());
    let who: Vec<String> =
        ["--api", &cluster.api, "--key", &client, "--genesis", &genesis].map(Into::into).into();
    let backup = |name: &str| -> Result<()> {
        for at in 0..3 {
            let file = path(format!("{name}-{at}"));
            run(&[
                "backup",
                "--dir",
                &home(at, "vault"),
                "--out",
                &file,
                "--key-file",
                &home(at, "vault.key"),
            ])?;
        }
        Ok(())
    };
    let challenge = |name: &str| -> Result<String> {
        let file = path(name.to_owned());
        let mut arguments = vec!["drill", "challenge", "--out", &file];
        arguments.extend(who.iter().map(String::as_str));
        run(&arguments)?;
        Ok(file)
    };
    let answer = |challenge: &str, name: &str, at: usize| -> Result<String> {
        let (backup, out) =
            (path(format!("{name}-{at}")), path(format!("answer-{name}-{at}-{}", challenge.len())));
        let arguments = ["drill", "answer", "--challenge", challenge, "--backup", &backup, "--out", &out];
        run(&[&arguments[..], &["--key-file", &home(at, "vault.key")]].concat())?;
        Ok(out)
    };
    backup("first")?;
    let asked = challenge("challenge-1")?;
    let (one, two) = (answer(&asked, "first", 0)?, answer(&asked, "first", 1)?);
    let check = ["drill", "check", "--challenge", &asked, "--genesis", &genesis, "--answer"];
    run(&[&check[..], &[&one, "--answer", &two]].concat())?;
    ensure!(run(&[&check[..], &[&one]].concat()).is_err(), "one backup is enough for 2-of-3");
    ensure!(run(&[&check[..], &[&one, "--answer", &one]].concat()).is_err(), "one backup counts twice");
    // After a refresh they are stale, and a drill says so.
    let refreshed = cluster.refresh(&wallet).await?;
    let asked = challenge("challenge-22")?;
    ensure!(answer(&asked, "first", 0).is_err(), "a stale backup passes a drill");
    backup("second")?;
    answer(&asked, "second", 0)?;
    // A machine is lost and comes back out of its backup; the old backup is refused when the others are met.
    let mut liar = Liar::new(&cluster)?;
    for (name, good) in [("first", false), ("second", true)] {
        cluster.kill_node(0)?;
        std::fs::remove_dir_all(cluster.home(0).join("vault"))?;
        let (vault, key) = (home(0, "vault"), home(0, "vault.key"));
        run(&["restore", "--backup", &path(format!("{name}-0")), "--dir", &vault, "--key-file", &key])?;
        cluster.start_node(0)?;
        cluster.ready().await?;
        if good {
            cluster.kill_node(1)?;
            // What was asked for before the restore, or with a clock that far ahead, it does not sign.
            let skew = quorate_intent::intent::CLOCK_SKEW;
            tokio::time::sleep(Duration::from_secs(skew + 1)).await;
            cluster.sign(&refreshed).await.context("with the restored machine")?;
        } else {
            refuses(&mut liar, 0, &wallet, "quorate wallet refresh").await?;
            cluster.sign(&refreshed).await.context("without the stale machine")?;
        }
    }
    Ok(())
}

/// SIGKILL of any process at a random moment of a refresh: afterwards the same key signs and one epoch is active.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_of_a_reshare_loses_nothing() -> Result<()> {
    let rounds = if quorate_e2e::long() { 200 } else { 2 };
    for (threshold, n) in [(2, 2), (2, 3), (3, 4), (4, 5)] {
        let mut cluster = Cluster::start(n).await?;
        let nodes: Vec<usize> = (0..n).collect();
        let mut wallet = cluster.wallet(Suite::Ed25519, threshold, &nodes).await?;
        let mut done = 0;
        for round in 0..rounds {
            let what = format!("{threshold}-of-{n}, round {round}");
            let kind =
                quorate_e2e::orders::reshare(&cluster, &wallet, threshold, &nodes, Purpose::Refresh, None);
            let view = cluster.order(&wallet, kind).await.with_context(|| what.clone())?;
            let [a, b, c, d] = random::<4>();
            let victim = usize::from(c) % (n + 1);
            let wait = |x, y, most: u16| Duration::from_millis(u64::from(u16::from_le_bytes([x, y]) % most));
            cluster.approved(&view).await?;
            sleep(wait(a, b, 250)).await;
            if victim == n {
                cluster.kill_gateway()?;
                sleep(wait(c, d, 300)).await;
                cluster.start_gateway()?;
            } else {
                cluster.kill_node(victim)?;
                sleep(wait(c, d, 300)).await;
                cluster.start_node(victim)?;
            }
            cluster.ready().await.with_context(|| what.clone())?;
            let end = cluster.client()?.api.wait(&view.id, Duration::from_secs(300)).await;
            let end = end.with_context(|| what.clone())?;
            done += usize::from(end.state == quorate_client::api::State::Completed);
            wallet = one_epoch(&cluster, &wallet).await.with_context(|| what.clone())?;
            cluster.sign(&wallet).await.with_context(|| format!("{what}: {} {:?}", end.state, end.reason))?;
        }
        println!(
            "{threshold}-of-{n}: {rounds} kills, {done} refreshes went through, the key signed after each"
        );
    }
    Ok(())
}

/// Waits until all nodes have the same epoch active; the wallet as it is then.
async fn one_epoch(cluster: &Cluster, wallet: &Wallet) -> Result<Wallet> {
    let began = Instant::now();
    let copies = tempfile::tempdir()?;
    loop {
        cluster.freeze()?;
        let mut active = BTreeSet::new();
        for at in 0..cluster.machines().len() {
            let vault = secrets::open_copy(cluster, at, copies.path()).await?;
            active.insert(vault.active(&wallet.id).await?.map(|share| share.attempt));
            vault.close().await?;
        }
        cluster.thaw()?;
        let reloaded = cluster.reload(wallet).await?;
        let shown = Some(reloaded.certificate.record.attempt);
        if active.len() == 1 && active.first() == Some(&shown) {
            return Ok(reloaded);
        }
        ensure!(began.elapsed() < LIMIT, "epochs differ: {active:?}, the gateway shows {shown:?}");
        sleep(Duration::from_millis(500)).await;
    }
}

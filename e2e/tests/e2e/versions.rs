//! Other versions of the program: a folder that an older one left behind, and nodes of several versions in one cluster.

use crate::record::{certificate, verify};
use anyhow::{Context, Result, ensure};
use quorate_e2e::{Cluster, cluster, transfers};
use quorate_intent::{IntentId, Suite, WalletId};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest wait for the gateway to notice something.
const NOTICE: Duration = Duration::from_secs(30);
/// Ports of the kept folders: below those of other tests.
const PORTS: &str = "11500";
const SUITES: [Suite; 3] = [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519];

fn folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("folders")
}

fn tar(arguments: &[&str], folder: &Path) -> Result<()> {
    let done = Command::new("tar").args(arguments).current_dir(folder).status().context("starting tar")?;
    ensure!(done.success(), "tar {arguments:?} failed");
    Ok(())
}

/// What the old program left behind, by hand: three wallets, a transfer of each, one of them refreshed since.
///
/// Run it with the program that is to become an old one, and keep what it makes:
/// `QUORATE_PORTS_FROM=11500 cargo test -p quorate-e2e --test e2e -- --ignored keep_a_folder`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: makes e2e/folders/VERSION.tar.gz"]
async fn keep_a_folder() -> Result<()> {
    ensure!(std::env::var("QUORATE_PORTS_FROM").is_ok_and(|ports| ports == PORTS), "see above");
    let mut cluster = Cluster::start(3).await?;
    let mut kept = Vec::new();
    for suite in SUITES {
        let mut wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        let signed = cluster.sign(&wallet).await?;
        certificate(&cluster, &signed.view.id, &format!("{suite}.certificate"), Some("60"))?;
        if suite == Suite::Ecdsa {
            wallet = cluster.refresh(&wallet).await?;
        }
        kept.push((wallet.id, signed.view.id));
    }
    cluster.kill_gateway()?;
    for at in 0..3 {
        cluster.kill_node(at)?;
    }
    std::fs::write(cluster.dir().join("kept.json"), serde_json::to_vec_pretty(&kept)?)?;
    let file = folders().join(concat!(env!("CARGO_PKG_VERSION"), ".tar.gz"));
    let file = file.to_str().context("a path that is not text")?;
    tar(&["--exclude=*.log", "--exclude=control.sock", "-czf", file, "."], cluster.dir())
}

/// Wallets sign on, and what the old program certified verifies.
#[tokio::test(flavor = "multi_thread")]
async fn folders_of_older_programs_open_and_sign() -> Result<()> {
    let mut tried = 0;
    for entry in std::fs::read_dir(folders())? {
        let file = entry?.path();
        if file.extension().is_none_or(|kind| kind != "gz") {
            continue;
        }
        let what = || format!("the folder of {}", file.display());
        let folder = tempfile::Builder::new().prefix("quorate-e2e-").tempdir()?;
        tar(&["-xzf", file.to_str().context("a path that is not text")?], folder.path())?;
        let kept: Vec<(WalletId, IntentId)> =
            serde_json::from_slice(&std::fs::read(folder.path().join("kept.json"))?)?;
        ensure!(kept.len() == SUITES.len(), "three wallets");
        let cluster = Cluster::open(folder).await.with_context(what)?;
        // What the old program's transfers used up stays used up.
        transfers::pass_over(100);
        for (id, intent) in kept {
            let name = format!("{id}.certificate");
            certificate(&cluster, &intent, &name, None).with_context(what)?;
            let report = verify(&cluster, &name).with_context(what)?;
            ensure!(report["complete"] == true && report["wallet"] == id.to_string(), "{report}");
            let wallet = cluster.wallet_of(&id).await.with_context(what)?;
            let signed = cluster.sign(&wallet).await.with_context(what)?;
            ensure!(signed.view.id != intent, "the old transfer again");
            cluster.refresh(&wallet).await.with_context(what)?;
        }
        tried += 1;
    }
    ensure!(tried > 0, "no folder was tried");
    Ok(())
}

async fn until(cluster: &Cluster, at: usize, wanted: Option<&str>) -> Result<()> {
    let began = Instant::now();
    loop {
        let seen = cluster.client()?.api.cluster().await?;
        let name = cluster::node_name(at);
        let node = seen.nodes.into_iter().find(|node| node.name == name).context("the node")?;
        let fits = match (wanted, &node.problem) {
            (None, None) => node.reachable,
            (Some(wanted), Some(problem)) => problem.contains(wanted),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        ensure!(began.elapsed() < NOTICE, "{node:?} is not {wanted:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Versions that may differ in no format work together; with others nothing is signed, and who looks is told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_versions_work_together_where_their_formats_are_the_same() -> Result<()> {
    let how = cluster::How { cheaters: 1, ..cluster::How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let other = cluster.cheaters()[0];
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let name = cluster::node_name(other);
    let signers = async || -> Result<Vec<String>> {
        let wallet = cluster.reload(&wallet).await?;
        Ok(cluster.sign(&wallet).await?.view.transaction.context("transaction")?.signers)
    };
    cluster.lie(other, "version 0.1.99\n")?;
    sleep(Duration::from_secs(4)).await;
    until(&cluster, other, None).await?;
    // It has the lowest key, so it is in every set while it can be.
    ensure!(signers().await?.contains(&name), "a later patch version does not sign");
    cluster.refresh(&wallet).await.context("a refresh with a later patch version")?;
    cluster.lie(other, "version 0.2.0\n")?;
    until(&cluster, other, Some("it runs version 0.2.0")).await?;
    ensure!(!signers().await?.contains(&name), "a version of other formats signs");
    cluster.lie(other, "")?;
    until(&cluster, other, None).await?;
    ensure!(signers().await?.contains(&name), "it does not come back");
    cluster.check_alive()
}

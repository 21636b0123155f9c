//! Nodes that die at any moment come back and sign, and no nonce is ever used twice.

use anyhow::{Context, Result, ensure};
use quorate_e2e::{Cluster, people::random, secrets, transfers::Signed};
use quorate_intent::Suite;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// Kills a node while a transfer runs and starts it again.
async fn strike(cluster: &Cluster, at: usize, longest_ms: u16) -> Result<()> {
    let [a, b, c, d] = random::<4>();
    let wait = |x, y| Duration::from_millis(u64::from(u16::from_le_bytes([x, y]) % longest_ms));
    sleep(wait(a, b)).await;
    cluster.kill_node(at)?;
    sleep(wait(c, d)).await;
    cluster.start_node(at)
}

/// What is checked: every transfer ends signed and judged; R of all signatures that ever came out differ, by suite's curve
/// (a presignature or a commitment list used twice shows as an equal R, for ECDSA's r before re-randomisation differs by
/// request and is covered by `reuse::material_is_used_once_over_messages_and_restarts` at the nodes themselves); each
/// node's audit chain holds to its head, and no node agreed to two forms of one intent.
#[tokio::test(flavor = "multi_thread")]
async fn killed_nodes_come_back_and_no_nonce_is_used_twice() -> Result<()> {
    let rounds = if quorate_e2e::long() { 200 } else { 20 };
    let mut cluster = Cluster::start(3).await?;
    let mut wallets = Vec::new();
    for suite in [Suite::Ed25519, Suite::Bip340, Suite::Ecdsa] {
        wallets.push(cluster.wallet(suite, 2, &[0, 1, 2]).await?);
    }
    let mut signed: Vec<Signed> = Vec::new();
    for round in 0..rounds {
        let wallet = &wallets[round % 3];
        let (result, struck) = tokio::join!(cluster.sign(wallet), strike(&cluster, (round / 3) % 3, 300));
        struck?;
        signed.push(result.with_context(|| format!("round {round}, {}", wallet.keys.suite()))?);
        cluster.ready().await.with_context(|| format!("after round {round}"))?;
    }
    // Each node is needed once: with one away, the other two must sign.
    for away in 0..3 {
        cluster.kill_node(away)?;
        for wallet in &wallets {
            signed.push(cluster.sign(wallet).await.with_context(|| format!("without node {away}"))?);
        }
        cluster.start_node(away)?;
        cluster.ready().await?;
    }
    let nonces: Vec<_> = signed.iter().flat_map(|one| &one.nonces).collect();
    let distinct: BTreeSet<_> = nonces.iter().collect();
    ensure!(distinct.len() == nonces.len() && nonces.len() >= rounds, "an R stands twice");
    cluster.check_alive()?;
    cluster.freeze()?;
    let copies = tempfile::tempdir()?;
    let mut agreed = 0;
    for at in 0..3 {
        let vault = secrets::open_copy(&cluster, at, copies.path()).await?;
        let head = vault.verify_log().await?;
        for one in &signed {
            let forms = vault.signed_forms(&one.view.intent.hash()).await?;
            let distinct: BTreeSet<_> = forms.iter().map(|(_, form)| form.form).collect();
            ensure!(distinct.len() <= 1, "node {at} agreed to {} forms of one intent", distinct.len());
            agreed += distinct.len();
        }
        println!("node {at}: {} audit entries, the chain holds", head.size);
    }
    // Each transfer was written down by both signers before it was signed.
    ensure!(agreed >= 2 * signed.len(), "{agreed} entries for {} transfers", signed.len());
    println!("{} transfers over {rounds} kills, {} nonces, all different", signed.len(), nonces.len());
    cluster.thaw()
}

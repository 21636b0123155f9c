//! Who can sign: every shape of quorum, with nodes missing.

use anyhow::{Context, Result, ensure};
use quorate_client::api::State;
use quorate_e2e::{Cluster, cluster::node_name, transfers};
use quorate_intent::Suite;
use std::time::{Duration, Instant};

const SUITES: [Suite; 3] = [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519];

#[tokio::test(flavor = "multi_thread")]
async fn small_quorums_sign_in_all_suites() -> Result<()> {
    let mut cluster = Cluster::start(5).await?;
    for (threshold, nodes) in [(2, &[1, 3][..]), (2, &[0, 2, 4]), (3, &[0, 1, 2, 3]), (3, &[0, 1, 2, 3, 4])] {
        for suite in SUITES {
            let what = format!("{threshold}-of-{} {suite}", nodes.len());
            let began = Instant::now();
            let wallet = cluster.wallet(suite, threshold, nodes).await.with_context(|| what.clone())?;
            let made = began.elapsed();
            let signed = cluster.sign(&wallet).await.with_context(|| what.clone())?;
            let transaction = signed.view.transaction.context("transaction")?;
            ensure!(transaction.signers.len() == usize::from(threshold), "{what}: {:?}", transaction.signers);
            println!("{what}: generated in {made:.1?}, signed in {:.1?}", began.elapsed() - made);
        }
    }
    cluster.check_alive()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes; `cargo xtask test --long`"]
async fn eleven_of_twenty_sign_in_all_suites() -> Result<()> {
    let cluster = Cluster::start(20).await?;
    let nodes: Vec<usize> = (0..20).collect();
    for suite in SUITES {
        let began = Instant::now();
        let wallet = cluster.wallet(suite, 11, &nodes).await?;
        let made = began.elapsed();
        cluster.sign(&wallet).await?;
        println!("11-of-20 {suite}: generated in {made:.1?}, signed in {:.1?}", began.elapsed() - made);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_goes_on_with_n_minus_t_nodes_down_and_not_with_one_more() -> Result<()> {
    let mut cluster = Cluster::start(4).await?;
    let mut wallets = Vec::new();
    for suite in SUITES {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2, 3]).await?;
        cluster.sign(&wallet).await?;
        wallets.push(wallet);
    }
    for at in [1, 3] {
        cluster.kill_node(at)?;
    }
    for wallet in &wallets {
        let signed = cluster.sign(wallet).await.context("with n − t nodes down")?;
        let signers = signed.view.transaction.context("transaction")?.signers;
        ensure!(
            signers == [node_name(0), node_name(2)] || signers == [node_name(2), node_name(0)],
            "{signers:?}"
        );
    }
    cluster.kill_node(0)?;
    let wallet = &wallets[2];
    let began = Instant::now();
    let view = cluster.attempt(transfers::transfer(wallet), transfers::plan(wallet)).await?;
    let took = began.elapsed();
    ensure!(view.state == State::Failed && view.transaction.is_none(), "{}: {:?}", view.state, view.reason);
    ensure!(took < Duration::from_secs(90), "it took {took:.1?}");
    let reason = view.reason.context("a reason")?;
    println!("with one too many down, after {took:.1?}: {reason}");
    for missing in [0, 1, 3] {
        ensure!(reason.contains(&node_name(missing)), "it does not name {}: {reason}", node_name(missing));
    }
    ensure!(!reason.contains(&node_name(2)), "it names a node that is there: {reason}");
    for at in [0, 1, 3] {
        cluster.start_node(at)?;
    }
    cluster.ready().await?;
    for wallet in &wallets {
        cluster.sign(wallet).await.context("after they came back")?;
    }
    Ok(())
}

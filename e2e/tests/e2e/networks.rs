//! Each node and the gateway in a network of its own: real cables, one of which is pulled.

use anyhow::{Context, Result, ensure};
use quorate_e2e::Cluster;
use quorate_e2e::cluster::node_name;
use quorate_intent::Suite;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn signing_goes_on_with_a_node_cut_off_and_with_it_when_it_is_back() -> Result<()> {
    let namespaces = match Cluster::namespaces_for(3) {
        Ok(namespaces) => namespaces,
        Err(error) => {
            // Past the test harness, which shows the output of failed tests alone.
            let note = format!("SKIPPED: nodes in networks of their own: {error:#}\n");
            std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes())?;
            return Ok(());
        }
    };
    let mut cluster = Cluster::start_in(3, namespaces).await?;
    let mut wallets = Vec::new();
    for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        cluster.sign(&wallet).await?;
        wallets.push(wallet);
    }
    let cut = node_name(1);
    let address: SocketAddr = cluster.genesis.parties[1].address.parse()?;
    let answers = || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    ensure!(answers(), "{cut} does not answer before the cut");
    cluster.namespaces().context("namespaces")?.cut(&cut)?;
    ensure!(!answers(), "{cut} answers without its cable");
    for wallet in &wallets {
        let began = Instant::now();
        let signed = cluster.sign(wallet).await.context("with a node cut off")?;
        let signers = signed.view.transaction.context("a transaction")?.signers;
        ensure!(!signers.contains(&cut), "a node that is cut off has signed: {signers:?}");
        println!("{} without {cut}: {:.1?}", wallet.keys.suite(), began.elapsed());
    }
    let began = Instant::now();
    while cluster.client()?.api.cluster().await?.nodes.iter().any(|node| node.name == cut && node.reachable) {
        ensure!(began.elapsed() < Duration::from_secs(60), "the gateway does not notice");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the gateway knew after {:.1?} more", began.elapsed());
    cluster.namespaces().context("namespaces")?.mend(&cut)?;
    let began = Instant::now();
    cluster.ready().await.context("after the cable is in again")?;
    println!("{cut} is back after {:.1?}", began.elapsed());
    // Now it is needed.
    cluster.kill_node(0)?;
    for wallet in &wallets {
        let signed = cluster.sign(wallet).await.context("after it came back")?;
        let signers = signed.view.transaction.context("a transaction")?.signers;
        ensure!(signers.contains(&cut), "{signers:?}");
    }
    cluster.start_node(0)?;
    cluster.ready().await
}

//! Strangers, slow ones, floods and peers out of their role at a node's door: the node signs on.

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_coordination::NodeRequest;
use quorate_coordination::rpc::Frame;
use quorate_e2e::people::random;
use quorate_e2e::{Cluster, Liar, Wallet, secrets};
use quorate_intent::Suite;
use quorate_transport::Endpoint;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

async fn start() -> Result<(Cluster, Vec<Wallet>)> {
    let cluster = Cluster::start(3).await?;
    let mut wallets = Vec::new();
    for suite in [Suite::Ed25519, Suite::Ecdsa] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        cluster.sign(&wallet).await?;
        wallets.push(wallet);
    }
    Ok((cluster, wallets))
}

/// Signs in each wallet; with node 2 away, node 0 must take part.
async fn node_0_signs(cluster: &mut Cluster, wallets: &[Wallet]) -> Result<()> {
    cluster.check_alive()?;
    for wallet in wallets {
        let signed = cluster.sign(wallet).await?;
        let signers = signed.view.transaction.context("transaction")?.signers;
        ensure!(signers.contains(&"n1".to_owned()), "{signers:?}");
    }
    Ok(())
}

/// Whether a channel gives a frame before it ends.
async fn answered(endpoint: &Endpoint, cluster: &Cluster, at: usize, frames: &[Frame]) -> Result<bool> {
    let party = &cluster.genesis.parties[at];
    let Ok(channel) = endpoint.connect(&party.address, party.key).await else { return Ok(false) };
    let (mut sender, mut receiver) = channel.split();
    for frame in frames {
        let bytes = borsh::to_vec(frame).map_err(|error| anyhow::anyhow!("{error}"))?;
        if sender.send(&bytes).await.is_err() {
            return Ok(false);
        }
    }
    match timeout(Duration::from_secs(15), receiver.receive())
        .await
        .context("the node keeps the channel open")?
    {
        Ok(frame) => Ok(frame.is_some()),
        Err(_) => Ok(false),
    }
}

fn status() -> Frame {
    Frame::Call { id: 1, request: NodeRequest::Status }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_peers_out_of_their_role_get_nothing() -> Result<()> {
    let (mut cluster, wallets) = start().await?;
    let gateway = Endpoint::new(&cluster.gateway_key()?)?;
    ensure!(answered(&gateway, &cluster, 0, &[status()]).await?, "not even the gateway is answered");
    let stranger = Endpoint::new(&SigningKey::from_bytes(&random()))?;
    ensure!(!answered(&stranger, &cluster, 0, &[status()]).await?, "a stranger was answered");
    let person = Endpoint::new(&cluster.client()?.key)?;
    ensure!(!answered(&person, &cluster, 0, &[status()]).await?, "a client was answered by a node");
    // A node that was broken into: it has its identity key and nothing more.
    cluster.kill_node(2)?;
    let copies = tempfile::tempdir()?;
    let vault = secrets::open_copy(&cluster, 2, copies.path()).await?;
    let traitor = Endpoint::new(vault.identity().expose())?;
    ensure!(!answered(&traitor, &cluster, 0, &[status()]).await?, "a node was answered like the gateway");
    let answer = Frame::Answer { id: 1, response: Ok(quorate_coordination::NodeResponse::Done) };
    ensure!(!answered(&traitor, &cluster, 0, std::slice::from_ref(&answer)).await?, "an answer to nothing");
    ensure!(!answered(&gateway, &cluster, 0, &[answer]).await?, "an answer of the gateway to nothing");
    // Ceremony messages that are none, as many as go through in three seconds.
    let party = cluster.genesis.parties[0].clone();
    let (mut sender, _receiver) = traitor.connect(&party.address, party.key).await?.split();
    let (began, mut sent) = (Instant::now(), 0);
    let noise: Vec<u8> = (0..128).flat_map(|_| random::<32>()).collect();
    let frame = borsh::to_vec(&Frame::Session(noise)).map_err(|error| anyhow::anyhow!("{error}"))?;
    while began.elapsed() < Duration::from_secs(3) && sender.send(&frame).await.is_ok() {
        sent += 1;
    }
    println!("{sent} frames of noise");
    ensure!(sent > 100, "only {sent} frames went through");
    node_0_signs(&mut cluster, &wallets).await?;
    cluster.start_node(2)?;
    cluster.ready().await?;
    for wallet in &wallets {
        cluster.sign(wallet).await?;
    }
    Ok(())
}

/// Passes bytes on to a node, but only so many; tells when the node hangs up.
async fn narrow(to: String, limit: Arc<AtomicUsize>) -> Result<(String, oneshot::Receiver<Instant>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let (tell, closed) = oneshot::channel();
    tokio::spawn(async move {
        let (from, _) = listener.accept().await?;
        let (mut from_read, mut from_write) = from.into_split();
        let (mut to_read, mut to_write) = TcpStream::connect(to).await?.into_split();
        let forward = tokio::spawn(async move {
            let mut buffer = vec![0; 1024];
            loop {
                let left = limit.load(Ordering::SeqCst).min(buffer.len());
                if left == 0 {
                    // Silence, with the connection open.
                    sleep(Duration::from_secs(60)).await;
                    return Ok::<_, std::io::Error>(());
                }
                let got = from_read.read(&mut buffer[..left]).await?;
                limit.fetch_sub(got, Ordering::SeqCst);
                to_write.write_all(&buffer[..got]).await?;
            }
        });
        let _ = tokio::io::copy(&mut to_read, &mut from_write).await;
        let _ = tell.send(Instant::now());
        forward.abort();
        Ok::<_, std::io::Error>(())
    });
    Ok((address, closed))
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_flooding_connections_do_not_stop_a_node() -> Result<()> {
    let (mut cluster, wallets) = start().await?;
    cluster.kill_node(2)?;
    let party = cluster.genesis.parties[0].clone();
    // Half a frame from somebody with the gateway's key, then silence.
    let limit = Arc::new(AtomicUsize::new(usize::MAX));
    let (address, closed) = narrow(party.address.clone(), Arc::clone(&limit)).await?;
    let endpoint = Endpoint::new(&cluster.gateway_key()?)?;
    let (mut sender, _receiver) = endpoint.connect(&address, party.key).await?.split();
    sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    limit.store(20_000, Ordering::SeqCst);
    let half = tokio::spawn(async move { sender.send(&vec![0; 1 << 20]).await });
    // A TLS hello that never comes, on more connections than a node takes.
    let mut silent = Vec::new();
    for at in 0..300 {
        let mut stream = TcpStream::connect(&party.address).await?;
        if at % 2 == 0 {
            let _ = stream.write_all(b"\x16\x03\x01\x40").await;
        }
        silent.push(stream);
    }
    // Noise instead of TLS.
    for _ in 0..50 {
        let mut stream = TcpStream::connect(&party.address).await?;
        let _ = stream.write_all(&random::<32>()).await;
    }
    node_0_signs(&mut cluster, &wallets).await.context("while they hang on")?;
    let hung_up =
        timeout(Duration::from_secs(30), closed).await.context("half a frame is waited for forever")??;
    let waited = hung_up - began;
    println!("half a frame was waited for {waited:.1?}");
    ensure!((5..20).contains(&waited.as_secs()), "{waited:?}");
    half.abort();
    drop(silent);
    // Until the node has seen that they are gone, it closes whatever comes.
    sleep(Duration::from_secs(1)).await;
    // More calls at once than one channel may have.
    let mut liar = Liar::new(&cluster)?;
    for id in 1000..2000 {
        let request = NodeRequest::Commitments { wallet: wallets[0].id, count: 1 };
        liar.send(0, &Frame::Call { id, request }).await?;
    }
    // Whoever floods may lose answers on that channel, and nobody else does.
    liar.hang_up(0);
    ensure!(liar.call(0, NodeRequest::Status).await?.is_ok(), "no status after a flood of calls");
    cluster.start_node(2)?;
    cluster.ready().await?;
    cluster.kill_node(2)?;
    node_0_signs(&mut cluster, &wallets).await.context("afterwards")
}

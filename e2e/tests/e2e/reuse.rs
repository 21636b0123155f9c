//! One nonce, two messages: a gateway that hands material out twice.

use crate::lies::{assigned, fresh, material};
use anyhow::{Result, ensure};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeRequest, NodeResponse, combine};
use quorate_e2e::liar::node_of;
use quorate_e2e::{Cluster, Liar};
use quorate_intent::Suite;

/// Whatever the coordinator does, each node uses a nonce once.
#[tokio::test(flavor = "multi_thread")]
async fn material_is_used_once_over_messages_and_restarts() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallets = [
        cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?,
        cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?,
    ];
    // Pair states for the liar's presignatures.
    cluster.sign(&wallets[1]).await?;
    let mut liar = Liar::new(&cluster)?;
    for wallet in &wallets {
        let (one, two) = (node_of(&cluster, wallet, 1)?, node_of(&cluster, wallet, 2)?);
        let (a, b) = (fresh(&cluster, wallet)?, fresh(&cluster, wallet)?);
        let material = material(&mut liar, &cluster, wallet).await?;
        let (call_a, call_b) =
            (assigned(&liar, wallet, &a, &material)?, assigned(&liar, wallet, &b, &material)?);
        // Both are approved; each node is told of another.
        let Ok(NodeResponse::Signed { mut partials, .. }) =
            liar.call(one, NodeRequest::Sign(call_a.clone())).await?
        else {
            anyhow::bail!("party 1 refuses an approved transfer");
        };
        let Ok(NodeResponse::Signed { partials: other, .. }) =
            liar.call(two, NodeRequest::Sign(call_b.clone())).await?
        else {
            anyhow::bail!("party 2 refuses an approved transfer");
        };
        partials.extend(other);
        for call in [&call_a, &call_b] {
            let (record, gateway) = (&wallet.certificate.record, &cluster.genesis.gateway);
            let combined = combine(record, &wallet.keys, gateway, &call.request, &call.parts[0], &partials);
            ensure!(combined.is_err(), "partials of two messages gave a signature");
        }
        for (at, call) in [(one, &call_b), (two, &call_a), (one, &call_a), (two, &call_b)] {
            let answer = liar.call(at, NodeRequest::Sign(call.clone())).await?;
            let Err(error) = answer else { anyhow::bail!("a node used its nonce twice") };
            ensure!(error.code == ErrorCode::NoStock, "{:?} {error}", error.code);
        }
    }
    // A restart brings nothing back.
    for wallet in wallets.iter().rev() {
        let case = fresh(&cluster, wallet)?;
        let material = material(&mut liar, &cluster, wallet).await?;
        let call = assigned(&liar, wallet, &case, &material)?;
        let one = node_of(&cluster, wallet, 1)?;
        cluster.kill_node(one)?;
        liar.hang_up(one);
        cluster.start_node(one)?;
        cluster.ready().await?;
        let answer = liar.call(one, NodeRequest::Sign(call)).await?;
        let Err(error) = answer else { anyhow::bail!("a nonce lived through a restart") };
        ensure!(error.code == ErrorCode::NoStock, "{:?} {error}", error.code);
    }
    Ok(())
}

/// The folders of all nodes put back to an earlier time bring no nonce and no presignature back: none was ever in them.
#[tokio::test(flavor = "multi_thread")]
async fn all_folders_put_back_spend_nothing_twice() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallets = [
        cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?,
        cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?,
    ];
    cluster.sign(&wallets[1]).await?;
    let mut liar = Liar::new(&cluster)?;
    let kept = tempfile::tempdir()?;
    let mut calls = Vec::new();
    for wallet in &wallets {
        let (a, b) = (fresh(&cluster, wallet)?, fresh(&cluster, wallet)?);
        let material = material(&mut liar, &cluster, wallet).await?;
        calls.push((assigned(&liar, wallet, &a, &material)?, assigned(&liar, wallet, &b, &material)?));
    }
    // A moment at which all of it is in stock and nothing of it is spent.
    cluster.freeze()?;
    for at in 0..3 {
        let copy = kept.path().join(format!("kept-{at}"));
        quorate_e2e::secrets::copy_vault(&cluster.home(at).join("vault"), &copy)?;
    }
    cluster.thaw()?;
    for (wallet, (call, _)) in wallets.iter().zip(&calls) {
        for index in [1, 2] {
            let at = node_of(&cluster, wallet, index)?;
            let signed = liar.call(at, NodeRequest::Sign(call.clone())).await?;
            ensure!(signed.is_ok(), "an approved transfer was refused: {signed:?}");
        }
    }
    for at in 0..3 {
        cluster.kill_node(at)?;
        liar.hang_up(at);
        let vault = cluster.home(at).join("vault");
        std::fs::remove_dir_all(&vault)?;
        quorate_e2e::secrets::copy_vault(&kept.path().join(format!("kept-{at}")), &vault)?;
    }
    for at in 0..3 {
        cluster.start_node(at)?;
    }
    cluster.ready().await?;
    for (wallet, (spent, other)) in wallets.iter().zip(&calls) {
        for index in [1, 2] {
            let at = node_of(&cluster, wallet, index)?;
            for call in [other, spent] {
                let answer = liar.call(at, NodeRequest::Sign(call.clone())).await?;
                let Err(error) = answer else { anyhow::bail!("an old folder brought a nonce back") };
                ensure!(error.code == ErrorCode::NoStock, "{:?} {error}", error.code);
            }
        }
        cluster.sign(wallet).await?;
    }
    Ok(())
}

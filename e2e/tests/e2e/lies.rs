//! What all lies have in common: an honest call to change, and what refusing means.

use anyhow::{Context, Result, ensure};
use quorate_coordination::rpc::{ErrorCode, SignCall};
use quorate_coordination::{Material, NodeRequest, NodeResponse, combine};
use quorate_e2e::liar::{Case, node_of};
use quorate_e2e::people::random;
use quorate_e2e::{Cluster, Liar, Wallet, transfers};
use quorate_intent::Suite;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The first two parties sign.
pub const SET: [u16; 2] = [1, 2];

/// An approved transfer of the wallet's suite.
pub fn fresh(cluster: &Cluster, wallet: &Wallet) -> Result<Case> {
    let plan = transfers::plan(wallet).context("a plan")?;
    Case::new(cluster, wallet, transfers::transfer(wallet), plan)
}

/// Material for one item that both signers have in stock right now.
///
/// The real gateway sets pairs up at the same time, so presigning may need a second try.
pub async fn material(liar: &mut Liar, cluster: &Cluster, wallet: &Wallet) -> Result<Material> {
    let began = Instant::now();
    loop {
        match fresh_material(liar, cluster, wallet).await {
            Err(_) if began.elapsed() < Duration::from_secs(30) => sleep(Duration::from_millis(200)).await,
            result => return result,
        }
    }
}

async fn fresh_material(liar: &mut Liar, cluster: &Cluster, wallet: &Wallet) -> Result<Material> {
    if wallet.keys.suite() != Suite::Ecdsa {
        return Ok(Material::Frost(liar.commitments(cluster, wallet, &SET).await?));
    }
    let (ceremony, id) = (random(), wallet.id);
    let presign = |set: &[u16]| NodeRequest::Presign { ceremony, wallet: id, set: set.to_vec(), count: 1 };
    let (one, two) = (node_of(cluster, wallet, 1)?, node_of(cluster, wallet, 2)?);
    let mut other = Liar::new(cluster)?;
    let (a, b) = tokio::join!(liar.call(one, presign(&SET)), other.call(two, presign(&SET)));
    let (Ok(NodeResponse::Presigned(a)), Ok(NodeResponse::Presigned(b))) = (a?, b?) else {
        anyhow::bail!("no presignature");
    };
    ensure!(a == b && a.len() == 1, "one presignature, the same at both");
    Ok(Material::Ecdsa(a.into_iter().next().context("one")?))
}

/// A case with its assignment.
pub fn assigned(liar: &Liar, wallet: &Wallet, case: &Case, material: &Material) -> Result<SignCall> {
    Ok(case.call(liar.assign(wallet, &case.request, vec![material.clone()])?))
}

/// Every signer refuses a call with this code, in words that hold `words`.
pub async fn refused(
    liar: &mut Liar,
    cluster: &Cluster,
    wallet: &Wallet,
    what: &str,
    call: &SignCall,
    (code, words): (ErrorCode, &str),
) -> Result<()> {
    for index in SET {
        let answer = liar.call(node_of(cluster, wallet, index)?, NodeRequest::Sign(call.clone())).await?;
        let Err(error) = answer else { anyhow::bail!("{what}: party {index} signed") };
        ensure!(error.code == code, "{what}: party {index}: {:?} {}", error.code, error.message);
        ensure!(
            error.message.contains(words),
            "{what}: party {index} does not say {words:?}: {}",
            error.message
        );
    }
    Ok(())
}

/// What the honest call gets: partial signatures that combine. Without this the refusals would prove nothing.
pub async fn signed(liar: &mut Liar, cluster: &Cluster, wallet: &Wallet, call: &SignCall) -> Result<()> {
    let mut partials = Vec::new();
    for index in SET {
        match liar.call(node_of(cluster, wallet, index)?, NodeRequest::Sign(call.clone())).await? {
            Ok(NodeResponse::Signed { partials: list, .. }) => partials.extend(list),
            other => anyhow::bail!("party {index} refuses an honest call: {other:?}"),
        }
    }
    let (record, gateway) = (&wallet.certificate.record, &cluster.genesis.gateway);
    combine(record, &wallet.keys, gateway, &call.request, &call.parts[0], &partials)?;
    Ok(())
}

/// Boot ids of all nodes: they change when a node's process does.
pub async fn boots(liar: &mut Liar, nodes: usize) -> Result<Vec<[u8; 16]>> {
    let mut all = Vec::new();
    for at in 0..nodes {
        match liar.call(at, NodeRequest::Status).await? {
            Ok(NodeResponse::Status(status)) => all.push(status.boot),
            other => anyhow::bail!("no status: {other:?}"),
        }
    }
    Ok(all)
}

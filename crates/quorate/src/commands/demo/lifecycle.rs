//! The life of a key: refreshed, and given another quorum, under the same addresses.

use super::Progress;
use crate::commands::api::Caller;
use crate::commands::cluster::Cluster;
use crate::commands::{approvals, orders};
use anyhow::{Result, ensure};
use quorate_intent::{OrderKind, Purpose, Verdict, WalletId};

/// Longest wait for a ceremony, in seconds.
const WAIT: u64 = 90;

/// Gives a key new shares, for as many signers as `threshold` says.
async fn reshare(
    cluster: &Cluster,
    client: &Caller,
    wallet: WalletId,
    threshold: Option<u16>,
) -> Result<(String, ())> {
    let (before, old) = client.wallet(&wallet).await?;
    let now = u16::try_from(old.threshold())?;
    let kind = OrderKind::Reshare {
        base: before.record.hash(),
        recipients: before.record.parties.clone(),
        threshold: threshold.unwrap_or(now),
        purpose: if threshold.is_some() { Purpose::Change } else { Purpose::Refresh },
        schedule: None,
    };
    let view = orders::submit(client, wallet, kind).await?;
    for administrator in cluster.administrators()? {
        approvals::verdict_on(&administrator, &view, Verdict::Approve).await?;
    }
    client.finished(&view, WAIT).await?;
    // Checked here against the genesis: order, approvals, and what every party signed.
    let (after, new) = client.wallet(&wallet).await?;
    ensure!(after.record.attempt > before.record.attempt, "the epoch is not a new one");
    ensure!(new.public_key() == old.public_key() && new.chain_code() == old.chain_code(), "another key");
    ensure!(after.record.public != before.record.public, "the shares are the old ones");
    let parties = after.record.parties.len();
    Ok((
        format!("now {}-of-{parties}, {}; the same key and addresses", new.threshold(), after.record.attempt),
        (),
    ))
}

/// New shares for the same parties.
pub async fn refresh(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallet: WalletId,
) -> Result<()> {
    progress.step("refresh the ECDSA key", reshare(cluster, client, wallet, None)).await
}

/// Another number of signers.
pub async fn quorum(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallet: WalletId,
    threshold: u16,
) -> Result<()> {
    let name = format!("make it {threshold} of 3 that sign, Ed25519");
    progress.step(&name, reshare(cluster, client, wallet, Some(threshold))).await
}

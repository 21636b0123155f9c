//! The life of a key: refreshed, and given another quorum, under the same addresses.

use super::Progress;
use crate::commands::api::Caller;
use crate::commands::cluster::Cluster;
use crate::commands::{intents, orders};
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
        intents::verdict_on(&administrator, &view, Verdict::Approve).await?;
    }
    client.finished(&view, WAIT).await?;
    // Checked here against the genesis: order, approvals, and what every party signed.
    let (after, new) = client.wallet(&wallet).await?;
    ensure!(after.record.attempt > before.record.attempt, "the epoch is not a new one");
    ensure!(new.public_key() == old.public_key() && new.chain_code() == old.chain_code(), "another key");
    ensure!(after.record.public != before.record.public, "the shares are the old ones");
    let parties = after.record.parties.len();
    Ok((format!("now {}-of-{parties}, {}; the same key and addresses", new.threshold(), after.record.attempt), ()))
}

/// A refresh of one wallet, another quorum for a second.
pub async fn tell(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    refreshed: WalletId,
    changed: WalletId,
) -> Result<()> {
    progress.step("refresh the ECDSA key", reshare(cluster, client, refreshed, None)).await?;
    progress.step("from 2-of-3 to 3-of-3, Ed25519", reshare(cluster, client, changed, Some(3))).await
}

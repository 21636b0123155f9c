//! The record: the certificate of the last transfer, fetched while the cluster runs and checked when nothing of it does.

use super::Progress;
use crate::commands::api::Caller;
use crate::commands::certificates::{get, judge};
use crate::commands::cluster::Cluster;
use crate::files;
use anyhow::{Context, Result, ensure};
use quorate_intent::{Genesis, IntentId};
use std::path::PathBuf;
use std::time::Duration;

/// How long logs may take to be cosigned.
const WAIT: Duration = Duration::from_secs(30);

/// Where the certificate lies.
fn path(cluster: &Cluster) -> PathBuf {
    cluster.dir.join("payment.certificate")
}

/// Fetches the certificate once enough nodes have cosigned.
pub async fn fetch(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    intent: &IntentId,
) -> Result<Genesis> {
    let work = async {
        let (certificate, report) = get(client, intent, WAIT, true).await?;
        files::write(&path(cluster), certificate.to_file().as_bytes(), 0o644)?;
        let needed = report.witnesses_needed;
        Ok((format!("complete: each signer's log is cosigned by {needed} others"), ()))
    };
    progress.step("certificate of the last transfer", work).await?;
    Ok(client.chain.genesis().clone())
}

/// Checks it with the genesis alone, and that a changed one is refused.
pub async fn check(cluster: &Cluster, progress: &mut Progress, genesis: &Genesis) -> Result<()> {
    ensure!(cluster.pids().is_empty(), "a process still runs");
    let bytes = files::read(&path(cluster))?;
    let work = async {
        let report = judge(&bytes, genesis)?;
        let names = |all: Vec<&str>| all.join(", ");
        let approved = names(report.approved_by.iter().map(|named| named.name.as_str()).collect());
        let signed = names(report.signed_by.iter().map(|by| by.party.name.as_str()).collect());
        Ok((format!("holds: approved by {approved} (rule {}), signed by {signed}", report.rule), ()))
    };
    progress.step("check the certificate with no process running", work).await?;
    let work = async {
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] = if altered[middle] == b'0' { b'1' } else { b'0' };
        let error = judge(&altered, genesis).err().context("an altered certificate was taken")?;
        Ok((format!("refused: {error:#}"), ()))
    };
    progress.step("the same with one digit changed", work).await
}

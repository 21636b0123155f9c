//! `backup` and `restore`: a node's vault as a sealed file, and a node out of one.

use super::unlock;
use crate::cli::{BackupArgs, RestoreArgs};
use crate::output;
use anyhow::{Context, Result, bail};
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_node::control::{self, BACKUP, ControlError};
use quorate_vault::{Attempt, Vault};
use std::path::Path;

/// Runs `backup`.
pub async fn backup(args: BackupArgs, json: bool) -> Result<()> {
    if args.out.exists() {
        bail!("{}: exists already; a backup is never written over", args.out.display());
    }
    let running = match control::ask(&args.dir, NodeRequest::Backup).await {
        Ok(NodeResponse::Done) => {
            fetch(&args.dir.join(BACKUP), &args.out)?;
            true
        }
        Ok(_) => bail!("the node answered with something else"),
        Err(ControlError::Connect(..)) => {
            let vault = Vault::open(&args.dir, unlock::open(&args.unlock)?).await?;
            vault.backup(&args.out).await?;
            vault.close().await?;
            false
        }
        Err(error) => return Err(error.into()),
    };
    let bytes = std::fs::metadata(&args.out)?.len();
    let value = serde_json::json!({ "backup": args.out, "bytes": bytes, "node_runs": running });
    output::result(json, &value, || {
        format!(
            "{}: {bytes} bytes, sealed.\nKeep it apart from the vault's key file; both together are the node. Make a new one after every refresh: older ones are of no use then.",
            args.out.display()
        )
    })
}

/// Moves the node's copy to where it is wanted, also to another file system.
fn fetch(from: &Path, to: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let context = || to.display().to_string();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .with_context(context)?;
    let copied = std::fs::File::open(from)
        .and_then(|mut source| std::io::copy(&mut source, &mut file))
        .and_then(|_| file.sync_all());
    if copied.is_err() {
        let _ = std::fs::remove_file(to);
    }
    let _ = std::fs::remove_file(from);
    copied.with_context(context)
}

/// Runs `restore`.
pub async fn restore(args: RestoreArgs, json: bool) -> Result<()> {
    let vault = Vault::restore(&args.backup, &args.dir, unlock::open(&args.unlock)?).await?;
    let node = vault.identity().public();
    let mut epochs = Vec::new();
    for wallet in vault.wallets().await? {
        let certified = vault.certificate(&wallet).await?.map(|(attempt, _)| attempt);
        epochs.push((wallet, certified));
    }
    vault.close().await?;
    let told = |attempt: &Option<Attempt>| attempt.map_or("-".to_owned(), |attempt| attempt.to_string());
    let list: Vec<_> = epochs
        .iter()
        .map(|(wallet, attempt)| serde_json::json!({ "wallet": wallet, "epoch": told(attempt) }))
        .collect();
    let value = serde_json::json!({ "node": node, "dir": args.dir, "wallets": list });
    output::result(json, &value, || {
        let rows = epochs.iter().map(|(wallet, attempt)| vec![wallet.to_string(), told(attempt)]);
        format!(
            "restored {node}\n{}\nThe machine that the backup is of must never run again. Where a wallet was refreshed after the backup, the other nodes say so as soon as this one meets them: it then signs nothing for that wallet until an order gives it a new share (`quorate wallet refresh`).",
            output::table(&["wallet", "epoch"], rows)
        )
    })
}

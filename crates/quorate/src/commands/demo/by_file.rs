//! The end of the story: partial signatures as files. Two nodes give theirs over their own control sockets; then nothing of
//! the cluster runs any more, and the files alone give the transactions.

use super::story::{
    Wallets, bitcoin_transfer, ethereum_transfer, fund, sender, solana_transfer, spent, submit,
};
use super::{Progress, judge};
use crate::commands::api::Caller;
use crate::commands::cluster::{Cluster, NODES};
use crate::commands::partials;
use crate::exit::Refused;
use crate::files;
use anyhow::{Context, Result, bail, ensure};
use bitcoin::Transaction;
use quorate_chains::Plan;
use quorate_coordination::PartialFile;
use quorate_intent::Transfer;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Who signs, by position.
const SIGNERS: [usize; 2] = [0, 1];
/// The Ethereum transfers before used 0 to 3.
const NONCE: u64 = 4;

/// By what a combined transaction is judged.
enum Judge {
    Bitcoin(Transaction),
    Evm(String),
    Solana,
}

/// Files of one transfer.
pub struct Exported {
    what: &'static str,
    transfer: Transfer,
    judge: Judge,
    files: Vec<PathBuf>,
}

/// Exports at two nodes, for each suite.
pub async fn export_all(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallets: &Wallets,
) -> Result<Vec<Exported>> {
    std::fs::create_dir_all(cluster.dir.join("partials"))?;
    let mut all = Vec::new();
    for what in ["ecdsa", "bip340", "ed25519"] {
        let work = async {
            let (transfer, plan, judge) = wish(client, wallets, what).await?;
            export(cluster, client, what, transfer, plan, judge).await
        };
        let name = format!("export {what} partial signatures at two nodes");
        all.push(progress.step(&name, work).await?);
    }
    Ok(all)
}

/// Ends every process, combines and judges.
pub async fn combine_all(cluster: &mut Cluster, progress: &mut Progress, all: &[Exported]) -> Result<()> {
    let end = async {
        cluster.kill_all()?;
        ensure!(cluster.pids().is_empty(), "a process still runs");
        Ok(("no node and no gateway runs any more".to_owned(), ()))
    };
    progress.step("end every process", end).await?;
    for exported in all {
        let work = async { combine(cluster, exported) };
        let value = progress.step(&format!("combine the {} files", exported.what), work).await?;
        progress.transfer(value);
    }
    let altered = async { altered(cluster, all.first().context("no files")?) };
    progress.step("combine with one byte altered", altered).await
}

async fn wish(client: &Caller, wallets: &Wallets, what: &str) -> Result<(Transfer, Option<Plan>, Judge)> {
    Ok(match what {
        "ecdsa" => {
            let (transfer, plan) = ethereum_transfer(wallets.ecdsa, None, NONCE);
            (transfer, Some(plan), Judge::Evm(sender(client, wallets.ecdsa).await?))
        }
        "bip340" => {
            let funding = fund(client, wallets.bip340).await?;
            (bitcoin_transfer(wallets.bip340), None, Judge::Bitcoin(funding))
        }
        _ => {
            let (transfer, plan) = solana_transfer(wallets.ed25519);
            (transfer, Some(plan), Judge::Solana)
        }
    })
}

async fn export(
    cluster: &Cluster,
    client: &Caller,
    what: &'static str,
    transfer: Transfer,
    plan: Option<Plan>,
    judge: Judge,
) -> Result<(String, Exported)> {
    let view = submit(cluster, client, transfer.clone(), plan, true).await?;
    let names = SIGNERS.map(|at| NODES[at].to_owned()).to_vec();
    let (call, _) = partials::fetch(client, &view.id, Some(names.clone())).await?;
    let mut paths = Vec::new();
    for at in SIGNERS {
        let file = partials::sign_at(&cluster.vault(at), call.clone()).await?;
        ensure!(file.signer.name == NODES[at], "another node answered than was asked");
        let path = cluster.dir.join("partials").join(format!("{what}-{}.json", NODES[at]));
        files::write(&path, &serde_json::to_vec(&file)?, 0o644)?;
        paths.push(path);
    }
    let result = format!("files of {}", names.join(" and "));
    Ok((result, Exported { what, transfer, judge, files: paths }))
}

fn combine(cluster: &Cluster, exported: &Exported) -> Result<(String, Value)> {
    let combined = partials::combine_paths(&exported.files, Some(&cluster.genesis))?;
    let raw = &combined.transaction.raw;
    let judged = match &exported.judge {
        Judge::Bitcoin(funding) => judge::bitcoin(raw, &spent(raw, std::slice::from_ref(funding))?)?,
        Judge::Evm(from) => judge::evm(raw, from)?,
        Judge::Solana => judge::solana(raw)?,
    };
    let short: String = combined.transaction.id.chars().take(20).collect();
    let who = judged["judge"].as_str().unwrap_or_default();
    let text = format!("{short}… by {}; holds for {who}", combined.signers.join("+"));
    let value = json!({
        "intent": combined.intent,
        "network": exported.transfer,
        "to": exported.transfer.to,
        "id": combined.transaction.id,
        "raw": hex::encode(raw),
        "signers": combined.signers,
        "judged": judged,
        "by_file": true,
    });
    Ok((text, value))
}

/// One byte of the second signer's partial signature is changed: the file must be refused, in that signer's name.
fn altered(cluster: &Cluster, exported: &Exported) -> Result<(String, ())> {
    let mut paths = exported.files.clone();
    let last = paths.last_mut().context("no file")?;
    let mut file = PartialFile::decode(&files::read(last)?)?;
    let body = file.partials.first_mut().and_then(|partial| partial.body.first_mut());
    *body.context("no partial signature")? ^= 1;
    *last = last.with_extension("altered.json");
    files::write(last, &serde_json::to_vec(&file)?, 0o644)?;
    let maker = NODES[SIGNERS[1]];
    match partials::combine_paths(&paths, Some(&cluster.genesis)) {
        Err(error)
            if error.is::<Refused>() && error.to_string().contains(&format!("of {maker} is refused")) =>
        {
            Ok((format!("refused, in the name of {maker}"), ()))
        }
        Err(error) => Err(error.context("the altered file was refused for another reason")),
        Ok(_) => bail!("an altered file was combined"),
    }
}

//! A party that cheats: it signs a wrong partial signature with its own identity key. It is named by that signature, anybody
//! can check the evidence offline, and the transaction is signed with the others.

use super::story::{Wallets, bitcoin_transfer, fund, spent, submit};
use super::{Progress, judge};
use crate::commands::api::Caller;
use crate::commands::cluster::{Cluster, NODES};
use crate::commands::{disputes, partials};
use crate::files;
use anyhow::{Context, Result, bail, ensure};
use bitcoin::Transaction;
use quorate_client::api::IntentView;
use quorate_coordination::{EvidenceFile, FileError, PartialFile};
use quorate_intent::{WalletId, keys};
use quorate_vault::{Unlock, Vault};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Who signs first, who of them cheats, and who signs in the end, by position.
const FIRST: [usize; 2] = [0, 1];
const CHEATER: usize = 1;
const SECOND: [usize; 2] = [0, 2];

/// Tells it, and leaves the cluster whole.
pub async fn tell(
    cluster: &mut Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallets: &Wallets,
) -> Result<()> {
    let dir = cluster.dir.join("cheater");
    std::fs::create_dir_all(&dir)?;
    let work = async {
        let funding = fund(client, wallets.bip340).await?;
        let view = submit(cluster, client, bitcoin_transfer(wallets.bip340), None, true).await?;
        let files = export(cluster, client, &view, &FIRST, "first").await?;
        cluster.kill_node(CHEATER)?;
        cheat(cluster, client, wallets.bip340, &files[1]).await?;
        Ok((format!("{} signs a wrong share, as its own", NODES[CHEATER]), (funding, view, files)))
    };
    let (funding, view, files) = progress.step("a party cheats", work).await?;
    progress.step("combine, and check the evidence offline", async { named(cluster, &files) }).await?;
    let rest = with_the_others(cluster, client, &view, &funding);
    let value = progress.step("sign with the others", rest).await?;
    progress.transfer(value);
    cluster.start_node(CHEATER)?;
    cluster.ready().await
}

async fn export(
    cluster: &Cluster,
    client: &Caller,
    view: &IntentView,
    signers: &[usize],
    try_name: &str,
) -> Result<Vec<PathBuf>> {
    let names = signers.iter().map(|at| NODES[*at].to_owned()).collect();
    let (call, _) = partials::fetch(client, &view.id, Some(names)).await?;
    let mut paths = Vec::new();
    for at in signers {
        let file = partials::sign_at(&cluster.vault(*at), call.clone()).await?;
        let path = cluster.dir.join("cheater").join(format!("{try_name}-{}.json", NODES[*at]));
        files::write(&path, &serde_json::to_vec(&file)?, 0o644)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Changes the cheater's partial signature and signs it anew with its identity key: this machine has its folder.
async fn cheat(cluster: &Cluster, client: &Caller, wallet: WalletId, path: &Path) -> Result<()> {
    let mut file = PartialFile::decode(&files::read(path)?)?;
    let (certificate, call) = file.open()?;
    let (_, keys_of_wallet) = client.wallet(&wallet).await?;
    let part = call.parts.first().context("no part")?;
    let checked = part.check(&keys_of_wallet, &certificate.record.parties, &call.request)?;
    let partial = file.partials.first_mut().context("no partial signature")?;
    // The last byte of a BIP340 scalar is its lowest, so it stays a scalar.
    *partial.body.last_mut().context("an empty partial signature")? ^= 1;
    let key = Unlock::key_file(&cluster.dir.join(NODES[CHEATER]).join("vault.key"))?;
    let vault = Vault::open(&cluster.vault(CHEATER), key).await?;
    let digest = checked.statement(file.signer.index, &partial.body);
    partial.signature = keys::sign(vault.identity().expose(), &digest);
    files::write(path, &serde_json::to_vec(&file)?, 0o644)
}

/// The files are not combined, their maker is named, and the evidence holds for somebody who has the genesis alone.
fn named(cluster: &Cluster, files: &[PathBuf]) -> Result<(String, ())> {
    let wrong = match partials::try_combine(files, Some(&cluster.genesis))? {
        Err(FileError::Wrong(wrong)) => wrong,
        Err(other) => return Err(anyhow::Error::new(other).context("refused for another reason")),
        Ok(_) => bail!("a wrong partial signature was combined"),
    };
    let kept = partials::keep_evidence(&wrong, &cluster.genesis, &cluster.dir.join("cheater"))?;
    let [path] = kept.as_slice() else { bail!("not one party was named but {}", kept.len()) };
    let evidence = EvidenceFile::decode(&files::read(path)?)?;
    let (verdict, _) = disputes::judge_file(&evidence, Some(&cluster.genesis))?;
    let cheater = cluster.genesis.parties.iter().find(|party| party.name == NODES[CHEATER]);
    let cheater = cheater.context("the cheater's key")?.key;
    ensure!(verdict["condemned"] == json!(cheater), "another was condemned: {verdict}");
    Ok((format!("{} is condemned by its own signature", NODES[CHEATER]), ()))
}

async fn with_the_others(
    cluster: &Cluster,
    client: &Caller,
    view: &IntentView,
    funding: &Transaction,
) -> Result<(String, Value)> {
    let files = export(cluster, client, view, &SECOND, "second").await?;
    let combined = partials::combine_paths(&files, Some(&cluster.genesis))?;
    let raw = combined.transaction.raw.clone();
    let judged = judge::bitcoin(&raw, &spent(&raw, std::slice::from_ref(funding))?)?;
    let short: String = combined.transaction.id.chars().take(20).collect();
    let text = format!(
        "{short}… by {}; holds for {}",
        combined.signers.join("+"),
        judged["judge"].as_str().unwrap_or_default()
    );
    let value = json!({
        "intent": combined.intent, "network": view.intent.body, "to": combined.summary.to,
        "id": combined.transaction.id, "raw": hex::encode(&raw), "signers": combined.signers,
        "judged": judged, "by_file": true,
    });
    partials::hand_in(client, combined, partials::signing_of(&files)?).await?;
    Ok((text, value))
}

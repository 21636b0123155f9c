//! `drill`: proof that a set of backups would bring every key back, without putting shares together.

use super::api::Caller;
use super::governance::ChainFile;
use super::unlock;
use crate::cli::{ApiArgs, DrillCommand, UnlockArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::{Context, Result, anyhow, bail};
use quorate_coordination::drill::{Answer, Challenge};
use quorate_intent::{Governance, PublicKey, WalletId};
use quorate_session::statement_digest;
use quorate_vault::Vault;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What goes to all operators.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeFile {
    /// Who is who.
    governance: ChainFile,
    /// Canonical bytes of the challenge, hex.
    challenge: String,
}

/// What one operator answers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    /// The node's name.
    node: String,
    /// Canonical bytes of the answer, hex.
    answer: String,
}

fn encode(value: &impl borsh::BorshSerialize) -> Result<String> {
    borsh::to_vec(value).map(hex::encode).map_err(|error| anyhow!("{error}"))
}

fn decode<T: borsh::BorshDeserialize>(text: &str) -> Result<T> {
    borsh::from_slice(&hex::decode(text)?).map_err(|error| anyhow!("{error}"))
}

/// Runs the command.
pub async fn run(command: DrillCommand, json: bool) -> Result<()> {
    match command {
        DrillCommand::Challenge { out, api } => challenge(&api, &out, json).await,
        DrillCommand::Answer { challenge, backup, out, unlock } => {
            answer(&challenge, &backup, &out, &unlock, json).await
        }
        DrillCommand::Check { challenge, answers, genesis } => {
            check(&challenge, &answers, genesis.as_deref(), json)
        }
    }
}

async fn challenge(api: &ApiArgs, out: &Path, json: bool) -> Result<()> {
    let caller = Caller::new(api).await?;
    let mut certificates = Vec::new();
    for wallet in super::wallets::all(&caller).await? {
        certificates.push(caller.wallet(&wallet.id).await?.0);
    }
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    let challenge = Challenge { nonce, certificates };
    let chain = &caller.chain;
    let governance = ChainFile { genesis: chain.genesis().clone(), steps: chain.steps().to_vec() };
    let bytes = encode(&challenge)?;
    files::write_json(out, &ChallengeFile { governance, challenge: bytes })?;
    let keys = challenge.certificates.len();
    let value = serde_json::json!({ "challenge": challenge.hash(), "wallets": keys, "file": out });
    output::result(json, &value, || {
        format!("a challenge for {keys} wallets is in {}; hand it to every operator", out.display())
    })
}

/// Reads a challenge; every certificate in it is checked.
fn read(path: &Path, genesis: Option<&Path>) -> Result<(Challenge, Governance)> {
    let file: ChallengeFile = files::read_json(path)?;
    let context = || format!("{}: not a challenge", path.display());
    let chain = file.governance.chain().with_context(context)?;
    if let Some(genesis) = genesis
        && files::read_genesis(genesis)?.hash() != chain.genesis().hash()
    {
        return Err(Refused(format!("{}: it is of another cluster", path.display())).into());
    }
    let challenge: Challenge = decode(&file.challenge).with_context(context)?;
    for certificate in &challenge.certificates {
        certificate.check_in(&chain, statement_digest)?;
    }
    Ok((challenge, chain))
}

async fn answer(
    challenge: &Path,
    backup: &Path,
    out: &Path,
    unlocking: &UnlockArgs,
    json: bool,
) -> Result<()> {
    let (challenge, chain) = read(challenge, None)?;
    // Opened as a restore would open it, in a folder that is gone afterwards. Its rows stay sealed there.
    let folder = tempfile::Builder::new().prefix("quorate-drill-").tempdir()?;
    let vault = Vault::restore(backup, &folder.path().join("vault"), unlock::open(unlocking)?).await?;
    let me = vault.identity().public();
    let (mut proofs, mut problems) = (Vec::new(), Vec::new());
    for certificate in &challenge.certificates {
        let record = &certificate.record;
        if record.index_of(&me).is_none() {
            continue;
        }
        match prove(&challenge, &vault, &me, record).await {
            Ok(proof) => proofs.push((record.wallet, proof)),
            Err(error) => problems.push(format!("{}: {error:#}", record.wallet)),
        }
    }
    let answer = challenge.answer(vault.identity().expose(), proofs);
    vault.close().await?;
    let node = chain.party_ever(&me).map_or_else(|| me.to_string(), |party| party.name.clone());
    let file = AnswerFile { node: node.clone(), answer: encode(&answer)? };
    files::write_json(out, &file)?;
    let shares = answer.proofs.len();
    let value = serde_json::json!({ "node": node, "proved": shares, "problems": problems, "file": out });
    output::result(json, &value, || {
        let bad = problems.iter().map(|problem| format!("\nnot good: {problem}"));
        format!(
            "the backup of {node} holds {shares} right shares; the answer is in {}{}",
            out.display(),
            bad.collect::<String>()
        )
    })?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Refused(format!("the backup of {node} is not good for every wallet; make a new one")).into())
}

async fn prove(
    challenge: &Challenge,
    vault: &Vault,
    me: &PublicKey,
    record: &quorate_coordination::WalletRecord,
) -> Result<Vec<u8>> {
    let share = vault.active(&record.wallet).await?.context("the backup holds no share of it")?;
    if share.attempt != record.attempt {
        bail!(
            "the backup holds the share of {}, active is {}: it is stale, make a new backup",
            share.attempt,
            record.attempt
        );
    }
    Ok(challenge.prove(me, record, &share.secret, &mut OsRng)?)
}

/// Which nodes cover which key.
fn check(challenge: &Path, answers: &[PathBuf], genesis: Option<&Path>, json: bool) -> Result<()> {
    if genesis.is_none() {
        tracing::warn!("no --genesis: the challenge's own word is taken for who is who");
    }
    let (challenge, chain) = read(challenge, genesis)?;
    let mut by_wallet: BTreeMap<WalletId, BTreeSet<PublicKey>> = BTreeMap::new();
    for path in answers {
        let file: AnswerFile = files::read_json(path)?;
        let answer: Answer = decode(&file.answer).with_context(|| path.display().to_string())?;
        let covered =
            challenge.covered(&answer).map_err(|error| Refused(format!("{}: {error}", path.display())))?;
        for wallet in covered {
            by_wallet.entry(wallet).or_default().insert(answer.node);
        }
    }
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for certificate in &challenge.certificates {
        let record = &certificate.record;
        let need = record.keys()?.threshold();
        let have = by_wallet.get(&record.wallet).cloned().unwrap_or_default();
        if have.len() < need {
            missing.push(record.wallet);
        }
        let name =
            |key: &PublicKey| chain.party_ever(key).map_or_else(|| key.to_string(), |p| p.name.clone());
        let names: Vec<String> = have.iter().map(name).collect();
        let verdict = if have.len() < need { "NOT COVERED" } else { "covered" };
        rows.push(vec![record.wallet.to_string(), need.to_string(), names.join(", "), verdict.to_owned()]);
    }
    let value = serde_json::json!({ "wallets": rows, "missing": missing, "good": missing.is_empty() });
    output::result(json, &value, || {
        output::table(&["wallet", "needed", "proved by", "result"], rows.clone())
    })?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refused(format!("these backups would not bring back {} of the wallets", missing.len())).into())
}

//! `governance`: machines that join, leave and move; the chain of these changes, and its pin at a new machine.

use super::api::{Caller, describe};
use super::{genesis, unlock};
use crate::cli::{ApiArgs, GovernanceCommand, UnlockArgs};
use crate::exit::Refused;
use crate::files::{self, PublicFile, Role};
use crate::output;
use anyhow::{Context, Result, bail};
use quorate_client::api::IntentView;
use quorate_intent::{Body, Change, Genesis, Governance, Party, PublicKey, Step};
use quorate_vault::Vault;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How long a change waits for administrators, in seconds.
const LIFETIME: u64 = 24 * 3600;

/// The genesis and every change since. Nothing in it is secret, and all of it proves itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// The genesis.
    pub genesis: Genesis,
    /// The changes, in order.
    pub steps: Vec<Step>,
}

impl ChainFile {
    /// The chain, checked step by step.
    pub fn chain(self) -> Result<Governance> {
        Ok(Governance::replay(self.genesis, self.steps, &quorate_policy::judge_step)?)
    }
}

/// Runs the command.
pub async fn run(command: GovernanceCommand, json: bool) -> Result<()> {
    match command {
        GovernanceCommand::Show { api } => show(&api, json).await,
        GovernanceCommand::Join { party, api } => {
            let file = PublicFile::read(&party, Role::Node)?;
            let address = file.address.with_context(|| format!("{}: has no address", party.display()))?;
            let party = Party { name: file.name, key: file.key, address };
            ask(&api, json, |_| Ok(Change::Join { party })).await
        }
        GovernanceCommand::Leave { party, api } => {
            ask(&api, json, |genesis| Ok(Change::Leave { party: named(genesis, &party)? })).await
        }
        GovernanceCommand::Move { party, address, api } => {
            ask(&api, json, |genesis| Ok(Change::Move { party: named(genesis, &party)?, address })).await
        }
        GovernanceCommand::Settings { record_quorum, clock_skew, api } => {
            ask(&api, json, |_| Ok(Change::Settings { record_quorum, clock_skew })).await
        }
        GovernanceCommand::Export { out, api } => {
            let chain = Caller::new(&api).await?.chain;
            export(&chain, &out)?;
            output::result(json, &summary(&chain), || describe_chain(&chain))
        }
        GovernanceCommand::Pin { file, dir, fingerprint, unlock } => {
            let chain = files::read_json::<ChainFile>(&file)?.chain()?;
            let fingerprint = match fingerprint {
                Some(fingerprint) => fingerprint,
                None => genesis::ask(&describe_chain(&chain), "of the version in force")?,
            };
            pin(&chain, &dir, &fingerprint, &unlock).await?;
            output::result(json, &summary(&chain), || format!("pinned: {}", chain.current().fingerprint()))
        }
    }
}

fn named(genesis: &Genesis, name: &str) -> Result<PublicKey> {
    let party = genesis.parties.iter().find(|party| party.name == name);
    Ok(party.with_context(|| format!("no party is named {name:?}"))?.key)
}

async fn ask(api: &ApiArgs, json: bool, change: impl FnOnce(&Genesis) -> Result<Change>) -> Result<()> {
    let caller = Caller::new(api).await?;
    let change = change(&caller.genesis)?;
    let view = submit(&caller, change).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// Hands a change in, checked here first.
pub async fn submit(caller: &Caller, change: Change) -> Result<IntentView> {
    let new = caller.intent(Body::Governance(change), LIFETIME);
    if let Body::Governance(change) = &new.intent.body {
        quorate_policy::check_change(&caller.genesis, change, new.intent.hash())
            .map_err(|error| Refused(error.to_string()))?;
    }
    new.intent.check_form(&caller.genesis)?;
    Ok(caller.client.submit(&new, None).await?)
}

/// Writes a chain to a file.
pub fn export(chain: &Governance, out: &Path) -> Result<()> {
    files::write_json(out, &ChainFile { genesis: chain.genesis().clone(), steps: chain.steps().to_vec() })
}

async fn show(api: &ApiArgs, json: bool) -> Result<()> {
    let caller = Caller::new(api).await?;
    output::result(json, &summary(&caller.chain), || describe_chain(&caller.chain))
}

fn summary(chain: &Governance) -> serde_json::Value {
    serde_json::json!({
        "number": chain.number(),
        "hash": chain.hash(),
        "fingerprint": chain.current().fingerprint(),
        "genesis_fingerprint": chain.genesis().fingerprint(),
        "in_force": chain.current(),
        "steps": chain.steps(),
    })
}

/// A change for people.
pub fn describe_change(change: &Change, genesis: Option<&Genesis>) -> Vec<String> {
    let name = |key: &PublicKey| {
        let party = genesis.and_then(|genesis| genesis.party(key));
        party.map_or_else(|| key.to_string(), |party| party.name.clone())
    };
    match change {
        Change::Join { party } => vec![
            format!("joins    {} at {}", party.name, party.address),
            format!("identity {}", party.key.fingerprint()),
        ],
        Change::Leave { party } => vec![format!("leaves   {} ({})", name(party), party.fingerprint())],
        Change::Move { party, address } => {
            vec![format!("moves    {} ({}) to {address}", name(party), party.fingerprint())]
        }
        Change::Policy { policy } => super::policy::describe_proposal(genesis, policy),
        Change::Freeze { reason } => vec![format!("FREEZE   nothing is signed any more; {reason}")],
        Change::Thaw { reason } => vec![format!("thaw     signing goes on; {reason}")],
        other => {
            let text = serde_json::to_string_pretty(other).unwrap_or_default();
            text.lines().map(|line| format!("change   {line}")).collect()
        }
    }
}

fn describe_chain(chain: &Governance) -> String {
    let mut lines = vec![
        genesis::describe(chain.current()),
        format!("version         {} after the genesis {}", chain.number(), chain.genesis().fingerprint()),
    ];
    for (number, step) in (1..).zip(chain.steps()) {
        let named = &step.intent.intent.governance;
        if let Body::Governance(change) = &step.intent.intent.body {
            let text = describe_change(change, chain.version(named)).join(", ");
            lines.push(format!("change {number}        {text}"));
        }
    }
    lines.join("\n")
}

/// Pins a chain at a node whose operator has compared the fingerprint.
pub async fn pin(chain: &Governance, dir: &Path, fingerprint: &str, unlocking: &UnlockArgs) -> Result<()> {
    let found = chain.current().fingerprint();
    if found != fingerprint {
        let problem =
            format!("the version in force has the fingerprint {found}, not {fingerprint}; do not pin it");
        return Err(Refused(problem).into());
    }
    let vault = Vault::open(dir, unlock::open(unlocking)?).await?;
    let me = vault.identity().public();
    if chain.current().party(&me).is_none() {
        bail!("this node ({me}) is not among the parties of the version in force");
    }
    let fresh = vault.governance().await.is_none();
    vault.pin_genesis(chain.genesis()).await?;
    if fresh {
        vault.append(quorate_audit::Body::GenesisPinned { genesis: chain.genesis().hash() }).await?;
    }
    for step in chain.steps() {
        vault.append(quorate_audit::Body::GovernanceChanged(Box::new(step.clone()))).await?;
    }
    Ok(vault.close().await?)
}

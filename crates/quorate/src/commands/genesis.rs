//! `genesis`: who is who, put together from public files and pinned by each operator at its own node.

use super::unlock;
use crate::cli::{GenesisArgs, GenesisCommand, UnlockArgs};
use crate::exit::Refused;
use crate::files::{self, PublicFile, Role};
use crate::output;
use anyhow::{Context, Result, bail};
use quorate_intent::{Genesis, Group, Member, Party};
use quorate_vault::Vault;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Runs the command.
pub async fn run(command: GenesisCommand, json: bool) -> Result<()> {
    match command {
        GenesisCommand::Create(args) => {
            let genesis = create(&args)?;
            output::result(json, &summary(&genesis), || describe(&genesis))
        }
        GenesisCommand::Show { file } => {
            let genesis = files::read_genesis(&file)?;
            output::result(json, &summary(&genesis), || describe(&genesis))
        }
        GenesisCommand::Pin { file, dir, fingerprint, unlock } => {
            let genesis = files::read_genesis(&file)?;
            let fingerprint = match fingerprint {
                Some(fingerprint) => fingerprint,
                None => ask(&describe(&genesis), "of the genesis")?,
            };
            pin(&genesis, &dir, &fingerprint, &unlock).await?;
            output::result(json, &summary(&genesis), || format!("pinned: {}", genesis.fingerprint()))
        }
    }
}

fn summary(genesis: &Genesis) -> serde_json::Value {
    serde_json::json!({ "hash": genesis.hash(), "fingerprint": genesis.fingerprint(), "genesis": genesis })
}

/// Puts the public files together.
pub fn create(args: &GenesisArgs) -> Result<Genesis> {
    let parties: Result<Vec<Party>> = args.parties.iter().map(|path| party(path)).collect();
    let genesis = Genesis {
        version: quorate_intent::genesis::VERSION,
        name: args.name.clone(),
        parties: parties?,
        gateway: PublicFile::read(&args.gateway, Role::Gateway)?.key,
        approvers: Group { quorum: args.approvals, members: members(&args.approvers)? },
        administrators: Group { quorum: args.admin_quorum, members: members(&args.administrators)? },
        clients: members(&args.clients)?,
        follows: None,
        governed: None,
    };
    genesis.check()?;
    files::write_json(&args.out, &genesis)?;
    Ok(genesis)
}

fn party(path: &Path) -> Result<Party> {
    let file = PublicFile::read(path, Role::Node)?;
    let address = file.address.with_context(|| format!("{}: has no address", path.display()))?;
    Ok(Party { name: file.name, key: file.key, address })
}

fn members(paths: &[PathBuf]) -> Result<Vec<Member>> {
    let member = |path: &PathBuf| {
        PublicFile::read(path, Role::Member).map(|file| Member { name: file.name, key: file.key })
    };
    paths.iter().map(member).collect()
}

/// Has the operator type what another operator reads out.
pub fn ask(text: &str, which: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("give --fingerprint: there is no terminal to ask for it");
    }
    println!("{text}\n");
    print!("Type the fingerprint {which} as another operator reads it to you: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Pins a genesis at a node whose operator has compared the fingerprint.
pub async fn pin(genesis: &Genesis, dir: &Path, fingerprint: &str, unlocking: &UnlockArgs) -> Result<()> {
    if genesis.fingerprint() != fingerprint {
        let found = genesis.fingerprint();
        return Err(Refused(format!(
            "the genesis has the fingerprint {found}, not {fingerprint}; do not pin it"
        ))
        .into());
    }
    let vault = Vault::open(dir, unlock::open(unlocking)?).await?;
    let me = vault.identity().public();
    if genesis.party(&me).is_none() {
        bail!("this node ({me}) is not among the parties of that genesis");
    }
    vault.pin_genesis(genesis).await?;
    vault.append(quorate_audit::Body::GenesisPinned { genesis: genesis.hash() }).await?;
    Ok(vault.close().await?)
}

/// A genesis, or a later version, for people.
pub fn describe(genesis: &Genesis) -> String {
    let group = |group: &Group| {
        let names: Vec<&str> = group.members.iter().map(|m| m.name.as_str()).collect();
        format!("{} of {}: {}", group.quorum, names.len(), names.join(", "))
    };
    let rows = genesis.parties.iter().map(|p| vec![p.name.clone(), p.address.clone(), p.key.fingerprint()]);
    format!(
        "cluster {}\n{}\ngateway         {}\napprovers       {}\nadministrators  {}\nclients         {}\nfingerprint     {}",
        genesis.name,
        output::table(&["node", "address", "fingerprint"], rows),
        genesis.gateway.fingerprint(),
        group(&genesis.approvers),
        group(&genesis.administrators),
        genesis.clients.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
        genesis.fingerprint(),
    )
}

//! `members`, `address-book`, `assets`, `freeze`, `thaw`: what governance knows besides machines and policy; and `confirm`.

use super::api::{Caller, describe};
use super::governance::submit;
use crate::cli::{ApiArgs, AssetsCommand, BookCommand, ConfirmCommand, FreezeArgs, MembersCommand};
use crate::{files, output};
use anyhow::{Context, Result, bail};
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::governed::{AssetInfo, BookAddress, BookKey, Governed, NamedGroup, Person};
use quorate_intent::{Change, Group, Hash, Member, PublicKey};
use quorate_node::control;
use quorate_policy::Ruling;
use quorate_policy::model::NetworkName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Hands a change in and shows what became of it.
async fn ask(api: &ApiArgs, json: bool, change: Change) -> Result<()> {
    let caller = Caller::new(api).await?;
    let view = submit(&caller, change).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

async fn in_force(api: &ApiArgs) -> Result<(Caller, Governed)> {
    let caller = Caller::new(api).await?;
    let governed = caller.genesis.governed.as_deref().cloned().unwrap_or_default();
    Ok((caller, governed))
}

/// The file of `members propose`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MembersFile {
    #[serde(default)]
    people: BTreeMap<String, Vec<PublicKey>>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    party_groups: BTreeMap<String, Vec<String>>,
    approvers: Option<GroupFile>,
    administrators: Option<GroupFile>,
    clients: Option<BTreeMap<String, PublicKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    quorum: u16,
    members: BTreeMap<String, PublicKey>,
}

fn members(list: BTreeMap<String, PublicKey>) -> Vec<Member> {
    list.into_iter().map(|(name, key)| Member { name, key }).collect()
}

/// The change that a file asks for.
pub fn members_change(path: &Path) -> Result<Change> {
    let text =
        String::from_utf8(files::read(path)?).with_context(|| format!("{}: not text", path.display()))?;
    let file: MembersFile = quorate_policy::file::parse(&text).with_context(|| path.display().to_string())?;
    let group = |file: GroupFile| Group { quorum: file.quorum, members: members(file.members) };
    let groups = |list: BTreeMap<String, Vec<String>>| {
        list.into_iter().map(|(name, members)| NamedGroup { name, members }).collect()
    };
    Ok(Change::Members {
        approvers: file.approvers.map(group),
        administrators: file.administrators.map(group),
        clients: file.clients.map(members),
        people: file.people.into_iter().map(|(name, keys)| Person { name, keys }).collect(),
        groups: groups(file.groups),
        party_groups: groups(file.party_groups),
    })
}

/// Runs `members`.
pub async fn run_members(command: MembersCommand, json: bool) -> Result<()> {
    match command {
        MembersCommand::Propose { file, api } => ask(&api, json, members_change(&file)?).await,
        MembersCommand::Show { api } => {
            let (caller, governed) = in_force(&api).await?;
            let ruling = Ruling::of(&caller.genesis)?;
            let directory = ruling.directory();
            let value = serde_json::json!({
                "people": directory.people, "groups": directory.groups, "party_groups": directory.party_groups,
                "governed": governed,
            });
            output::result(json, &value, || {
                let person = |(name, keys): (&String, &std::collections::BTreeSet<PublicKey>)| {
                    let of = directory.groups.iter().filter(|(_, members)| members.contains(name));
                    let groups: Vec<&str> = of.map(|(group, _)| group.as_str()).collect();
                    let keys: Vec<String> = keys.iter().map(PublicKey::fingerprint).collect();
                    vec![name.clone(), groups.join(", "), keys.join("\n")]
                };
                let people =
                    output::table(&["person", "groups", "devices"], directory.people.iter().map(person));
                let group = |(name, members): (&String, &std::collections::BTreeSet<String>)| {
                    vec![name.clone(), members.iter().cloned().collect::<Vec<_>>().join(", ")]
                };
                let parties =
                    output::table(&["party group", "parties"], directory.party_groups.iter().map(group));
                format!("{people}\n{parties}")
            })
        }
    }
}

/// Runs `address-book`.
pub async fn run_book(command: BookCommand, json: bool) -> Result<()> {
    match command {
        BookCommand::Show { api } => {
            let (_, governed) = in_force(&api).await?;
            let row = |entry: &BookAddress| {
                let network = NetworkName(entry.network).to_string();
                vec![entry.name.clone(), network, entry.address.clone(), entry.tags.join(", ")]
            };
            output::result(json, &governed.book, || {
                output::table(&["name", "network", "address", "tags"], governed.book.iter().map(row))
            })
        }
        BookCommand::Add { name, network, address, tags, api } => {
            quorate_chains::check_destination(&network.0, &address)?;
            let put = vec![BookAddress { name, network: network.0, address, tags }];
            ask(&api, json, Change::Book { put, remove: Vec::new() }).await
        }
        BookCommand::Remove { network, address, api } => {
            let remove = vec![BookKey { network: network.0, address }];
            ask(&api, json, Change::Book { put: Vec::new(), remove }).await
        }
    }
}

/// Runs `assets`.
pub async fn run_assets(command: AssetsCommand, json: bool) -> Result<()> {
    match command {
        AssetsCommand::Show { api } => {
            let (_, governed) = in_force(&api).await?;
            let row = |asset: &AssetInfo| {
                let contract = asset.contract.clone().unwrap_or_else(|| "-".to_owned());
                let network = NetworkName(asset.network).to_string();
                vec![asset.symbol.clone(), network, contract, asset.decimals.to_string()]
            };
            output::result(json, &governed.assets, || {
                output::table(&["asset", "network", "contract", "decimals"], governed.assets.iter().map(row))
            })
        }
        AssetsCommand::Add { symbol, network, contract, decimals, api } => {
            let put = vec![AssetInfo { symbol, network: network.0, contract, decimals }];
            ask(&api, json, Change::Assets { put, remove: Vec::new() }).await
        }
        AssetsCommand::Remove { symbol, api } => {
            ask(&api, json, Change::Assets { put: Vec::new(), remove: vec![symbol] }).await
        }
    }
}

/// Runs `freeze`: any one administrator's key is enough.
pub async fn freeze(args: FreezeArgs, json: bool) -> Result<()> {
    ask(&args.api, json, Change::Freeze { reason: args.reason }).await
}

/// Runs `thaw`.
pub async fn thaw(args: FreezeArgs, json: bool) -> Result<()> {
    ask(&args.api, json, Change::Thaw { reason: args.reason }).await
}

/// Runs `confirm`.
pub async fn confirm(command: ConfirmCommand, json: bool) -> Result<()> {
    let (dir, intent, yes) = match command {
        ConfirmCommand::List { dir } => return list(&dir, json).await,
        ConfirmCommand::Yes { intent, dir } => (dir, intent, true),
        ConfirmCommand::No { intent, dir } => (dir, intent, false),
    };
    control::ask(&dir, NodeRequest::Confirm { intent: Hash(intent.0), yes }).await?;
    let word = if yes { "confirmed" } else { "declined" };
    output::result(json, &serde_json::json!({ "intent": intent, "answer": word }), || {
        format!("{word} {intent} at this node")
    })
}

async fn list(dir: &Path, json: bool) -> Result<()> {
    let NodeResponse::Confirmations(all) = control::ask(dir, NodeRequest::Confirmations).await? else {
        bail!("the node answered something else");
    };
    let value: Vec<_> = all
        .iter()
        .map(|one| {
            let intent = &one.intent.intent;
            serde_json::json!({ "id": intent.id(), "rule": one.rule, "until": one.until, "intent": intent })
        })
        .collect();
    output::result(json, &value, || {
        let line = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
        if value.is_empty() {
            "nothing waits for this node's operator".to_owned()
        } else {
            value.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    })
}

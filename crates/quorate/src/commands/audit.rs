//! `audit`: a node's log, read at the node or out of its folder, and logs checked against one another.

use super::partials::write_new;
use super::unlock;
use crate::cli::{AuditCommand, LogArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use quorate_audit::{Entry, LogOf, Proven};
use quorate_coordination::rpc::WitnessReport;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::{Genesis, Hash, PublicKey};
use quorate_node::control::{self, ControlError};
use quorate_vault::Vault;
use quorate_verify::export::{Line, VERSION};
use quorate_verify::{Export, LogReport, verify_exports};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Entries that are read at a time.
const PAGE: u32 = 500;

/// One entry with its proof, as a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    /// 1.
    quorate_entry_proof: u16,
    /// The node whose log it is in.
    node: PublicKey,
    /// The canonical [`Proven`], hex.
    proven: String,
}

/// Runs the command.
pub async fn run(command: AuditCommand, json: bool) -> Result<()> {
    match command {
        AuditCommand::Tail { lines, log } => tail(&log, lines, json).await,
        AuditCommand::Show { sequence, log } => show(&log, sequence, json).await,
        AuditCommand::Prove { sequence, out, dir } => prove(&dir, sequence, &out, json).await,
        AuditCommand::Export { out, log } => export(&log, &out, json).await,
        AuditCommand::Verify { files, genesis } => verify(&files, &files::read_genesis(&genesis)?, json),
        AuditCommand::Witnesses { out, dir } => witnesses(&dir, out.as_deref(), json).await,
    }
}

/// Where entries come from.
enum Log {
    /// A node that runs.
    Node(PathBuf),
    /// The vault of one that does not.
    Vault(Box<Vault>),
}

impl Log {
    async fn open(args: &LogArgs) -> Result<Self> {
        match control::ask(&args.dir, NodeRequest::Entries { from: 0, limit: 1 }).await {
            Ok(_) => Ok(Self::Node(args.dir.clone())),
            Err(ControlError::Connect(..)) => {
                Ok(Self::Vault(Box::new(Vault::open(&args.dir, unlock::open(&args.unlock)?).await?)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn page(&self, from: u64) -> Result<Vec<Vec<u8>>> {
        match self {
            Self::Node(dir) => match control::ask(dir, NodeRequest::Entries { from, limit: PAGE }).await? {
                NodeResponse::Entries(entries) => Ok(entries),
                _ => bail!("the node answered with something else"),
            },
            Self::Vault(vault) => {
                let entries = vault.log(from, PAGE).await?;
                Ok(entries.iter().map(Entry::encode).collect::<Result<_, _>>()?)
            }
        }
    }

    /// All entries from a place on.
    async fn entries(&self, mut from: u64) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        loop {
            let page = self.page(from).await?;
            if page.is_empty() {
                return Ok(all);
            }
            from += page.len() as u64;
            all.extend(page);
        }
    }

    async fn size(&self) -> Result<u64> {
        match self {
            Self::Node(dir) => Ok(own_log(&report(dir).await?)?.2),
            Self::Vault(vault) => Ok(vault.head().await.size),
        }
    }

    /// Cluster and node, and what the node has to say of heads where it runs.
    async fn about(&self) -> Result<(Hash, PublicKey, Option<WitnessReport>)> {
        match self {
            Self::Node(dir) => {
                let report = report(dir).await?;
                let (cluster, node, _) = own_log(&report)?;
                Ok((cluster, node, Some(report)))
            }
            Self::Vault(vault) => {
                let chain = vault.governance().await.context("no genesis is pinned in this vault")?;
                Ok((chain.genesis().hash(), vault.identity().public(), None))
            }
        }
    }
}

async fn report(dir: &Path) -> Result<WitnessReport> {
    match control::ask(dir, NodeRequest::Witness).await? {
        NodeResponse::Witness(report) => Ok(*report),
        _ => bail!("the node answered with something else"),
    }
}

/// Cluster, node and size that a node's own checkpoint names.
fn own_log(report: &WitnessReport) -> Result<(Hash, PublicKey, u64)> {
    let note = quorate_audit::Note::parse(&report.checkpoint)?;
    let checkpoint = quorate_audit::Checkpoint::parse(&note.text)?;
    let mut parts = checkpoint.origin().split('/').skip(1);
    let (Some(cluster), Some(node)) = (parts.next(), parts.next()) else { bail!("the log has no name") };
    Ok((cluster.parse()?, node.parse()?, checkpoint.size()))
}

fn line(entry: &Entry) -> String {
    format!("{:>8}  {}  {:?}", entry.sequence, entry.time, entry.body)
}

async fn tail(args: &LogArgs, lines: u32, json: bool) -> Result<()> {
    let log = Log::open(args).await?;
    let from = log.size().await?.saturating_sub(lines.into());
    for bytes in log.entries(from).await? {
        if json {
            println!("{}", serde_json::to_string(&Line::entry(&bytes)?)?);
        } else {
            println!("{}", line(&Entry::decode(&bytes)?));
        }
    }
    Ok(())
}

async fn show(args: &LogArgs, sequence: u64, json: bool) -> Result<()> {
    let bytes = Log::open(args).await?.page(sequence).await?.into_iter().next();
    let bytes = bytes.with_context(|| format!("the log has no entry {sequence}"))?;
    let entry = Entry::decode(&bytes)?;
    output::result(json, &Line::entry(&bytes)?, || {
        format!(
            "entry     {sequence}\ntime      {}\nprevious  {}\n{:#?}",
            entry.time, entry.previous, entry.body
        )
    })
}

async fn prove(dir: &Path, sequence: u64, out: &Path, json: bool) -> Result<()> {
    let NodeResponse::Proven(proven) = control::ask(dir, NodeRequest::Prove { sequence }).await? else {
        bail!("the node answered with something else");
    };
    let (_, node, _) = own_log(&report(dir).await?)?;
    let bytes = borsh::to_vec(&*proven).map_err(|error| anyhow::anyhow!("{error}"))?;
    let file = ProofFile { quorate_entry_proof: 1, node, proven: hex::encode(bytes) };
    write_new(out, &serde_json::to_vec(&file)?)?;
    let value = json!({ "entry": sequence, "out": out, "checkpoint": proven.checkpoint });
    output::result(json, &value, || format!("{}\n\n{}", out.display(), proven.checkpoint.trim_end()))
}

async fn export(args: &LogArgs, out: &Path, json: bool) -> Result<()> {
    let log = Log::open(args).await?;
    // The heads first: the entries that are read after them have them all.
    let (cluster, node, report) = log.about().await?;
    let mut lines = vec![Line::Log { version: VERSION, cluster, node }];
    let entries = log.entries(0).await?;
    let size = entries.len();
    for bytes in &entries {
        lines.push(Line::entry(bytes)?);
    }
    if let Some(report) = report {
        lines.push(Line::Checkpoint { note: report.checkpoint });
        lines.extend(report.seen.into_iter().map(|(node, note)| Line::Seen { node, note }));
        lines.extend(report.alarms.into_iter().map(|alarm| Line::Alarm {
            node: alarm.node,
            what: alarm.what,
            before: alarm.before,
            now: alarm.now,
            time: alarm.time,
        }));
    }
    let mut text = String::new();
    for line in &lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    write_new(out, text.as_bytes())?;
    let value = json!({ "node": node, "entries": size, "out": out });
    output::result(json, &value, || format!("{}: {size} entries", out.display()))
}

fn verify(paths: &[PathBuf], genesis: &Genesis, json: bool) -> Result<()> {
    let (mut exports, mut proofs) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = files::read(path)?;
        let name = || path.display().to_string();
        if let Ok(file) = serde_json::from_slice::<ProofFile>(&bytes) {
            proofs.push(
                check_proof(&file, genesis).map_err(|error| Refused(format!("{}: {error:#}", name())))?,
            );
            continue;
        }
        let text = String::from_utf8(bytes).with_context(name)?;
        exports.push(Export::parse(&text).with_context(name)?);
    }
    let logs = verify_exports(&exports, genesis)?;
    let bad: Vec<String> = logs.iter().flat_map(problems).collect();
    if !bad.is_empty() {
        return Err(Refused(bad.join("\n")).into());
    }
    output::result(json, &json!({ "logs": logs, "proofs": proofs }), || {
        let log = |log: &LogReport| {
            format!(
                "{}  holds: {} entries, root {}, {} signed heads fit",
                log.node, log.size, log.root, log.heads
            )
        };
        logs.iter().map(log).chain(proofs.iter().cloned()).collect::<Vec<_>>().join("\n")
    })
}

fn problems(log: &LogReport) -> Vec<String> {
    log.problems.iter().map(|problem| format!("the log of {} is refused: {problem}", log.node)).collect()
}

/// Checks an entry's proof; witnesses are the parties of the genesis.
fn check_proof(file: &ProofFile, genesis: &Genesis) -> Result<String> {
    let party = genesis.party(&file.node).context("the genesis has no such node")?;
    let bytes = hex::decode(&file.proven)?;
    let proven: Proven =
        borsh::from_slice(&bytes).map_err(|error| anyhow::anyhow!("not a proof: {error}"))?;
    let witnesses: Vec<PublicKey> = genesis.parties.iter().map(|party| party.key).collect();
    let checked = proven.check(&LogOf { cluster: genesis.hash(), node: file.node }, &witnesses)?;
    Ok(format!(
        "{}  entry {} of {} holds, cosigned by {} of {} other nodes: {:?}",
        party.name,
        checked.entry.sequence,
        checked.checkpoint.size(),
        checked.witnessed.len(),
        witnesses.len() - 1,
        checked.entry.body
    ))
}

async fn witnesses(dir: &Path, out: Option<&Path>, json: bool) -> Result<()> {
    let report = report(dir).await?;
    if let Some(out) = out {
        std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        for alarm in &report.alarms {
            let path = out.join(format!("alarm-{}.json", alarm.node));
            let value = json!({ "node": alarm.node, "what": alarm.what, "before": alarm.before,
                "now": alarm.now, "time": alarm.time });
            write_new(&path, &serde_json::to_vec_pretty(&value)?)?;
        }
    }
    let size = |note: &str| {
        let note = quorate_audit::Note::parse(note).ok();
        note.and_then(|note| quorate_audit::Checkpoint::parse(&note.text).ok()).map_or(0, |head| head.size())
    };
    let alarms: Vec<_> = report
        .alarms
        .iter()
        .map(|alarm| json!({ "node": alarm.node, "what": alarm.what, "time": alarm.time }))
        .collect();
    let cosigned: Vec<_> =
        report.cosigned.iter().map(|(node, size)| json!({ "node": node, "size": size })).collect();
    let seen: Vec<_> =
        report.seen.iter().map(|(node, note)| json!({ "node": node, "size": size(note) })).collect();
    let value =
        json!({ "checkpoint": report.checkpoint, "cosigned": cosigned, "seen": seen, "alarms": alarms });
    output::result(json, &value, || {
        let mut text = report.checkpoint.trim_end().to_owned();
        for (node, size) in &report.cosigned {
            text += &format!("\ncosigned up to {size} by {node}");
        }
        for (node, note) in &report.seen {
            text += &format!("\nseen of {node}: {} entries", size(note));
        }
        for alarm in &report.alarms {
            text += &format!("\nALARM at {}: {}: {}", alarm.time, alarm.node, alarm.what);
        }
        text
    })
}

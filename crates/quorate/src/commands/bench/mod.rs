//! `bench`: a running cluster under load, with approvals, policy, log and ledger as they are; beside it what the cryptography
//! alone allows on the same processors in the same run.

mod figures;
mod load;
mod rounds;

use super::api::Caller;
use super::cluster::Cluster;
use super::{approvals, governance, wallets};
use crate::cli::BenchArgs;
use crate::output;
use anyhow::{Context, Result};
use figures::{Report, Row};
use load::{Load, Until};
use quorate_client::api::IntentView;
use quorate_intent::governed::PolicyBytes;
use quorate_intent::{Body, Change, Suite, Verdict, WalletId};
use quorate_policy::file;
use rounds::Rates;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest wait for a ceremony, in seconds.
const WAIT: u64 = 90;
/// What a cluster that is started for this keeps in stock.
const STOCK: &str = "255";
/// How long the stock may take to fill, and how long without growing means that it is full: the gateway asks nodes how much
/// they have every three seconds.
const FILL: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(8));

/// Runs the command.
pub async fn run(args: BenchArgs, json: bool) -> Result<()> {
    let temporary = tempfile::Builder::new().prefix("quorate-bench-").tempdir()?;
    let cluster = match (&args.dir, &args.api) {
        (Some(dir), Some(api)) => Cluster::running(&dir.canonicalize()?, api)?,
        _ => Cluster::start_with(temporary.path(), None, &["--stock", STOCK]).await?,
    };
    let mut client = cluster.client()?;
    client.follow().await?;
    let mut report = Report {
        processors: std::thread::available_parallelism()?.get(),
        in_flight: args.in_flight,
        limited: !args.no_limit,
        rows: Vec::new(),
    };
    for suite in [Suite::Ecdsa, Suite::Ed25519] {
        say(json, &format!("{suite}: a wallet and its stock"));
        let empty = stock(&client).await?;
        let wallet = wallet(&cluster, &client, suite).await?;
        put_in_force(&cluster, &mut client, wallet, args.no_limit).await?;
        let stock = filled(&client, empty).await?;
        say(json, &format!("{suite}: the cryptography alone"));
        let alone = alone(suite, Duration::from_secs((args.seconds / 4).clamp(1, 10))).await?;
        let rows = measure(&cluster, &args, (wallet, suite), (stock, alone), json).await?;
        report.rows.extend(rows);
    }
    output::result(json, &report, || report.text())
}

fn say(json: bool, text: &str) {
    if !json {
        eprintln!("{text} …");
    }
}

async fn alone(suite: Suite, time: Duration) -> Result<Rates> {
    let work = move || if suite == Suite::Ed25519 { rounds::ed25519(time) } else { rounds::ecdsa(time) };
    tokio::task::spawn_blocking(work).await.context("measuring broke down")?
}

async fn measure(
    cluster: &Cluster,
    args: &BenchArgs,
    (wallet, suite): (WalletId, Suite),
    (stock, alone): (u64, Rates),
    json: bool,
) -> Result<[Row; 2]> {
    let mut client = cluster.client()?;
    client.follow().await?;
    let approvers = cluster.approvers()?;
    let nonce = AtomicU64::new(0);
    let processes = cluster.pids().into_iter().map(|(_, process)| process).collect();
    let load = Arc::new(Load { client, approvers, wallet, suite, nonce, processes });
    // Below half of the stock the gateway fills it up, which is the other load.
    let count = (stock / 2).max(1);
    say(json, &format!("{suite}: {count} transfers from stock"));
    let burst = load::run(&load, args.in_flight, Until::Count(count)).await?;
    say(json, &format!("{suite}: the rest of the stock is used up, then {} s of load", args.seconds));
    load::run(&load, args.in_flight, Until::Count(stock)).await?;
    let sustained = load::run(&load, args.in_flight, Until::Time(Duration::from_secs(args.seconds))).await?;
    Ok([
        Row::new(suite.to_string(), "from stock", &burst, alone.stock),
        Row::new(suite.to_string(), "sustained", &sustained, alone.sustained),
    ])
}

async fn by_administrators(cluster: &Cluster, client: &Caller, view: &IntentView) -> Result<()> {
    for administrator in cluster.administrators()? {
        approvals::verdict_on(&administrator, view, Verdict::Approve).await?;
    }
    client.finished(view, WAIT).await?;
    Ok(())
}

async fn wallet(cluster: &Cluster, client: &Caller, suite: Suite) -> Result<WalletId> {
    let view = wallets::create(client, format!("bench {suite}"), suite, 2, &[]).await?;
    let Body::Order(order) = &view.intent.body else { anyhow::bail!("not an order") };
    by_administrators(cluster, client, &view).await?;
    client.wallet(&order.wallet).await?;
    Ok(order.wallet)
}

/// Two approvals for every transfer of the wallet; and a limit that is never reached, so that past spending is looked at and
/// recorded as it would be.
async fn put_in_force(
    cluster: &Cluster,
    client: &mut Caller,
    wallet: WalletId,
    no_limit: bool,
) -> Result<()> {
    let window = "window = [{ period = \"24h\", max-count = 1000000, per = \"wallet\" }]\n";
    let window = if no_limit { "" } else { window };
    let text = format!(
        r#"
version = 1
[wallets]
bench = "{wallet}"
[[rule]]
name = "bench"
wallet = "bench"
{window}decision = "require"
approvals = "2 of approvers"
[[rule]]
name = "governing"
kind = ["policy", "members", "thaw", "wallet", "reshare", "destroy", "address-book", "assets"]
decision = "require"
approvals = "2 of administrators"
"#
    );
    let mut policy = file::read(&text)?;
    if let Some(before) = quorate_policy::Ruling::of(&client.genesis)?.own() {
        policy = policy.following(before);
    }
    let change = Change::Policy { policy: PolicyBytes(policy.encode()) };
    let view = governance::submit(client, change).await?;
    by_administrators(cluster, client, &view).await?;
    client.follow().await
}

/// What the node with the second most has in stock: a signature takes one of each of two nodes.
async fn stock(client: &Caller) -> Result<u64> {
    let mut all: Vec<u64> =
        client.client.cluster().await?.nodes.iter().map(|node| node.stock.unwrap_or(0)).collect();
    all.sort_unstable();
    Ok(all.into_iter().rev().nth(1).unwrap_or(0))
}

/// Waits until the stock is full; gives what was added.
async fn filled(client: &Caller, before: u64) -> Result<u64> {
    let began = Instant::now();
    let (mut most, mut since) = (before, Instant::now());
    while began.elapsed() < FILL.0 && since.elapsed() < FILL.1 {
        let now = stock(client).await?;
        if now > most {
            (most, since) = (now, Instant::now());
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(most.saturating_sub(before))
}

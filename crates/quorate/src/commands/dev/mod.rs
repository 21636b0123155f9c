//! `dev`: a cluster that stays up to be played with, on simulated chains and with data, or against nodes that a file names.

mod chains;
mod seed;
mod stories;

use super::cluster::Cluster;
use super::console;
use crate::cli::{DevArgs, DevCommand, DevLine};
use crate::output;
use anyhow::{Context, Result};
use chains::Chains;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// How to try passkeys on this machine.
const PASSKEYS: &str = "To approve with a passkey as dora:
  quorate console --key DIR/people/dora.key      sign in, open Passkeys, make one, save members.toml
  quorate members propose members.toml           as treasury
  quorate approve INTENT --key DIR/people/gus.key --yes      and the same as hanna
Then sign in with the passkey: what waits for dora is under Approvals.";

/// What is said of the chains.
const SIMULATED: &str = "Chains: bitcoin:regtest, evm:31337 and solana:localnet are simulated in this process, a block every two seconds. They check
signatures, coins, nonces and fees; they have no contracts and no tokens, and nothing on them is worth anything. Pay somebody:
  quorate dev faucet ADDRESS AMOUNT      in satoshi, wei or lamports";

/// Runs the command.
pub async fn run(line: DevLine, json: bool) -> Result<()> {
    match line.command {
        Some(DevCommand::Faucet(args)) => chains::faucet(&args, json).await,
        None => start(line.args, json).await,
    }
}

async fn start(args: DevArgs, json: bool) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let (chains, networks) = match &args.networks {
        Some(file) => (None, file.canonicalize().with_context(|| file.display().to_string())?),
        None => {
            let chains = Chains::start(&dir, args.chains).await?;
            let file = chains.file();
            (Some(chains), file)
        }
    };
    let networks = networks.display().to_string();
    let cluster = Cluster::start_with(&dir, Some(args.api), &["--networks", &networks]).await?;
    let seeds = chains.as_ref().filter(|_| !args.bare && seed::wanted(&dir));
    tell(&cluster, chains.is_some(), seeds.is_some(), json).await?;
    let work = async {
        if let Some(chains) = seeds
            && let Err(error) = seed::run(&cluster, chains).await
        {
            eprintln!(
                "the data is not complete: {error:#}\nThe sandbox stays up. For a whole one remove {} and start again.",
                dir.display()
            );
        }
        std::future::pending::<()>().await;
    };
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        _ = terminate.recv() => Ok(()),
        () = work => Ok(()),
    }
}

/// What people need to begin.
async fn tell(cluster: &Cluster, simulated: bool, seeds: bool, json: bool) -> Result<()> {
    let (key, genesis) = (cluster.client_key(), cluster.dir.join("genesis.json"));
    let base = console::browser_base(&cluster.api);
    let (link, _) = console::link(&cluster.client()?.client, &base).await?;
    let value = serde_json::json!({
        "api": cluster.api, "client_key": key, "genesis": genesis, "dir": cluster.dir, "console": link,
        "simulated_chains": simulated, "seeding": seeds,
    });
    output::result(json, &value, || {
        let data = if seeds {
            "Wallets, a policy, payments and invoices are being made, through the API and by the nodes like yours will be; the console\nshows them as they come."
        } else if simulated && !seed::wanted(&cluster.dir) {
            "The data of the earlier start is there."
        } else {
            "There is no data yet."
        };
        let chains = if simulated { SIMULATED } else { "Chains: as the file of networks says." };
        [
            &heading(&cluster.api, &genesis, &key, &cluster.dir),
            &signed_in(&link),
            chains,
            data,
            &passkeys(&cluster.dir),
            "Stop with Ctrl-C.",
        ]
        .join("\n\n")
    })
}

fn heading(api: &str, genesis: &Path, key: &Path, dir: &Path) -> String {
    format!(
        "The cluster is up: three nodes and a gateway.\n\n  export QUORATE_API={api}\n  export QUORATE_GENESIS={}\n  export QUORATE_DEVICE_KEY={}\n\nDevice keys of approvers (dora, emil, fay) and administrators (gus, hanna) are in {}.\nAPI description: {api}/v1/openapi.json",
        genesis.display(),
        key.display(),
        dir.join("people").display(),
    )
}

fn signed_in(link: &str) -> String {
    format!(
        "Console, signed in as treasury (once, within two minutes; `quorate console` makes another link):\n\n  {link}"
    )
}

fn passkeys(dir: &Path) -> String {
    PASSKEYS.replace("DIR", &dir.display().to_string())
}

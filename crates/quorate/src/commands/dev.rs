//! `dev`: the demo's cluster stays up to be played with.

use super::cluster::Cluster;
use super::console;
use crate::cli::DevArgs;
use crate::output;
use anyhow::{Context, Result};

/// How to try passkeys on this machine.
const PASSKEYS: &str = "To approve with a passkey as dora:
  quorate console --key DIR/people/dora.key      sign in, open Passkeys, make one, save members.toml
  quorate members propose members.toml           as treasury
  quorate approve INTENT --key DIR/people/gus.key --yes      and the same as hanna
Then sign in with the passkey: what waits for dora is under Approvals.";

/// Runs the command.
pub async fn run(args: DevArgs, json: bool) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let networks = args.networks.map(|file| file.canonicalize().with_context(|| file.display().to_string()));
    let networks = networks.transpose()?.map(|file| file.display().to_string());
    let more: Vec<&str> = networks.iter().flat_map(|file| ["--networks", file.as_str()]).collect();
    let cluster = Cluster::start_with(&dir, Some(args.api), &more).await?;
    let key = cluster.client_key();
    let genesis = dir.join("genesis.json");
    let base = console::browser_base(&cluster.api);
    let (link, _) = console::link(&cluster.client()?.client, &base).await?;
    let value = serde_json::json!({
        "api": cluster.api, "client_key": key, "genesis": genesis, "dir": dir, "console": link,
    });
    let passkeys = PASSKEYS.replace("DIR", &dir.display().to_string());
    output::result(json, &value, || {
        format!(
            "The cluster is up: three nodes and a gateway.\n\n  export QUORATE_API={}\n  export QUORATE_GENESIS={}\n  export QUORATE_DEVICE_KEY={}\n\nDevice keys of approvers (dora, emil, fay) and administrators (gus, hanna) are in {}.\nAPI description: {}/v1/openapi.json\n\nConsole, signed in as treasury (once, within two minutes; `quorate console` makes another link):\n\n  {link}\n\n{passkeys}\n\nStop with Ctrl-C.",
            cluster.api,
            genesis.display(),
            key.display(),
            dir.join("people").display(),
            cluster.api
        )
    })?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}

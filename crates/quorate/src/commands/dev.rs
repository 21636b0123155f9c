//! `dev`: the demo's cluster stays up to be played with.

use super::cluster::Cluster;
use crate::cli::DevArgs;
use crate::output;
use anyhow::Result;

/// Runs the command.
pub async fn run(args: DevArgs, json: bool) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let cluster = Cluster::start(&dir, Some(args.api)).await?;
    let key = cluster.client_key();
    let genesis = dir.join("genesis.json");
    let value = serde_json::json!({ "api": cluster.api, "client_key": key, "genesis": genesis, "dir": dir });
    output::result(json, &value, || {
        format!(
            "The cluster is up: three nodes and a gateway.\n\n  export QUORATE_API={}\n  export QUORATE_GENESIS={}\n  export QUORATE_DEVICE_KEY={}\n\nDevice keys of approvers (dora, emil, fay) and administrators (gus, hanna) are in {}.\nAPI description: {}/v1/openapi.json\nStop with Ctrl-C.",
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

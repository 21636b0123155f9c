//! `node` and `gateway`: run until told to stop.

use super::unlock;
use crate::cli::{GatewayArgs, NodeArgs};
use crate::files;
use anyhow::{Result, bail};
use quorate_gateway::{Config as GatewayConfig, Gateway, Identity};
use quorate_node::{Config, Node, protect_memory};
use quorate_vault::Vault;
use tokio::signal::unix::{SignalKind, signal};

/// SIGTERM or SIGINT.
async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}

/// Runs a node.
pub async fn node(args: NodeArgs) -> Result<()> {
    quorate_intent::known::remember();
    let protection = protect_memory();
    if let Err(problem) = &protection.no_dump {
        bail!("core dumps cannot be switched off: {problem}");
    }
    if let Err(problem) = &protection.locked {
        if !args.allow_unlocked_memory {
            bail!(
                "memory cannot be locked ({problem}): raise the limit (ulimit -l unlimited, or LimitMEMLOCK=infinity), or start with --allow-unlocked-memory"
            );
        }
        tracing::warn!(%problem, "memory is not locked; secrets may reach the swap file");
    }
    let local = args.local_policy.as_deref().map(super::policy::read_local).transpose()?;
    let vault = Vault::open(&args.dir, unlock::open(&args.unlock)?).await?;
    vault.append(quorate_audit::Body::Unlocked).await?;
    let mut node = Node::start(Config { vault, listen: args.listen, local }).await?;
    // A node works without it; only signing by file does not.
    if let Err(error) = node.open_control(&args.dir) {
        tracing::warn!(%error, "`quorate sign` cannot reach this node");
    }
    println!("node {} listens on {}", node.identity(), node.address());
    stopped().await?;
    node.stop().await;
    Ok(())
}

/// Runs the gateway.
pub async fn gateway(args: GatewayArgs) -> Result<()> {
    quorate_intent::known::remember();
    let genesis = files::read_genesis(&args.genesis)?;
    let identity = Identity::load(&args.identity)?;
    let mut config = GatewayConfig::new(genesis, identity, args.store, args.listen);
    config.webhook_keys = args.webhook_keys.unwrap_or_else(|| args.identity.with_extension("webhook-keys"));
    config.webhook_private_hosts = args.webhook_private_hosts;
    config.signing.presignatures = args.stock.into();
    config.signing.commitments = args.stock.into();
    if let Some(file) = &args.networks {
        config.networks = quorate_networks::read_networks(file)?;
    }
    let running = Gateway::start(config).await?;
    println!("gateway listens on http://{}", running.address());
    stopped().await?;
    running.shutdown().await;
    Ok(())
}

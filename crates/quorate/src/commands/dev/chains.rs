//! The simulated chains of a sandbox, and their faucet.

use crate::cli::FaucetArgs;
use crate::output;
use anyhow::{Context, Result, ensure};
use quorate_intent::Network;
use quorate_networks::{NetworkConfig, Rpc, network_name, read_networks};
use quorate_sandbox::{FAUCET, Sandbox, network_of};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the file of networks is, which the chains write about themselves.
fn file(dir: &Path) -> PathBuf {
    dir.join("chains/networks.toml")
}

/// The chains while they run.
pub struct Chains {
    sandbox: Sandbox,
    file: PathBuf,
    configs: Vec<NetworkConfig>,
}

impl Chains {
    /// Starts them, with the blocks that the folder holds.
    pub async fn start(dir: &Path, listen: SocketAddr) -> Result<Self> {
        let file = file(dir);
        std::fs::create_dir_all(dir.join("chains"))?;
        let sandbox = Sandbox::start(&dir.join("chains/blocks"), listen).await?;
        std::fs::write(&file, sandbox.networks()).with_context(|| file.display().to_string())?;
        let configs = read_networks(&file)?;
        Ok(Self { sandbox, file, configs })
    }

    /// The file of networks.
    pub fn file(&self) -> PathBuf {
        self.file.clone()
    }

    /// Where webhooks are taken.
    pub fn webhooks(&self) -> String {
        self.sandbox.webhooks()
    }

    /// Pays out of the faucet of the chain whose address this is; gives the transaction's id.
    pub async fn pay(&self, address: &str, amount: u128) -> Result<String> {
        pay(&self.configs, address, amount).await
    }
}

async fn pay(configs: &[NetworkConfig], address: &str, amount: u128) -> Result<String> {
    let network: Network = network_of(address);
    quorate_chains::check_destination(&network, address)?;
    let config = configs.iter().find(|config| config.network == network);
    let config = config.with_context(|| format!("{} is not simulated here", network_name(&network)))?;
    Ok(Rpc::new(config)?.call(FAUCET, json!([address, amount.to_string()])).await?)
}

/// Runs `dev faucet`.
pub async fn faucet(args: &FaucetArgs, json: bool) -> Result<()> {
    let file = file(&args.dir);
    ensure!(
        file.exists(),
        "{}: no sandbox with simulated chains has run in {}; name its folder with --dir",
        file.display(),
        args.dir.display()
    );
    let id = pay(&read_networks(&file)?, &args.address, args.amount).await.context("is `quorate dev` up?")?;
    let network = network_name(&network_of(&args.address));
    let value = json!({ "network": network, "transaction": id, "address": args.address, "amount": args.amount.to_string() });
    output::result(json, &value, || {
        format!("{network}: {} minor units to {}, by {id}", args.amount, args.address)
    })
}

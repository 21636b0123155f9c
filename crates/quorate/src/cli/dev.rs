//! Arguments of `dev`.

use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `dev`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DevLine {
    /// What to do in a sandbox that runs.
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// The sandbox.
    #[command(flatten)]
    pub args: DevArgs,
}

/// `dev` with a word behind it.
#[derive(Subcommand)]
pub enum DevCommand {
    /// Pay out of the faucet of a simulated chain.
    Faucet(FaucetArgs),
}

/// The sandbox.
#[derive(Args)]
pub struct DevArgs {
    /// Keep everything in this folder; an earlier sandbox in it goes on.
    #[arg(long, default_value = "quorate-dev")]
    pub dir: PathBuf,
    /// Where the API listens.
    #[arg(long, default_value = "127.0.0.1:7700")]
    pub api: SocketAddr,
    /// Where the simulated chains listen; any free port when absent.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub chains: SocketAddr,
    /// File of networks that the sandbox's gateway watches in place of the simulated chains, such as a regtest node or anvil.
    #[arg(long, env = "QUORATE_NETWORKS", conflicts_with = "chains")]
    pub networks: Option<PathBuf>,
    /// Start without data: no wallets, no policy, no payments.
    #[arg(long)]
    pub bare: bool,
}

/// `dev faucet`
#[derive(Args)]
pub struct FaucetArgs {
    /// Who is paid: an address of Bitcoin's regtest (bcrt1…), of the EVM chain (0x…) or of Solana.
    pub address: String,
    /// How much, in minor units (satoshi, wei, lamport).
    pub amount: u128,
    /// The sandbox's folder.
    #[arg(long, default_value = "quorate-dev")]
    pub dir: PathBuf,
}

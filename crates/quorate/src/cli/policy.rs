//! `policy`, `members`, `address-book`, `assets`, `freeze`, `thaw`, `confirm`.

use super::ApiArgs;
use clap::{Args, Subcommand};
use quorate_intent::{Amount, IntentId, WalletId};
use quorate_policy::model::NetworkName;
use std::path::PathBuf;

/// `policy`
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Show the policy in force, or an earlier version.
    Show {
        /// The policy's number; the one in force when absent.
        #[arg(long)]
        number: Option<u64>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Look for what is wrong or unwise in a policy file, with the people and things of the version in force.
    Check {
        /// The policy.
        file: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Say what would be decided on a transfer, by which rule, and why no rule before it did.
    Simulate(Box<SimulateArgs>),
    /// Who can spend: the smallest groups of people for each class of transfers, and the parties who need nobody.
    WhoCanSpend {
        /// A proposed policy: shows what it would change as well.
        #[arg(long)]
        file: Option<PathBuf>,
        /// A wallet, for how its key is shared.
        #[arg(long)]
        wallet: Option<WalletId>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for a policy to come into force; shows what it changes.
    Propose {
        /// The policy.
        file: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `policy simulate`
#[derive(Args)]
pub struct SimulateArgs {
    /// A policy file; the policy in force when absent.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// A node's local rules as well.
    #[arg(long)]
    pub local: Option<PathBuf>,
    /// The wallet that pays.
    #[arg(long)]
    pub wallet: WalletId,
    /// Its account.
    #[arg(long, default_value_t = 0)]
    pub account: u32,
    /// `bitcoin:mainnet`, `evm:1`, `solana:devnet` and the like.
    #[arg(long)]
    pub network: NetworkName,
    /// Address of a token's contract; the network's own coin when absent.
    #[arg(long)]
    pub token: Option<String>,
    /// Destination.
    #[arg(long)]
    pub to: String,
    /// Minor units.
    #[arg(long)]
    pub amount: Amount,
    /// The most that the fee can be, in minor units of the network's coin.
    #[arg(long, default_value = "0")]
    pub fee: Amount,
    /// Who asks, by name.
    #[arg(long)]
    pub by: String,
    /// Who approves, by name; once for each.
    #[arg(long)]
    pub approved: Vec<String>,
    /// Which party signs, by name; once for each.
    #[arg(long)]
    pub signer: Vec<String>,
    /// Unix seconds; now when absent.
    #[arg(long)]
    pub at: Option<u64>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `members`
#[derive(Subcommand)]
pub enum MembersCommand {
    /// Show people, their device keys and their groups.
    Show {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for a change of people and groups, from a TOML file: [people], [groups], [party-groups] with lists by name (an
    /// empty list takes the entry away), and [approvers], [administrators] with quorum and members, and [clients].
    Propose {
        /// The file.
        file: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `address-book`
#[derive(Subcommand)]
pub enum BookCommand {
    /// Show it.
    Show {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for an address to be put in.
    Add {
        /// Name for people; several addresses may share one.
        #[arg(long)]
        name: String,
        /// `bitcoin:mainnet`, `evm:1`, `solana:devnet` and the like.
        #[arg(long)]
        network: NetworkName,
        /// The address.
        #[arg(long)]
        address: String,
        /// What kind of destination it is; once for each tag.
        #[arg(long = "tag")]
        tags: Vec<String>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for an address to be taken out.
    Remove {
        /// Its network.
        #[arg(long)]
        network: NetworkName,
        /// The address as it stands in the book.
        #[arg(long)]
        address: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `assets`
#[derive(Subcommand)]
pub enum AssetsCommand {
    /// Show the registry.
    Show {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for an asset to be registered.
    Add {
        /// Its name in rules.
        #[arg(long)]
        symbol: String,
        /// `bitcoin:mainnet`, `evm:1`, `solana:devnet` and the like.
        #[arg(long)]
        network: NetworkName,
        /// Address of a token's contract or mint; the network's own coin when absent.
        #[arg(long)]
        contract: Option<String>,
        /// 10^decimals minor units are one.
        #[arg(long)]
        decimals: u8,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for an asset to be taken out.
    Remove {
        /// Its name.
        #[arg(long)]
        symbol: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `freeze` and `thaw`
#[derive(Args)]
pub struct FreezeArgs {
    /// Why, for people.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `confirm`
#[derive(Subcommand)]
pub enum ConfirmCommand {
    /// Which intents wait for the operator of the node on this machine.
    List {
        /// The node's folder; the node must run.
        #[arg(long, env = "QUORATE_DIR")]
        dir: PathBuf,
    },
    /// This node may sign it.
    Yes {
        /// The intent.
        intent: IntentId,
        /// The node's folder; the node must run.
        #[arg(long, env = "QUORATE_DIR")]
        dir: PathBuf,
    },
    /// This node does not sign it.
    No {
        /// The intent.
        intent: IntentId,
        /// The node's folder; the node must run.
        #[arg(long, env = "QUORATE_DIR")]
        dir: PathBuf,
    },
}

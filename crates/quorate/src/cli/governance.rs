//! `governance`: who the parties are, after the genesis.

use super::{ApiArgs, UnlockArgs};
use clap::Subcommand;
use std::path::PathBuf;

/// `governance`
#[derive(Subcommand)]
pub enum GovernanceCommand {
    /// Show the version in force, its fingerprint and every change since the genesis.
    Show {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for a machine to join; administrators must approve it.
    Join {
        /// The node's public file, its fingerprint compared with its operator.
        #[arg(long)]
        party: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for a machine to leave. Reshare its wallets away from it first.
    Leave {
        /// Its name.
        #[arg(long)]
        party: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for a machine's new address to be used.
    Move {
        /// Its name.
        #[arg(long)]
        party: String,
        /// Where it listens, as others reach it (host:port).
        #[arg(long)]
        address: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for other settings of ledger and clocks.
    Settings {
        /// How many nodes record a spending before a policy that looks at past spending lets it be signed; with n parties of
        /// a key of which f are corrupt, limits hold where 2 times this is above n + f. The key's threshold when never set.
        #[arg(long)]
        record_quorum: Option<u16>,
        /// How many seconds clocks of nodes may be apart; 60 when never set.
        #[arg(long)]
        clock_skew: Option<u32>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Write the chain from the genesis to the version in force to a file, for a machine that joins.
    Export {
        /// The new file.
        #[arg(long)]
        out: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Pin the genesis of a chain at a node and put every change in it in force there.
    Pin {
        /// The chain.
        file: PathBuf,
        /// The node's folder; the node must not run.
        #[arg(long)]
        dir: PathBuf,
        /// The fingerprint of the version in force, as another operator reads it to you; asked for when absent.
        #[arg(long)]
        fingerprint: Option<String>,
        /// How the vault is unlocked.
        #[command(flatten)]
        unlock: UnlockArgs,
    },
}

//! `wallet refresh`, `reshare`, `replace`, `evict`, `schedule`, `destroy`: orders for a key that exists.

use super::ApiArgs;
use clap::{Args, Subcommand};
use quorate_intent::WalletId;

/// Orders for a key that exists. Each is an intent that administrators must approve.
#[derive(Subcommand)]
pub enum OrderCommand {
    /// New shares for the same parties. Key and addresses stay; shares from before are of no use any more.
    Refresh {
        /// The wallet.
        wallet: WalletId,
        /// Go on refreshing by itself.
        #[command(flatten)]
        repeat: RepeatArgs,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Other parties or another threshold. Key and addresses stay.
    Reshare {
        /// The wallet.
        wallet: WalletId,
        /// How many parties sign from then on.
        #[arg(long)]
        threshold: u16,
        /// Name of a party; once for each.
        #[arg(long = "party", required = true)]
        parties: Vec<String>,
        /// Go on refreshing by itself.
        #[command(flatten)]
        repeat: RepeatArgs,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// A new machine in the place of a lost one. The lost one need not be there.
    Replace {
        /// The wallet.
        wallet: WalletId,
        /// Name of the lost machine.
        #[arg(long)]
        lost: String,
        /// Name of the machine that takes its place; it has joined the parties already (`governance join`).
        #[arg(long = "with")]
        new: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// The same key without some of its parties.
    Evict {
        /// The wallet.
        wallet: WalletId,
        /// Name of a party that goes; once for each.
        #[arg(long = "party", required = true)]
        parties: Vec<String>,
        /// How many parties sign from then on; as before when absent.
        #[arg(long)]
        threshold: Option<u16>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Refresh by itself from now on. Any later order for the wallet ends this.
    Schedule {
        /// The wallet.
        wallet: WalletId,
        /// How often, in seconds.
        #[arg(long)]
        interval: u64,
        /// For how many days.
        #[arg(long, default_value_t = 365)]
        days: u64,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Erase the key for good at all parties. Nobody can undo it; move what it holds away first.
    Destroy {
        /// The wallet.
        wallet: WalletId,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// A schedule that an order carries.
#[derive(Args, Clone, Copy)]
pub struct RepeatArgs {
    /// Refresh again every so many seconds.
    #[arg(long)]
    pub every: Option<u64>,
    /// For how many days.
    #[arg(long, default_value_t = 365, requires = "every")]
    pub days: u64,
}

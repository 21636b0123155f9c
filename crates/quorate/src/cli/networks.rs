//! `networks`, `balances`, `deposits`, `bump`.

use super::ApiArgs;
use clap::Args;
use quorate_intent::IntentId;

/// `networks` and `balances`
#[derive(Args)]
pub struct NetworksArgs {
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `deposits`
#[derive(Args)]
pub struct DepositsArgs {
    /// Only to the deposit address with this id (adr_…).
    #[arg(long)]
    pub address: Option<String>,
    /// Only in this state.
    #[arg(long, value_parser = ["seen", "credited", "orphaned"])]
    pub state: Option<String>,
    /// How many, the newest first.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `bump`
#[derive(Args)]
pub struct BumpArgs {
    /// The intent whose transaction waits.
    pub intent: IntentId,
    /// Satoshi per virtual byte, on Bitcoin; as the node estimates when absent.
    #[arg(long)]
    pub fee_rate: Option<u64>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

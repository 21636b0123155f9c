//! `bench`

use clap::Args;
use std::path::PathBuf;

/// `bench`
#[derive(Args)]
pub struct BenchArgs {
    /// How long each sustained load lasts, in seconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Transfers that are under way at a time, for one wallet.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub in_flight: u16,
    /// Leave out of the policy what limits spending, so that nodes need not agree on past spending first.
    #[arg(long)]
    pub no_limit: bool,
    /// Drive the running cluster of `quorate dev` that lies in this folder, instead of one that is started for it. New
    /// wallets are made in it and its policy is replaced.
    #[arg(long, requires = "api")]
    pub dir: Option<PathBuf>,
    /// The API of that cluster.
    #[arg(long, requires = "dir")]
    pub api: Option<String>,
}

//! Arguments of `disputes` and `blame`.

use super::ApiArgs;
use clap::Args;
use std::path::PathBuf;

/// `disputes`
#[derive(Args)]
pub struct DisputesArgs {
    /// Write the report and evidence of this entry to a file instead.
    #[arg(long, requires = "out")]
    pub export: Option<u64>,
    /// The new file.
    #[arg(long, requires = "export")]
    pub out: Option<PathBuf>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `blame`
#[derive(Args)]
pub struct BlameArgs {
    /// The evidence file.
    pub file: PathBuf,
    /// The cluster's genesis, for names and for who is a party; without it the file's own word is taken for which cluster
    /// it is about.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: Option<PathBuf>,
}

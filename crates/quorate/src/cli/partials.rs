//! `signing-call`, `sign`, `combine`, `submit`: partial signatures as files.

use super::ApiArgs;
use clap::Args;
use quorate_intent::IntentId;
use std::path::PathBuf;

/// `signing-call`
#[derive(Args)]
pub struct SigningCallArgs {
    /// The intent: approved, and asked for with `transfer --by-file`.
    pub intent: IntentId,
    /// Name of a node that shall sign; once for each, as many as the wallet's threshold. The gateway chooses when absent.
    #[arg(long = "signer")]
    pub signers: Vec<String>,
    /// The new file, for `quorate sign --call` at every signer.
    #[arg(long)]
    pub out: PathBuf,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `sign`
#[derive(Args)]
pub struct SignArgs {
    /// The folder of a running node on this machine.
    #[arg(long, env = "QUORATE_DIR")]
    pub dir: PathBuf,
    /// File from `quorate signing-call`.
    #[arg(long)]
    pub call: PathBuf,
    /// The new file with this node's partial signatures. It is not secret.
    #[arg(long)]
    pub partial_out: PathBuf,
}

/// `combine`
#[derive(Args)]
pub struct CombineArgs {
    /// Files from `quorate sign`, one of each signer.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The genesis that this machine trusts; without it the files' own word is taken for who the parties are, and said so.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: Option<PathBuf>,
    /// Write the signed transaction in hex to this new file.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder for evidence against the makers of wrong partial signatures, for `quorate blame`; it is made if missing.
    #[arg(long, requires = "genesis")]
    pub evidence_dir: Option<PathBuf>,
}

/// `submit`
#[derive(Args)]
pub struct SubmitArgs {
    /// Files from `quorate sign`, one of each signer.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

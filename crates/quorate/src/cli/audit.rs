//! Arguments of `certificate`, `verify` and `audit`.

use super::{ApiArgs, UnlockArgs};
use clap::{Args, Subcommand};
use quorate_intent::IntentId;
use std::path::PathBuf;

/// `certificate`
#[derive(Args)]
pub struct CertificateArgs {
    /// The intent.
    pub intent: IntentId,
    /// The new file.
    #[arg(long)]
    pub out: PathBuf,
    /// Wait at most this many seconds until it is complete; without it a pending one is written too.
    #[arg(long)]
    pub wait: Option<u64>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `verify`
#[derive(Args)]
pub struct VerifyCertificateArgs {
    /// The certificate's file.
    pub file: PathBuf,
    /// The genesis that the operators pinned; nothing else is believed.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: PathBuf,
    /// Refuse a pending certificate as well.
    #[arg(long)]
    pub complete: bool,
}

/// `audit`
#[derive(Subcommand)]
pub enum AuditCommand {
    /// The log's last entries.
    Tail {
        /// How many.
        #[arg(long, default_value_t = 20)]
        lines: u32,
        /// Whose log.
        #[command(flatten)]
        log: LogArgs,
    },
    /// One entry in full.
    Show {
        /// Its sequence number.
        sequence: u64,
        /// Whose log.
        #[command(flatten)]
        log: LogArgs,
    },
    /// Write one entry with its proof under a checkpoint to a file; the node must run.
    Prove {
        /// Its sequence number.
        sequence: u64,
        /// The new file.
        #[arg(long)]
        out: PathBuf,
        /// The node's folder.
        #[arg(long, env = "QUORATE_DIR")]
        dir: PathBuf,
    },
    /// Write the whole log as JSON Lines; with the heads seen of other logs when the node runs.
    Export {
        /// The new file.
        #[arg(long)]
        out: PathBuf,
        /// Whose log.
        #[command(flatten)]
        log: LogArgs,
    },
    /// Check exported logs and proofs by themselves and against one another; needs no node and no gateway.
    Verify {
        /// Exports of one cluster's nodes, and files of `audit prove`.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The genesis that the operators pinned.
        #[arg(long, env = "QUORATE_GENESIS")]
        genesis: PathBuf,
    },
    /// How the log stands with its witnesses, what was seen of others' logs, and alarms; the node must run.
    Witnesses {
        /// Write each alarm's evidence to a new file in this folder.
        #[arg(long)]
        out: Option<PathBuf>,
        /// The node's folder.
        #[arg(long, env = "QUORATE_DIR")]
        dir: PathBuf,
    },
}

/// Whose log is read: of a node that runs, or out of a folder whose node does not.
#[derive(Args)]
pub struct LogArgs {
    /// The node's folder.
    #[arg(long, env = "QUORATE_DIR")]
    pub dir: PathBuf,
    /// How the vault is unlocked where the node does not run.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

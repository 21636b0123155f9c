//! `backup`, `restore`, `drill`.

use super::{ApiArgs, UnlockArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `backup`
#[derive(Args)]
pub struct BackupArgs {
    /// The node's folder; the node may run.
    #[arg(long, env = "QUORATE_DIR")]
    pub dir: PathBuf,
    /// The new file. It is sealed as the vault is, and needs the vault's key file or passphrase to be of use.
    #[arg(long)]
    pub out: PathBuf,
    /// How the vault is unlocked; needed only when the node does not run.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `restore`
#[derive(Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(long)]
    pub backup: PathBuf,
    /// The node's new folder. The machine that the backup is of must never run again.
    #[arg(long)]
    pub dir: PathBuf,
    /// How the vault is unlocked.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `drill`
#[derive(Subcommand)]
pub enum DrillCommand {
    /// Ask all operators for proofs of what their backups hold.
    Challenge {
        /// The new file, to be handed to every operator.
        #[arg(long)]
        out: PathBuf,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Prove, alone, that a backup opens and holds the right shares.
    Answer {
        /// The challenge.
        #[arg(long)]
        challenge: PathBuf,
        /// The backup.
        #[arg(long)]
        backup: PathBuf,
        /// The new file; nothing in it is secret.
        #[arg(long)]
        out: PathBuf,
        /// How the backup is unlocked.
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Check the answers of all operators: would every key be there again?
    Check {
        /// The challenge.
        #[arg(long)]
        challenge: PathBuf,
        /// An answer; once for each operator.
        #[arg(long = "answer", required = true)]
        answers: Vec<PathBuf>,
        /// The genesis that this machine trusts; without it the challenge's own word is taken for who is who.
        #[arg(long, env = "QUORATE_GENESIS")]
        genesis: Option<PathBuf>,
    },
}

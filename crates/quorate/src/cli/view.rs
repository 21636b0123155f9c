//! `key`, `inbox`, `show`, `reject`, `contract-call`, `sign-message`.

use super::{ApiArgs, NetworkArgs};
use clap::{Args, Subcommand};
use quorate_intent::{Amount, IntentId, WalletId};
use std::path::PathBuf;

/// `key`
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a device key under a passphrase, with its public file beside it.
    New {
        /// Name for people.
        #[arg(long)]
        name: String,
        /// The new file.
        #[arg(long)]
        out: PathBuf,
        /// File whose first line is the passphrase; asked for when absent.
        #[arg(long, env = "QUORATE_KEY_PASSPHRASE_FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Show the public half of a device key file; needs no passphrase.
    Show {
        /// The file.
        file: PathBuf,
    },
    /// Put a bare device key file under a passphrase, in place.
    Encrypt {
        /// The file.
        file: PathBuf,
        /// File whose first line is the passphrase; asked for when absent.
        #[arg(long, env = "QUORATE_KEY_PASSPHRASE_FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Make the public file of a passkey out of its credential, for genesis and governance.
    Passkey {
        /// Name for people.
        #[arg(long)]
        name: String,
        /// File with the credential as JSON: algorithm, public_key, credential, rp_id, origins.
        #[arg(long)]
        credential: PathBuf,
        /// The new public file.
        #[arg(long)]
        out: PathBuf,
    },
}

/// `inbox`
#[derive(Args)]
pub struct InboxArgs {
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `show`
#[derive(Args)]
pub struct ShowArgs {
    /// The intent.
    pub intent: IntentId,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `reject`
#[derive(Args)]
pub struct RejectArgs {
    /// The intent.
    pub intent: IntentId,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `contract-call`
#[derive(Args)]
pub struct CallArgs {
    /// The wallet that calls.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// The contract's address.
    #[arg(long)]
    pub contract: String,
    /// The method with its types: approve(address,uint256).
    #[arg(long)]
    pub method: String,
    /// An argument, in order; once for each.
    #[arg(long = "argument", allow_hyphen_values = true)]
    pub arguments: Vec<String>,
    /// What the call pays to the contract, in minor units.
    #[arg(long, default_value = "0")]
    pub value: Amount,
    /// The most that may be spent as network fee, in minor units.
    #[arg(long)]
    pub max_fee: Amount,
    /// File with the plan as JSON (nonce, gas, fee).
    #[arg(long, required_unless_present = "plan_later")]
    pub plan: Option<PathBuf>,
    /// The plan comes later, with `quorate plan`.
    #[arg(long, conflicts_with_all = ["plan", "wait"])]
    pub plan_later: bool,
    /// What both kinds have.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `sign-message`
#[derive(Args)]
pub struct MessageArgs {
    /// The wallet that signs.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// File with the text, signed as EIP-191 says, without its last line end.
    #[arg(long, required_unless_present = "typed", conflicts_with = "typed")]
    pub text: Option<PathBuf>,
    /// File with typed data as JSON (EIP-712).
    #[arg(long)]
    pub typed: Option<PathBuf>,
    /// What both kinds have.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What calls and messages have.
#[derive(Args)]
pub struct CommonArgs {
    /// The wallet's account.
    #[arg(long, default_value_t = 0)]
    pub account: u32,
    /// A note for approvers.
    #[arg(long, default_value = "")]
    pub memo: String,
    /// How long it may wait, in seconds.
    #[arg(long, default_value_t = 3600)]
    pub lifetime: u64,
    /// Wait this many seconds for the signature.
    #[arg(long)]
    pub wait: Option<u64>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

//! Arguments of `address`.

use super::{AddressArgs, ApiArgs, NetworkArgs};
use clap::{Args, Subcommand};
use quorate_intent::WalletId;
use std::path::PathBuf;

/// `address`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct AddressLine {
    /// Deposit addresses.
    #[command(subcommand)]
    pub command: Option<AddressCommand>,
    /// An address of the wallet's own.
    #[command(flatten)]
    pub own: Option<AddressArgs>,
}

/// `address` with a word behind it.
#[derive(Subcommand)]
pub enum AddressCommand {
    /// Give a deposit address out; it is shown only when enough nodes vouch for it.
    New {
        /// The wallet that is paid.
        wallet: WalletId,
        /// Which network.
        #[command(flatten)]
        network: NetworkArgs,
        /// The account, on Bitcoin; 0 when absent.
        #[arg(long)]
        account: Option<u32>,
        /// What you call it.
        #[arg(long)]
        label: Option<String>,
        /// Whom it is for.
        #[arg(long)]
        customer: Option<String>,
        /// Write the address with everything that it takes to check it to this new file.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Deposit addresses, newest first.
    List {
        /// Only of this wallet.
        #[arg(long)]
        wallet: Option<WalletId>,
        /// Only of this customer.
        #[arg(long)]
        customer: Option<String>,
        /// Only this very address.
        #[arg(long)]
        address: Option<String>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// One deposit address, checked.
    Show {
        /// Its id (adr_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Check an address by the genesis alone: from a file (of `address new --out`, or a payment page's proof), or by its id.
    Check(CheckAddressArgs),
}

/// `address check`
#[derive(Args)]
pub struct CheckAddressArgs {
    /// The file, or an id (adr_…) to fetch from the gateway.
    pub file_or_id: String,
    /// The wallet that the address must be of.
    #[arg(long)]
    pub wallet: Option<quorate_intent::WalletId>,
    /// The genesis that this machine trusts; nothing else is believed.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: PathBuf,
    /// The gateway's API, for an id.
    #[arg(long, env = "QUORATE_API", default_value = "http://127.0.0.1:7700")]
    pub api: String,
    /// Device key file of who calls, for an id.
    #[arg(long, env = "QUORATE_DEVICE_KEY")]
    pub key: Option<PathBuf>,
    /// File whose first line is the device key's passphrase, if it has one.
    #[arg(long, env = "QUORATE_KEY_PASSPHRASE_FILE")]
    pub key_passphrase_file: Option<PathBuf>,
}

//! Arguments of `invoice`, `webhook` and `events`.

use super::{ApiArgs, NetworkArgs, parse_network};
use clap::{Args, Subcommand};
use quorate_client::api::NewInvoiceOption;
use quorate_intent::{Amount, Asset, WalletId};

/// `invoice`
#[derive(Subcommand)]
pub enum InvoiceCommand {
    /// Ask a customer to pay; prints the payment link.
    Create(CreateInvoiceArgs),
    /// Invoices, newest first.
    List {
        /// open, partially_paid, paid, overpaid, expired, late or cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Only of this customer.
        #[arg(long)]
        customer: Option<String>,
        /// Only with this number of your own.
        #[arg(long)]
        reference: Option<String>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// One invoice.
    Show {
        /// Its id (inv_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Take an invoice back to which nothing was paid.
    Cancel {
        /// Its id (inv_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Ask for the transfer that gives money of an invoice back; approvers and policy judge it like any other.
    Refund(RefundArgs),
}

/// `invoice create`
#[derive(Args)]
pub struct CreateInvoiceArgs {
    /// The wallet that is paid.
    pub wallet: WalletId,
    /// A way to pay: NETWORK=AMOUNT for its coin or NETWORK/CONTRACT=AMOUNT for a token, in minor units; once for each.
    /// Another wallet's way ends in @WALLET.
    #[arg(long = "option", required = true, value_parser = parse_option)]
    pub options: Vec<NewInvoiceOption>,
    /// The account, on Bitcoin.
    #[arg(long)]
    pub account: Option<u32>,
    /// Your own number.
    #[arg(long)]
    pub reference: Option<String>,
    /// Whom it is for.
    #[arg(long)]
    pub customer: Option<String>,
    /// What the payer sees.
    #[arg(long)]
    pub description: Option<String>,
    /// How long it can be paid, in seconds.
    #[arg(long)]
    pub lifetime: Option<u64>,
    /// The same key and arguments give the same invoice.
    #[arg(long)]
    pub idempotency_key: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `invoice refund`
#[derive(Args)]
pub struct RefundArgs {
    /// The invoice (inv_…).
    pub id: String,
    /// To whom, as the payer says; not simply where the money came from.
    #[arg(long)]
    pub to: String,
    /// In minor units; all that was received when absent.
    #[arg(long)]
    pub amount: Option<Amount>,
    /// The most that may be spent as network fee, in minor units of the network's coin.
    #[arg(long)]
    pub max_fee: Amount,
    /// Which of the invoice's ways to pay, from 0.
    #[arg(long, default_value_t = 0)]
    pub option: usize,
    /// The account that pays; the invoice's own when absent.
    #[arg(long)]
    pub account: Option<u32>,
    /// How long it may wait for approvals, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub lifetime: u64,
    /// The plan comes later, with `quorate plan`.
    #[arg(long)]
    pub plan_later: bool,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `sweep`
#[derive(Args)]
pub struct SweepArgs {
    /// The wallet.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Address of a token's contract; the network's own coin when absent.
    #[arg(long)]
    pub token: Option<String>,
    /// Into which account.
    #[arg(long, default_value_t = 0)]
    pub to_account: u32,
    /// The most that each transfer may spend as network fee, in minor units of the network's coin.
    #[arg(long)]
    pub max_fee: Amount,
    /// Less than this is left where it is, in minor units.
    #[arg(long, default_value = "0")]
    pub minimum: Amount,
    /// What an address that holds tokens gets for its fee, in minor units of the coin.
    #[arg(long)]
    pub gas: Option<Amount>,
    /// The account that gives it.
    #[arg(long, default_value_t = 0)]
    pub gas_account: u32,
    /// Most transfers.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Only show what would be asked for.
    #[arg(long)]
    pub dry_run: bool,
    /// The plans come later, with `quorate plan`.
    #[arg(long)]
    pub plan_later: bool,
    /// How long each may wait for approvals, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub lifetime: u64,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `webhook`
#[derive(Subcommand)]
pub enum WebhookCommand {
    /// Have events sent somewhere.
    Add {
        /// https://…
        url: String,
        /// Kinds of events: *, invoice.*, deposit.credited and so on; once for each. All when absent.
        #[arg(long = "event")]
        events: Vec<String>,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// The receiver is in a private network or speaks plain HTTP; the gateway must allow its host.
        #[arg(long)]
        allow_private: bool,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// All webhooks.
    List {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Switch a webhook on or off.
    Set {
        /// Its id (whk_…).
        id: String,
        /// Whether anything is sent.
        #[arg(long)]
        enabled: bool,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Remove a webhook.
    Remove {
        /// Its id (whk_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Send a ping.
    Ping {
        /// Its id (whk_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// What became of a webhook's deliveries, newest first.
    Deliveries {
        /// Its id (whk_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Make a delivery once more.
    Resend {
        /// Its id (dlv_…).
        id: String,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// The public keys that receivers check signatures with.
    Keys {
        /// Make the next key the current one; the one before signs beside it for a day.
        #[arg(long)]
        rotate: bool,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// `events`
#[derive(Args)]
pub struct EventsArgs {
    /// Only behind this event (evt_…).
    #[arg(long)]
    pub after: Option<String>,
    /// Only of this object.
    #[arg(long)]
    pub object: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

fn parse_option(text: &str) -> Result<NewInvoiceOption, String> {
    let wrong = || "must be NETWORK=AMOUNT or NETWORK/CONTRACT=AMOUNT, such as evm:1=1000000".to_owned();
    let (what, amount) = text.split_once('=').ok_or_else(wrong)?;
    let (amount, wallet) = match amount.split_once('@') {
        Some((amount, wallet)) => {
            (amount, Some(wallet.parse().map_err(|_| "@ must be followed by a wallet (wal_…)")?))
        }
        None => (amount, None),
    };
    let (network, asset) = match what.split_once('/') {
        Some((network, contract)) => (network, Asset::Token { contract: contract.into() }),
        None => (what, Asset::Native),
    };
    let amount = amount.parse().map_err(|error: quorate_intent::IntentError| error.to_string())?;
    Ok(NewInvoiceOption { network: parse_network(network)?, asset, amount, wallet })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_pay_are_read() {
        let option = parse_option("evm:1/0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48=5").unwrap();
        assert!(matches!(option.asset, Asset::Token { contract } if contract.starts_with("0xA0")));
        let option = parse_option("bitcoin:regtest=700").unwrap();
        assert_eq!((option.amount, option.asset, option.wallet), (Amount::from(700), Asset::Native, None));
        let wallet = WalletId([3; 16]);
        assert_eq!(parse_option(&format!("solana:devnet=1@{wallet}")).unwrap().wallet, Some(wallet));
        for bad in ["evm:1", "evm:1=x", "moon=1", "evm:1=1@me", "evm:1=-1"] {
            assert!(parse_option(bad).is_err(), "{bad}");
        }
    }
}

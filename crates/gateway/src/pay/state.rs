//! What the page shows of an invoice, as its script gets it.

use crate::gateway::Gateway;
use crate::invoices::unit;
use crate::store::{InvoiceRow, now};
use quorate_coordination::api::InvoiceState;
use quorate_intent::{Amount, Asset, BitcoinNetwork, Network, SolanaNetwork};
use quorate_payments::uri::decimal;
use serde::Serialize;

/// An invoice for its payer. Nothing in it is the merchant's own: no customer, no reference.
#[derive(Debug, Serialize)]
pub struct View {
    /// Where it is.
    pub state: InvoiceState,
    /// The state in a few words.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// Whether there is something left to pay.
    pub payable: bool,
    /// Whether a payment is on its way.
    pub pending: bool,
    /// Who asks: the cluster's name.
    pub payee: String,
    /// What for.
    pub description: Option<String>,
    /// Until when, Unix seconds.
    pub expires: u64,
    /// This machine's clock, Unix seconds.
    pub now: u64,
    /// Ways to pay.
    pub options: Vec<OptionView>,
    /// The page's own path.
    pub path: String,
}

/// One way to pay.
#[derive(Debug, Serialize)]
pub struct OptionView {
    /// Its number.
    pub number: usize,
    /// The network's name.
    pub network: String,
    /// The asset's symbol, or its contract.
    pub symbol: String,
    /// What is asked for, in whole units where these are known.
    pub amount: String,
    /// What is still missing.
    pub missing: String,
    /// What was received.
    pub received: String,
    /// What is on its way.
    pub pending: String,
    /// Whether anything was received or is on its way.
    pub touched: bool,
    /// The address.
    pub address: String,
    /// What a wallet opens.
    pub uri: String,
    /// The nodes that vouch for the address.
    pub attested_by: Vec<String>,
    /// How many of them it takes.
    pub threshold: usize,
}

/// A network's name for people.
fn network(network: &Network) -> String {
    match network {
        Network::Bitcoin { network: BitcoinNetwork::Mainnet } => "Bitcoin".into(),
        Network::Bitcoin { network } => format!("Bitcoin {}", format!("{network:?}").to_lowercase()),
        Network::Evm { chain_id: 1 } => "Ethereum".into(),
        Network::Evm { chain_id: 10 } => "Optimism".into(),
        Network::Evm { chain_id: 137 } => "Polygon".into(),
        Network::Evm { chain_id: 8453 } => "Base".into(),
        Network::Evm { chain_id: 42161 } => "Arbitrum One".into(),
        Network::Evm { chain_id } => format!("EVM chain {chain_id}"),
        Network::Solana { network: SolanaNetwork::Mainnet } => "Solana".into(),
        Network::Solana { network } => format!("Solana {}", format!("{network:?}").to_lowercase()),
    }
}

/// How a token is called that nobody registered: its amounts are minor units.
fn nameless(asset: &Asset) -> String {
    let contract = match asset {
        Asset::Token { contract } => contract.as_str(),
        Asset::Native => "the coin",
    };
    match (contract.get(..6), contract.get(contract.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if contract.len() > 12 => format!("units of {first}…{last}"),
        _ => format!("units of {contract}"),
    }
}

/// Makes it.
pub async fn view(gateway: &Gateway, row: &InvoiceRow) -> Result<View, sqlx::Error> {
    // A key that was destroyed moves nothing any more.
    let mut signs = true;
    let mut options = Vec::new();
    for (number, (stored, shown)) in row.options.iter().zip(&row.invoice.options).enumerate() {
        let (symbol, decimals) = unit(gateway, &stored.network, &stored.asset);
        let text = |amount: Amount| decimal(amount, stored.decimals.or(decimals).unwrap_or(0));
        let address = gateway.store.address(stored.address).await?;
        let words = address.map(|row| row.address.attestations).unwrap_or_default();
        let wallet = gateway.coordinator.wallet(&stored.wallet);
        signs &= wallet.is_some();
        let missing = Amount(stored.amount.0.saturating_sub(shown.received.0));
        options.push(OptionView {
            number,
            network: network(&stored.network),
            symbol: symbol.unwrap_or_else(|| nameless(&stored.asset)),
            amount: text(stored.amount),
            missing: text(missing),
            received: text(shown.received),
            pending: text(shown.pending),
            touched: shown.received.0.saturating_add(shown.pending.0) > Amount::default().0,
            address: shown.address.clone(),
            uri: shown.uri.clone(),
            attested_by: words.iter().map(|word| gateway.genesis.name(&word.node)).collect(),
            threshold: wallet.map_or(0, |wallet| wallet.keys.threshold()),
        });
    }
    // Less than the whole on its way leaves something to pay.
    let mut both = row.options.iter().zip(&row.standings);
    let pending = both.any(|(option, standing)| {
        standing.pending > Amount::default()
            && standing.received.0.saturating_add(standing.pending.0) >= option.amount.0
    });
    let state = row.invoice.state;
    let open = matches!(state, InvoiceState::Open | InvoiceState::PartiallyPaid);
    let (title, text) = words(row, pending, &options);
    Ok(View {
        state,
        title,
        text,
        payable: open && signs && now() < row.invoice.expires,
        pending,
        payee: gateway.genesis.chain().current().name.clone(),
        description: row.invoice.description.clone(),
        expires: row.invoice.expires,
        now: now(),
        options,
        path: row.invoice.page.clone(),
    })
}

/// What a payer is told.
fn words(row: &InvoiceRow, pending: bool, options: &[OptionView]) -> (String, String) {
    let late = now() >= row.invoice.expires;
    let confirmations = match row.confirming {
        Some((have, need)) => format!("{have} of {need} confirmations so far."),
        None => String::new(),
    };
    let touched = options.iter().find(|option| option.touched);
    let (title, text) = match row.invoice.state {
        InvoiceState::Open if pending => (
            "Payment seen",
            format!("Your payment is on its way. {confirmations} You can close this page; nothing more is needed."),
        ),
        InvoiceState::Open => (
            "Waiting for your payment",
            "Scan the code with your wallet, or copy amount and address. Send exactly this amount on exactly this network.".into(),
        ),
        InvoiceState::PartiallyPaid if pending => (
            "Payment seen",
            format!("A further payment is on its way. {confirmations}"),
        ),
        InvoiceState::PartiallyPaid if late => (
            "Paid in part",
            "Less than the amount arrived before the time ran out. Please do not send more; ask the merchant, who can give it back or accept it.".into(),
        ),
        InvoiceState::PartiallyPaid => {
            let rest = touched.map(|o| format!("{} {} arrived, {} {} are missing.", o.received, o.symbol, o.missing, o.symbol));
            ("Paid in part", format!("{} Please send the rest to the same address.", rest.unwrap_or_default()))
        }
        InvoiceState::Paid => ("Paid", "Thank you. The payment has arrived and is confirmed.".into()),
        InvoiceState::Overpaid => (
            "Paid",
            "Thank you. More than the amount arrived; the merchant can give you back what was too much.".into(),
        ),
        InvoiceState::Expired => (
            "Expired",
            "The time for this payment is over. Please do not send anything; ask the merchant for a new payment link.".into(),
        ),
        InvoiceState::Late => (
            "Arrived too late",
            "Your payment arrived after this payment link had ended. It is not lost: ask the merchant, who can accept it or give it back.".into(),
        ),
        InvoiceState::Cancelled => (
            "Cancelled",
            "The merchant has taken this payment link back. Please do not send anything.".into(),
        ),
    };
    (title.into(), text)
}

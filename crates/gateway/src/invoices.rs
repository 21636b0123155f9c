//! Invoices: made with attested addresses in one write, and ended by the clock. Deposits move them on in the store itself.

use crate::addresses::{self, AddressError, For, TRIES};
use crate::coordinator::Wallet;
use crate::gateway::Gateway;
use crate::store::{AddressRow, InvoiceRow, Lane, NewInvoiceRow, StoredOption, now};
use quorate_coordination::api::NewInvoiceOption;
use quorate_intent::governed::AssetInfo;
use quorate_intent::{Asset, Network};
use quorate_payments::uri::{native_decimals, native_symbol};
use rand_core::{OsRng, RngCore};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Pause between two looks for what has expired.
const TICK: Duration = Duration::from_secs(1);
/// Invoices that are looked at in one write.
const BATCH: u32 = 200;

/// A new invoice whose fields were looked at.
pub struct Draft {
    /// Everything but the options and the token.
    pub row: NewInvoiceRow,
    /// Each option, with its wallet and the stock that its address comes from.
    pub options: Vec<(NewInvoiceOption, Arc<Wallet>, Lane)>,
}

/// Makes an invoice: addresses, one for each wallet and network, and the row, in one write.
pub async fn create(gateway: &Arc<Gateway>, draft: Draft) -> Result<InvoiceRow, AddressError> {
    for (_, wallet, lane) in &draft.options {
        addresses::check(wallet, lane)?;
    }
    let whom = For { label: draft.row.reference.clone(), customer: draft.row.customer.clone() };
    'again: for _ in 0..=TRIES {
        let mut tx = gateway.store.begin().await?;
        let mut drawn: Vec<(Lane, AddressRow)> = Vec::new();
        let mut new = draft.row.clone();
        for (option, wallet, lane) in &draft.options {
            let known = drawn.iter().find(|(other, _)| other == lane).map(|(_, row)| row.clone());
            let address = match known {
                Some(row) => row,
                None => {
                    let Some(row) = addresses::draw(&mut tx, wallet, lane, whom.clone()).await? else {
                        // Nothing of this write stays; the stock is filled without holding it up.
                        drop(tx);
                        addresses::fill(gateway, wallet, lane).await?;
                        continue 'again;
                    };
                    drawn.push((*lane, row.clone()));
                    row
                }
            };
            new.options.push(StoredOption {
                wallet: lane.wallet,
                network: option.network,
                asset: option.asset.clone(),
                amount: option.amount,
                decimals: unit(gateway, &option.network, &option.asset).1,
                address: address.sequence,
                text: address.address.address,
                path: address.address.path,
            });
        }
        let mut token = [0; 16];
        OsRng.fill_bytes(&mut token);
        new.token = hex::encode(token);
        let sequence = tx.add_invoice(&new).await?;
        let row = tx.invoice(sequence).await?;
        tx.commit().await?;
        drawn.iter().for_each(|(lane, _)| addresses::drawn(gateway, lane));
        return row.ok_or(AddressError::Slow);
    }
    Err(AddressError::Slow)
}

/// The symbol and the decimals of an asset: by the governed registry, else by the network for its own coin. A token that nobody
/// registered has neither.
pub fn unit(gateway: &Gateway, network: &Network, asset: &Asset) -> (Option<String>, Option<u8>) {
    let governed = gateway.genesis.chain().current().governed.clone().unwrap_or_default();
    let fits = |info: &&AssetInfo| {
        let same = match (asset, &info.contract) {
            (Asset::Native, None) => true,
            (Asset::Token { contract }, Some(other)) => contract.eq_ignore_ascii_case(other),
            _ => false,
        };
        info.network == *network && same
    };
    match (governed.assets.iter().find(fits), asset) {
        (Some(info), _) => (Some(info.symbol.clone()), Some(info.decimals)),
        (None, Asset::Native) => (Some(native_symbol(network).into()), Some(native_decimals(network))),
        (None, Asset::Token { .. }) => (None, None),
    }
}

/// Ends invoices whose time ran out, until it is dropped.
pub async fn run(gateway: Arc<Gateway>) {
    loop {
        if let Err(error) = expire(&gateway).await {
            tracing::error!(%error, "cannot look for expired invoices");
        }
        sleep(TICK).await;
    }
}

async fn expire(gateway: &Gateway) -> Result<(), sqlx::Error> {
    let due = gateway.store.expiring_invoices(now(), BATCH).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = gateway.store.begin().await?;
    for sequence in due {
        tx.settle_invoice(sequence, false).await?;
    }
    tx.commit().await
}

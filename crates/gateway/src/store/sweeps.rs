//! What lies at deposit addresses: credited deposits less what was asked to be moved away.

use super::addresses::network_key;
use super::invoices::same_asset;
use super::{Result, Store, Tx, corrupt, decode, int, uint};
use quorate_coordination::api::SignedTransaction;
use quorate_intent::{Amount, Asset, Body, IntentId, Network, SignedIntent, Transfer, WalletId};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};

/// Begins the memo of a transfer that pays a deposit address's fees.
const GAS: &str = "gas for ";

/// The memo of a transfer that pays a deposit address's fees.
pub fn gas_memo(address: u64) -> String {
    format!("{GAS}{}", super::addresses::address_id(address))
}

/// A deposit address with something in it.
#[derive(Clone, Debug)]
pub struct Funded {
    /// Its place.
    pub address: u64,
    /// The address.
    pub text: String,
    /// Account, branch and index of its key.
    pub path: [u32; 3],
    /// Credited, in minor units of the asset.
    pub amount: Amount,
    /// The transactions.
    pub transactions: BTreeSet<String>,
}

/// A transfer that was asked for and did not fail.
#[derive(Clone, Debug)]
pub struct Moved {
    /// What was asked for.
    pub transfer: Transfer,
    /// Its transaction, once it is signed.
    pub transaction: Option<String>,
}

impl Tx<'_> {
    /// Takes note of the transaction of a transfer that pays a deposit address's fees: it is no payment of an invoice.
    pub async fn note_gas(&mut self, id: &IntentId, outcome: &SignedTransaction) -> Result<()> {
        let signed: Vec<u8> = sqlx::query_scalar("SELECT signed FROM intents WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_one(&mut *self.tx)
            .await?;
        if let Body::Transfer(transfer) = decode::<SignedIntent>(&signed)?.intent.body
            && transfer.memo.starts_with(GAS)
        {
            sqlx::query("INSERT INTO gas_payments (txid) VALUES (?) ON CONFLICT DO NOTHING")
                .bind(&outcome.id)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}

impl Store {
    /// What was credited at a wallet's deposit addresses.
    pub async fn funded(&self, wallet: &WalletId, network: &Network, asset: &Asset) -> Result<Vec<Funded>> {
        let rows = sqlx::query(
            "SELECT a.sequence, a.address, a.account, a.branch, a.number, d.amount, d.txid, d.asset FROM addresses a
             JOIN deposits d ON d.address = a.sequence WHERE a.wallet = ? AND a.network = ? AND d.state = 'credited'
             ORDER BY a.sequence",
        )
        .bind(wallet.0.as_slice())
        .bind(network_key(network))
        .fetch_all(&self.pool)
        .await?;
        let mut all: BTreeMap<u64, Funded> = BTreeMap::new();
        for row in rows {
            let found: String = row.try_get("asset")?;
            let found: Asset = decode(&hex::decode(found).map_err(|_| corrupt("an asset is no hex"))?)?;
            if !same_asset(&found, asset) {
                continue;
            }
            let address = uint(row.try_get("sequence")?);
            let amount: String = row.try_get("amount")?;
            let amount: Amount = amount.parse().map_err(|_| corrupt("an amount is no number"))?;
            let new = Funded {
                address,
                text: row.try_get("address")?,
                path: super::addresses::read_path(&row)?,
                amount: Amount::default(),
                transactions: BTreeSet::new(),
            };
            let held = all.entry(address).or_insert(new);
            held.amount.0 = held.amount.0.saturating_add(amount.0);
            held.transactions.insert(row.try_get("txid")?);
        }
        Ok(all.into_values().collect())
    }

    /// Transfers of a wallet that were asked for and did not come to nothing.
    pub async fn moved(&self, wallet: &WalletId) -> Result<Vec<Moved>> {
        let rows = sqlx::query(
            "SELECT signed, outcome FROM intents WHERE wallet = ? AND kind = 'transfer' AND state NOT IN
             ('rejected', 'expired', 'cancelled', 'failed', 'blocked', 'replaced')",
        )
        .bind(wallet.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        let mut all = Vec::new();
        for row in rows {
            let Body::Transfer(transfer) = decode::<SignedIntent>(row.try_get("signed")?)?.intent.body else {
                continue;
            };
            let outcome: Option<String> = row.try_get("outcome")?;
            let outcome: Option<SignedTransaction> = outcome
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|error| corrupt(&error.to_string()))?;
            all.push(Moved { transfer, transaction: outcome.map(|outcome| outcome.id) });
        }
        Ok(all)
    }

    /// The place of the deposit address that a transfer pays the fees of.
    pub fn gas_for(transfer: &Transfer) -> Option<u64> {
        let digits = transfer.memo.strip_prefix(GAS)?.strip_prefix("adr_")?;
        u64::from_str_radix(digits, 16).ok().filter(|place| int(*place) >= 0)
    }
}

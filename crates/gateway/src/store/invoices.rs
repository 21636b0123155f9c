//! Invoices. Their state follows deposits in the same write, and every change of it writes its event.

use super::events::NewEvent;
use super::{Result, Store, Tx, corrupt, decode, fixed, int, now_ms, uint};
use quorate_coordination::api::{DepositState, Invoice, InvoiceOption, InvoiceState};
use quorate_intent::{Amount, Asset, Body, IntentId, Network, WalletId};
use quorate_payments::invoice::{OptionState, Paid, Standing, Terms};
use quorate_payments::uri::{Payment, payment};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

/// One way to pay an invoice, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredOption {
    /// The wallet that is paid.
    pub wallet: WalletId,
    /// Where.
    pub network: Network,
    /// What.
    pub asset: Asset,
    /// How much, in minor units.
    pub amount: Amount,
    /// 10^decimals minor units are one, where that was known.
    pub decimals: Option<u8>,
    /// The place of its address.
    pub address: u64,
    /// The address.
    pub text: String,
    /// Account, branch and index of its key.
    pub path: [u32; 3],
}

/// A new invoice.
#[derive(Clone, Debug)]
pub struct NewInvoiceRow {
    /// Opens the payment page; 128 random bits in hex.
    pub token: String,
    /// The wallet that is paid.
    pub wallet: WalletId,
    /// The client's own number.
    pub reference: Option<String>,
    /// Whom it is for.
    pub customer: Option<String>,
    /// What the payer sees.
    pub description: Option<String>,
    /// Ways to pay it.
    pub options: Vec<StoredOption>,
    /// Unix seconds.
    pub expires: u64,
}

/// An invoice with what the API does not show.
#[derive(Clone, Debug)]
pub struct InvoiceRow {
    /// Its place in the list.
    pub sequence: u64,
    /// Its options as they are kept.
    pub options: Vec<StoredOption>,
    /// How each of them stands.
    pub standings: Vec<OptionState>,
    /// The most and the needed confirmations of what is on its way.
    pub confirming: Option<(u64, u64)>,
    /// The invoice.
    pub invoice: Invoice,
}

/// Which invoices, newest first.
#[derive(Clone, Debug, Default)]
pub struct InvoiceFilter {
    /// Only in this state.
    pub state: Option<InvoiceState>,
    /// Only of this customer.
    pub customer: Option<String>,
    /// Only with this number of the client's own.
    pub reference: Option<String>,
    /// Only older than this place.
    pub before: Option<u64>,
    /// Most rows.
    pub limit: u32,
}

const DEPOSITS: &str =
    "SELECT d.sequence, d.address, d.asset, d.amount, d.state, d.seen, d.confirmations, d.required
    FROM invoice_addresses i JOIN deposits d ON d.address = i.address WHERE i.invoice = ?
    AND NOT EXISTS (SELECT 1 FROM gas_payments g WHERE g.txid = d.txid) ORDER BY d.sequence";

/// The id of the invoice at a place.
pub fn invoice_id(sequence: u64) -> String {
    format!("inv_{sequence:016x}")
}

/// Begins the memo of a refund.
const REFUND: &str = "refund ";

/// The memo that ties a transfer to the invoice of which it gives something back.
pub fn refund_memo(sequence: u64) -> String {
    format!("{REFUND}{}", invoice_id(sequence))
}

/// The place of the invoice that an intent gives something back of.
pub fn refunded(body: &Body) -> Option<u64> {
    let Body::Transfer(transfer) = body else { return None };
    let digits = transfer.memo.strip_prefix(REFUND)?.strip_prefix("inv_")?;
    u64::from_str_radix(digits, 16).ok().filter(|place| invoice_id(*place).ends_with(digits))
}

/// Most refunds that an invoice lists.
const MAX_REFUNDS: usize = 100;

impl Tx<'_> {
    /// Keeps an invoice and tells of it; gives its place.
    pub async fn add_invoice(&mut self, new: &NewInvoiceRow) -> Result<u64> {
        let done = sqlx::query(
            "INSERT INTO invoices (token, wallet, reference, customer, description, options, state, expires, created,
                refunds) VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?, '[]')",
        )
        .bind(&new.token)
        .bind(new.wallet.0.as_slice())
        .bind(&new.reference)
        .bind(&new.customer)
        .bind(&new.description)
        .bind(serde_json::to_string(&new.options).map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
        .bind(int(new.expires))
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        let sequence = uint(done.last_insert_rowid());
        for option in &new.options {
            sqlx::query(
                "INSERT INTO invoice_addresses (address, invoice) VALUES (?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(int(option.address))
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        }
        let row = self.invoice(sequence).await?.ok_or_else(|| corrupt("an invoice vanished"))?;
        self.tell_invoice(&row.invoice, "open").await?;
        Ok(sequence)
    }

    async fn tell_invoice(&mut self, invoice: &Invoice, what: &str) -> Result<()> {
        let data = serde_json::to_value(invoice).map_err(|_| corrupt("an invoice has no JSON"))?;
        let kind = format!("invoice.{what}");
        self.add_event(&NewEvent { kind: &kind, object: &invoice.id, data: &data }).await?;
        Ok(())
    }

    /// An invoice as this write sees it.
    pub async fn invoice(&mut self, sequence: u64) -> Result<Option<InvoiceRow>> {
        let row = sqlx::query("SELECT * FROM invoices WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&mut *self.tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let deposits = sqlx::query(DEPOSITS).bind(int(sequence)).fetch_all(&mut *self.tx).await?;
        read(&row, &deposits).map(Some)
    }

    /// A deposit to this address is new or changed its state: so may have the invoices that it is for.
    pub async fn follow_deposit(&mut self, address: u64) -> Result<()> {
        let invoices: Vec<i64> =
            sqlx::query_scalar("SELECT invoice FROM invoice_addresses WHERE address = ?")
                .bind(int(address))
                .fetch_all(&mut *self.tx)
                .await?;
        for invoice in invoices {
            self.settle_invoice(uint(invoice), true).await?;
        }
        Ok(())
    }

    /// Brings an invoice's state up to date with its deposits and the time, and tells of a change; with `touched` also that
    /// something happened to it that did not change its state.
    pub async fn settle_invoice(&mut self, sequence: u64, touched: bool) -> Result<()> {
        let Some(row) = self.invoice(sequence).await? else { return Ok(()) };
        let before: String = sqlx::query_scalar("SELECT state FROM invoices WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_one(&mut *self.tx)
            .await?;
        let mut invoice = row.invoice;
        if invoice.state.as_str() == before {
            if touched {
                self.tell_invoice(&invoice, "updated").await?;
            }
            return Ok(());
        }
        let paid = matches!(invoice.state, InvoiceState::Paid | InvoiceState::Overpaid);
        invoice.paid_ms = if paid { invoice.paid_ms.or(Some(now_ms())) } else { None };
        sqlx::query("UPDATE invoices SET state = ?, paid = ? WHERE sequence = ?")
            .bind(invoice.state.as_str())
            .bind(invoice.paid_ms.map(int))
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        self.tell_invoice(&invoice, invoice.state.as_str()).await
    }

    /// Takes an invoice back.
    pub async fn cancel_invoice(&mut self, sequence: u64) -> Result<()> {
        sqlx::query("UPDATE invoices SET cancelled = ? WHERE sequence = ? AND cancelled IS NULL")
            .bind(int(now_ms()))
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        self.settle_invoice(sequence, false).await
    }

    /// Takes note of an intent that gives something back.
    pub async fn note_refund(&mut self, sequence: u64, intent: &IntentId) -> Result<()> {
        let Some(row) = self.invoice(sequence).await? else { return Ok(()) };
        let mut invoice = row.invoice;
        if invoice.refunds.len() >= MAX_REFUNDS {
            return Ok(());
        }
        invoice.refunds.push(*intent);
        sqlx::query("UPDATE invoices SET refunds = ? WHERE sequence = ?")
            .bind(
                serde_json::to_string(&invoice.refunds)
                    .map_err(|error| sqlx::Error::Encode(Box::new(error)))?,
            )
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        self.tell_invoice(&invoice, "updated").await
    }
}

impl Store {
    /// One invoice.
    pub async fn invoice(&self, sequence: u64) -> Result<Option<InvoiceRow>> {
        let row = sqlx::query("SELECT * FROM invoices WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&self.pool)
            .await?;
        self.with_deposits(row).await
    }

    /// The invoice of a payment page.
    pub async fn invoice_by_token(&self, token: &str) -> Result<Option<InvoiceRow>> {
        let row = sqlx::query("SELECT * FROM invoices WHERE token = ?")
            .bind(token)
            .fetch_optional(&self.pool)
            .await?;
        self.with_deposits(row).await
    }

    async fn with_deposits(&self, row: Option<SqliteRow>) -> Result<Option<InvoiceRow>> {
        let Some(row) = row else { return Ok(None) };
        let sequence: i64 = row.try_get("sequence")?;
        let deposits = sqlx::query(DEPOSITS).bind(sequence).fetch_all(&self.pool).await?;
        read(&row, &deposits).map(Some)
    }

    /// Invoices, newest first.
    pub async fn invoices(&self, filter: &InvoiceFilter) -> Result<Vec<InvoiceRow>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM invoices WHERE 1 = 1");
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(customer) = &filter.customer {
            query.push(" AND customer = ").push_bind(customer);
        }
        if let Some(reference) = &filter.reference {
            query.push(" AND reference = ").push_bind(reference);
        }
        if let Some(before) = filter.before {
            query.push(" AND sequence < ").push_bind(int(before));
        }
        query.push(" ORDER BY sequence DESC LIMIT ").push_bind(i64::from(filter.limit));
        let mut all = Vec::new();
        for row in query.build().fetch_all(&self.pool).await? {
            all.extend(self.with_deposits(Some(row)).await?);
        }
        Ok(all)
    }

    /// Places of the open invoices whose time ran out.
    pub async fn expiring_invoices(&self, now: u64, limit: u32) -> Result<Vec<u64>> {
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT sequence FROM invoices WHERE state = 'open' AND expires <= ? ORDER BY expires DESC LIMIT ?",
        )
        .bind(int(now))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(uint).collect())
    }
}

/// The payments among the deposits: those of an option's asset to that option's address.
fn paid(options: &[StoredOption], deposits: &[SqliteRow]) -> Result<Vec<Paid>> {
    let mut all = Vec::new();
    for row in deposits {
        let address = uint(row.try_get("address")?);
        let asset: String = row.try_get("asset")?;
        let asset: Asset = decode(&hex::decode(asset).map_err(|_| corrupt("an asset is no hex"))?)?;
        let same = |option: &StoredOption| option.address == address && same_asset(&option.asset, &asset);
        let Some(option) = options.iter().position(same) else { continue };
        let amount: String = row.try_get("amount")?;
        let state: String = row.try_get("state")?;
        let standing = match DepositState::parse(&state) {
            Some(DepositState::Seen) => Standing::Seen,
            Some(DepositState::Credited) => Standing::Credited,
            Some(DepositState::Orphaned) => Standing::Orphaned,
            None => return Err(corrupt("a deposit has an unknown state")),
        };
        let amount = amount.parse().map_err(|_| corrupt("an amount is no number"))?;
        all.push(Paid { option, amount, standing, seen_ms: uint(row.try_get("seen")?) });
    }
    Ok(all)
}

/// Whether two assets are one: addresses on EVM chains may differ in capitals alone.
pub fn same_asset(a: &Asset, b: &Asset) -> bool {
    match (a, b) {
        (Asset::Token { contract: a }, Asset::Token { contract: b }) if a.starts_with("0x") => {
            a.eq_ignore_ascii_case(b)
        }
        (a, b) => a == b,
    }
}

/// What is on its way: of the payment with the fewest confirmations, how many it has and needs.
fn confirming(deposits: &[SqliteRow]) -> Result<Option<(u64, u64)>> {
    let mut least: Option<(u64, u64)> = None;
    for row in deposits {
        let state: String = row.try_get("state")?;
        if state == DepositState::Seen.as_str() {
            let this = (uint(row.try_get("confirmations")?), uint(row.try_get("required")?));
            least = Some(least.map_or(this, |least| least.min(this)));
        }
    }
    Ok(least)
}

fn read(row: &SqliteRow, deposits: &[SqliteRow]) -> Result<InvoiceRow> {
    let sequence = uint(row.try_get("sequence")?);
    let json = |_| corrupt("an invoice is no JSON");
    let options: String = row.try_get("options")?;
    let options: Vec<StoredOption> = serde_json::from_str(&options).map_err(json)?;
    let refunds: String = row.try_get("refunds")?;
    let expires = uint(row.try_get("expires")?);
    let terms = Terms {
        amounts: options.iter().map(|option| option.amount).collect(),
        expires_ms: expires.saturating_mul(1000),
        cancelled_ms: row.try_get::<Option<i64>, _>("cancelled")?.map(uint),
    };
    let paid = paid(&options, deposits)?;
    let standings = terms.options(&paid);
    let state = terms.state(&paid, now_ms());
    let state = InvoiceState::parse(state.as_str()).ok_or_else(|| corrupt("an unknown state"))?;
    let description: Option<String> = row.try_get("description")?;
    let option = |(at, (option, standing)): (usize, (&StoredOption, &OptionState))| {
        let missing = terms.missing(at, standing);
        let zero = missing == Amount::default();
        InvoiceOption {
            wallet: option.wallet,
            network: option.network,
            asset: option.asset.clone(),
            amount: option.amount,
            address_id: super::addresses::address_id(option.address),
            address: option.text.clone(),
            received: standing.received,
            pending: standing.pending,
            uri: payment(&Payment {
                network: &option.network,
                asset: &option.asset,
                address: &option.text,
                amount: if zero { option.amount } else { missing },
                decimals: option.decimals,
                label: description.as_deref(),
            }),
        }
    };
    let token: String = row.try_get("token")?;
    let ids = deposits.iter().map(|row| Ok(format!("dep_{:016x}", uint(row.try_get("sequence")?))));
    let invoice = Invoice {
        id: invoice_id(sequence),
        wallet: WalletId(fixed(row.try_get("wallet")?)?),
        reference: row.try_get("reference")?,
        customer: row.try_get("customer")?,
        options: options.iter().zip(&standings).enumerate().map(option).collect(),
        state,
        expires,
        created_ms: uint(row.try_get("created")?),
        paid_ms: row.try_get::<Option<i64>, _>("paid")?.map(uint),
        deposits: ids.collect::<Result<_>>()?,
        page: format!("/pay/{token}"),
        refunds: serde_json::from_str(&refunds).map_err(json)?,
        description,
    };
    Ok(InvoiceRow { sequence, options, standings, confirming: confirming(deposits)?, invoice })
}

#[cfg(test)]
impl Store {
    /// Lets time pass for every invoice.
    pub async fn age_invoices(&self, seconds: u64) {
        let mut tx = self.begin().await.unwrap();
        sqlx::query("UPDATE invoices SET expires = expires - ?, created = created - ?")
            .bind(int(seconds))
            .bind(int(seconds * 1000))
            .execute(&mut *tx.tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

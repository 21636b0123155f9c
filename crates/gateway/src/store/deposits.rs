//! Money that came in. Every change of a deposit writes its event in the same transaction.

use super::addresses::read_address;
use super::events::NewEvent;
use super::{Result, Store, Tx, corrupt, decode, encode, int, now_ms, uint};
use quorate_coordination::api::{Deposit, DepositState};
use quorate_intent::{Amount, Asset};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A payment as a watcher sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeposit {
    /// The place of the address that was paid.
    pub address: u64,
    /// What.
    pub asset: Asset,
    /// In minor units.
    pub amount: Amount,
    /// The transaction.
    pub transaction: String,
    /// Which output, log entry or instruction of it.
    pub place: u32,
    /// Hash and height of its block; none while it waits for one.
    pub block: Option<(String, u64)>,
    /// Blocks on it, its own included.
    pub confirmations: u64,
    /// How many it takes.
    pub required: u64,
    /// Where it is.
    pub state: DepositState,
}

/// A deposit with its place in the list.
#[derive(Clone, Debug)]
pub struct DepositRow {
    /// Its place.
    pub sequence: u64,
    /// Hash of its block.
    pub block: Option<String>,
    /// The place of its address.
    pub address: u64,
    /// The deposit.
    pub deposit: Deposit,
}

/// Address columns keep their names for [`read_address`]; those of the deposit that would clash are renamed.
const SELECT: &str = "SELECT a.*, d.sequence AS d_sequence, d.asset, d.amount, d.txid, d.place, d.block, d.height,
    d.confirmations, d.required, d.state, d.seen, d.credited FROM deposits d JOIN addresses a ON a.sequence = d.address";

impl Tx<'_> {
    /// Takes in how a payment stands. Tells of it when it is new or its state changed; gives it then.
    pub async fn put_deposit(&mut self, new: &NewDeposit) -> Result<Option<DepositRow>> {
        let before: Option<String> =
            sqlx::query_scalar("SELECT state FROM deposits WHERE txid = ? AND place = ? AND address = ?")
                .bind(&new.transaction)
                .bind(i64::from(new.place))
                .bind(int(new.address))
                .fetch_optional(&mut *self.tx)
                .await?;
        let now = int(now_ms());
        let sequence: i64 = sqlx::query_scalar(
            "INSERT INTO deposits (address, asset, amount, txid, place, block, height, confirmations, required, state,
                seen, credited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (txid, place, address) DO UPDATE SET block = excluded.block, height = excluded.height,
                confirmations = excluded.confirmations, state = excluded.state,
                credited = coalesce(deposits.credited, excluded.credited) RETURNING sequence",
        )
        .bind(int(new.address))
        .bind(hex::encode(encode(&new.asset)))
        .bind(new.amount.to_string())
        .bind(&new.transaction)
        .bind(i64::from(new.place))
        .bind(new.block.as_ref().map(|(hash, _)| hash))
        .bind(new.block.as_ref().map(|(_, height)| int(*height)))
        .bind(int(new.confirmations))
        .bind(int(new.required))
        .bind(new.state.as_str())
        .bind(now)
        .bind((new.state == DepositState::Credited).then_some(now))
        .fetch_one(&mut *self.tx)
        .await?;
        if before.as_deref() == Some(new.state.as_str()) {
            return Ok(None);
        }
        let query = format!("{SELECT} WHERE d.sequence = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(sequence).fetch_one(&mut *self.tx).await?;
        let row = read(&row)?;
        let kind = format!("deposit.{}", new.state);
        let data = serde_json::to_value(&row.deposit).map_err(|_| corrupt("a deposit has no JSON"))?;
        self.add_event(&NewEvent { kind: &kind, object: &row.deposit.id, data: &data }).await?;
        Ok(Some(row))
    }
}

impl Store {
    /// Deposits before a place, the newest first; of one address where that is given.
    pub async fn deposits(
        &self,
        address: Option<u64>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DepositRow>> {
        let query = format!(
            "{SELECT} WHERE (?1 IS NULL OR d.address = ?1) AND d.sequence < ?2 ORDER BY d.sequence DESC LIMIT ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(address.map(int))
            .bind(before.map_or(i64::MAX, int))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<DepositRow> {
    let address = read_address(row)?;
    let sequence = uint(row.try_get("d_sequence")?);
    let asset: String = row.try_get("asset")?;
    let asset = hex::decode(asset).map_err(|_| corrupt("an asset is no hex"))?;
    let amount: String = row.try_get("amount")?;
    let state: String = row.try_get("state")?;
    let deposit = Deposit {
        id: format!("dep_{sequence:016x}"),
        wallet: address.address.wallet,
        network: address.address.network,
        asset: decode::<Asset>(&asset)?,
        address: address.address.address,
        path: address.address.path,
        amount: amount.parse().map_err(|_| corrupt("an amount is no number"))?,
        transaction: row.try_get("txid")?,
        place: u32::try_from(row.try_get::<i64, _>("place")?)
            .map_err(|_| corrupt("a place is out of range"))?,
        height: row.try_get::<Option<i64>, _>("height")?.map(uint),
        confirmations: uint(row.try_get("confirmations")?),
        required: uint(row.try_get("required")?),
        state: DepositState::parse(&state).ok_or_else(|| corrupt("a deposit has an unknown state"))?,
        seen_ms: uint(row.try_get("seen")?),
        credited_ms: row.try_get::<Option<i64>, _>("credited")?.map(uint),
    };
    Ok(DepositRow { sequence, block: row.try_get("block")?, address: address.sequence, deposit })
}

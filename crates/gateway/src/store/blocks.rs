//! Where watchers are: the last blocks of each network, own addresses beside deposit addresses, and balances.

use super::addresses::network_key;
use super::{Result, Store, Tx, corrupt, decode, encode, fixed, int, now_ms, uint};
use quorate_intent::{Amount, Asset, Network, WalletId};
use quorate_networks::Head;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// An own address that nobody was given as a deposit address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Whose key.
    pub wallet: WalletId,
    /// Account, branch and index of it.
    pub path: [u32; 3],
    /// In the network's own form.
    pub address: String,
}

/// What an address holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// Where.
    pub network: Network,
    /// Whose key.
    pub wallet: WalletId,
    /// Which account.
    pub account: u32,
    /// What.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
}

impl Store {
    /// The last blocks that were looked at, lowest first.
    pub async fn blocks(&self, network: &Network) -> Result<Vec<Head>> {
        let rows = sqlx::query("SELECT height, hash FROM blocks WHERE network = ? ORDER BY height")
            .bind(network_key(network))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok(Head { height: uint(row.try_get("height")?), hash: row.try_get("hash")? }))
            .collect()
    }

    /// Own addresses behind a place, the oldest first, with their places.
    pub async fn own_after(&self, network: &Network, after: u64, limit: u32) -> Result<Vec<(u64, Own)>> {
        let query = "SELECT * FROM watched WHERE network = ? AND sequence > ? ORDER BY sequence LIMIT ?";
        let rows = sqlx::query(query)
            .bind(network_key(network))
            .bind(int(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read_own).collect()
    }

    /// All balances that were looked at.
    pub async fn balances(&self) -> Result<Vec<BalanceRow>> {
        let rows = sqlx::query("SELECT * FROM balances").fetch_all(&self.pool).await?;
        rows.iter().map(read_balance).collect()
    }

    /// Deposits that are seen and do not count yet, each with whether it stands in a block.
    pub async fn pending_deposits(&self) -> Result<Vec<(BalanceRow, bool)>> {
        let rows = sqlx::query(
            "SELECT a.network, a.wallet, a.account, d.asset, d.amount, d.height IS NOT NULL AS mined FROM deposits d
             JOIN addresses a ON a.sequence = d.address WHERE d.state = 'seen'",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((read_balance(row)?, row.try_get("mined")?))).collect()
    }

    /// Unspent coins by account: those that can be planned with or are reserved, and those that do not count yet.
    pub async fn coin_sums(&self) -> Result<Vec<(BalanceRow, bool)>> {
        let rows = sqlx::query(
            "SELECT c.network, c.wallet, c.account, c.usable, sum(c.amount) AS amount FROM coins c
             LEFT JOIN resources r ON r.resource = c.resource LEFT JOIN intents i ON i.id = r.intent
             WHERE (i.id IS NULL OR i.outcome IS NULL) AND (c.usable OR c.height IS NOT NULL)
             GROUP BY c.network, c.wallet, c.account, c.usable",
        )
        .fetch_all(&self.pool)
        .await?;
        let sum = |row: &SqliteRow| {
            let amount = Amount::from(uint(row.try_get("amount")?));
            let usable: bool = row.try_get("usable")?;
            Ok((place(row, Asset::Native, amount)?, usable))
        };
        rows.iter().map(sum).collect()
    }
}

impl Tx<'_> {
    /// Appends a block and forgets those below a height.
    pub async fn push_block(&mut self, network: &Network, head: &Head, keep_from: u64) -> Result<()> {
        let network = network_key(network);
        sqlx::query("INSERT INTO blocks (network, height, hash) VALUES (?, ?, ?)")
            .bind(&network)
            .bind(int(head.height))
            .bind(&head.hash)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("DELETE FROM blocks WHERE network = ? AND height < ?")
            .bind(&network)
            .bind(int(keep_from))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Forgets the blocks above a height: they were reorganised away.
    pub async fn cut_blocks(&mut self, network: &Network, above: u64) -> Result<()> {
        sqlx::query("DELETE FROM blocks WHERE network = ? AND height > ?")
            .bind(network_key(network))
            .bind(int(above))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Watches an own address; known ones stay as they are.
    pub async fn watch_own(&mut self, network: &Network, own: &Own) -> Result<()> {
        let [account, branch, number] = own.path;
        sqlx::query(
            "INSERT INTO watched (wallet, network, account, branch, number, address)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(own.wallet.0.as_slice())
        .bind(network_key(network))
        .bind(i64::from(account))
        .bind(i64::from(branch))
        .bind(i64::from(number))
        .bind(&own.address)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Notes what an address holds.
    pub async fn put_balance(&mut self, address: &str, new: &BalanceRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO balances (network, address, asset, wallet, account, amount, at)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (network, address, asset)
             DO UPDATE SET amount = excluded.amount, at = excluded.at",
        )
        .bind(network_key(&new.network))
        .bind(address)
        .bind(hex::encode(encode(&new.asset)))
        .bind(new.wallet.0.as_slice())
        .bind(i64::from(new.account))
        .bind(new.amount.to_string())
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

fn number(row: &SqliteRow, name: &str) -> Result<u32> {
    u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| corrupt("a path is out of range"))
}

fn read_own(row: &SqliteRow) -> Result<(u64, Own)> {
    let own = Own {
        wallet: WalletId(fixed(row.try_get("wallet")?)?),
        path: [number(row, "account")?, number(row, "branch")?, number(row, "number")?],
        address: row.try_get("address")?,
    };
    Ok((uint(row.try_get("sequence")?), own))
}

fn place(row: &SqliteRow, asset: Asset, amount: Amount) -> Result<BalanceRow> {
    let network: String = row.try_get("network")?;
    let network = hex::decode(network).map_err(|_| corrupt("a network is no hex"))?;
    let wallet = WalletId(fixed(row.try_get("wallet")?)?);
    Ok(BalanceRow { network: decode(&network)?, wallet, account: number(row, "account")?, asset, amount })
}

fn read_balance(row: &SqliteRow) -> Result<BalanceRow> {
    let asset: String = row.try_get("asset")?;
    let asset = hex::decode(asset).map_err(|_| corrupt("an asset is no hex"))?;
    let amount: String = row.try_get("amount")?;
    place(row, decode(&asset)?, amount.parse().map_err(|_| corrupt("an amount is no number"))?)
}

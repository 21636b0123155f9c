//! Bitcoin outputs that belong to wallets, and what transfers use up.

use super::{Result, Store, Tx, corrupt, decode, encode, fixed, int, uint};
use quorate_coordination::api::{Coin, CoinState, State};
use quorate_intent::{Amount, IntentId, Network, WalletId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// An output that pays a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCoin {
    /// `bitcoin:<network>:<txid>:<vout>`, as the chains room names it.
    pub resource: String,
    /// Its transaction.
    pub txid: String,
    /// Which output.
    pub vout: u32,
    /// Account, branch and index of its key.
    pub path: [u32; 3],
    /// Satoshi.
    pub amount: u64,
    /// Its address.
    pub address: String,
}

/// A known output with its whole transaction, if asked for.
#[derive(Clone, Debug)]
pub struct CoinRow {
    /// Its place in the list.
    pub sequence: u64,
    /// As the API shows it.
    pub coin: Coin,
    /// The whole transaction.
    pub raw: Vec<u8>,
}

const SELECT: &str = "SELECT c.*, t.raw, r.intent AS user, i.state AS user_state FROM coins c
    JOIN transactions t ON t.network = c.network AND t.txid = c.txid
    LEFT JOIN resources r ON r.resource = c.resource LEFT JOIN intents i ON i.id = r.intent";

impl Store {
    /// A wallet's outputs with their places in the list, newest first.
    pub async fn coins(&self, wallet: &WalletId, before: Option<u64>, limit: u32) -> Result<Vec<CoinRow>> {
        let query =
            format!("{SELECT} WHERE c.wallet = ? AND c.sequence < ? ORDER BY c.sequence DESC LIMIT ?");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(wallet.0.as_slice())
            .bind(before.map_or(i64::MAX, int))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Whether an output can be spent, and the intent that uses it.
    pub async fn coin_state(&self, resource: &str) -> Result<(CoinState, Option<IntentId>)> {
        let row = sqlx::query(
            "SELECT r.intent AS user, i.state AS user_state FROM resources r
             JOIN intents i ON i.id = r.intent WHERE r.resource = ?",
        )
        .bind(resource)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map_or(Ok((CoinState::Free, None)), use_of)
    }

    /// The highest used index of a branch of an account, if any. Deposit addresses are not counted: their indices are far
    /// away, and all addresses up to the last used one are derived.
    pub async fn last_index(
        &self,
        wallet: &WalletId,
        network: &Network,
        account: u32,
        branch: u32,
    ) -> Result<Option<u32>> {
        let number: Option<i64> = sqlx::query_scalar(
            "SELECT max(number) FROM coins WHERE wallet = ? AND network = ? AND account = ? AND branch = ?
             AND number < ?",
        )
        .bind(wallet.0.as_slice())
        .bind(name(network))
        .bind(i64::from(account))
        .bind(i64::from(branch))
        .bind(i64::from(quorate_chains::DEPOSIT_INDICES))
        .fetch_one(&self.pool)
        .await?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// What a counter will give next.
    pub async fn peek(&self, counter: &str) -> Result<u32> {
        let next: Option<i64> = sqlx::query_scalar("SELECT next FROM counters WHERE name = ?")
            .bind(counter)
            .fetch_optional(&self.pool)
            .await?;
        u32::try_from(next.unwrap_or(0)).map_err(|_| corrupt("a counter is out of range"))
    }

    /// Keeps a transaction and its outputs that pay the wallet; known ones stay as they are.
    pub async fn add_coins(
        &self,
        wallet: &WalletId,
        network: &Network,
        transactions: &[(String, Vec<u8>)],
        coins: &[NewCoin],
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for (txid, raw) in transactions {
            sqlx::query(
                "INSERT INTO transactions (network, txid, raw) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(name(network))
            .bind(txid)
            .bind(raw.as_slice())
            .execute(&mut *tx.tx)
            .await?;
        }
        for coin in coins {
            let [account, branch, number] = coin.path;
            sqlx::query(
                "INSERT INTO coins (resource, wallet, network, txid, vout, account, branch, number, amount, address)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(&coin.resource)
            .bind(wallet.0.as_slice())
            .bind(name(network))
            .bind(&coin.txid)
            .bind(i64::from(coin.vout))
            .bind(i64::from(account))
            .bind(i64::from(branch))
            .bind(i64::from(number))
            .bind(int(coin.amount))
            .bind(&coin.address)
            .execute(&mut *tx.tx)
            .await?;
        }
        tx.commit().await
    }
}

impl Tx<'_> {
    /// The free outputs of an account, largest first, with their whole transactions.
    pub async fn free_coins(
        &mut self,
        wallet: &WalletId,
        network: &Network,
        account: u32,
        limit: u32,
    ) -> Result<Vec<CoinRow>> {
        let query = format!(
            "{SELECT} WHERE c.wallet = ? AND c.network = ? AND c.account = ? AND c.usable AND r.resource IS NULL
             ORDER BY c.amount DESC, c.sequence LIMIT ?"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(wallet.0.as_slice())
            .bind(name(network))
            .bind(i64::from(account))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Keeps an output that stands in a block and cannot be planned with yet. One that was handed in keeps its word.
    pub async fn put_mined_coin(
        &mut self,
        (wallet, network): (&WalletId, &Network),
        coin: &NewCoin,
        raw: &[u8],
        block: (&str, u64),
    ) -> Result<()> {
        let [account, branch, number] = coin.path;
        sqlx::query("INSERT INTO transactions (network, txid, raw) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(name(network))
            .bind(&coin.txid)
            .bind(raw)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query(
            "INSERT INTO coins (resource, wallet, network, txid, vout, account, branch, number, amount, address,
                usable, block, height) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
             ON CONFLICT (wallet, resource) DO UPDATE SET block = excluded.block, height = excluded.height",
        )
        .bind(&coin.resource)
        .bind(wallet.0.as_slice())
        .bind(name(network))
        .bind(&coin.txid)
        .bind(i64::from(coin.vout))
        .bind(i64::from(account))
        .bind(i64::from(branch))
        .bind(i64::from(number))
        .bind(int(coin.amount))
        .bind(&coin.address)
        .bind(block.0)
        .bind(int(block.1))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Coins at or below a height have enough blocks on them.
    pub async fn confirm_coins(&mut self, network: &Network, upto: u64) -> Result<()> {
        sqlx::query("UPDATE coins SET usable = 1 WHERE network = ? AND NOT usable AND height <= ?")
            .bind(name(network))
            .bind(int(upto))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Coins above a height have lost their block, and cannot be planned with until they stand in another.
    pub async fn orphan_coins(&mut self, network: &Network, above: u64) -> Result<()> {
        let query =
            "UPDATE coins SET usable = 0, block = NULL, height = NULL WHERE network = ? AND height > ?";
        sqlx::query(query).bind(name(network)).bind(int(above)).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Counts one up and gives the number before.
    pub async fn count(&mut self, counter: &str) -> Result<u32> {
        let next: i64 = sqlx::query_scalar(
            "INSERT INTO counters (name, next) VALUES (?, 1)
             ON CONFLICT (name) DO UPDATE SET next = next + 1 RETURNING next",
        )
        .bind(counter)
        .fetch_one(&mut *self.tx)
        .await?;
        u32::try_from(next - 1).map_err(|_| corrupt("a counter is out of range"))
    }

    /// Reserves what an intent's transaction uses up; the first entry that another intent has, with that intent.
    pub async fn reserve(
        &mut self,
        id: &IntentId,
        resources: &[String],
    ) -> Result<Option<(String, IntentId)>> {
        for resource in resources {
            let owner: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT intent FROM resources WHERE resource = ?")
                    .bind(resource)
                    .fetch_optional(&mut *self.tx)
                    .await?;
            match owner {
                Some(owner) if owner != id.0 => {
                    return Ok(Some((resource.clone(), IntentId(fixed(&owner)?))));
                }
                Some(_) => {}
                None => {
                    sqlx::query("INSERT INTO resources (resource, intent) VALUES (?, ?)")
                        .bind(resource)
                        .bind(id.0.as_slice())
                        .execute(&mut *self.tx)
                        .await?;
                }
            }
        }
        Ok(None)
    }

    /// Frees what an intent reserved, unless nodes were asked to sign it: then a partial signature may be out, and what
    /// it uses counts as used (§4.5). The nonce of an account is freed even then, as long as there is no transaction: kept
    /// back it would hold up every later one, and of two transactions with one nonce only one can ever be mined.
    pub async fn release(&mut self, id: &IntentId) -> Result<()> {
        sqlx::query(
            "DELETE FROM resources WHERE intent = ?1 AND EXISTS (SELECT 1 FROM intents WHERE id = ?1
             AND (asked = 0 OR auto AND outcome IS NULL AND resource GLOB 'evm:*'))",
        )
        .bind(id.0.as_slice())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

/// A network as it stands in rows.
fn name(network: &Network) -> String {
    hex::encode(encode(network))
}

fn use_of(row: &SqliteRow) -> Result<(CoinState, Option<IntentId>)> {
    let user: Option<Vec<u8>> = row.try_get("user")?;
    let user_state: Option<String> = row.try_get("user_state")?;
    let state = match user_state.as_deref() {
        None => CoinState::Free,
        Some(state) if State::parse(state).is_some_and(State::is_signed) => CoinState::Spent,
        Some(_) => CoinState::Reserved,
    };
    Ok((state, user.map(|id| fixed(&id).map(IntentId)).transpose()?))
}

fn read(row: &SqliteRow) -> Result<CoinRow> {
    let number = |column: &str| -> Result<u32> {
        u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| corrupt("a number is out of range"))
    };
    let network: String = row.try_get("network")?;
    let network = hex::decode(network).map_err(|_| corrupt("an unknown network"))?;
    let (state, intent) = use_of(row)?;
    Ok(CoinRow {
        sequence: uint(row.try_get("sequence")?),
        coin: Coin {
            network: decode(&network)?,
            txid: row.try_get("txid")?,
            vout: number("vout")?,
            amount: Amount::from(uint(row.try_get("amount")?)),
            path: vec![number("account")?, number("branch")?, number("number")?],
            address: row.try_get("address")?,
            state,
            intent,
        },
        raw: row.try_get("raw")?,
    })
}

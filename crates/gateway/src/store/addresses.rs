//! Addresses that were given out to be paid to.

use super::{Result, Store, Tx, corrupt, decode, encode, fixed, int, now_ms, uint};
use quorate_coordination::api::{Attestation, DepositAddress};
use quorate_intent::{Network, PublicKey, Signature, WalletId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

/// An address that is to be given out.
#[derive(Clone, Debug)]
pub struct NewAddress {
    /// Whose key.
    pub wallet: WalletId,
    /// Where.
    pub network: Network,
    /// Account, branch and index of its key.
    pub path: [u32; 3],
    /// As people write it.
    pub address: String,
    /// What the client calls it.
    pub label: Option<String>,
    /// Whom it is for.
    pub customer: Option<String>,
    /// The words of nodes.
    pub attestations: Vec<Attestation>,
}

/// An address with its place in the list.
#[derive(Clone, Debug)]
pub struct AddressRow {
    /// Its place.
    pub sequence: u64,
    /// The address.
    pub address: DepositAddress,
}

impl Tx<'_> {
    /// Keeps an address; none when it is known already.
    pub async fn add_address(&mut self, new: &NewAddress) -> Result<Option<u64>> {
        let [account, branch, number] = new.path;
        let done = sqlx::query(
            "INSERT INTO addresses
             (wallet, network, account, branch, number, address, label, customer, attestations, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(new.wallet.0.as_slice())
        .bind(network_key(&new.network))
        .bind(i64::from(account))
        .bind(i64::from(branch))
        .bind(i64::from(number))
        .bind(&new.address)
        .bind(&new.label)
        .bind(&new.customer)
        .bind(encode_words(&new.attestations))
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        Ok((done.rows_affected() == 1).then(|| uint(done.last_insert_rowid())))
    }
}

/// A stock of addresses: of one wallet, on one network, in one lane (the account on Bitcoin, 0 elsewhere).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// Whose key.
    pub wallet: WalletId,
    /// Where.
    pub network: Network,
    /// Which account.
    pub account: u32,
}

/// An address that waits for somebody to be given to.
#[derive(Clone, Debug)]
pub struct Stocked {
    /// Account, branch and index of its key.
    pub path: [u32; 3],
    /// As people write it.
    pub address: String,
    /// The words of nodes.
    pub attestations: Vec<Attestation>,
}

/// Which addresses to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct AddressFilter {
    /// For whom.
    pub customer: Option<String>,
    /// This very one.
    pub address: Option<String>,
    /// Whose key.
    pub wallet: Option<WalletId>,
    /// Only older than this place.
    pub before: Option<u64>,
    /// Most rows.
    pub limit: u32,
}

impl Tx<'_> {
    /// Keeps an address that was taken out of stock for somebody, and gives it.
    pub async fn give_address(&mut self, new: &NewAddress) -> Result<AddressRow> {
        let sequence =
            self.add_address(new).await?.ok_or_else(|| corrupt("an address was given out before"))?;
        let row = sqlx::query("SELECT * FROM addresses WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_one(&mut *self.tx)
            .await?;
        read_address(&row)
    }

    /// Puts addresses that nodes have vouched for into stock.
    pub async fn stock_addresses(&mut self, lane: &Lane, new: &[Stocked]) -> Result<()> {
        for stocked in new {
            let [account, branch, number] = stocked.path;
            sqlx::query(
                "INSERT INTO address_stock (wallet, network, lane, account, branch, number, address, attestations)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(lane.wallet.0.as_slice())
            .bind(network_key(&lane.network))
            .bind(i64::from(lane.account))
            .bind(i64::from(account))
            .bind(i64::from(branch))
            .bind(i64::from(number))
            .bind(&stocked.address)
            .bind(encode_words(&stocked.attestations))
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    /// Takes the oldest address out of a stock.
    pub async fn take_address(&mut self, lane: &Lane) -> Result<Option<Stocked>> {
        let row = sqlx::query(
            "DELETE FROM address_stock WHERE sequence = (SELECT min(sequence) FROM address_stock
             WHERE wallet = ? AND network = ? AND lane = ?) RETURNING *",
        )
        .bind(lane.wallet.0.as_slice())
        .bind(network_key(&lane.network))
        .bind(i64::from(lane.account))
        .fetch_optional(&mut *self.tx)
        .await?;
        row.as_ref().map(read_stocked).transpose()
    }

    /// Takes out of a stock what is not worth keeping.
    pub async fn purge_stock(&mut self, lane: &Lane, keep: impl Fn(&Stocked) -> bool) -> Result<()> {
        let query = "SELECT * FROM address_stock WHERE wallet = ? AND network = ? AND lane = ?";
        let rows = sqlx::query(query)
            .bind(lane.wallet.0.as_slice())
            .bind(network_key(&lane.network))
            .bind(i64::from(lane.account))
            .fetch_all(&mut *self.tx)
            .await?;
        for row in &rows {
            if !keep(&read_stocked(row)?) {
                sqlx::query("DELETE FROM address_stock WHERE sequence = ?")
                    .bind(row.try_get::<i64, _>("sequence")?)
                    .execute(&mut *self.tx)
                    .await?;
            }
        }
        Ok(())
    }

    /// Counts `count` up at once and gives the number before.
    pub async fn count_by(&mut self, counter: &str, count: u32) -> Result<u32> {
        let next: i64 = sqlx::query_scalar(
            "INSERT INTO counters (name, next) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET next = next + ?2 RETURNING next",
        )
        .bind(counter)
        .bind(i64::from(count))
        .fetch_one(&mut *self.tx)
        .await?;
        u32::try_from(next - i64::from(count)).map_err(|_| corrupt("a counter is out of range"))
    }
}

impl Store {
    /// How many addresses a stock holds.
    pub async fn stocked(&self, lane: &Lane) -> Result<usize> {
        let query = "SELECT count(*) FROM address_stock WHERE wallet = ? AND network = ? AND lane = ?";
        let count: i64 = sqlx::query_scalar(query)
            .bind(lane.wallet.0.as_slice())
            .bind(network_key(&lane.network))
            .bind(i64::from(lane.account))
            .fetch_one(&self.pool)
            .await?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Addresses, newest first.
    pub async fn addresses(&self, filter: &AddressFilter) -> Result<Vec<AddressRow>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM addresses WHERE 1 = 1");
        if let Some(customer) = &filter.customer {
            query.push(" AND customer = ").push_bind(customer);
        }
        if let Some(address) = &filter.address {
            query.push(" AND address = ").push_bind(address);
        }
        if let Some(wallet) = filter.wallet {
            query.push(" AND wallet = ").push_bind(wallet.0.to_vec());
        }
        if let Some(before) = filter.before {
            query.push(" AND sequence < ").push_bind(int(before));
        }
        query.push(" ORDER BY sequence DESC LIMIT ").push_bind(i64::from(filter.limit));
        query.build().fetch_all(&self.pool).await?.iter().map(read_address).collect()
    }

    /// The address at a place.
    pub async fn address(&self, sequence: u64) -> Result<Option<AddressRow>> {
        let row = sqlx::query("SELECT * FROM addresses WHERE sequence = ?")
            .bind(int(sequence))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_address).transpose()
    }

    /// Which of our addresses this is.
    pub async fn address_of(&self, network: &Network, address: &str) -> Result<Option<AddressRow>> {
        let row = sqlx::query("SELECT * FROM addresses WHERE network = ? AND address = ?")
            .bind(network_key(network))
            .bind(address)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_address).transpose()
    }

    /// A network's addresses behind a place, the oldest first: what a watcher looks for.
    pub async fn addresses_after(
        &self,
        network: &Network,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AddressRow>> {
        let query = "SELECT * FROM addresses WHERE network = ? AND sequence > ? ORDER BY sequence LIMIT ?";
        let rows = sqlx::query(query)
            .bind(network_key(network))
            .bind(int(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read_address).collect()
    }
}

/// A network as the tables of the service have it.
pub fn network_key(network: &Network) -> String {
    hex::encode(encode(network))
}

/// The id of the address at a place.
pub fn address_id(sequence: u64) -> String {
    format!("adr_{sequence:016x}")
}

fn encode_words(words: &[Attestation]) -> Vec<u8> {
    encode(&words.iter().map(|word| (word.node, word.signature)).collect::<Vec<_>>())
}

fn decode_words(bytes: &[u8]) -> Result<Vec<Attestation>> {
    let words: Vec<(PublicKey, Signature)> = decode(bytes)?;
    Ok(words.into_iter().map(|(node, signature)| Attestation { node, signature }).collect())
}

fn read_stocked(row: &SqliteRow) -> Result<Stocked> {
    let words: Vec<u8> = row.try_get("attestations")?;
    Ok(Stocked {
        path: read_path(row)?,
        address: row.try_get("address")?,
        attestations: decode_words(&words)?,
    })
}

/// The path in a row.
pub fn read_path(row: &SqliteRow) -> Result<[u32; 3]> {
    let number = |name| -> Result<u32> {
        u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| corrupt("a path is out of range"))
    };
    Ok([number("account")?, number("branch")?, number("number")?])
}

/// An address out of a row of `addresses`.
pub fn read_address(row: &SqliteRow) -> Result<AddressRow> {
    let sequence = uint(row.try_get("sequence")?);
    let network: String = row.try_get("network")?;
    let network = hex::decode(network).map_err(|_| corrupt("a network is no hex"))?;
    let words: Vec<u8> = row.try_get("attestations")?;
    let address = DepositAddress {
        id: address_id(sequence),
        wallet: WalletId(fixed(row.try_get("wallet")?)?),
        network: decode(&network)?,
        path: read_path(row)?,
        address: row.try_get("address")?,
        label: row.try_get("label")?,
        customer: row.try_get("customer")?,
        attestations: decode_words(&words)?,
        created_ms: uint(row.try_get("created")?),
    };
    Ok(AddressRow { sequence, address })
}

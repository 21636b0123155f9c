//! Addresses that were given out to be paid to.

use super::{Result, Store, Tx, corrupt, decode, encode, fixed, int, now_ms, uint};
use quorate_coordination::api::{Attestation, DepositAddress};
use quorate_intent::{Network, PublicKey, Signature, WalletId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

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
        let words: Vec<_> = new.attestations.iter().map(|word| (word.node, word.signature)).collect();
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
        .bind(encode(&words))
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        Ok((done.rows_affected() == 1).then(|| uint(done.last_insert_rowid())))
    }
}

impl Store {
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

/// An address out of a row of `addresses`.
pub fn read_address(row: &SqliteRow) -> Result<AddressRow> {
    let sequence = uint(row.try_get("sequence")?);
    let network: String = row.try_get("network")?;
    let network = hex::decode(network).map_err(|_| corrupt("a network is no hex"))?;
    let words: Vec<(PublicKey, Signature)> = decode(row.try_get("attestations")?)?;
    let number = |name| -> Result<u32> {
        u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| corrupt("a path is out of range"))
    };
    let address = DepositAddress {
        id: format!("adr_{sequence:016x}"),
        wallet: WalletId(fixed(row.try_get("wallet")?)?),
        network: decode(&network)?,
        path: [number("account")?, number("branch")?, number("number")?],
        address: row.try_get("address")?,
        label: row.try_get("label")?,
        customer: row.try_get("customer")?,
        attestations: words.into_iter().map(|(node, signature)| Attestation { node, signature }).collect(),
        created_ms: uint(row.try_get("created")?),
    };
    Ok(AddressRow { sequence, address })
}

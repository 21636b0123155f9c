//! Own addresses of one network in memory, by what payments name them: a hundred thousand of them are some twenty megabytes,
//! and looking one up takes no query.

use super::Watched;
use crate::coordinator::Wallet;
use crate::store::{Own, Store};
use quorate_chains::account_path;
use quorate_intent::WalletId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Rows that are read at once.
const ROWS: u32 = 1_000;

/// An own address.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose key.
    pub wallet: WalletId,
    /// Account, branch and index of it.
    pub path: [u32; 3],
    /// In the network's own form.
    pub address: String,
    /// Its place among the deposit addresses, if it is one.
    pub deposit: Option<u64>,
}

/// All own addresses.
#[derive(Default)]
pub struct Book {
    entries: HashMap<String, Entry>,
    /// Places up to which the two tables were read.
    deposits: u64,
    own: u64,
    /// Wallets whose first address is watched.
    wallets: HashSet<WalletId>,
}

impl Book {
    /// Reads the addresses that are new since the last time; gives those that are no deposit addresses.
    pub async fn refresh(&mut self, store: &Store, watched: &Watched) -> Result<Vec<Entry>, sqlx::Error> {
        let network = &watched.config.network;
        let mut fresh = Vec::new();
        loop {
            let rows = store.own_after(network, self.own, ROWS).await?;
            let Some((last, _)) = rows.last() else { break };
            self.own = *last;
            for (_, Own { wallet, path, address }) in rows {
                let Some(key) = watched.client.key(&address) else { continue };
                let entry = Entry { wallet, path, address, deposit: None };
                fresh.push(entry.clone());
                // A deposit address stays one.
                self.entries.entry(key).or_insert(entry);
            }
        }
        loop {
            let rows = store.addresses_after(network, self.deposits, ROWS).await?;
            let Some(last) = rows.last() else { break };
            self.deposits = last.sequence;
            for row in rows {
                let Some(key) = watched.client.key(&row.address.address) else { continue };
                let (wallet, path, address) = (row.address.wallet, row.address.path, row.address.address);
                self.entries.insert(key, Entry { wallet, path, address, deposit: Some(row.sequence) });
            }
        }
        Ok(fresh)
    }

    /// The own address of this name.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Watches the first address of wallets that are new.
    pub async fn adopt(
        &mut self,
        store: &Store,
        watched: &Watched,
        wallets: Vec<Arc<Wallet>>,
    ) -> Result<(), sqlx::Error> {
        let network = &watched.config.network;
        for wallet in wallets {
            let id = wallet.certificate.record.wallet;
            if !self.wallets.insert(id) {
                continue;
            }
            // A key of another algorithm has no address here.
            let Ok(address) = quorate_chains::address(&wallet.keys.wallet_key(), network, &account_path(0))
            else {
                continue;
            };
            let mut tx = store.begin().await?;
            tx.watch_own(network, &Own { wallet: id, path: account_path(0), address }).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

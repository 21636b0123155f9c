//! Nonces and presignatures: in this process's locked memory alone, taken out by value, gone at the next start
//! (docs/spec §1.9). Never written, never in a backup: no crash, restore or rollback brings one back.

use quorate_intent::WalletId;
use quorate_protocols::dkls::Presignature;
use quorate_protocols::frost::{Bip340, Ed25519Schnorr, Nonces};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most entries of one wallet; the oldest go first.
pub const MAX_PER_WALLET: usize = 1024;

/// One signature's worth.
pub enum Item {
    /// For BIP340.
    Bip340(Nonces<Bip340>),
    /// For Ed25519.
    Ed25519(Nonces<Ed25519Schnorr>),
    /// For ECDSA.
    Ecdsa(Box<Presignature>),
}

/// The stock of all wallets. Entries are named by their public side: encoded commitments, or pd.
#[derive(Default)]
pub struct Stock(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    next: u64,
    items: BTreeMap<(WalletId, Vec<u8>), (u64, Item)>,
}

impl Stock {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry; above the limit the wallet's oldest is dropped.
    pub fn add(&self, wallet: WalletId, name: Vec<u8>, item: Item) {
        let mut shelves = self.shelves();
        let age = shelves.next;
        shelves.next += 1;
        shelves.items.insert((wallet, name), (age, item));
        let of_wallet = (wallet, Vec::new())..=(wallet, vec![0xff; 80]);
        let oldest = |shelves: &Shelves| {
            let mut own = shelves.items.range(of_wallet.clone());
            let count = own.clone().count();
            (count > MAX_PER_WALLET)
                .then(|| own.by_ref().min_by_key(|(_, (age, _))| *age).map(|(key, _)| key.clone()))
        };
        if let Some(Some(key)) = oldest(&shelves) {
            shelves.items.remove(&key);
        }
    }

    /// Takes an entry out, for good.
    pub fn take(&self, wallet: WalletId, name: &[u8]) -> Option<Item> {
        self.shelves().items.remove(&(wallet, name.to_vec())).map(|(_, item)| item)
    }

    /// Drops everything of a wallet: its epoch is over (§2.3).
    pub fn forget(&self, wallet: WalletId) {
        self.shelves().items.retain(|(of, _), _| *of != wallet);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shelves().items.len()
    }

    /// Drops every presignature of a wallet that a party is a member of (§4.2).
    pub fn drop_with(&self, wallet: WalletId, party: u16) {
        self.shelves().items.retain(|(of, _), (_, item)| {
            let member = match item {
                Item::Ecdsa(presignature) => {
                    presignature.public().members().iter().any(|member| member.party.get() == party)
                }
                Item::Bip340(_) | Item::Ed25519(_) => false,
            };
            *of != wallet || !member
        });
    }
}

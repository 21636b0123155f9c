//! The keys that this node holds a share of, opened from the vault at start and kept in locked memory.

use crate::error::StartError;
use quorate_coordination::{Certificate, KeySet, WalletRecord};
use quorate_intent::{PublicKey, WalletId};
use quorate_protocols::key::KeyShare;
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1, SecretScalar};
use quorate_vault::{Attempt, Share, Vault};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A share in any suite. All clones are one share.
#[derive(Clone)]
pub enum SuiteShare {
    /// ECDSA.
    Ecdsa(Arc<KeyShare<Secp256k1>>),
    /// BIP340.
    Bip340(Arc<KeyShare<Secp256k1>>),
    /// Ed25519.
    Ed25519(Arc<KeyShare<Ed25519>>),
}

/// An active epoch of one key at this node.
pub struct Wallet {
    /// The certificate.
    pub certificate: Certificate,
    /// The public shares.
    pub keys: KeySet,
    /// This node's index.
    pub index: u16,
    /// This node's share.
    pub share: SuiteShare,
}

impl Wallet {
    /// The public record.
    pub fn record(&self) -> &WalletRecord {
        &self.certificate.record
    }

    /// Opens a stored share with its certificate.
    pub fn open(certificate: Certificate, share: &Share, me: &PublicKey) -> Result<Self, String> {
        let keys = certificate.record.keys().map_err(|error| error.to_string())?;
        let index = certificate.record.index_of(me).ok_or("this node is not a party of it")?;
        let share = open_share(&keys, index, &share.secret)?;
        Ok(Self { certificate, keys, index, share })
    }
}

fn open_share(keys: &KeySet, index: u16, secret: &[u8]) -> Result<SuiteShare, String> {
    fn key<C: Curve>(
        index: u16,
        secret: &[u8],
        public: &quorate_protocols::key::PublicShares<C>,
    ) -> Result<Arc<KeyShare<C>>, String> {
        let index = Index::new(index).map_err(|error| error.to_string())?;
        let secret = SecretScalar::decode(secret).map_err(|error| error.to_string())?;
        KeyShare::new(index, secret, public.clone()).map(Arc::new).map_err(|error| error.to_string())
    }
    Ok(match keys {
        KeySet::Ecdsa(public) => SuiteShare::Ecdsa(key(index, secret, public)?),
        KeySet::Bip340(public) => SuiteShare::Bip340(key(index, secret, public)?),
        KeySet::Ed25519(public) => SuiteShare::Ed25519(key(index, secret, public)?),
    })
}

/// Why this node signs nothing for a key whose certificate it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The key is destroyed.
    Destroyed(Attempt),
    /// The key went to other parties.
    Left(Attempt),
    /// This node is a party of that epoch, and its folder is from before it (§2.4).
    Stale(Attempt),
    /// Its certificate is being stored.
    Changing(Attempt),
}

impl Gone {
    /// What follows from a certificate for who has a share of its epoch, or has none; nothing if it can sign.
    pub fn of(certificate: &Certificate, share: bool, me: &PublicKey) -> Option<Self> {
        let rank = certificate.rank();
        if certificate.destroys() {
            return Some(Self::Destroyed(rank));
        }
        match (certificate.record.index_of(me), share) {
            (Some(_), true) => None,
            (Some(_), false) => Some(Self::Stale(rank)),
            (None, _) => Some(Self::Left(rank)),
        }
    }
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Destroyed(rank) => write!(f, "the key is destroyed ({rank})"),
            Self::Left(rank) => write!(f, "the key went to other parties ({rank})"),
            Self::Changing(rank) => write!(
                f,
                "its certificate of {rank} is being stored; try again, and if this stays, restart the node"
            ),
            Self::Stale(rank) => write!(
                f,
                "its folder is from before the active epoch, {rank}, of which it has no share (a restored backup, or a disk put back); do not use older copies of it: order a refresh (quorate wallet refresh), in which the other parties deal and this node gets a new share"
            ),
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct Wallets(RwLock<Table>);

#[derive(Default)]
struct Table {
    open: BTreeMap<WalletId, Arc<Wallet>>,
    gone: BTreeMap<WalletId, Gone>,
}

impl Wallets {
    /// Opens every active share in the vault.
    pub async fn load(vault: &Vault) -> Result<Self, StartError> {
        let me = vault.identity().public();
        let wallets = Self::default();
        for id in vault.wallets().await? {
            let Some((_, certificate)) = vault.certificate(&id).await? else { continue };
            let share = vault.active(&id).await?;
            let wrong = |problem: String| StartError::Share(id, problem);
            let certificate: Certificate =
                borsh::from_slice(&certificate).map_err(|error| wrong(error.to_string()))?;
            match (Gone::of(&certificate, share.is_some(), &me), share) {
                (None, Some(share)) => wallets.insert(Wallet::open(certificate, &share, &me).map_err(wrong)?),
                (Some(gone), _) => {
                    tracing::warn!(wallet = %id, why = %gone, "this node signs nothing for a wallet");
                    wallets.retire(id, gone);
                }
                (None, None) => {}
            }
        }
        Ok(wallets)
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One key.
    pub fn get(&self, id: &WalletId) -> Option<Arc<Wallet>> {
        self.table().open.get(id).cloned()
    }

    /// Why nothing is signed for a key.
    pub fn gone(&self, id: &WalletId) -> Option<Gone> {
        self.table().gone.get(id).copied()
    }

    /// Whether this is the key's open epoch still.
    pub fn is_current(&self, wallet: &Arc<Wallet>) -> bool {
        self.get(&wallet.record().wallet).is_some_and(|open| open.record() == wallet.record())
    }

    /// Takes a new epoch in place of the one before.
    pub fn insert(&self, wallet: Wallet) {
        let id = wallet.record().wallet;
        let mut table = self.table_mut();
        table.gone.remove(&id);
        table.open.insert(id, Arc::new(wallet));
    }

    /// Signs nothing for a key any more.
    pub fn retire(&self, id: WalletId, gone: Gone) {
        let mut table = self.table_mut();
        table.open.remove(&id);
        table.gone.insert(id, gone);
    }

    /// Signs nothing in the open epoch while a certificate of `rank` is being stored; gives what was open.
    pub fn suspend(&self, id: &WalletId, rank: Attempt) -> Option<Arc<Wallet>> {
        let mut table = self.table_mut();
        let open = table.open.remove(id)?;
        table.gone.insert(*id, Gone::Changing(rank));
        Some(open)
    }

    /// Opens again what was suspended: its epoch is not over.
    pub fn put_back(&self, wallet: Arc<Wallet>) {
        let id = wallet.record().wallet;
        let mut table = self.table_mut();
        table.gone.remove(&id);
        table.open.insert(id, wallet);
    }

    /// The rank of the certificate that this node acts by; none if it has none or is between two.
    pub fn rank(&self, id: &WalletId) -> Option<Attempt> {
        let table = self.table();
        let gone = || match table.gone.get(id)? {
            Gone::Destroyed(rank) | Gone::Left(rank) | Gone::Stale(rank) => Some(*rank),
            Gone::Changing(_) => None,
        };
        table.open.get(id).map(|open| open.certificate.rank()).or_else(gone)
    }

    /// Forgets a key, as a node does that stops before it was opened.
    #[cfg(test)]
    pub fn forget(&self, id: &WalletId) {
        self.table_mut().open.remove(id);
    }

    /// All keys that are open.
    pub fn all(&self) -> Vec<Arc<Wallet>> {
        self.table().open.values().cloned().collect()
    }
}

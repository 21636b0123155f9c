//! The keys that this node holds a share of, opened from the vault at start and kept in locked memory.

use crate::error::StartError;
use quorate_coordination::{Certificate, KeySet, WalletRecord};
use quorate_intent::{PublicKey, WalletId};
use quorate_protocols::key::KeyShare;
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1, SecretScalar};
use quorate_vault::{Share, Vault};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A share in any suite.
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

/// All of them.
#[derive(Default)]
pub struct Wallets(RwLock<BTreeMap<WalletId, Arc<Wallet>>>);

impl Wallets {
    /// Opens every active share in the vault.
    pub async fn load(vault: &Vault) -> Result<Self, StartError> {
        let me = vault.identity().public();
        let wallets = Self::default();
        for id in vault.wallets().await? {
            let (Some((_, certificate)), Some(share)) =
                (vault.certificate(&id).await?, vault.active(&id).await?)
            else {
                continue;
            };
            let wrong = |problem: String| StartError::Share(id, problem);
            let certificate: Certificate =
                borsh::from_slice(&certificate).map_err(|error| wrong(error.to_string()))?;
            wallets.insert(Wallet::open(certificate, &share, &me).map_err(wrong)?);
        }
        Ok(wallets)
    }

    /// One key.
    pub fn get(&self, id: &WalletId) -> Option<Arc<Wallet>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Takes a new epoch in place of the one before.
    pub fn insert(&self, wallet: Wallet) {
        let id = wallet.record().wallet;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(wallet));
    }

    /// Forgets a key, as a node does that stops before it was opened.
    #[cfg(test)]
    pub fn forget(&self, id: &WalletId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// All keys.
    pub fn all(&self) -> Vec<Arc<Wallet>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

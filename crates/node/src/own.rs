//! Which addresses are this cluster's own. Deriving them takes long, and a key has the same ones in every epoch, so each
//! wallet's are made once.

use quorate_chains::WalletKey;
use quorate_intent::{Network, WalletId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Accounts and addresses of each that are looked through for an own destination.
const OWN_ACCOUNTS: u32 = 8;
const OWN_ADDRESSES: u32 = 20;
/// Most wallets on a network whose addresses are kept; beyond that they are made anew.
const MAX_KEPT: usize = 4096;

/// A wallet on a network, by its name: networks have no order.
type Place = (WalletId, String);

/// The addresses that were made.
#[derive(Default)]
pub(crate) struct OwnAddresses(Mutex<BTreeMap<Place, Arc<BTreeSet<String>>>>);

impl OwnAddresses {
    /// Whether a wallet has this address among its first accounts and addresses. What lies beyond is not known as own.
    pub fn has(&self, wallet: WalletId, key: &WalletKey, network: &Network, address: &str) -> bool {
        self.of(wallet, key, network).contains(address)
    }

    fn of(&self, wallet: WalletId, key: &WalletKey, network: &Network) -> Arc<BTreeSet<String>> {
        let place = (wallet, network.to_string());
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        kept.unwrap_or_else(|| {
            let made = Arc::new(derive(key, network));
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < MAX_KEPT {
                all.insert(place, Arc::clone(&made));
            }
            made
        })
    }
}

fn derive(key: &WalletKey, network: &Network) -> BTreeSet<String> {
    let count = if matches!(network, Network::Bitcoin { .. }) { OWN_ADDRESSES } else { 1 };
    let paths = (0..OWN_ACCOUNTS).flat_map(|account| (0..count).map(move |index| [account, 0, index]));
    paths.map_while(|path| quorate_chains::address(key, network, &path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_intent::BitcoinNetwork;
    use quorate_protocols::derive::ExtendedKey;
    use quorate_sharing::{Curve, Secp256k1};

    #[test]
    fn the_first_accounts_and_addresses_are_own_and_others_are_not() {
        let point = Secp256k1::mul_base_vartime(&<Secp256k1 as Curve>::Scalar::from(5u64));
        let key = WalletKey::Ecdsa(ExtendedKey { key: point, chain_code: [6; 32] });
        let own = OwnAddresses::default();
        let (wallet, bitcoin) = (WalletId([1; 16]), Network::Bitcoin { network: BitcoinNetwork::Regtest });
        let has = |network: &Network, path: [u32; 3]| {
            own.has(wallet, &key, network, &quorate_chains::address(&key, network, &path).unwrap())
        };
        // Twice: made, and kept.
        for _ in 0..2 {
            assert!(has(&bitcoin, [0, 0, 0]) && has(&bitcoin, [7, 0, 19]));
            assert!(!has(&bitcoin, [8, 0, 0]) && !has(&bitcoin, [0, 0, 20]) && !has(&bitcoin, [0, 1, 0]));
            let evm = Network::Evm { chain_id: 1 };
            assert!(has(&evm, [7, 0, 0]) && !has(&evm, [0, 0, 1]));
        }
    }
}

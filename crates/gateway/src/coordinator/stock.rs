//! The stock: public halves of nonces and presignatures whose secret halves lie in nodes' memory (docs/spec §1.9). An entry
//! is taken by value, once; entries of a node's earlier boot are dropped.

use super::{Wallet, material, pairs};
use crate::gateway::Gateway;
use quorate_coordination::{KeySet, OwnedCommitment};
use quorate_intent::{PublicKey, WalletId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The boot id of a node's process.
pub type Boot = [u8; 16];

/// A presignature's public part, with its members' boot ids when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    /// Encoded.
    pub public: Vec<u8>,
    /// In order of the set.
    pub boots: Vec<Option<Boot>>,
}

/// Entries by wallet and by whose they are.
type Shelf<K, V> = HashMap<(WalletId, K), VecDeque<V>>;

/// What is in stock.
#[derive(Default)]
pub struct Stock {
    commitments: Mutex<Shelf<u16, OwnedCommitment>>,
    presignatures: Mutex<Shelf<Vec<u16>, Presigned>>,
}

impl Stock {
    /// Takes up to `count` commitments of a party that were made under `boot`.
    pub fn take_commitments(
        &self,
        wallet: WalletId,
        party: u16,
        boot: &Boot,
        count: usize,
    ) -> Vec<OwnedCommitment> {
        let mut all = self.commitments.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stock) = all.get_mut(&(wallet, party)) else { return Vec::new() };
        stock.retain(|owned| owned.boot == *boot);
        let count = count.min(stock.len());
        stock.drain(..count).collect()
    }

    /// Adds commitments that were checked.
    pub fn add_commitments(&self, wallet: WalletId, party: u16, new: Vec<OwnedCommitment>) {
        let mut all = self.commitments.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((wallet, party)).or_default().extend(new);
    }

    /// Forgets a party's commitments.
    pub fn drop_commitments(&self, wallet: WalletId, party: u16) {
        self.commitments.lock().unwrap_or_else(PoisonError::into_inner).remove(&(wallet, party));
    }

    /// Takes up to `count` presignatures of a set whose members still have these boot ids.
    pub fn take_presignatures(
        &self,
        wallet: WalletId,
        set: &[u16],
        boots: &[Option<Boot>],
        count: usize,
    ) -> Vec<Vec<u8>> {
        let mut all = self.presignatures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stock) = all.get_mut(&(wallet, set.to_vec())) else { return Vec::new() };
        stock.retain(|entry| entry.boots == boots);
        let count = count.min(stock.len());
        stock.drain(..count).map(|entry| entry.public).collect()
    }

    /// Adds presignatures that were checked.
    pub fn add_presignatures(&self, wallet: WalletId, set: &[u16], new: Vec<Presigned>) {
        let mut all = self.presignatures.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((wallet, set.to_vec())).or_default().extend(new);
    }

    /// Forgets a set's presignatures.
    pub fn drop_presignatures(&self, wallet: WalletId, set: &[u16]) {
        let mut all = self.presignatures.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(wallet, set.to_vec()));
    }

    /// Forgets everything of a wallet: its epoch is over.
    pub fn forget(&self, wallet: WalletId) {
        self.commitments.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != wallet);
        self.presignatures.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != wallet);
    }

    /// The sets that have at least `count` presignatures.
    pub fn stocked(&self, wallet: WalletId, count: usize) -> Vec<Vec<u16>> {
        let all = self.presignatures.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = all.iter().filter(|((w, _), stock)| *w == wallet && stock.len() >= count.max(1));
        let mut sets: Vec<_> = enough.map(|((_, set), _)| set.clone()).collect();
        sets.sort();
        sets
    }

    fn presignatures(&self, wallet: WalletId, set: &[u16]) -> usize {
        let all = self.presignatures.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(wallet, set.to_vec())).map_or(0, VecDeque::len)
    }
}

/// Longest wait for as many parties as sign.
const WAIT: Duration = Duration::from_secs(30);
/// Longest wait for the others.
const WAIT_ALL: Duration = Duration::from_secs(3);
/// Pause between two looks at them.
const POLL: Duration = Duration::from_millis(100);

/// For ECDSA: sets up missing pair states among the parties that are there, and fills the preferred set's stock. What
/// fails here is made up for when it is needed.
pub async fn prepare(gateway: &Arc<Gateway>, wallet: &Wallet) {
    if !matches!(wallet.keys, KeySet::Ecdsa(_)) || gateway.signing.presignatures == 0 {
        return;
    }
    let record = &wallet.certificate.record;
    let threshold = wallet.keys.threshold();
    let began = Instant::now();
    let present = loop {
        let usable = |key: &&PublicKey| gateway.nodes.get(key).is_some_and(|node| node.usable().is_ok());
        let present: Vec<PublicKey> = record.parties.iter().filter(usable).copied().collect();
        let enough = present.len() >= threshold && began.elapsed() >= WAIT_ALL;
        if enough || present.len() == record.parties.len() {
            break present;
        }
        if began.elapsed() >= WAIT {
            return;
        }
        sleep(POLL).await;
    };
    if let Err(problems) = set_up(gateway, &present).await {
        for (key, problem) in problems {
            let node = gateway.nodes.name(&key);
            tracing::warn!(%node, wallet = %record.wallet, %problem, "pair states are missing");
        }
    }
    let set: Vec<u16> = present.iter().filter_map(|key| record.index_of(key)).take(threshold).collect();
    let stock = &gateway.coordinator.stock;
    let have = stock.presignatures(record.wallet, &set);
    let want = gateway.signing.presignatures.saturating_sub(have);
    if want == 0 {
        return;
    }
    match material::presign(gateway, wallet, &set, want).await {
        Ok(new) => stock.add_presignatures(record.wallet, &set, new),
        Err(problems) => {
            let problems: Vec<_> =
                problems.into_iter().map(|(party, why)| format!("party {party}: {why}")).collect();
            tracing::warn!(wallet = %record.wallet, problem = problems.join("; "), "the stock was not filled");
        }
    }
}

/// Sets missing pairs up; presigning goes on while none is missing.
async fn set_up(gateway: &Gateway, parties: &[PublicKey]) -> Result<(), Vec<(PublicKey, String)>> {
    if pairs::complete(gateway, parties).await? {
        return Ok(());
    }
    let _alone = gateway.coordinator.pairs.write().await;
    pairs::ensure(gateway, parties).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_intent::Signature;

    const WALLET: WalletId = WalletId([1; 16]);

    fn commitment(boot: u8, tag: u8) -> OwnedCommitment {
        OwnedCommitment { signer: 1, boot: [boot; 16], commitments: vec![tag], signature: Signature([0; 64]) }
    }

    #[test]
    fn nothing_is_taken_twice_and_nothing_of_an_earlier_boot() {
        let stock = Stock::default();
        stock.add_commitments(WALLET, 1, vec![commitment(1, 1), commitment(2, 2), commitment(2, 3)]);
        assert_eq!(stock.take_commitments(WALLET, 1, &[2; 16], 1), vec![commitment(2, 2)]);
        assert_eq!(stock.take_commitments(WALLET, 1, &[2; 16], 5), vec![commitment(2, 3)]);
        assert!(stock.take_commitments(WALLET, 1, &[1; 16], 5).is_empty());
    }

    #[test]
    fn presignatures_belong_to_exactly_one_set_and_its_boots() {
        let stock = Stock::default();
        let boots = vec![Some([1; 16]), Some([2; 16])];
        let entry = |tag| Presigned { public: vec![tag], boots: boots.clone() };
        stock.add_presignatures(WALLET, &[1, 2], vec![entry(1), entry(2)]);
        assert!(stock.take_presignatures(WALLET, &[1, 3], &boots, 1).is_empty());
        assert_eq!(stock.stocked(WALLET, 2), vec![vec![1, 2]]);
        assert_eq!(stock.take_presignatures(WALLET, &[1, 2], &boots, 1), vec![vec![1]]);
        let restarted = vec![Some([1; 16]), Some([9; 16])];
        assert!(stock.take_presignatures(WALLET, &[1, 2], &restarted, 1).is_empty());
        assert!(stock.take_presignatures(WALLET, &[1, 2], &boots, 1).is_empty());
    }
}

//! The stock: public halves of nonces and presignatures whose secret halves lie in nodes' memory (docs/spec §1.9). An entry
//! is taken by value, once; entries of a node's earlier boot are dropped.

use super::demand::{Demand, Marks};
use quorate_coordination::OwnedCommitment;
use quorate_intent::WalletId;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
pub struct Stock {
    commitments: Mutex<Shelf<u16, OwnedCommitment>>,
    presignatures: Mutex<Shelf<Vec<u16>, Presigned>>,
    demand: Mutex<HashMap<WalletId, Demand>>,
    began: Instant,
}

impl Default for Stock {
    fn default() -> Self {
        let (commitments, presignatures, demand) = Default::default();
        Self { commitments, presignatures, demand, began: Instant::now() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut all = lock(&self.commitments);
        let Some(stock) = all.get_mut(&(wallet, party)) else { return Vec::new() };
        stock.retain(|owned| owned.boot == *boot);
        let count = count.min(stock.len());
        stock.drain(..count).collect()
    }

    /// Adds commitments that were checked; above what is kept the oldest go.
    pub fn add_commitments(&self, wallet: WalletId, party: u16, new: Vec<OwnedCommitment>) {
        let mut all = lock(&self.commitments);
        let stock = all.entry((wallet, party)).or_default();
        stock.extend(new);
        let over = stock.len().saturating_sub(super::demand::MAX_STOCK);
        stock.drain(..over);
    }

    /// Forgets a party's commitments.
    pub fn drop_commitments(&self, wallet: WalletId, party: u16) {
        lock(&self.commitments).remove(&(wallet, party));
    }

    /// Takes up to `count` presignatures of a set whose members still have these boot ids.
    pub fn take_presignatures(
        &self,
        wallet: WalletId,
        set: &[u16],
        boots: &[Option<Boot>],
        count: usize,
    ) -> Vec<Vec<u8>> {
        let mut all = lock(&self.presignatures);
        let Some(stock) = all.get_mut(&(wallet, set.to_vec())) else { return Vec::new() };
        stock.retain(|entry| entry.boots == boots);
        let count = count.min(stock.len());
        stock.drain(..count).map(|entry| entry.public).collect()
    }

    /// Adds presignatures that were checked.
    pub fn add_presignatures(&self, wallet: WalletId, set: &[u16], new: Vec<Presigned>) {
        lock(&self.presignatures).entry((wallet, set.to_vec())).or_default().extend(new);
    }

    /// Forgets the presignatures of all sets that a party is a member of.
    pub fn drop_presignatures_with(&self, wallet: WalletId, party: u16) {
        lock(&self.presignatures).retain(|(of, set), _| *of != wallet || !set.contains(&party));
    }

    /// A node's process is another one: what its earlier one made is worth nothing.
    pub fn restarted(&self, wallet: WalletId, party: u16, boot: &Boot) {
        if let Some(stock) = lock(&self.commitments).get_mut(&(wallet, party)) {
            stock.retain(|owned| owned.boot == *boot);
        }
        for ((of, set), stock) in lock(&self.presignatures).iter_mut() {
            let place = set.iter().position(|member| *member == party).filter(|_| *of == wallet);
            if let Some(at) = place {
                stock.retain(|entry| entry.boots.get(at) == Some(&Some(*boot)));
            }
        }
    }

    /// Forgets everything of a wallet: its epoch is over.
    pub fn forget(&self, wallet: WalletId) {
        self.commitments.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != wallet);
        self.presignatures.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| *of != wallet);
    }

    /// The sets that have at least `count` presignatures.
    pub fn stocked(&self, wallet: WalletId, count: usize) -> Vec<Vec<u16>> {
        let all = lock(&self.presignatures);
        let enough = all.iter().filter(|((w, _), stock)| *w == wallet && stock.len() >= count.max(1));
        let mut sets: Vec<_> = enough.map(|((_, set), _)| set.clone()).collect();
        sets.sort();
        sets
    }

    /// How many presignatures a set has.
    pub fn presignatures(&self, wallet: WalletId, set: &[u16]) -> usize {
        lock(&self.presignatures).get(&(wallet, set.to_vec())).map_or(0, VecDeque::len)
    }

    /// How many commitments of a party there are.
    pub fn commitments(&self, wallet: WalletId, party: u16) -> usize {
        lock(&self.commitments).get(&(wallet, party)).map_or(0, VecDeque::len)
    }

    /// Everything in stock by wallet and set, for the metrics; a party's commitments as a set of one.
    pub fn levels(&self) -> BTreeMap<(WalletId, Vec<u16>), usize> {
        let mut levels = BTreeMap::new();
        for ((wallet, set), stock) in lock(&self.presignatures).iter() {
            levels.insert((*wallet, set.clone()), stock.len());
        }
        for ((wallet, party), stock) in lock(&self.commitments).iter() {
            levels.insert((*wallet, vec![*party]), stock.len());
        }
        levels
    }

    /// Notes that a wallet is to give this many signatures.
    pub fn used(&self, wallet: WalletId, count: usize) {
        lock(&self.demand).entry(wallet).or_default().note(self.began.elapsed().as_secs(), count);
    }

    /// The marks of a wallet's stock.
    pub fn marks(&self, wallet: WalletId, base: usize) -> Marks {
        lock(&self.demand).entry(wallet).or_default().marks(self.began.elapsed().as_secs(), base)
    }
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
        stock.restarted(WALLET, 2, &[2; 16]);
        assert_eq!(stock.presignatures(WALLET, &[1, 2]), 1);
        let restarted = vec![Some([1; 16]), Some([9; 16])];
        assert!(stock.take_presignatures(WALLET, &[1, 2], &restarted, 1).is_empty());
        assert!(stock.take_presignatures(WALLET, &[1, 2], &boots, 1).is_empty());
    }

    #[test]
    fn a_restart_empties_what_its_process_made() {
        let stock = Stock::default();
        let entry = Presigned { public: vec![1], boots: vec![Some([1; 16]), Some([2; 16])] };
        stock.add_presignatures(WALLET, &[1, 2], vec![entry.clone()]);
        stock.add_presignatures(WALLET, &[1, 3], vec![entry.clone()]);
        stock.add_commitments(WALLET, 2, vec![commitment(2, 1)]);
        stock.restarted(WALLET, 2, &[9; 16]);
        assert_eq!((stock.presignatures(WALLET, &[1, 2]), stock.commitments(WALLET, 2)), (0, 0));
        assert_eq!(stock.presignatures(WALLET, &[1, 3]), 1);
        stock.drop_presignatures_with(WALLET, 3);
        assert_eq!(stock.presignatures(WALLET, &[1, 3]), 0);
    }
}

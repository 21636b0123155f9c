//! The Merkle tree over the log's entries: roots and proofs (RFC 6962). It is kept in memory, two hashes for each entry, and
//! grows with every commit; opening the vault makes it anew from the entries that it verifies.

use crate::core::Vault;
use quorate_audit::{Head, Tree};
use quorate_intent::Hash;

impl Vault {
    /// Size and root of what is durable.
    pub async fn log_root(&self) -> (u64, Hash) {
        let core = self.shared.core.lock().await;
        let size = core.tree.size();
        // A tree has a root for each size up to its own.
        (size, core.tree.root(size).unwrap_or(Hash([0; 32])))
    }

    /// The proof that entry `index` is among the first `size` ones; none if it is not, or there are fewer.
    pub async fn log_inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        self.shared.core.lock().await.tree.inclusion(index, size)
    }

    /// The proof that the log of `new` entries continues the log of `old`; none if there are fewer.
    pub async fn log_consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        self.shared.core.lock().await.tree.consistency(old, new)
    }

    /// The tree as it stands, for whoever needs several proofs of one moment, and the head that it belongs to.
    pub async fn log_tree(&self) -> (Head, Tree) {
        let core = self.shared.core.lock().await;
        (core.head, core.tree.clone())
    }
}

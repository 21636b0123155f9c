//! The Merkle tree of RFC 6962 §2.1 over a log's entries: roots, proofs that an entry is in it, and proofs that a later
//! tree continues an earlier one.
//!
//! The data of leaf i is the 32-byte hash of entry i. Hashing follows the RFC and not the transcript (docs/spec §1.2), so that
//! anybody's verifier can check it.

use crate::AuditError;
use quorate_intent::Hash;
use sha2::{Digest, Sha256};

/// Longest proof: a tree of 2^63 leaves.
pub const MAX_PROOF: usize = 64;

/// A tree that grows. It keeps the hashes of all complete subtrees, two for each leaf, so that proofs cost a logarithm.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `levels[k][i]` is the root of the complete subtree over leaves i·2^k to (i+1)·2^k.
    levels: Vec<Vec<Hash>>,
}

/// The hash of a leaf: SHA-256(0x00 ‖ data).
pub fn leaf_hash(data: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(data).finalize().into())
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

impl Tree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds a leaf by its data; for a log, an entry's hash.
    pub fn append(&mut self, data: &[u8]) {
        let mut hash = leaf_hash(data);
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            if row.len() % 2 == 1 {
                return;
            }
            hash = node_hash(&row[row.len() - 2], &row[row.len() - 1]);
        }
    }

    /// The root of the first `size` leaves; none if there are fewer. The empty tree's root is the hash of nothing.
    pub fn root(&self, size: u64) -> Option<Hash> {
        if size > self.size() {
            return None;
        }
        Some(if size == 0 { Hash(Sha256::digest([]).into()) } else { self.subtree(0, size) })
    }

    /// The root over the leaves from `from` up to `to`, where `from` is aligned as the RFC's recursion makes it.
    fn subtree(&self, from: u64, to: u64) -> Hash {
        let size = to - from;
        if size.is_power_of_two() {
            let level = size.trailing_zeros();
            return self.levels[level as usize][(from >> level) as usize];
        }
        let split = from + split(size);
        node_hash(&self.subtree(from, split), &self.subtree(split, to))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves; none if it is not.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut from, mut to, mut proof) = (0, size, Vec::new());
        while to - from > 1 {
            let middle = from + split(to - from);
            if index < middle {
                proof.push(self.subtree(middle, to));
                to = middle;
            } else {
                proof.push(self.subtree(from, middle));
                from = middle;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// The proof that the tree of the first `new` leaves continues the tree of the first `old`; none if there are fewer, or
    /// `old` is more than `new`. It is empty where there is nothing to prove: for the empty tree and for the same size.
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.size() {
            return None;
        }
        if old == 0 || old == new {
            return Some(Vec::new());
        }
        let (mut from, mut to, mut proof) = (0, new, Vec::new());
        // Whether what remains of the old tree is one of its complete subtrees, which the verifier knows as its root.
        let mut whole = true;
        while to != old {
            let middle = from + split(to - from);
            if old <= middle {
                proof.push(self.subtree(middle, to));
                to = middle;
            } else {
                proof.push(self.subtree(from, middle));
                from = middle;
                whole = false;
            }
        }
        if !whole {
            proof.push(self.subtree(from, to));
        }
        proof.reverse();
        Some(proof)
    }
}

/// The largest power of two below the size, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Checks that an entry is in a log: `leaf` is its [`leaf_hash`], `root` the root of `size` leaves.
///
/// # Errors
/// [`AuditError::Proof`].
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), AuditError> {
    let wrong = |problem: &str| Err(AuditError::Proof(format!("entry {index} of {size}: {problem}")));
    if index >= size {
        return wrong("a log of this size has no such entry");
    }
    if proof.len() > MAX_PROOF {
        return wrong("the proof is longer than any can be");
    }
    // At each level: whether the node has a sibling on its left, or is on the right edge and moves up alone.
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return wrong("the proof is too long");
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return wrong("the proof is too short");
    }
    if hash == *root { Ok(()) } else { wrong("the proof leads to another root") }
}

/// Checks that a later tree continues an earlier one, so that nothing of the earlier log was changed or taken out.
///
/// # Errors
/// [`AuditError::Proof`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), AuditError> {
    let wrong = |problem: &str| Err(AuditError::Proof(format!("from {old} to {new} entries: {problem}")));
    if old > new {
        return wrong("a log never shrinks");
    }
    if old == new || old == 0 {
        let same = old == new && old_root != new_root;
        return match (proof.is_empty(), same) {
            (false, _) => wrong("there is nothing to prove, and the proof is not empty"),
            (true, true) => wrong("two logs of one size have two roots"),
            (true, false) => Ok(()),
        };
    }
    if proof.len() > MAX_PROOF {
        return wrong("the proof is longer than any can be");
    }
    // Where the old size is a power of two, its root is itself the first node.
    let first = if old.is_power_of_two() { std::slice::from_ref(old_root) } else { &[] };
    let mut nodes = first.iter().chain(proof);
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let Some(start) = nodes.next() else { return wrong("the proof is too short") };
    let (mut before, mut after) = (*start, *start);
    for node in nodes {
        if last == 0 {
            return wrong("the proof is too long");
        }
        if at & 1 == 1 || at == last {
            before = node_hash(node, &before);
            after = node_hash(node, &after);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, node);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return wrong("the proof is too short");
    }
    if before != *old_root {
        return wrong("the later log has another beginning than the earlier one");
    }
    if after == *new_root { Ok(()) } else { wrong("the proof leads to another root") }
}

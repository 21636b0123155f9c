//! Log entries, epochs, notes, checkpoints and Merkle proofs.

use super::same;
use quorate_audit::{Attempt, Chain, Checkpoint, Entry, Head, Note, NoteKey, Tree, merkle};
use quorate_intent::{Hash, PublicKey};

/// An entry of a log, taken by a verifier.
pub fn entry(bytes: &[u8]) -> bool {
    let _ = Chain::new(Head::start(&PublicKey([3; 32]))).take(bytes);
    let Ok(entry) = Entry::decode(bytes) else { return false };
    same(&entry.encode().expect("what was read can be written"), bytes);
    true
}

/// The name of an epoch, and the orders that were accepted.
pub fn epochs(bytes: &[u8]) -> bool {
    if let Some(attempt) = Attempt::from_bytes(bytes) {
        same(&attempt.to_bytes(), bytes);
        return true;
    }
    super::canonical::<quorate_audit::AcceptedOrder>(bytes)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A signed note.
pub fn note(bytes: &[u8]) -> bool {
    let Some(Ok(note)) = text(bytes).map(Note::parse) else { return false };
    same(note.encode().as_bytes(), bytes);
    true
}

/// A verifier's key.
pub fn note_key(bytes: &[u8]) -> bool {
    let Some(Ok(key)) = text(bytes).map(NoteKey::parse) else { return false };
    same(key.vkey().as_bytes(), bytes);
    true
}

/// A checkpoint.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let Some(Ok(checkpoint)) = text(bytes).map(Checkpoint::parse) else { return false };
    same(checkpoint.text().as_bytes(), bytes);
    true
}

/// How many leaves the tree of the proofs has.
pub const LEAVES: u64 = 13;

/// The leaves, and the tree over them.
pub fn tree() -> Tree {
    let mut tree = Tree::new();
    (0..LEAVES).for_each(|leaf| tree.append(&leaf.to_be_bytes()));
    tree
}

fn two(bytes: &[u8]) -> Option<(u64, u64, Vec<Hash>)> {
    let (first, bytes) = bytes.split_first_chunk::<8>()?;
    let (second, bytes) = bytes.split_first_chunk::<8>()?;
    let (hashes, []) = bytes.as_chunks::<32>() else { return None };
    let hashes = hashes.iter().map(|hash| Hash(*hash)).collect();
    Some((u64::from_be_bytes(*first), u64::from_be_bytes(*second), hashes))
}

/// A proof that an entry is in the log: index, size, hashes. Only the true one holds.
pub fn inclusion(bytes: &[u8]) -> bool {
    let Some((index, size, proof)) = two(bytes) else { return false };
    let tree = tree();
    let leaf = merkle::leaf_hash(&(index % LEAVES).to_be_bytes());
    let root = tree.root(size.min(LEAVES)).expect("in the tree");
    let good = merkle::verify_inclusion(leaf, index, size, &proof, &root).is_ok();
    let expected = tree.inclusion(index, size).is_some_and(|own| own == proof);
    assert_eq!(good, expected, "entry {index} of {size}");
    good
}

/// A proof that a log continues another: two sizes, hashes. Only the true one holds.
pub fn consistency(bytes: &[u8]) -> bool {
    let Some((old, new, proof)) = two(bytes) else { return false };
    let tree = tree();
    let root = |size: u64| tree.root(size.min(LEAVES)).expect("in the tree");
    let good = merkle::verify_consistency(old, &root(old), new, &root(new), &proof).is_ok();
    if new <= LEAVES {
        let expected = tree.consistency(old, new).is_some_and(|own| own == proof);
        assert_eq!(good, expected, "from {old} to {new}");
    }
    good
}

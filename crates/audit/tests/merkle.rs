//! The Merkle tree against published roots, against the RFC's own recursion, and against every altered proof.

use quorate_audit::merkle::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use quorate_intent::Hash;
use sha2::{Digest, Sha256};

/// The leaves of the test vectors that implementations of Certificate Transparency share.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Their roots, for one to eight leaves.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn published() -> Tree {
    let mut tree = Tree::new();
    LEAVES.iter().for_each(|leaf| tree.append(&hex::decode(leaf).unwrap()));
    tree
}

fn numbered(size: u64) -> Tree {
    let mut tree = Tree::new();
    (0..size).for_each(|n| tree.append(&n.to_be_bytes()));
    tree
}

#[test]
fn published_roots() {
    let tree = published();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(tree.root(0).unwrap().to_string(), empty);
    for (size, root) in (1..).zip(ROOTS) {
        assert_eq!(tree.root(size).unwrap().to_string(), root, "{size} leaves");
    }
    assert_eq!(tree.root(9), None);
    assert_eq!(leaf_hash(b"").to_string(), ROOTS[0]);
}

/// The shared vectors' inclusion proof of the first leaf among eight, and their consistency proof from six to eight.
#[test]
fn published_proofs() {
    let tree = published();
    let show = |proof: Vec<Hash>| proof.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        show(tree.inclusion(0, 8).unwrap()),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        show(tree.consistency(6, 8).unwrap()),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

/// The tree head as RFC 6962 §2.1 defines it, with nothing remembered.
fn defined(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest([]).into()),
        [one] => leaf_hash(one),
        many => {
            let half = many.len().next_power_of_two() / 2;
            let (left, right) = many.split_at(half);
            let bytes = [&[1][..], &defined(left).0, &defined(right).0].concat();
            Hash(Sha256::digest(bytes).into())
        }
    }
}

#[test]
fn every_size_and_every_proof_up_to_forty() {
    let tree = numbered(40);
    let leaves: Vec<Vec<u8>> = (0..40u64).map(|n| n.to_be_bytes().to_vec()).collect();
    for size in 0..=40u64 {
        let root = tree.root(size).unwrap();
        assert_eq!(root, defined(&leaves[..size as usize]));
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            verify_inclusion(leaf_hash(&leaves[index as usize]), index, size, &proof, &root).unwrap();
        }
        assert_eq!(tree.inclusion(size, size), None);
        for old in 0..=size {
            let proof = tree.consistency(old, size).unwrap();
            verify_consistency(old, &tree.root(old).unwrap(), size, &root, &proof).unwrap();
        }
        assert_eq!(tree.consistency(size + 1, size), None);
    }
    assert_eq!(tree.inclusion(0, 41), None);
    assert_eq!(tree.consistency(1, 41), None);
}

/// Another leaf, another place, another size, another root, a longer, shorter or altered proof: each is refused.
#[test]
fn altered_inclusion_proofs_are_refused() {
    let tree = numbered(20);
    for size in 1..=20u64 {
        let root = tree.root(size).unwrap();
        for index in 0..size {
            let leaf = leaf_hash(&index.to_be_bytes());
            let proof = tree.inclusion(index, size).unwrap();
            let check = |leaf, index, size, proof: &[Hash], root: &Hash| {
                verify_inclusion(leaf, index, size, proof, root)
            };
            assert!(check(leaf_hash(b"other"), index, size, &proof, &root).is_err());
            for other in (0..=20).filter(|other| *other != index) {
                assert!(check(leaf, other, size, &proof, &root).is_err(), "{index} as {other} of {size}");
            }
            assert!(check(leaf, index, size, &proof, &Hash([0; 32])).is_err());
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at].0[31] ^= 1;
                assert!(check(leaf, index, size, &bad, &root).is_err());
                bad.remove(at);
                assert!(check(leaf, index, size, &bad, &root).is_err());
            }
            let longer = [proof.as_slice(), &[root]].concat();
            assert!(check(leaf, index, size, &longer, &root).is_err());
        }
    }
    let long = vec![Hash([0; 32]); 65];
    assert!(verify_inclusion(Hash([0; 32]), 0, u64::MAX, &long, &Hash([0; 32])).is_err());
}

#[test]
fn altered_consistency_proofs_are_refused() {
    let tree = numbered(20);
    let mut forked = numbered(7);
    (0..13).for_each(|_| forked.append(b"fork"));
    for new in 1..=20u64 {
        for old in 0..=new {
            let (before, after) = (tree.root(old).unwrap(), tree.root(new).unwrap());
            let proof = tree.consistency(old, new).unwrap();
            let check = |before: &Hash, after: &Hash, proof: &[Hash]| {
                verify_consistency(old, before, new, after, proof)
            };
            if old > 0 {
                assert!(check(&Hash([0; 32]), &after, &proof).is_err());
                assert!(check(&before, &Hash([0; 32]), &proof).is_err());
            }
            assert!(check(&before, &after, &[proof.as_slice(), &[after]].concat()).is_err());
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at].0[0] ^= 128;
                assert!(check(&before, &after, &bad).is_err());
                bad.remove(at);
                assert!(check(&before, &after, &bad).is_err());
            }
            // A log that was rewritten after entry 7 has no proof that it continues what was seen later.
            if old > 7 {
                let lie = forked.root(new).unwrap();
                assert!(check(&before, &lie, &forked.consistency(old, new).unwrap()).is_err());
                assert!(check(&before, &lie, &proof).is_err());
            }
        }
        let root = tree.root(new).unwrap();
        assert!(verify_consistency(new, &root, new - 1, &tree.root(new - 1).unwrap(), &[]).is_err());
    }
}

/// A proof is as short as a tree is high.
#[test]
fn proofs_of_a_large_log_are_short() {
    let tree = numbered(100_000);
    let root = tree.root(100_000).unwrap();
    for index in [0, 1, 65_535, 65_536, 99_999] {
        let proof = tree.inclusion(index, 100_000).unwrap();
        assert!(proof.len() <= 17);
        verify_inclusion(leaf_hash(&index.to_be_bytes()), index, 100_000, &proof, &root).unwrap();
    }
}

//! All-but-one oblivious transfer by GGM trees (eprint 2022/192, Fig. 13: build, Fig. 14: prove and verify).
//!
//! Tree i has depth k and 2^k leaves. Its maker knows all leaves; the other end knows all but the one at Δ_i, where
//! Δ_i are bits k·i … k·i+k−1 of Δ. From the base OTs' pads (p_{l,0}, p_{l,1}) of the k levels:
//!
//! ```text
//! level 1:   the two nodes are (p_{1,0}, p_{1,1})
//! level l:   children of node s = the halves of PRG(s);  t_{l,c} = ⊕ of all nodes that are child c
//!            message: F_{l,c} = t_{l,c} ⊕ p_{l,c}                                      l = 2 … k, c = 0, 1
//! leaves:    (seed_x, s̃_x) = PRG'(s_x);  message: t̃ = ⊕_x s̃_x,  s̃ = H(s̃_0 ‖ s̃_1 ‖ …)
//! ```
//!
//! The other end chose branch 1 − (bit of Δ_i) at each level, so it gets the sibling of every node on the way to
//! leaf Δ_i and from it all other leaves. It solves t̃ for s̃_{Δ_i} and compares H: so all leaves are those that the
//! maker is committed to, whatever Δ_i is, but for maker's guesses at Δ_i, each of which the check tests at once.
//!
//! Constant time in Δ: nodes are kept under y = x ⊕ (prefix of Δ_i), so that the hole is always at y = 0 and no
//! address depends on Δ; labels are turned by conditional swaps.

use super::base::{OTS, Pad};
use super::{bit, swap_if, xor_bytes};
use alloc::vec;
use alloc::vec::Vec;
use quorate_sharing::{Transcript, prg};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Depth of a tree. 4 and not 2: measured for one presignature, each end works 40 µs longer (of about 350), the
/// request is half as long (2.2 KB for 4.3 KB), and the set-up is 1 KB shorter. Both values work.
pub(crate) const K: usize = 4;
/// Leaves of a tree.
pub(crate) const LEAVES: usize = 1 << K;
/// Trees of a direction.
pub(crate) const TREES: usize = OTS / K;
/// Bytes of one tree's message.
pub(crate) const TREE_BYTES: usize = (K - 1) * 2 * 16 + 2 * 32;

const PROOF: u8 = 0xf0;
const LEAF: u8 = 0xf1;

fn halves(bytes: &[u8; 32]) -> (Pad, Pad) {
    let (mut left, mut right) = ([0; 16], [0; 16]);
    left.copy_from_slice(&bytes[..16]);
    right.copy_from_slice(&bytes[16..]);
    (left, right)
}

fn children(salt: &[u8; 32], tree: usize, level: usize, node: &Pad) -> (Pad, Pad) {
    halves(&Zeroizing::new(prg::derive(salt, tree as u32, level as u8, node)))
}

/// (seed, s̃) of a leaf.
fn leaf(salt: &[u8; 32], tree: usize, node: &Pad) -> (Pad, [u8; 32]) {
    let seed = halves(&Zeroizing::new(prg::derive(salt, tree as u32, LEAF, node))).0;
    (seed, prg::derive(salt, tree as u32, PROOF, node))
}

/// H over the s̃ of one tree, in the order of the leaves.
fn commit(salt: &[u8; 32], tree: usize, proofs: &[[u8; 32]; LEAVES]) -> [u8; 32] {
    Transcript::new("ot/ggm/proof")
        .field("direction", salt)
        .number("tree", tree as u64)
        .field("leaves", proofs.as_flattened())
        .digest()
}

/// Position in Δ, and base OT, of the bit that is chosen at `level` (1 is next to the root) of `tree`.
fn position(tree: usize, level: usize) -> usize {
    tree * K + (K - level)
}

/// Grows all trees from the base OTs' pads: the leaves' seeds, [`LEAVES`] a tree, and the message.
pub(crate) fn build(salt: &[u8; 32], pads: &[[Pad; 2]]) -> (Zeroizing<Vec<Pad>>, Vec<u8>) {
    let mut seeds = Zeroizing::new(Vec::with_capacity(TREES * LEAVES));
    let mut message = Vec::with_capacity(TREES * TREE_BYTES);
    let mut nodes = Zeroizing::new([[0u8; 16]; LEAVES]);
    let mut proofs = Zeroizing::new([[0u8; 32]; LEAVES]);
    for tree in 0..TREES {
        nodes[..2].copy_from_slice(&pads[position(tree, 1)]);
        for level in 2..=K {
            // F starts as the pads, and each child is added to its side.
            let mut sums = pads[position(tree, level)];
            for x in (0..1 << (level - 1)).rev() {
                let (left, right) = children(salt, tree, level, &nodes[x]);
                xor_bytes(&mut sums[0], &left);
                xor_bytes(&mut sums[1], &right);
                (nodes[2 * x], nodes[2 * x + 1]) = (left, right);
            }
            message.extend_from_slice(sums.as_flattened());
        }
        let mut sum = [0u8; 32];
        for (node, proof) in nodes.iter().zip(proofs.iter_mut()) {
            let (seed, tilde) = leaf(salt, tree, node);
            seeds.push(seed);
            *proof = tilde;
            xor_bytes(&mut sum, &tilde);
        }
        message.extend_from_slice(&sum);
        message.extend_from_slice(&commit(salt, tree, &proofs));
    }
    (seeds, message)
}

/// Grows all trees but for the leaves at Δ, and checks them all before it says whether they are right.
///
/// `pads` are those of choices `!delta`, `message` has `TREES * TREE_BYTES` bytes. Slot y of each tree is the seed of
/// leaf y ⊕ Δ_i; slot 0 is empty.
pub(crate) fn open(
    salt: &[u8; 32],
    delta: u128,
    pads: &[Pad],
    message: &[u8],
) -> Option<Zeroizing<Vec<Pad>>> {
    let mut seeds = Zeroizing::new(vec![[0u8; 16]; TREES * LEAVES]);
    let mut good = Choice::from(u8::from(message.len() == TREES * TREE_BYTES));
    for ((tree, message), seeds) in
        message.chunks_exact(TREE_BYTES).enumerate().zip(seeds.chunks_exact_mut(LEAVES))
    {
        good &= open_one(salt, delta, pads, tree, message, seeds);
    }
    bool::from(good).then_some(seeds)
}

fn open_one(
    salt: &[u8; 32],
    delta: u128,
    pads: &[Pad],
    tree: usize,
    message: &[u8],
    seeds: &mut [Pad],
) -> Choice {
    let (levels, proof) = message.split_at((K - 1) * 32);
    let mut nodes = Zeroizing::new([[0u8; 16]; LEAVES]);
    nodes[1] = pads[position(tree, 1)];
    for (level, sums) in (2..=K).zip(levels.chunks_exact(32)) {
        let turn = bit(delta, position(tree, level));
        let mut pair = [0u8; 32];
        pair.copy_from_slice(sums);
        let (mut on_path, mut sibling) = halves(&pair);
        swap_if(turn, &mut on_path, &mut sibling);
        xor_bytes(&mut sibling, &pads[position(tree, level)]);
        for y in (1..1 << (level - 1)).rev() {
            let (mut same, mut flipped) = children(salt, tree, level, &nodes[y]);
            swap_if(turn, &mut same, &mut flipped);
            xor_bytes(&mut sibling, &flipped);
            (nodes[2 * y], nodes[2 * y + 1]) = (same, flipped);
        }
        (nodes[0], nodes[1]) = ([0; 16], sibling);
    }
    let mut proofs = Zeroizing::new([[0u8; 32]; LEAVES]);
    let mut missing = [0u8; 32];
    missing.copy_from_slice(&proof[..32]);
    for y in 1..LEAVES {
        (seeds[y], proofs[y]) = leaf(salt, tree, &nodes[y]);
        xor_bytes(&mut missing, &proofs[y]);
    }
    proofs[0] = missing;
    missing.zeroize();
    // From the order of y to the order of x = y ⊕ Δ_i.
    for shift in 0..K {
        for y in (0..LEAVES).filter(|y| y >> shift & 1 == 0) {
            let (low, high) = proofs.split_at_mut(y | 1 << shift);
            swap_if(bit(delta, tree * K + shift), &mut low[y], &mut high[0]);
        }
    }
    commit(salt, tree, &proofs).as_slice().ct_eq(&proof[32..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    fn setting(seed: u64) -> (u128, Vec<[Pad; 2]>, Vec<Pad>) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut delta = [0u8; 16];
        rng.fill_bytes(&mut delta);
        let delta = u128::from_le_bytes(delta);
        let mut pads = vec![[[0u8; 16]; 2]; OTS];
        pads.iter_mut().flatten().for_each(|pad| rng.fill_bytes(pad));
        let chosen = (0..OTS).map(|i| pads[i][usize::from(bit(!delta, i).unwrap_u8())]).collect();
        (delta, pads, chosen)
    }

    #[test]
    fn all_leaves_but_one() {
        for seed in 0..20 {
            let (delta, pads, chosen) = setting(seed);
            let (all, message) = build(&[1; 32], &pads);
            assert_eq!(message.len(), TREES * TREE_BYTES);
            let punctured = open(&[1; 32], delta, &chosen, &message).unwrap();
            for tree in 0..TREES {
                let hole = (delta >> (tree * K)) as usize % LEAVES;
                for y in 1..LEAVES {
                    assert_eq!(punctured[tree * LEAVES + y], all[tree * LEAVES + (y ^ hole)]);
                }
                assert_eq!(punctured[tree * LEAVES], [0; 16]);
            }
            let mut distinct = all.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), TREES * LEAVES);
        }
    }

    /// A change of F shows unless the level's other branch was chosen; a change of t̃ or s̃ always.
    #[test]
    fn every_changed_byte_is_caught_exactly_where_it_matters() {
        let (delta, pads, chosen) = setting(3);
        let (_, message) = build(&[1; 32], &pads);
        for at in (0..message.len()).step_by(7) {
            let mut bad = message.clone();
            bad[at] ^= 1;
            let (tree, within) = (at / TREE_BYTES, at % TREE_BYTES);
            let unread = within < (K - 1) * 32 && {
                let (level, side) = (within / 32 + 2, within / 16 % 2);
                usize::from(bit(delta, position(tree, level)).unwrap_u8()) == side
            };
            assert_eq!(open(&[1; 32], delta, &chosen, &bad).is_some(), unread, "byte {at}");
        }
        assert!(open(&[2; 32], delta, &chosen, &message).is_none(), "another direction's salt");
        assert!(open(&[1; 32], delta, &chosen, &message[..message.len() - TREE_BYTES]).is_none());
        assert!(open(&[1; 32], delta, &chosen, &message[1..]).is_none());
    }

    /// A maker that gives one tree inconsistent branches and adapts its proof must guess which way Δ went.
    #[test]
    fn a_maker_that_guesses_is_right_half_of_the_time() {
        let mut passed = 0;
        for seed in 0..64 {
            let (delta, pads, chosen) = setting(seed);
            let mut lying = pads.clone();
            lying[position(0, 1)][0][0] ^= 1;
            let (_, message) = build(&[1; 32], &lying);
            let guessed = usize::from(bit(delta, position(0, 1)).unwrap_u8()) == 0;
            assert_eq!(open(&[1; 32], delta, &chosen, &message).is_some(), guessed);
            passed += usize::from(guessed);
        }
        assert!((16..48).contains(&passed));
    }
}

//! OT extension: SoftSpokenOT with the repetition code (eprint 2022/192), for one session of one direction.
//!
//! With the trees of [`super::ggm`], r_{i,x} = PRF(leaf x of tree i; session), all vectors over bits, one bit a row,
//! and b = 0 … k−1 the bits of a leaf's number:
//!
//! ```text
//! receiver:  u_i = ⊕_x r_{i,x}      v_{i,b} = ⊕_{x: bit b of x} r_{i,x}
//!            sends c_i = u_i ⊕ u_0 for i ≥ 1; its choice bits are β = u_0
//! sender:    w_{i,b} = ⊕_x bit b of (x ⊕ Δ_i) · r_{i,x}  ⊕  Δ_{i,b}·c_i        (r_{i,Δ_i} has the factor 0)
//! so         w_{i,b} = v_{i,b} ⊕ Δ_{i,b}·β       and for each row: w = v ⊕ β·Δ
//! ```
//!
//! The check: with χ = H(session, all c), h(y) = Σ_j χ_j·y_j + y_last over blocks of 128 rows in GF(2^128), the last
//! block being 128 sacrificed rows, the receiver sends ũ = h(β) and the hash of all ṽ = h(v). The sender compares
//! the hash of all h(w) ⊕ Δ_{i,b}·ũ. (The paper sends the ṽ themselves. They are determined by what the sender
//! holds, and a random oracle's input can be extracted from its hash, so the hash commits to them just as well and
//! saves 2 KB; so does FAEST, eprint 2023/996.) A receiver with a wrong c_i must guess all of Δ_i, k bits: the
//! selective failure that §4.2 makes costly.
//!
//! The session's salts hash pair id (so: the whole base transcript), SSID, direction, count and a nonce of the
//! receiver's, which comes with its message: with it the receiver's bits are fresh even if all else repeated.

use super::base::Pad;
use super::gf128::{BLOCK, linear_hash, rows_of};
use super::ggm::{K, LEAVES, TREES};
use super::{mask, xor_blocks};
use alloc::vec;
use alloc::vec::Vec;
use quorate_sharing::Transcript;
use quorate_sharing::prg::{Deriver, Filler};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the check: ũ and the hash of all ṽ.
const CHECK: usize = 16 + 32;

/// The sizes that follow from the number of rows.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// OTs; a multiple of 8.
    rows: usize,
}

impl Shape {
    pub(crate) fn new(rows: usize) -> Self {
        debug_assert!(rows.is_multiple_of(8));
        Self { rows }
    }

    /// Blocks that hold rows; the last may be padded with zeros.
    fn blocks(self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    /// Blocks of a column in memory: the rows, and the sacrificed block.
    fn width(self) -> usize {
        self.blocks() + 1
    }

    /// Bytes of a column on the wire: without the padding.
    fn column_bytes(self) -> usize {
        self.rows / 8 + BLOCK / 8
    }

    fn columns_bytes(self) -> usize {
        (TREES - 1) * self.column_bytes()
    }

    /// Length of the receiver's message.
    pub(crate) fn message_bytes(self) -> usize {
        self.columns_bytes() + CHECK
    }

    /// Clears the padding of every column.
    fn clear_padding(self, columns: &mut [u128]) {
        let tail = self.rows % BLOCK;
        if tail != 0 {
            let keep = (1 << tail) - 1;
            columns.chunks_exact_mut(self.width()).for_each(|column| column[self.blocks() - 1] &= keep);
        }
    }

    fn write_column(self, column: &[u128], out: &mut [u8]) {
        let (rows, sacrificed) = out.split_at_mut(self.rows / 8);
        for (bytes, block) in rows.chunks_mut(16).zip(column) {
            bytes.copy_from_slice(&block.to_le_bytes()[..bytes.len()]);
        }
        sacrificed.copy_from_slice(&column[self.blocks()].to_le_bytes());
    }

    fn read_column(self, bytes: &[u8], column: &mut [u128]) {
        let (rows, sacrificed) = bytes.split_at(self.rows / 8);
        for (bytes, block) in rows.chunks(16).chain([sacrificed]).zip(column) {
            let mut whole = [0u8; 16];
            whole[..bytes.len()].copy_from_slice(bytes);
            *block = u128::from_le_bytes(whole);
        }
    }
}

/// The hashes of one session and direction.
pub(crate) struct Session {
    /// For the leaves' PRF.
    leaves: [u8; 32],
    /// For everything else.
    pub(crate) salt: [u8; 32],
}

impl Session {
    pub(crate) fn new(
        pair: &[u8; 32],
        ssid: &[u8; 32],
        sender: quorate_sharing::Index,
        count: usize,
        nonce: &[u8; 16],
    ) -> Self {
        let salt = Transcript::new("ot/extension")
            .field("pair", pair)
            .field("ssid", ssid)
            .number("ole sender", u64::from(sender.get()))
            .number("count", count as u64)
            .field("nonce", nonce)
            .digest();
        Self { leaves: Transcript::new("ot/extension/leaves").field("session", &salt).digest(), salt }
    }

    /// The blocks' coefficients.
    fn chi(&self, columns: &[u8], blocks: usize) -> Vec<u128> {
        let bytes = Transcript::new("ot/extension/chi")
            .field("session", &self.salt)
            .field("columns", columns)
            .expand(blocks * 16);
        bytes.chunks_exact(16).map(|b| b.iter().fold(0, |word, byte| word << 8 | u128::from(*byte))).collect()
    }

    fn check(&self, hashes: &[u128]) -> [u8; 32] {
        let mut bytes = Zeroizing::new(Vec::with_capacity(hashes.len() * 16));
        hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_le_bytes()));
        Transcript::new("ot/extension/check").field("session", &self.salt).field("hashes", &bytes).digest()
    }

    /// Hash of the whole extension, for what follows it.
    pub(crate) fn transcript(&self, message: &[u8]) -> [u8; 32] {
        Transcript::new("ot/extension/transcript")
            .field("session", &self.salt)
            .field("message", message)
            .digest()
    }

    /// Adds the leaves `from`… of a tree: to `sum` all, to column b those whose number has bit b.
    fn expand(&self, tree: usize, leaves: &[Pad], from: usize, sum: &mut [u128], columns: &mut [u128]) {
        let width = sum.len();
        let mut stream = Zeroizing::new(vec![0u128; width]);
        let mut key = Zeroizing::new([0u8; 16]);
        let (mut deriver, mut filler) = (Deriver::new(&self.leaves), Filler::default());
        for (number, leaf) in leaves.iter().enumerate().skip(from) {
            // The first half of the hash: the two most significant words.
            let [mut words] = deriver.numbers(tree as u32, leaf);
            key[..8].copy_from_slice(&words[3].to_be_bytes());
            key[8..].copy_from_slice(&words[2].to_be_bytes());
            words.zeroize();
            filler.fill(&key, &mut stream);
            xor_blocks(sum, &stream);
            for (b, column) in columns.chunks_exact_mut(width).enumerate() {
                if number >> b & 1 == 1 {
                    xor_blocks(column, &stream);
                }
            }
        }
    }
}

/// What the receiver keeps: v of every row, and the choice bits β by blocks.
pub(crate) struct Received {
    pub(crate) rows: Zeroizing<Vec<u128>>,
    pub(crate) choices: Zeroizing<Vec<u128>>,
}

/// The receiver: its rows and its message.
pub(crate) fn receive(session: &Session, leaves: &[Pad], shape: Shape) -> (Received, Vec<u8>) {
    receive_with(session, leaves, shape, |_| {})
}

/// As [`receive`], with a chance to change the columns before the check is computed over them: what a cheating
/// receiver would do, for tests.
pub(crate) fn receive_with(
    session: &Session,
    leaves: &[Pad],
    shape: Shape,
    change: impl FnOnce(&mut [u8]),
) -> (Received, Vec<u8>) {
    let width = shape.width();
    let mut sums = Zeroizing::new(vec![0u128; TREES * width]);
    let mut columns = Zeroizing::new(vec![0u128; TREES * K * width]);
    for (tree, ((leaves, sum), columns)) in leaves
        .chunks_exact(LEAVES)
        .zip(sums.chunks_exact_mut(width))
        .zip(columns.chunks_exact_mut(K * width))
        .enumerate()
    {
        session.expand(tree, leaves, 0, sum, columns);
    }
    shape.clear_padding(&mut sums);
    shape.clear_padding(&mut columns);

    let (choices, others) = sums.split_at_mut(width);
    let mut message = vec![0u8; shape.columns_bytes()];
    for (other, bytes) in others.chunks_exact_mut(width).zip(message.chunks_exact_mut(shape.column_bytes())) {
        xor_blocks(other, choices);
        shape.write_column(other, bytes);
    }
    change(&mut message);
    let chi = session.chi(&message, shape.blocks());
    let hashes = linear_hash(&chi, &columns);
    message.extend_from_slice(&linear_hash(&chi, choices)[0].to_le_bytes());
    message.extend_from_slice(&session.check(&hashes));
    let rows = rows_of(&columns, width, shape.rows);
    (Received { rows, choices: Zeroizing::new(choices.to_vec()) }, message)
}

/// The sender: checks the message, of `shape.message_bytes()` bytes, and gives w of every row; `None` if the check
/// fails.
pub(crate) fn send(
    session: &Session,
    delta: u128,
    punctured: &[Pad],
    shape: Shape,
    message: &[u8],
) -> Option<Zeroizing<Vec<u128>>> {
    if message.len() != shape.message_bytes() {
        return None;
    }
    let (corrections, check) = message.split_at(shape.columns_bytes());
    let (tilde, hash) = check.split_at(16);
    let width = shape.width();
    let mut columns = Zeroizing::new(vec![0u128; TREES * K * width]);
    let mut unused = Zeroizing::new(vec![0u128; width]);
    let mut correction = vec![0u128; width];
    for (tree, (leaves, columns)) in
        punctured.chunks_exact(LEAVES).zip(columns.chunks_exact_mut(K * width)).enumerate()
    {
        session.expand(tree, leaves, 1, &mut unused, columns);
        // Tree 0 needs none: its sum is β itself.
        let Some(tree_before) = tree.checked_sub(1) else { continue };
        shape.read_column(
            &corrections[tree_before * shape.column_bytes()..][..shape.column_bytes()],
            &mut correction,
        );
        for (b, column) in columns.chunks_exact_mut(width).enumerate() {
            let on = mask(delta, tree * K + b);
            column.iter_mut().zip(&correction).for_each(|(word, correction)| *word ^= correction & on);
        }
    }
    shape.clear_padding(&mut columns);

    let chi = session.chi(corrections, shape.blocks());
    let mut whole = [0u8; 16];
    whole.copy_from_slice(tilde);
    let tilde = u128::from_le_bytes(whole);
    let mut hashes = linear_hash(&chi, &columns);
    for (at, value) in hashes.iter_mut().enumerate() {
        *value ^= tilde & mask(delta, at);
    }
    // declassify: whether it holds is told to the peer, and a pair that failed is gone (§4.2).
    if !bool::from(session.check(&hashes).as_slice().ct_eq(hash)) {
        return None;
    }
    Some(rows_of(&columns, width, shape.rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_sharing::Index;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    /// Leaves of both ends, made without the base OTs.
    fn trees(seed: u64) -> (u128, Vec<Pad>, Vec<Pad>) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let delta = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
        let mut all = vec![[0u8; 16]; TREES * LEAVES];
        all.iter_mut().for_each(|leaf| rng.fill_bytes(leaf));
        let punctured = (0..TREES * LEAVES)
            .map(|at| {
                let hole = (delta >> (at / LEAVES * K)) as usize % LEAVES;
                if at % LEAVES == 0 { [0; 16] } else { all[(at / LEAVES * LEAVES) + ((at % LEAVES) ^ hole)] }
            })
            .collect();
        (delta, all, punctured)
    }

    fn session(ssid: u8) -> Session {
        Session::new(&[1; 32], &[ssid; 32], Index::new(1).unwrap(), 1, &[0; 16])
    }

    fn beta(received: &Received, row: usize) -> u128 {
        received.choices[row / BLOCK] >> (row % BLOCK) & 1
    }

    #[test]
    fn rows_are_correlated() {
        for rows in [8, 120, 128, 136, 416, 1248] {
            let (delta, all, punctured) = trees(rows as u64);
            let shape = Shape::new(rows);
            let (received, message) = receive(&session(1), &all, shape);
            assert_eq!(message.len(), shape.message_bytes());
            let sent = send(&session(1), delta, &punctured, shape, &message).unwrap();
            assert_eq!((sent.len(), received.rows.len()), (rows, rows));
            let mut ones = 0;
            for (row, (w, v)) in sent.iter().zip(received.rows.iter()).enumerate() {
                let beta = beta(&received, row);
                assert_eq!(*w, v ^ (beta * delta));
                ones += beta as usize;
            }
            assert!(rows < 128 || (rows / 3..rows * 2 / 3).contains(&ones), "choice bits look random");
            assert!(send(&session(2), delta, &punctured, shape, &message).is_none(), "another session");
        }
    }

    #[test]
    fn every_flipped_byte_is_caught() {
        let (delta, all, punctured) = trees(1);
        let shape = Shape::new(416);
        let (_, message) = receive(&session(1), &all, shape);
        for at in (0..message.len()).step_by(5).chain(message.len() - CHECK..message.len()) {
            let mut bad = message.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(send(&session(1), delta, &punctured, shape, &bad).is_none(), "byte {at}");
        }
        assert!(send(&session(1), delta, &punctured, shape, &message[1..]).is_none());
    }

    /// The strongest simple cheat: a flip in one column, and a check computed to fit. It passes exactly when that
    /// tree's part of Δ is zero, as theory says: one chance in 2^k, in rows and in the sacrificed block alike.
    #[test]
    fn a_fitted_check_passes_only_by_guessing_that_part_of_delta() {
        let shape = Shape::new(416);
        let mut passed = 0;
        for column in 0..TREES - 1 {
            for (seed, at) in [(5, 0), (6, 51), (7, shape.column_bytes() - 1)] {
                let (delta, all, punctured) = trees(seed);
                let (_, message) = receive_with(&session(1), &all, shape, |columns| {
                    columns[column * shape.column_bytes() + at] ^= 0x80;
                });
                let guess = (delta >> ((column + 1) * K)) & (LEAVES as u128 - 1) == 0;
                assert_eq!(send(&session(1), delta, &punctured, shape, &message).is_some(), guess);
                passed += usize::from(guess);
            }
        }
        assert!((1..30).contains(&passed), "{passed} of 93: about one in {LEAVES}");
    }

    #[test]
    fn a_session_is_bound_to_all_that_names_it() {
        let one = Index::new(1).unwrap();
        let sessions = [
            session(1),
            session(2),
            Session::new(&[2; 32], &[1; 32], one, 1, &[0; 16]),
            Session::new(&[1; 32], &[1; 32], Index::new(2).unwrap(), 1, &[0; 16]),
            Session::new(&[1; 32], &[1; 32], one, 2, &[0; 16]),
            Session::new(&[1; 32], &[1; 32], one, 1, &[1; 16]),
        ];
        let mut salts: Vec<_> = sessions.iter().flat_map(|s| [s.salt, s.leaves]).collect();
        salts.sort_unstable();
        salts.dedup();
        assert_eq!(salts.len(), 12);
    }

    #[test]
    fn coefficients_depend_on_every_column_and_on_the_session() {
        let (_, all, _) = trees(1);
        let (_, message) = receive(&session(1), &all, Shape::new(416));
        let chi = session(1).chi(&message, 4);
        assert_ne!(chi, session(2).chi(&message, 4));
        for at in (0..message.len()).step_by(60) {
            let mut other = message.clone();
            other[at] ^= 1;
            assert_ne!(chi, session(1).chi(&other, 4));
        }
        assert_ne!(chi[0], chi[1]);
    }
}

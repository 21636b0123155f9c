//! Hello: what each participant signs before there is a session id (docs/spec §1.1, §1.9).

use crate::Participants;
use crate::seal::CeremonyKey;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::{Index, Transcript};
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;

/// What this party says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// The boot id of this worker: under it live the things that are in memory alone (§1.9).
    pub boot: [u8; 16],
    /// For each peer the id of the pair state that is held with it; empty when the ceremony uses none (§4.1).
    pub pairs: BTreeMap<Index, [u8; 32]>,
    /// The highest try of this order that this party has taken part in; 0 for none (§2.3).
    pub told_try: u32,
}

/// A participant's hello.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hello {
    /// Fresh randomness, so that the session id is new whatever others repeat.
    pub random: [u8; 32],
    /// The X25519 key to which private messages of this session are sealed.
    pub sealing_key: [u8; 32],
    /// As [`Own::boot`].
    pub boot: [u8; 16],
    /// As [`Own::told_try`].
    pub told_try: u32,
    /// As [`Own::pairs`], strictly ascending by index.
    pub pairs: Vec<(u16, [u8; 32])>,
}

/// Length of a hello that names `pairs` pair states.
const fn length(pairs: usize) -> usize {
    32 + 32 + 16 + 4 + 4 + pairs * 34
}

/// The longest hello in bytes.
pub(crate) const MAX_HELLO: usize = length(quorate_sharing::index::MAX_PARTIES);

impl Hello {
    pub(crate) fn new(own: &Own, key: &CeremonyKey, rng: &mut impl CryptoRngCore) -> Self {
        let mut random = [0u8; 32];
        rng.fill_bytes(&mut random);
        let pairs = own.pairs.iter().map(|(index, id)| (index.get(), *id)).collect();
        Self { random, sealing_key: key.public(), boot: own.boot, told_try: own.told_try, pairs }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail.
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes and checks: ascending pairs with other participants only, a sealing key of full order.
    pub(crate) fn decode(bytes: &[u8], sender: Index, participants: &Participants) -> Option<Self> {
        if bytes.len() > MAX_HELLO {
            return None;
        }
        let hello: Self = borsh::from_slice(bytes).ok()?;
        let known = |number: u16| {
            Index::new(number).is_ok_and(|index| index != sender && participants.indices().contains(index))
        };
        let pairs = hello.pairs.is_sorted_by(|a, b| a.0 < b.0) && hello.pairs.iter().all(|(i, _)| known(*i));
        (pairs && crate::seal::usable(&hello.sealing_key)).then_some(hello)
    }

    /// The pair state that this party says it holds with `peer`.
    pub fn pair(&self, peer: Index) -> Option<&[u8; 32]> {
        self.pairs.iter().find(|(index, _)| *index == peer.get()).map(|(_, id)| id)
    }
}

/// The ceremony nonce: the hash of all participants' signed hellos in full, signatures included. None when `own` is not
/// among them: such a nonce is not fresh for us, and is refused.
pub(crate) fn nonce(hellos: &BTreeMap<Index, Vec<u8>>, me: Index, own: &[u8]) -> Option<[u8; 32]> {
    if hellos.get(&me).is_none_or(|hello| hello != own) {
        return None;
    }
    let start = Transcript::new("session/nonce").number("count", hellos.len() as u64);
    Some(hellos.values().fold(start, |transcript, hello| transcript.field("hello", hello)).digest())
}

/// Pairs whose two ends name different pair states.
pub(crate) fn mismatched_pairs(hellos: &BTreeMap<Index, Hello>) -> Vec<(Index, Index)> {
    let mut found = Vec::new();
    for (i, hello_i) in hellos {
        for (j, hello_j) in hellos.range(*i..).skip(1) {
            if hello_i.pair(*j) != hello_j.pair(*i) {
                found.push((*i, *j));
            }
        }
    }
    found
}

//! The echo: what makes a broadcast one (docs/spec §1.4). Digests, the vectors of them, and how a difference is settled.

use crate::SessionError;
use quorate_intent::PublicKey;
use quorate_sharing::{Index, Transcript};
use std::collections::{BTreeMap, BTreeSet};

/// The digest of one party's broadcast in one round. Without the signature: a signer can make many of those.
pub fn digest(ssid: &[u8; 32], round: u8, sender: &PublicKey, body: &[u8]) -> [u8; 32] {
    Transcript::new("session/broadcast")
        .field("ssid", ssid)
        .number("round", u64::from(round))
        .field("sender", &sender.0)
        .field("body", body)
        .digest()
}

/// The digest of a round's echo vector: the broadcast digests of all participants in order of index.
pub fn vector_digest(ssid: &[u8; 32], round: u8, vector: &[[u8; 32]]) -> [u8; 32] {
    Transcript::new("session/echo")
        .field("ssid", ssid)
        .number("round", u64::from(round))
        .list("digests", vector)
        .digest()
}

/// The running hash over all broadcasts of the session, from the one before.
pub fn extend_transcript(before: &[u8; 32], echo: &[u8; 32]) -> [u8; 32] {
    Transcript::new("session/transcript").field("before", before).field("echo", echo).digest()
}

pub(crate) fn encode_vector(vector: &[[u8; 32]]) -> Vec<u8> {
    vector.concat()
}

/// Exactly `count` digests, or none.
pub(crate) fn decode_vector(bytes: &[u8], count: usize) -> Option<Vec<[u8; 32]>> {
    let (digests, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && digests.len() == count).then(|| digests.to_vec())
}

/// One open question: in this round the first party's echo differs from ours about the second party's broadcast.
pub(crate) type Question = (u8, Index, Index);

/// A difference of views that is being settled, or looked for after a contradiction. Once there is one, the session ends,
/// with blame unless everybody saw the same.
pub(crate) struct Settle {
    /// When silence is taken for no answer.
    pub deadline: u64,
    /// Which originals have been asked for.
    pub open: BTreeSet<Question>,
    /// Whose vector of which round has been asked for, after its digest differed.
    pub vectors: BTreeSet<(u8, Index)>,
    /// Whose vector of which round has been asked for without a claim of its own that differs.
    pub asked: BTreeSet<(u8, Index)>,
    /// How the session ends if everybody saw the same.
    pub otherwise: Option<SessionError>,
    /// Who is proven to have sent two broadcasts, and the proof.
    pub condemned: BTreeMap<Index, Vec<u8>>,
    /// Who did not show what its echo claims.
    pub soft: BTreeSet<Index>,
}

impl Settle {
    pub(crate) fn new(deadline: u64) -> Self {
        Self {
            deadline,
            open: BTreeSet::new(),
            vectors: BTreeSet::new(),
            asked: BTreeSet::new(),
            otherwise: None,
            condemned: BTreeMap::new(),
            soft: BTreeSet::new(),
        }
    }

    /// `party` is proven: no question about its messages needs another answer.
    pub(crate) fn condemn(&mut self, party: Index, evidence: Vec<u8>) {
        self.condemned.entry(party).or_insert(evidence);
        self.open.retain(|(_, _, about)| *about != party);
    }

    /// Nothing more to wait for.
    pub(crate) fn settled(&self) -> bool {
        self.open.is_empty() && self.vectors.is_empty() && self.asked.is_empty()
    }

    /// Silence: whoever still owes an answer gets a soft edge.
    pub(crate) fn give_up(&mut self) {
        self.soft.extend(self.open.iter().map(|(_, signer, _)| *signer));
        self.soft.extend(self.vectors.iter().chain(&self.asked).map(|(_, signer)| *signer));
        self.open.clear();
        self.vectors.clear();
        self.asked.clear();
    }
}

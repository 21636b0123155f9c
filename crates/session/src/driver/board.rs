//! What has arrived, by round and sender. One message of each kind, bytes as they were signed.

use crate::wire;
use quorate_sharing::Index;
use std::collections::BTreeMap;

/// A signed broadcast and the digest of its content.
pub(super) struct Posted {
    pub digest: [u8; 32],
    pub envelope: Vec<u8>,
}

/// A signed echo and the digests inside.
pub(super) struct Echoed {
    pub vector: Vec<[u8; 32]>,
    pub envelope: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Board {
    pub broadcasts: BTreeMap<(u8, Index), Posted>,
    /// Envelopes with sealed messages.
    pub private: BTreeMap<(u8, Index), Vec<u8>>,
    pub echoes: BTreeMap<(u8, Index), Echoed>,
    /// Our own vectors of rounds whose broadcasts are complete.
    pub vectors: BTreeMap<u8, Vec<[u8; 32]>>,
}

impl Board {
    /// Drops the sealed messages of rounds up to and with this one.
    pub fn forget_private(&mut self, round: u8) {
        self.private.retain(|(r, _), _| *r > round);
    }

    pub fn broadcast(&self, round: u8, sender: Index) -> Option<&[u8]> {
        self.broadcasts.get(&(round, sender)).map(|posted| posted.envelope.as_slice())
    }

    /// The broadcasts of a round as their senders signed them.
    pub fn signed(&self, round: u8) -> BTreeMap<Index, Vec<u8>> {
        self.round(round).map(|(index, posted)| (index, posted.envelope.clone())).collect()
    }

    /// The contents of a round's broadcasts.
    pub fn bodies(&self, round: u8) -> BTreeMap<Index, Vec<u8>> {
        self.round(round).map(|(index, posted)| (index, wire::body(&posted.envelope).to_vec())).collect()
    }

    /// The digests of a round's broadcasts in order of index.
    pub fn digests(&self, round: u8) -> Vec<[u8; 32]> {
        self.round(round).map(|(_, posted)| posted.digest).collect()
    }

    /// Sender and envelope of every broadcast and echo so far.
    pub fn everything(&self) -> Vec<(u16, Vec<u8>)> {
        let broadcasts = self.broadcasts.iter().map(|((_, index), posted)| (index, &posted.envelope));
        let echoes = self.echoes.iter().map(|((_, index), echoed)| (index, &echoed.envelope));
        broadcasts.chain(echoes).map(|(index, envelope)| (index.get(), envelope.clone())).collect()
    }

    fn round(&self, round: u8) -> impl Iterator<Item = (Index, &Posted)> {
        self.broadcasts.iter().filter(move |((r, _), _)| *r == round).map(|((_, index), p)| (*index, p))
    }
}

//! The graph itself. Its vertices are identity keys; the coordinator is one of them.

use super::SoftEdge;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::PublicKey;
use std::collections::{BTreeMap, BTreeSet};

/// Two different identity keys, in either order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Pair(PublicKey, PublicKey);

impl Pair {
    /// A pair; none for one and the same key.
    pub fn new(one: PublicKey, other: PublicKey) -> Option<Self> {
        (one != other).then(|| Self(one.min(other), one.max(other)))
    }

    /// The two, ascending.
    pub fn ends(&self) -> [PublicKey; 2] {
        [self.0, self.1]
    }

    /// The other end; none for a key that is no end.
    pub fn other(&self, end: &PublicKey) -> Option<PublicKey> {
        match *end {
            end if end == self.0 => Some(self.1),
            end if end == self.1 => Some(self.0),
            _ => None,
        }
    }
}

/// What changes the graph. Times are Unix seconds of whoever keeps the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Event {
    /// Evidence that anybody can check condemns a party.
    Condemned {
        /// Who.
        party: PublicKey,
    },
    /// One of its ends signed a hard edge.
    Hard {
        /// The two ends.
        pair: Pair,
        /// When it was recorded.
        at: u64,
    },
    /// Something did not come in time.
    Soft {
        /// The two ends.
        pair: Pair,
        /// When.
        at: u64,
    },
    /// A fresh set-up healed the pair: its edge no longer counts for the choice, and still for condemnation (§4.2).
    Renewed {
        /// The two ends.
        pair: Pair,
    },
    /// An order lifted the pair's edge (§1.8).
    Lifted {
        /// The two ends.
        pair: Pair,
    },
}

/// One sharing of a key, as the rule of §5.2 on too many edges needs it.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// Identity keys of its parties, party i the i-th from 1.
    pub parties: &'a [PublicKey],
    /// t.
    pub threshold: usize,
    /// Since when it is the current one, Unix seconds of whoever keeps the graph.
    pub since: u64,
}

/// A hard edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hard {
    /// When it was last recorded.
    last: u64,
    /// A fresh set-up came after it.
    renewed: bool,
}

/// The dispute graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    condemned: BTreeSet<PublicKey>,
    hard: BTreeMap<Pair, Hard>,
    soft: BTreeMap<Pair, SoftEdge>,
}

impl Graph {
    /// Lets one thing happen; false when it changes nothing, so that it need not be kept.
    pub fn apply(&mut self, event: &Event) -> bool {
        match event {
            Event::Condemned { party } => self.condemned.insert(*party),
            Event::Hard { pair, at } => {
                let last = self.hard.get(pair).map_or(*at, |edge| edge.last.max(*at));
                let edge = Hard { last, renewed: false };
                self.hard.insert(*pair, edge) != Some(edge)
            }
            Event::Soft { pair, at } => match SoftEdge::after(self.soft.get(pair).copied(), *at) {
                Some(edge) => self.soft.insert(*pair, edge) != Some(edge),
                None => false,
            },
            Event::Renewed { pair } => match self.hard.get_mut(pair) {
                Some(edge) if !edge.renewed => {
                    edge.renewed = true;
                    true
                }
                _ => false,
            },
            Event::Lifted { pair } => self.hard.remove(pair).is_some(),
        }
    }

    /// Puts a soft edge back as it was kept.
    pub fn restore_soft(&mut self, pair: Pair, edge: SoftEdge) {
        self.soft.insert(pair, edge);
    }

    /// The soft edge of a pair, standing or faded.
    pub fn soft_edge(&self, pair: &Pair) -> Option<SoftEdge> {
        self.soft.get(pair).copied()
    }

    /// Whether evidence condemns a party, for every key.
    pub fn condemned(&self, party: &PublicKey) -> bool {
        self.condemned.contains(party)
    }

    /// Everybody whom evidence condemns.
    pub fn all_condemned(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.condemned.iter().copied()
    }

    /// Whether a party is out for one key: by evidence, or by hard edges to more different parties of its current epoch,
    /// recorded within that epoch, than can be corrupt: t−1 by the promise of secrecy, n−t when t honest ones are all that
    /// is left to sign (§5.2). An honest party has edges to corrupt ones alone.
    pub fn condemned_for(&self, party: &PublicKey, epoch: &Epoch<'_>) -> bool {
        let (n, t) = (epoch.parties.len(), epoch.threshold);
        self.condemned(party) || self.edges_within(party, epoch) >= t.max(n.saturating_sub(t) + 1)
    }

    fn edges_within(&self, party: &PublicKey, epoch: &Epoch<'_>) -> usize {
        let counts = |other: &&PublicKey| {
            let edge = Pair::new(*party, **other).and_then(|pair| self.hard.get(&pair));
            edge.is_some_and(|edge| edge.last >= epoch.since)
        };
        epoch.parties.iter().filter(counts).count()
    }

    /// Whether a hard edge keeps the two out of one signer set.
    pub fn apart(&self, pair: &Pair) -> bool {
        self.hard.get(pair).is_some_and(|edge| !edge.renewed)
    }

    /// All pairs with a hard edge: when it was last recorded, and whether it still keeps them apart.
    pub fn hard_edges(&self) -> impl Iterator<Item = (Pair, u64, bool)> + '_ {
        self.hard.iter().map(|(pair, edge)| (*pair, edge.last, !edge.renewed))
    }

    /// Whether a soft edge stands between the two.
    pub fn soft(&self, one: &PublicKey, other: &PublicKey, now: u64) -> bool {
        let edge = Pair::new(*one, *other).and_then(|pair| self.soft.get(&pair));
        edge.is_some_and(|edge| edge.stands(now))
    }

    /// How many soft edges stand.
    pub fn soft_edges(&self, now: u64) -> usize {
        self.soft.values().filter(|edge| edge.stands(now)).count()
    }
}

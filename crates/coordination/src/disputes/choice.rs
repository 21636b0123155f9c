//! Who signs next (docs/spec §5.3): exact search over at most 32 parties, as bit masks.

use super::{Epoch, Graph};
use quorate_intent::PublicKey;
use std::collections::BTreeSet;

/// Most parties of a key that the search takes; keys have at most 20.
pub const MAX_CANDIDATES: usize = 32;

/// Parties of which a policy requires some in every signer set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyGroup {
    /// Identity keys.
    pub members: BTreeSet<PublicKey>,
    /// How many of them at least.
    pub least: usize,
}

/// What the next set must and should be. Sets and places are positions in [`Epoch::parties`], from 0.
pub struct Need<'a> {
    /// The key's current epoch.
    pub epoch: Epoch<'a>,
    /// Who asks: soft edges to it count for each member.
    pub coordinator: PublicKey,
    /// Parties that can be asked now.
    pub online: &'a BTreeSet<usize>,
    /// Parties that may not be asked whatever happens: they refused, or cheated without leaving evidence.
    pub out: &'a BTreeSet<usize>,
    /// What the policy requires.
    pub groups: &'a [PartyGroup],
    /// How often each party has failed in this matter; missing ones count as 0.
    pub failures: &'a [u32],
    /// Among equally good sets one of these is taken.
    pub stocked: &'a [Vec<usize>],
    /// Unix seconds.
    pub now: u64,
}

/// Which parties to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These, ascending.
    Set(Vec<usize>),
    /// Too few of those who could are online: these would have to come back.
    Wait(Vec<usize>),
    /// A set would exist but for hard edges that a fresh set-up may heal (§4.2): between these, if all are online.
    Apart(Vec<(usize, usize)>),
    /// No set can exist.
    Impossible,
}

/// What a set costs, most important first: soft edges inside and to the coordinator; failures in this matter; soft edges
/// of its members to anybody of the key, since who fails with many is the likelier cause.
type Cost = (u32, u32, u32);

struct Search<'a> {
    threshold: usize,
    /// Of each party: with whom it may not stand in one set.
    apart: Vec<u32>,
    /// Of each party: with whom it has a soft edge.
    soft: Vec<u32>,
    alone: Vec<Cost>,
    groups: Vec<(u32, usize)>,
    stocked: &'a [Vec<usize>],
    best: Option<(Cost, u32)>,
}

impl Graph {
    /// Chooses t parties that are online, not condemned and have no hard edge among them, with the fewest soft edges
    /// (§5.3). It finds a set whenever one exists, and the best one: among equals one of [`Need::stocked`], else low
    /// places.
    pub fn choose(&self, need: &Need<'_>) -> Choice {
        let parties = need.epoch.parties;
        if parties.len() > MAX_CANDIDATES || need.epoch.threshold == 0 {
            return Choice::Impossible;
        }
        let able: u32 = (0..parties.len())
            .filter(|at| !need.out.contains(at) && !self.condemned_for(&parties[*at], &need.epoch))
            .fold(0u32, |mask, at| mask | 1u32 << at);
        let online =
            need.online.iter().filter(|at| **at < parties.len()).fold(0u32, |mask, at| mask | 1u32 << at);
        let mut search = self.search(need);
        if let Some(set) = search.run(able & online) {
            return Choice::Set(places(set));
        }
        let whole = search.run(able).is_some();
        if whole {
            return Choice::Wait(places(able & !online));
        }
        let edges = std::mem::replace(&mut search.apart, vec![0; parties.len()]);
        match search.run(able & online).or_else(|| search.run(able)) {
            Some(set) => Choice::Apart(inside(&edges, set)),
            None => Choice::Impossible,
        }
    }

    fn search<'a>(&self, need: &Need<'a>) -> Search<'a> {
        let parties = need.epoch.parties;
        let mask = |test: &dyn Fn(&PublicKey) -> bool| {
            let places = (0..parties.len()).filter(|at| test(&parties[*at]));
            places.fold(0u32, |mask, at| mask | 1u32 << at)
        };
        let soft: Vec<u32> =
            parties.iter().map(|one| mask(&|other| self.soft(one, other, need.now))).collect();
        let alone = |(at, party): (usize, &PublicKey)| {
            let failures = need.failures.get(at).copied().unwrap_or(0);
            (u32::from(self.soft(party, &need.coordinator, need.now)), failures, soft[at].count_ones())
        };
        Search {
            threshold: need.epoch.threshold,
            apart: parties
                .iter()
                .map(|one| mask(&|other| super::Pair::new(*one, *other).is_some_and(|p| self.apart(&p))))
                .collect(),
            alone: parties.iter().enumerate().map(alone).collect(),
            soft,
            groups: need.groups.iter().map(|g| (mask(&|party| g.members.contains(party)), g.least)).collect(),
            stocked: need.stocked,
            best: None,
        }
    }
}

fn places(mask: u32) -> Vec<usize> {
    (0..MAX_CANDIDATES).filter(|at| mask & (1u32 << at) != 0).collect()
}

fn inside(edges: &[u32], set: u32) -> Vec<(usize, usize)> {
    let places = places(set);
    let pairs = places.iter().flat_map(|a| places.iter().map(move |b| (*a, *b)));
    pairs.filter(|(a, b)| a < b && edges.get(*a).is_some_and(|mask| mask & (1u32 << b) != 0)).collect()
}

impl Search<'_> {
    /// The best set among the candidates.
    fn run(&mut self, candidates: u32) -> Option<u32> {
        self.best = None;
        // Stocked sets first: the search below then looks for what is strictly better alone.
        for stocked in self.stocked {
            let within = stocked.iter().all(|at| *at < MAX_CANDIDATES && candidates & (1u32 << at) != 0);
            let set = stocked.iter().filter(|_| within).fold(0u32, |mask, at| mask | 1u32 << at);
            if set.count_ones() as usize == self.threshold && inside(&self.apart, set).is_empty() {
                let cost = places(set).into_iter().fold(((0, 0, 0), 0u32), |(cost, chosen), at| {
                    (self.with(cost, chosen, at), chosen | 1u32 << at)
                });
                self.offer(cost.0, set);
            }
        }
        self.extend((0, 0, 0), 0, candidates);
        self.best.map(|(_, set)| set)
    }

    fn with(&self, cost: Cost, chosen: u32, at: usize) -> Cost {
        let (soft, failures, degree) = self.alone[at];
        let inside = (self.soft[at] & chosen).count_ones();
        (cost.0 + soft + inside, cost.1 + failures, cost.2 + degree)
    }

    fn offer(&mut self, cost: Cost, set: u32) {
        let honoured =
            self.groups.iter().all(|(members, least)| (set & members).count_ones() as usize >= *least);
        if honoured && self.best.is_none_or(|(best, _)| cost < best) {
            self.best = Some((cost, set));
        }
    }

    /// Adds the candidates one after another, lowest first. Costs only grow, so what is not below the best is cut off;
    /// at worst every set of 20 parties is looked at, which are 184,756.
    fn extend(&mut self, cost: Cost, chosen: u32, candidates: u32) {
        let missing = self.threshold - chosen.count_ones() as usize;
        if missing == 0 {
            return self.offer(cost, chosen);
        }
        let mut rest = candidates;
        while rest.count_ones() as usize >= missing {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let next = self.with(cost, chosen, at);
            if self.best.is_none_or(|(best, _)| next < best) {
                self.extend(next, chosen | 1u32 << at, rest & !self.apart[at]);
            }
        }
    }
}

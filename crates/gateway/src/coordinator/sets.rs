//! Which parties sign next: what happened in one matter, beside what the dispute graph knows (docs/spec §5.3). Pure.

use quorate_coordination::disputes::{Epoch, Graph, Need, PartyGroup};
use quorate_intent::PublicKey;
use std::collections::{BTreeMap, BTreeSet};

/// What happened to the parties while one intent was being signed.
#[derive(Debug, Default)]
pub struct Tally {
    /// Parties that say no, with what they said.
    pub refused: BTreeMap<u16, String>,
    /// Parties that gave something wrong.
    pub wrong: BTreeSet<u16>,
    /// How often a party did not do its part otherwise, and why it did not last.
    pub failed: BTreeMap<u16, (u32, String)>,
}

/// Which set to ask.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// These, ascending.
    Set(Vec<u16>),
    /// Too few are reachable; these would have to come back.
    Wait(Vec<u16>),
    /// A set would exist but for hard edges between these.
    Apart(Vec<(u16, u16)>),
    /// Too few are left that have not refused or cheated.
    Impossible,
}

/// What the coordinator knows at the moment of a choice.
pub struct Moment<'a> {
    /// The dispute graph.
    pub graph: &'a Graph,
    /// The key's epoch.
    pub epoch: Epoch<'a>,
    /// The coordinator's own key.
    pub coordinator: PublicKey,
    /// Parties that can be asked now.
    pub reachable: &'a BTreeSet<u16>,
    /// Parties of which some must be in every set.
    pub groups: &'a [PartyGroup],
    /// Sets that have stock.
    pub stocked: &'a [Vec<u16>],
    /// Unix seconds.
    pub now: u64,
}

fn place(party: u16) -> usize {
    usize::from(party).wrapping_sub(1)
}

fn party(place: usize) -> u16 {
    u16::try_from(place + 1).unwrap_or(u16::MAX)
}

impl Tally {
    /// Notes that a party did not do its part.
    pub fn fail(&mut self, party: u16, why: String) {
        let entry = self.failed.entry(party).or_default();
        *entry = (entry.0 + 1, why);
    }

    /// Chooses t parties: by the dispute graph, then those with the fewest failures in this matter; among equals a set
    /// with stock, then low indices.
    pub fn choose(&self, moment: &Moment<'_>) -> Choice {
        let out = self.refused.keys().chain(&self.wrong).map(|party| place(*party)).collect();
        let failures = |at| self.failed.get(&party(at)).map_or(0, |(count, _)| *count);
        let failures: Vec<u32> = (0..moment.epoch.parties.len()).map(failures).collect();
        let places = |set: &Vec<u16>| set.iter().map(|party| place(*party)).collect::<Vec<_>>();
        let need = Need {
            epoch: moment.epoch,
            coordinator: moment.coordinator,
            online: &moment.reachable.iter().map(|party| place(*party)).collect(),
            out: &out,
            groups: moment.groups,
            failures: &failures,
            stocked: &moment.stocked.iter().map(places).collect::<Vec<_>>(),
            now: moment.now,
        };
        let parties = |places: Vec<usize>| places.into_iter().map(party).collect();
        match moment.graph.choose(&need) {
            quorate_coordination::disputes::Choice::Set(set) => Choice::Set(parties(set)),
            quorate_coordination::disputes::Choice::Wait(missing) => Choice::Wait(parties(missing)),
            quorate_coordination::disputes::Choice::Apart(pairs) => {
                Choice::Apart(pairs.into_iter().map(|(a, b)| (party(a), party(b))).collect())
            }
            quorate_coordination::disputes::Choice::Impossible => Choice::Impossible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_coordination::disputes::{Event, Pair};

    fn keys(n: u8) -> Vec<PublicKey> {
        (1..=n).map(|i| PublicKey([i; 32])).collect()
    }

    fn choose(
        tally: &Tally,
        graph: &Graph,
        n: u8,
        t: usize,
        reachable: &[u16],
        stocked: &[Vec<u16>],
    ) -> Choice {
        let parties = keys(n);
        tally.choose(&Moment {
            graph,
            epoch: Epoch { parties: &parties, threshold: t, since: 0 },
            coordinator: PublicKey([99; 32]),
            reachable: &reachable.iter().copied().collect(),
            stocked,
            groups: &[],
            now: 1000,
        })
    }

    #[test]
    fn failing_parties_come_last_and_refusing_ones_never() {
        let (all, graph) = ([1, 2, 3, 4], Graph::default());
        let mut tally = Tally::default();
        let mut next = |change: &dyn Fn(&mut Tally), t| {
            change(&mut tally);
            choose(&tally, &graph, 4, t, &all, &[])
        };
        assert_eq!(next(&|_| (), 2), Choice::Set(vec![1, 2]));
        assert_eq!(next(&|tally| tally.fail(1, "slow".into()), 2), Choice::Set(vec![2, 3]));
        let refuse = |tally: &mut Tally| drop(tally.refused.insert(2, "no".into()));
        assert_eq!(next(&refuse, 2), Choice::Set(vec![3, 4]));
        let wrong = |tally: &mut Tally| tally.wrong.extend([3]);
        assert_eq!(next(&wrong, 2), Choice::Set(vec![1, 4]));
        assert_eq!(next(&|_| (), 3), Choice::Impossible);
    }

    #[test]
    fn too_few_reachable_waits_for_those_who_could() {
        let mut tally = Tally::default();
        tally.wrong.insert(2);
        assert_eq!(choose(&tally, &Graph::default(), 3, 2, &[1, 2], &[]), Choice::Wait(vec![3]));
    }

    #[test]
    fn stock_is_preferred_but_not_over_failures() {
        let (all, graph, stocked) = ([1, 2, 3], Graph::default(), [vec![2, 3]]);
        let mut tally = Tally::default();
        assert_eq!(choose(&tally, &graph, 3, 2, &all, &stocked), Choice::Set(vec![2, 3]));
        tally.fail(3, "slow".into());
        assert_eq!(choose(&tally, &graph, 3, 2, &all, &stocked), Choice::Set(vec![1, 2]));
        assert_eq!(choose(&tally, &graph, 3, 2, &[2, 3], &stocked), Choice::Set(vec![2, 3]));
    }

    #[test]
    fn edges_are_translated_to_party_numbers() {
        let (parties, mut graph) = (keys(2), Graph::default());
        let pair = Pair::new(parties[0], parties[1]).unwrap();
        graph.apply(&Event::Hard { pair, at: 5 });
        assert_eq!(choose(&Tally::default(), &graph, 2, 2, &[1, 2], &[]), Choice::Apart(vec![(1, 2)]));
        assert_eq!(choose(&Tally::default(), &graph, 3, 2, &[1, 2, 3], &[]), Choice::Set(vec![1, 3]));
    }
}

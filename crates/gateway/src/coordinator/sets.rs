//! Which parties sign next. Pure.

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
    /// Too few are left that have not refused or cheated.
    Impossible,
}

impl Tally {
    /// Notes that a party did not do its part.
    pub fn fail(&mut self, party: u16, why: String) {
        let entry = self.failed.entry(party).or_default();
        *entry = (entry.0 + 1, why);
    }

    fn out(&self, party: u16) -> bool {
        self.refused.contains_key(&party) || self.wrong.contains(&party)
    }

    fn failures(&self, party: u16) -> u32 {
        self.failed.get(&party).map_or(0, |(count, _)| *count)
    }

    /// Chooses `threshold` of `parties`: reachable ones, with the fewest failures; among equals a set with stock, then
    /// low indices.
    pub fn choose(
        &self,
        parties: &[u16],
        threshold: usize,
        reachable: &BTreeSet<u16>,
        stocked: &[Vec<u16>],
    ) -> Choice {
        let able: Vec<u16> = parties.iter().copied().filter(|party| !self.out(*party)).collect();
        if able.len() < threshold {
            return Choice::Impossible;
        }
        let mut free: Vec<u16> = able.iter().copied().filter(|party| reachable.contains(party)).collect();
        if free.len() < threshold {
            return Choice::Wait(able.into_iter().filter(|party| !reachable.contains(party)).collect());
        }
        free.sort_by_key(|party| (self.failures(*party), *party));
        let mut best: Vec<u16> = free[..threshold].to_vec();
        best.sort_unstable();
        let cost = |set: &[u16]| set.iter().map(|party| self.failures(*party)).sum::<u32>();
        let good = |set: &&Vec<u16>| {
            set.len() == threshold && set.iter().all(|party| free.contains(party)) && cost(set) <= cost(&best)
        };
        if let Some(set) = stocked.iter().find(good) {
            best.clone_from(set);
        }
        Choice::Set(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(parties: &[u16]) -> BTreeSet<u16> {
        parties.iter().copied().collect()
    }

    #[test]
    fn failing_parties_come_last_and_refusing_ones_never() {
        let all = [1, 2, 3, 4];
        let mut tally = Tally::default();
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &[]), Choice::Set(vec![1, 2]));
        tally.fail(1, "slow".into());
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &[]), Choice::Set(vec![2, 3]));
        tally.refused.insert(2, "no".into());
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &[]), Choice::Set(vec![3, 4]));
        tally.wrong.insert(3);
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &[]), Choice::Set(vec![1, 4]));
        assert_eq!(tally.choose(&all, 3, &reachable(&all), &[]), Choice::Impossible);
    }

    #[test]
    fn too_few_reachable_waits_for_those_who_could() {
        let mut tally = Tally::default();
        tally.wrong.insert(2);
        let choice = tally.choose(&[1, 2, 3], 2, &reachable(&[1, 2]), &[]);
        assert_eq!(choice, Choice::Wait(vec![3]));
    }

    #[test]
    fn stock_is_preferred_but_not_over_failures() {
        let all = [1, 2, 3];
        let mut tally = Tally::default();
        let stocked = [vec![2, 3]];
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &stocked), Choice::Set(vec![2, 3]));
        tally.fail(3, "slow".into());
        assert_eq!(tally.choose(&all, 2, &reachable(&all), &stocked), Choice::Set(vec![1, 2]));
        assert_eq!(tally.choose(&all, 2, &reachable(&[2, 3]), &stocked), Choice::Set(vec![2, 3]));
    }
}

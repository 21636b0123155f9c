//! Smallest sets of people who meet several quorums together.

use crate::facts::Directory;
use crate::model::Quorum;
use std::collections::BTreeSet;

/// Most sets that are listed.
pub const MAX_SETS: usize = 2000;

/// Sets of people, none of which is within another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coalitions {
    /// The sets, smallest first.
    pub sets: Vec<BTreeSet<String>>,
    /// Whether these are all. Otherwise every set here is one, and there are more.
    pub complete: bool,
}

/// The minimal sets of people who meet all quorums; `without` never counts, being who asks. None where a group is
/// unknown, so that nobody can.
pub fn minimal(quorums: &[Quorum], directory: &Directory, without: Option<&str>) -> Option<Coalitions> {
    let mut found = vec![BTreeSet::new()];
    let mut complete = true;
    for quorum in quorums {
        let members = directory.groups.get(&quorum.group)?;
        let members: Vec<&String> = members.iter().filter(|name| Some(name.as_str()) != without).collect();
        let mut next: BTreeSet<BTreeSet<String>> = BTreeSet::new();
        'sets: for set in &found {
            let have = members.iter().filter(|name| set.contains(**name)).count();
            let free: Vec<&String> = members.iter().filter(|name| !set.contains(**name)).copied().collect();
            let need = usize::from(quorum.need).saturating_sub(have);
            for extra in Choose::new(free.len(), need) {
                let chosen = extra.iter().map(|at| free[*at].clone());
                next.insert(set.iter().cloned().chain(chosen).collect());
                if next.len() >= MAX_SETS {
                    complete = false;
                    break 'sets;
                }
            }
        }
        found = next.into_iter().collect();
    }
    found.sort_by_key(BTreeSet::len);
    let mut sets: Vec<BTreeSet<String>> = Vec::new();
    for set in found {
        if !sets.iter().any(|smaller| smaller.is_subset(&set)) {
            sets.push(set);
        }
    }
    Some(Coalitions { sets, complete })
}

/// All ways to choose k of n, as ascending numbers.
struct Choose {
    n: usize,
    next: Option<Vec<usize>>,
}

impl Choose {
    fn new(n: usize, k: usize) -> Self {
        Self { n, next: (k <= n).then(|| (0..k).collect()) }
    }
}

impl Iterator for Choose {
    type Item = Vec<usize>;
    fn next(&mut self) -> Option<Vec<usize>> {
        let now = self.next.take()?;
        let k = now.len();
        // The last place that can still move on.
        if let Some(at) = (0..k).rev().find(|at| now[*at] < self.n - k + at) {
            let mut next = now.clone();
            next[at] += 1;
            for later in at + 1..k {
                next[later] = next[later - 1] + 1;
            }
            self.next = Some(next);
        }
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(groups: &[(&str, &[&str])]) -> Directory {
        let set = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let groups = groups.iter().map(|(name, members)| ((*name).to_owned(), set(members))).collect();
        Directory { groups, ..Directory::default() }
    }

    fn sets(quorums: &[&str], directory: &Directory, without: Option<&str>) -> Vec<String> {
        let quorums: Vec<Quorum> = quorums.iter().map(|text| text.parse().unwrap()).collect();
        let found = minimal(&quorums, directory, without).unwrap();
        assert!(found.complete);
        let text = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        found.sets.iter().map(text).collect()
    }

    #[test]
    fn quorums_are_chosen_and_joined() {
        let directory = directory(&[("f", &["a", "b", "c"]), ("s", &["c", "d"])]);
        assert_eq!(sets(&["2 of f"], &directory, None), ["a b", "a c", "b c"]);
        assert_eq!(sets(&["2 of f"], &directory, Some("a")), ["b c"]);
        // c stands in both groups, so two people are enough; with d it takes three.
        assert_eq!(sets(&["2 of f", "1 of s"], &directory, None), ["a c", "b c", "a b d"]);
        assert_eq!(sets(&["3 of f"], &directory, Some("a")), [""; 0]);
        assert_eq!(sets(&[], &directory, None), [""]);
        assert!(minimal(&["1 of nobody".parse().unwrap()], &directory, None).is_none());
    }

    #[test]
    fn many_sets_are_cut_short_and_said_to_be() {
        let names: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = minimal(&["10 of g".parse().unwrap()], &directory(&[("g", &names)]), None).unwrap();
        assert!(!found.complete);
        assert_eq!(found.sets.len(), MAX_SETS);
        assert!(found.sets.iter().all(|set| set.len() == 10));
    }
}

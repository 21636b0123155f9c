//! The choice against an exhaustive one, and a long fight against parties that do their worst.

use super::*;
use quorate_intent::PublicKey;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const COORDINATOR: PublicKey = PublicKey([200; 32]);

fn keys(n: usize) -> Vec<PublicKey> {
    (1..=n).map(|i| PublicKey([u8::try_from(i).unwrap(); 32])).collect()
}

fn pair(keys: &[PublicKey], a: usize, b: usize) -> Pair {
    Pair::new(keys[a], keys[b]).unwrap()
}

fn hard(keys: &[PublicKey], a: usize, b: usize, at: u64) -> Event {
    Event::Hard { pair: pair(keys, a, b), at }
}

fn all(n: usize) -> BTreeSet<usize> {
    (0..n).collect()
}

struct Case {
    parties: Vec<PublicKey>,
    threshold: usize,
    online: BTreeSet<usize>,
    out: BTreeSet<usize>,
    groups: Vec<PartyGroup>,
    failures: Vec<u32>,
    stocked: Vec<Vec<usize>>,
    now: u64,
}

impl Case {
    fn new(n: usize, threshold: usize) -> Self {
        let (groups, failures, stocked) = Default::default();
        Self {
            parties: keys(n),
            threshold,
            online: all(n),
            out: BTreeSet::new(),
            groups,
            failures,
            stocked,
            now: 100,
        }
    }

    fn choose(&self, graph: &Graph) -> Choice {
        graph.choose(&Need {
            epoch: self.epoch(),
            coordinator: COORDINATOR,
            online: &self.online,
            out: &self.out,
            groups: &self.groups,
            failures: &self.failures,
            stocked: &self.stocked,
            now: self.now,
        })
    }

    fn epoch(&self) -> Epoch<'_> {
        Epoch { parties: &self.parties, threshold: self.threshold, since: 0 }
    }

    /// Cost of a set by the words of §5.3; none if it may not sign.
    fn judge(&self, graph: &Graph, set: &[usize], candidates: &BTreeSet<usize>) -> Option<(u32, u32, u32)> {
        let key = |at: &usize| self.parties[*at];
        let free = |at: &usize| {
            candidates.contains(at) && !self.out.contains(at) && !graph.condemned_for(&key(at), &self.epoch())
        };
        let pairs = || set.iter().flat_map(|a| set.iter().filter(move |b| a < b).map(move |b| (a, b)));
        let apart = pairs().any(|(a, b)| graph.apart(&Pair::new(key(a), key(b)).unwrap()));
        let grouped = self
            .groups
            .iter()
            .all(|g| set.iter().filter(|at| g.members.contains(&key(at))).count() >= g.least);
        if set.len() != self.threshold || !set.iter().all(free) || apart || !grouped {
            return None;
        }
        let soft = |a: &PublicKey, b: &PublicKey| u32::from(graph.soft(a, b, self.now));
        let inside: u32 = pairs().map(|(a, b)| soft(&key(a), &key(b))).sum();
        let to_coordinator: u32 = set.iter().map(|at| soft(&key(at), &COORDINATOR)).sum();
        let failures = set.iter().map(|at| self.failures.get(*at).copied().unwrap_or(0)).sum();
        let degree =
            set.iter().map(|at| self.parties.iter().map(|other| soft(&key(at), other)).sum::<u32>()).sum();
        Some((inside + to_coordinator, failures, degree))
    }

    fn best(&self, graph: &Graph, candidates: &BTreeSet<usize>) -> Option<(u32, u32, u32)> {
        (0u32..1 << self.parties.len())
            .filter_map(|mask| {
                let set: Vec<usize> = (0..self.parties.len()).filter(|at| mask & (1 << at) != 0).collect();
                self.judge(graph, &set, candidates)
            })
            .min()
    }
}

fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    usize::try_from(rng.next_u32()).unwrap() % n
}

fn random_case(rng: &mut ChaCha20Rng) -> (Case, Graph) {
    let n = 2 + below(rng, 7);
    let mut case = Case::new(n, 2 + below(rng, n - 1));
    let mut graph = Graph::default();
    for a in 0..n {
        for b in a + 1..n {
            match below(rng, 8) {
                0 | 1 => drop(graph.apply(&hard(&case.parties, a, b, 50))),
                2 | 3 => drop(graph.apply(&Event::Soft { pair: pair(&case.parties, a, b), at: 90 })),
                _ => (),
            }
        }
        if below(rng, 8) == 0 {
            graph.apply(&Event::Soft { pair: Pair::new(case.parties[a], COORDINATOR).unwrap(), at: 90 });
        }
        if below(rng, 10) == 0 {
            graph.apply(&Event::Condemned { party: case.parties[a] });
        }
    }
    case.online = (0..n).filter(|_| below(rng, 5) != 0).collect();
    case.out = (0..n).filter(|_| below(rng, 12) == 0).collect();
    case.failures = (0..n).map(|_| u32::try_from(below(rng, 3)).unwrap()).collect();
    if below(rng, 3) == 0 {
        let members = case.parties.iter().filter(|_| below(rng, 2) == 0).copied().collect();
        case.groups.push(PartyGroup { members, least: 1 + below(rng, 2) });
    }
    (case, graph)
}

/// The search finds the best set, and says rightly why there is none.
#[test]
fn the_choice_is_the_best_of_all_sets() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut seen = BTreeMap::new();
    for round in 0..3000 {
        let (case, graph) = random_case(&mut rng);
        let everybody = all(case.parties.len());
        let (now, ever) = (case.best(&graph, &case.online), case.best(&graph, &everybody));
        let kind = match case.choose(&graph) {
            Choice::Set(set) => {
                assert_eq!(case.judge(&graph, &set, &case.online), now, "round {round}");
                0
            }
            Choice::Wait(missing) => {
                assert!(now.is_none() && ever.is_some() && !missing.is_empty(), "round {round}");
                assert!(missing.iter().all(|at| !case.online.contains(at)));
                1
            }
            Choice::Apart(pairs) => {
                assert!(ever.is_none() && !pairs.is_empty(), "round {round}");
                assert!(pairs.iter().all(|(a, b)| graph.apart(&pair(&case.parties, *a, *b))));
                2
            }
            Choice::Impossible => {
                let mut healed = Graph::default();
                for party in graph.all_condemned() {
                    healed.apply(&Event::Condemned { party });
                }
                // With condemnation by edges left as it is, healing would not help either.
                let by_edges: BTreeSet<usize> = (0..case.parties.len())
                    .filter(|at| graph.condemned_for(&case.parties[*at], &case.epoch()))
                    .collect();
                let rest = everybody.difference(&by_edges).copied().collect();
                assert!(ever.is_none() && case.best(&healed, &rest).is_none(), "round {round}");
                3
            }
        };
        *seen.entry(kind).or_insert(0) += 1;
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 20), "{seen:?}");
}

#[test]
fn stock_decides_among_equals_alone() {
    let mut case = Case::new(4, 2);
    let mut graph = Graph::default();
    case.stocked = vec![vec![2, 3], vec![1, 2]];
    assert_eq!(case.choose(&graph), Choice::Set(vec![2, 3]));
    graph.apply(&Event::Soft { pair: pair(&case.parties, 2, 3), at: case.now });
    assert_eq!(case.choose(&graph), Choice::Set(vec![0, 1]), "a party with a soft edge comes last");
    graph.apply(&hard(&case.parties, 0, 1, 5));
    case.stocked = vec![vec![0, 1], vec![9, 1], vec![0, 1, 2]];
    assert_ne!(case.choose(&graph), Choice::Set(vec![0, 1]), "stock does not undo an edge");
}

/// §4.2 and §5.2: a fresh set-up counts for the choice and not for condemnation; an order lifts both.
#[test]
fn renewal_heals_the_choice_and_not_the_count() {
    let case = Case::new(3, 2);
    let mut graph = Graph::default();
    let edge = hard(&case.parties, 0, 1, 10);
    assert!(graph.apply(&edge) && !graph.apply(&edge));
    assert!(graph.apart(&pair(&case.parties, 0, 1)));
    assert!(graph.apply(&Event::Renewed { pair: pair(&case.parties, 0, 1) }));
    assert!(!graph.apply(&Event::Renewed { pair: pair(&case.parties, 0, 1) }), "nothing new");
    assert_eq!(case.choose(&graph), Choice::Set(vec![0, 1]));
    graph.apply(&hard(&case.parties, 0, 2, 11));
    assert!(graph.condemned_for(&case.parties[0], &case.epoch()), "edges to two others, one of them renewed");
    assert!(!graph.condemned(&case.parties[0]), "for this key alone");
    assert!(graph.apply(&Event::Lifted { pair: pair(&case.parties, 0, 1) }));
    assert!(!graph.condemned_for(&case.parties[0], &case.epoch()));
    assert!(graph.apply(&hard(&case.parties, 0, 1, 12)) && graph.apart(&pair(&case.parties, 0, 1)));
}

/// Edges count only within the epoch, only to its parties, and only from as many as cannot all be corrupt.
#[test]
fn condemnation_by_edges_has_its_bounds() {
    let case = Case::new(7, 3);
    let mut graph = Graph::default();
    let outsider = PublicKey([90; 32]);
    for other in 1..=4 {
        graph.apply(&hard(&case.parties, 0, other, 20));
        graph.apply(&Event::Hard { pair: Pair::new(case.parties[0], outsider).unwrap(), at: 20 });
        // n−t = 4 may be bad when t honest parties are all that is left, which is more than t−1 (§5.2).
        assert!(!graph.condemned_for(&case.parties[0], &case.epoch()), "{other}");
    }
    graph.apply(&hard(&case.parties, 0, 5, 20));
    assert!(graph.condemned_for(&case.parties[0], &case.epoch()));
    let later = Epoch { since: 21, ..case.epoch() };
    assert!(!graph.condemned_for(&case.parties[0], &later), "an edge of an earlier epoch");
    let majority = Epoch { threshold: 5, ..case.epoch() };
    graph.apply(&Event::Lifted { pair: pair(&case.parties, 0, 5) });
    assert!(!graph.condemned_for(&case.parties[0], &majority), "below t");
}

/// §5.2, §5.3: evidence keeps a party out of every set, for every key, with no edge at all.
#[test]
fn whom_evidence_condemns_is_in_no_set() {
    let case = Case::new(3, 2);
    let mut graph = Graph::default();
    let event = Event::Condemned { party: case.parties[0] };
    assert!(graph.apply(&event) && !graph.apply(&event));
    assert!(graph.condemned_for(&case.parties[0], &case.epoch()));
    assert!(
        graph.condemned_for(&case.parties[0], &Epoch { since: 1000, ..case.epoch() }),
        "in a later epoch too"
    );
    assert_eq!(case.choose(&graph), Choice::Set(vec![1, 2]));
    graph.apply(&Event::Condemned { party: case.parties[1] });
    assert_eq!(case.choose(&graph), Choice::Impossible);
}

#[test]
fn twenty_parties_at_worst_are_searched_through() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut case = Case::new(20, 10);
    let mut graph = Graph::default();
    for a in 0..20 {
        for b in a + 1..20 {
            if below(&mut rng, 2) == 0 {
                graph.apply(&Event::Soft { pair: pair(&case.parties, a, b), at: 90 });
            }
        }
    }
    let Choice::Set(set) = case.choose(&graph) else { panic!("no set") };
    assert_eq!(set.len(), 10);
    // A triangle-rich graph without a clique of ten: the search says so.
    case.stocked.clear();
    for a in 0..20 {
        for b in a + 1..20 {
            if a % 9 == b % 9 {
                graph.apply(&hard(&case.parties, a, b, 1));
            }
        }
    }
    assert!(matches!(case.choose(&graph), Choice::Apart(_)));
}

/// What a corrupt member of a set may do to it.
fn spoil(
    rng: &mut ChaCha20Rng,
    graph: &mut Graph,
    case: &Case,
    set: &[usize],
    bad: &BTreeSet<usize>,
) -> (u32, u32) {
    let members: Vec<usize> = set.iter().copied().filter(|at| bad.contains(at)).collect();
    let culprit = members[below(rng, members.len())];
    let others: Vec<usize> = set.iter().copied().filter(|at| *at != culprit).collect();
    let other = others[below(rng, others.len())];
    let keys = &case.parties;
    match below(rng, 6) {
        // Caught by evidence.
        0 => {
            graph.apply(&Event::Condemned { party: keys[culprit] });
            (1, 0)
        }
        // It lies to one, or accuses one falsely: the same edge.
        1 | 2 => {
            graph.apply(&hard(keys, culprit, other, case.now));
            (1, 0)
        }
        // It is silent toward the coordinator.
        3 => {
            graph.apply(&Event::Soft { pair: Pair::new(keys[culprit], COORDINATOR).unwrap(), at: case.now });
            (0, 1)
        }
        // It is silent toward members, who then are late for one another.
        _ => {
            graph.apply(&Event::Soft { pair: pair(keys, culprit, other), at: case.now });
            if others.len() > 1 && below(rng, 3) == 0 {
                graph.apply(&Event::Soft { pair: pair(keys, others[0], others[1]), at: case.now });
            }
            (0, 1)
        }
    }
}

/// The properties of §5: honest parties stay a clique and uncondemned, a set exists while t honest are online, hard
/// failures are bounded by pairs and parties, and in the end the honest sign.
#[test]
fn the_worst_parties_lose_in_bounded_time() {
    for (n, t, seeds) in [(3, 2, 400), (5, 3, 400), (7, 3, 300), (7, 5, 200), (10, 7, 50), (20, 11, 10)] {
        for seed in 0..seeds {
            let mut rng = ChaCha20Rng::seed_from_u64(seed * 1000 + n as u64);
            let mut case = Case::new(n, t);
            let mut graph = Graph::default();
            let mut bad = BTreeSet::new();
            while bad.len() < n - t {
                bad.insert(below(&mut rng, n));
            }
            let honest: Vec<usize> = (0..n).filter(|at| !bad.contains(at)).collect();
            let bound = bad.len() * n + bad.len();
            let (mut hard_failures, mut soft_failures) = (0, 0);
            loop {
                let Choice::Set(set) = case.choose(&graph) else {
                    panic!("no set for {t} of {n}, seed {seed}, though {t} honest parties are online")
                };
                for (i, a) in honest.iter().enumerate() {
                    assert!(
                        !graph.condemned_for(&case.parties[*a], &case.epoch()),
                        "an honest party is condemned"
                    );
                    assert!(honest[i + 1..].iter().all(|b| !graph.apart(&pair(&case.parties, *a, *b))));
                }
                if set.iter().all(|at| !bad.contains(at)) {
                    break;
                }
                let (hard, soft) = spoil(&mut rng, &mut graph, &case, &set, &bad);
                hard_failures += hard;
                soft_failures += soft;
                case.now += 5;
                assert!(
                    hard_failures as usize <= bound,
                    "{hard_failures} hard failures, {t} of {n}, seed {seed}"
                );
                assert!(
                    soft_failures as usize <= 12 * n,
                    "{soft_failures} soft failures, {t} of {n}, seed {seed}"
                );
            }
        }
    }
}

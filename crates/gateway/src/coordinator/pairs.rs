//! Pair states for threshold ECDSA (docs/spec §4.1): which pairs lack one, and setting them up, while all others go on.

use crate::gateway::Gateway;
use quorate_coordination::disputes::Pair;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::PublicKey;
use rand_core::{OsRng, RngCore};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// A renewal this recent is not done again for the next key.
const ONCE: Duration = Duration::from_secs(60);

/// Nodes that failed, each with its problem.
pub type Problems = Vec<(PublicKey, String)>;

/// One lock for each pair: presigning shares it, a set-up has it alone. So a renewal holds up the runs that need this
/// very pair, for as long as it takes, and no other; what is in stock is signed with meanwhile.
#[derive(Default)]
pub struct PairLocks(Mutex<BTreeMap<Pair, Arc<RwLock<()>>>>);

impl PairLocks {
    fn of(&self, pair: &Pair) -> Arc<RwLock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(*pair).or_default())
    }

    /// Shares every pair among `parties`. All callers take them in one order, so none waits for another in a circle.
    pub async fn share(&self, parties: &[PublicKey]) -> Vec<OwnedRwLockReadGuard<()>> {
        let mut guards = Vec::new();
        for pair in all(parties) {
            guards.push(self.of(&pair).read_owned().await);
        }
        guards
    }
}

/// All pairs among some parties, ascending.
fn all(parties: &[PublicKey]) -> BTreeSet<Pair> {
    let pairs = parties.iter().flat_map(|a| parties.iter().filter_map(|b| Pair::new(*a, *b)));
    pairs.collect()
}

/// Sets up every pair among `parties` that the two ends do not agree to have; pairs that a hard edge keeps apart are left
/// alone. A pair that fails holds up no other.
///
/// # Errors
/// The nodes that failed.
pub async fn ensure(gateway: &Gateway, parties: &[PublicKey]) -> Result<(), Problems> {
    let mut missing = lacking(gateway, parties).await?;
    gateway.coordinator.disputes.with(|graph| missing.retain(|pair| !graph.apart(pair)));
    let mut problems = Vec::new();
    while !missing.is_empty() {
        for result in set_up_round(gateway, disjoint(&mut missing), false).await {
            problems.extend(result.err().unwrap_or_default());
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Sets a pair up anew, whatever there was.
///
/// # Errors
/// The nodes that failed.
pub async fn renew(gateway: &Gateway, pair: Pair) -> Result<(), Problems> {
    set_up_round(gateway, vec![pair], true).await.pop().unwrap_or(Ok(()))
}

/// Sets up every pair among `parties` anew, whatever there is, unless that was done a moment ago: several keys that are
/// refreshed one after another share one renewal.
///
/// # Errors
/// The nodes that failed.
pub async fn renew_all(gateway: &Gateway, parties: &[PublicKey]) -> Result<(), Problems> {
    let members: BTreeSet<PublicKey> = parties.iter().copied().collect();
    let last = gateway.coordinator.renewed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if last.is_some_and(|(of, at)| members.is_subset(&of) && at.elapsed() < ONCE) {
        return Ok(());
    }
    let mut pairs: Vec<Pair> = all(parties).into_iter().collect();
    // A hard edge is healed by its own rule (§4.2), not by a refresh.
    gateway.coordinator.disputes.with(|graph| pairs.retain(|pair| !graph.apart(pair)));
    let mut problems = Vec::new();
    while !pairs.is_empty() {
        for result in set_up_round(gateway, disjoint(&mut pairs), true).await {
            problems.extend(result.err().unwrap_or_default());
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut renewed = gateway.coordinator.renewed.lock().unwrap_or_else(PoisonError::into_inner);
    *renewed = Some((members, Instant::now()));
    Ok(())
}

/// Sets pairs up beside one another.
async fn set_up_round(gateway: &Gateway, pairs: Vec<Pair>, anew: bool) -> Vec<Result<(), Problems>> {
    let mut guards = Vec::new();
    let mut calls = Vec::new();
    let mut round = Vec::new();
    for pair in pairs {
        guards.push(gateway.coordinator.pairs.of(&pair).write_owned().await);
        let [a, b] = pair.ends();
        // Somebody else may have set it up while this waited for its turn.
        if !anew && lacking(gateway, &[a, b]).await.is_ok_and(|missing| missing.is_empty()) {
            continue;
        }
        let mut ceremony = [0; 32];
        OsRng.fill_bytes(&mut ceremony);
        calls.push((a, NodeRequest::SetupPair { ceremony, peer: b }));
        calls.push((b, NodeRequest::SetupPair { ceremony, peer: a }));
        round.push(pair);
    }
    let answers = gateway.nodes.call_all(calls, gateway.signing.ceremony_timeout).await;
    drop(guards);
    let failed = |ends: &[(PublicKey, Result<NodeResponse, crate::nodes::CallError>)]| {
        let problem = |(key, answer): &(PublicKey, Result<NodeResponse, crate::nodes::CallError>)| {
            answer.as_ref().err().map(|error| (*key, format!("pair set-up: {error}")))
        };
        let problems: Problems = ends.iter().filter_map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    };
    tracing::debug!(pairs = round.len(), "pair states were set up");
    answers.chunks(2).map(failed).collect()
}

/// The pairs whose two ends do not name the same state.
async fn lacking(gateway: &Gateway, parties: &[PublicKey]) -> Result<Vec<Pair>, Problems> {
    let peers_of = |key: &PublicKey| parties.iter().filter(|peer| *peer != key).copied().collect::<Vec<_>>();
    let calls = parties.iter().map(|key| (*key, NodeRequest::Pairs { peers: peers_of(key) })).collect();
    let mut states: BTreeMap<(PublicKey, PublicKey), [u8; 32]> = BTreeMap::new();
    let mut problems = Vec::new();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.quick_timeout()).await {
        let peers = peers_of(&key);
        match answer {
            Ok(NodeResponse::Pairs(ids)) if ids.len() == peers.len() => {
                let named =
                    peers.into_iter().zip(ids).filter_map(|(peer, id)| id.map(|id| ((key, peer), id)));
                states.extend(named);
            }
            Ok(_) => problems.push((key, "an answer that does not fit the call".into())),
            Err(error) => problems.push((key, error.to_string())),
        }
    }
    if problems.is_empty() { Ok(unlike(parties, &states)) } else { Err(problems) }
}

fn unlike(parties: &[PublicKey], states: &BTreeMap<(PublicKey, PublicKey), [u8; 32]>) -> Vec<Pair> {
    let lacks = |pair: &Pair| {
        let [a, b] = pair.ends();
        let (one, other) = (states.get(&(a, b)), states.get(&(b, a)));
        one.is_none() || one != other
    };
    all(parties).into_iter().filter(lacks).collect()
}

/// Takes pairs out that have no party in common: they can be set up at the same time.
fn disjoint(pairs: &mut Vec<Pair>) -> Vec<Pair> {
    let mut busy = BTreeSet::new();
    let mut round = Vec::new();
    pairs.retain(|pair| {
        let free = pair.ends().iter().all(|end| !busy.contains(end));
        if free {
            busy.extend(pair.ends());
            round.push(*pair);
        }
        !free
    });
    round
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn key(n: u8) -> PublicKey {
        PublicKey([n; 32])
    }

    #[test]
    fn rounds_are_disjoint_and_cover_all_pairs() {
        let parties: Vec<_> = (1..=5).map(key).collect();
        let mut missing = unlike(&parties, &BTreeMap::new());
        assert_eq!(missing.len(), 10);
        let mut seen = BTreeSet::new();
        while !missing.is_empty() {
            let round = disjoint(&mut missing);
            let ends: BTreeSet<_> = round.iter().flat_map(Pair::ends).collect();
            assert_eq!(ends.len(), 2 * round.len(), "a party stands in two pairs of one round");
            seen.extend(round);
        }
        assert_eq!(seen.len(), 10);
    }

    #[test]
    fn a_state_counts_only_when_both_ends_name_it() {
        let parties = [key(1), key(2)];
        let states = |a: Option<u8>, b: Option<u8>| {
            let one = a.map(|id| ((key(1), key(2)), [id; 32]));
            let other = b.map(|id| ((key(2), key(1)), [id; 32]));
            one.into_iter().chain(other).collect::<BTreeMap<_, _>>()
        };
        assert!(unlike(&parties, &states(Some(7), Some(7))).is_empty());
        for (a, b) in [(None, None), (Some(7), None), (None, Some(7)), (Some(7), Some(8))] {
            assert_eq!(unlike(&parties, &states(a, b)), vec![Pair::new(key(1), key(2)).unwrap()]);
        }
    }

    /// A set-up of one pair holds up the runs with that pair and no other.
    #[tokio::test]
    async fn a_renewal_stops_its_own_pair_alone() {
        let locks = PairLocks::default();
        let renewal = locks.of(&Pair::new(key(1), key(2)).unwrap()).write_owned().await;
        let soon = Duration::from_millis(50);
        for (parties, goes_on) in [([1, 2, 3], false), ([1, 3, 4], true), ([2, 3, 4], true)] {
            let parties = parties.map(key);
            assert_eq!(timeout(soon, locks.share(&parties)).await.is_ok(), goes_on, "{parties:?}");
        }
        drop(renewal);
        assert_eq!(timeout(soon, locks.share(&[key(3), key(2), key(1)])).await.unwrap().len(), 3);
    }
}

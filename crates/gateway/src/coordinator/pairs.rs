//! Pair states for threshold ECDSA (docs/spec §4.1): which pairs lack one, and setting them up.

use crate::gateway::Gateway;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::PublicKey;
use rand_core::{OsRng, RngCore};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A renewal this recent is not done again for the next key.
const ONCE: Duration = Duration::from_secs(60);

type Pair = (PublicKey, PublicKey);

/// Sets up every pair among `parties` that the two ends do not agree to have. The caller holds the pairs for itself.
///
/// # Errors
/// The nodes that failed, each with its problem.
pub async fn ensure(gateway: &Gateway, parties: &[PublicKey]) -> Result<(), Vec<(PublicKey, String)>> {
    let missing = lacking(gateway, parties).await?;
    set_up(gateway, missing).await
}

/// Sets up every pair among `parties` anew, whatever there is, unless that was done a moment ago: several keys that are
/// refreshed one after another share one renewal. The caller holds the pairs for itself.
///
/// # Errors
/// The nodes that failed, each with its problem.
pub async fn renew(gateway: &Gateway, parties: &[PublicKey]) -> Result<(), Vec<(PublicKey, String)>> {
    let all: BTreeSet<PublicKey> = parties.iter().copied().collect();
    let last = gateway.coordinator.renewed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if last.is_some_and(|(of, at)| all.is_subset(&of) && at.elapsed() < ONCE) {
        return Ok(());
    }
    set_up(gateway, unlike(parties, &BTreeMap::new())).await?;
    let mut renewed = gateway.coordinator.renewed.lock().unwrap_or_else(PoisonError::into_inner);
    *renewed = Some((all, Instant::now()));
    Ok(())
}

async fn set_up(gateway: &Gateway, mut missing: Vec<Pair>) -> Result<(), Vec<(PublicKey, String)>> {
    while !missing.is_empty() {
        let round = disjoint(&mut missing);
        let mut calls = Vec::new();
        for (a, b) in &round {
            let mut ceremony = [0; 32];
            OsRng.fill_bytes(&mut ceremony);
            calls.push((*a, NodeRequest::SetupPair { ceremony, peer: *b }));
            calls.push((*b, NodeRequest::SetupPair { ceremony, peer: *a }));
        }
        let mut problems = Vec::new();
        for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.ceremony_timeout).await {
            if let Err(error) = answer {
                problems.push((key, format!("pair set-up: {error}")));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        tracing::debug!(pairs = round.len(), "pair states set up");
    }
    Ok(())
}

/// Whether every pair among `parties` has its state.
pub async fn complete(gateway: &Gateway, parties: &[PublicKey]) -> Result<bool, Vec<(PublicKey, String)>> {
    lacking(gateway, parties).await.map(|missing| missing.is_empty())
}

/// The pairs whose two ends do not name the same state.
async fn lacking(gateway: &Gateway, parties: &[PublicKey]) -> Result<Vec<Pair>, Vec<(PublicKey, String)>> {
    let peers_of = |key: &PublicKey| parties.iter().filter(|peer| *peer != key).copied().collect::<Vec<_>>();
    let calls = parties.iter().map(|key| (*key, NodeRequest::Pairs { peers: peers_of(key) })).collect();
    let mut states: BTreeMap<Pair, [u8; 32]> = BTreeMap::new();
    let mut problems = Vec::new();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
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
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(unlike(parties, &states))
}

fn unlike(parties: &[PublicKey], states: &BTreeMap<Pair, [u8; 32]>) -> Vec<Pair> {
    let mut missing = Vec::new();
    for (at, a) in parties.iter().enumerate() {
        for b in &parties[at + 1..] {
            let (one, other) = (states.get(&(*a, *b)), states.get(&(*b, *a)));
            if one.is_none() || one != other {
                missing.push((*a, *b));
            }
        }
    }
    missing
}

/// Takes pairs out that have no party in common: they can be set up at the same time.
fn disjoint(pairs: &mut Vec<Pair>) -> Vec<Pair> {
    let mut busy = BTreeSet::new();
    let mut round = Vec::new();
    pairs.retain(|(a, b)| {
        let free = !busy.contains(a) && !busy.contains(b);
        if free {
            busy.extend([*a, *b]);
            round.push((*a, *b));
        }
        !free
    });
    round
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let ends: BTreeSet<_> = round.iter().flat_map(|(a, b)| [*a, *b]).collect();
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
            assert_eq!(unlike(&parties, &states(a, b)), vec![(key(1), key(2))]);
        }
    }
}

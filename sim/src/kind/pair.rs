//! Pair set-up (docs/spec §4.1) between two parties of the world.

use super::{Job, Ready, Refused};
use crate::World;
use crate::byzantine::{Lie, tell};
use crate::node::{Keep, Then};
use crate::run::{self, Made};
use quorate_ceremonies::Pair;
use quorate_protocols::ot::PairState;
use quorate_session::{Config, Limits, Own, Participants, Terms};
use quorate_sharing::Secp256k1;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sets up the pair with `peer` anew.
pub fn job(id: [u8; 32], peer: usize, lie: Option<Lie>) -> Job {
    Box::new(move |world, at| {
        let parties = world.keys(&[at, peer]);
        let participants =
            Participants::by_key::<Secp256k1>(parties).map_err(|error| Refused { id, error })?;
        let boot = world.nodes[at].up.as_ref().map_or([0; 16], |up| up.boot);
        let config = Config {
            ceremony: id,
            participants,
            terms: Terms {
                suite: "ecdsa-secp256k1".into(),
                purpose: "pair".into(),
                order: [0; 32],
                order_number: 0,
                key: [0; 16],
                base_epoch: None,
                threshold: 2,
                extra: vec![("governance".into(), world.people.genesis.hash().0.to_vec())],
            },
            own: Own { boot, pairs: BTreeMap::new(), told_try: 0 },
            limits: Limits::default(),
        };
        let node = &mut world.nodes[at];
        let protocol = tell(Box::new(Pair), lie, &node.rng);
        let made: fn(PairState) -> Made = |pair| Made::Pair(Box::new(pair));
        let identity = Arc::clone(&node.identity);
        let begun = run::begin(config, &identity, protocol, made, world.now, &mut node.rng);
        let (run, orders) = begun.map_err(|error| Refused { id, error })?;
        Ok(Ready { id, name: "pair", run, orders, keep: Keep::Nothing, then: Then::Pair(peer) })
    })
}

/// The pairs of a set that some end does not hold any more, or holds differently.
pub fn stale(world: &World, set: &[usize]) -> Vec<(usize, usize)> {
    let id = |at: usize, peer: usize| {
        let slot = world.nodes[at].up.as_ref()?.pairs.get(&peer)?;
        let pair = crate::node::lock(slot);
        (!pair.is_poisoned()).then_some(pair.id)
    };
    let mut stale = Vec::new();
    for (nth, at) in set.iter().enumerate() {
        for peer in &set[nth + 1..] {
            if id(*at, *peer).is_none() || id(*at, *peer) != id(*peer, *at) {
                stale.push((*at, *peer));
            }
        }
    }
    stale
}

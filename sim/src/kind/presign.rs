//! Presign (docs/spec §4.3) among t parties of the world.

use super::{Job, Ready, Refused, refused};
use crate::World;
use crate::byzantine::{Lie, tell};
use crate::node::{Keep, Pairs, Share, Then};
use crate::run::{self, Made};
use quorate_ceremonies::Presign;
use quorate_intent::WalletId;
use quorate_protocols::dkls::Presignature;
use quorate_session::{Config, Limits, Own, Participants, Terms};
use quorate_sharing::{Index, Secp256k1};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes presignatures of a wallet for exactly this set of parties.
pub fn job(id: [u8; 32], wallet: WalletId, set: Vec<usize>, count: u16, lie: Option<Lie>) -> Job {
    Box::new(move |world, at| {
        let (config, protocol, pairs) = prepare(world, at, id, (wallet, &set, count))?;
        let node = &mut world.nodes[at];
        let protocol = tell(Box::new(protocol), lie, &node.rng);
        let identity = Arc::clone(&node.identity);
        let made: fn(Vec<Presignature>) -> Made = Made::Presignatures;
        let begun = run::begin(config, &identity, protocol, made, world.now, &mut node.rng);
        let (run, orders) = begun.map_err(|error| Refused { id, error })?;
        Ok(Ready { id, name: "presign", run, orders, keep: Keep::Nothing, then: Then::Stock(pairs) })
    })
}

fn prepare(
    world: &World,
    at: usize,
    id: [u8; 32],
    (wallet, set, count): (WalletId, &[usize], u16),
) -> Result<(Config, Presign<Pairs>, Pairs), Refused> {
    let up = world.nodes[at].up.as_ref().ok_or_else(|| refused(id, "down"))?;
    let key = up.keys.get(&wallet).ok_or_else(|| refused(id, "no share of this wallet"))?;
    let Share::Secp256k1(share) = &key.share else { return Err(refused(id, "not an ECDSA key")) };
    let record = &key.certificate.record;
    let (mut list, mut pairs) = (Vec::new(), BTreeMap::new());
    for member in set {
        let public = world.nodes[*member].key();
        let index = record.index_of(&public).and_then(|index| Index::new(index).ok());
        let index = index.ok_or_else(|| refused(id, "not a party of the key"))?;
        list.push((index, public));
        if *member != at {
            let slot = up.pairs.get(member).filter(|slot| !crate::node::lock(slot).is_poisoned());
            pairs.insert(index, slot.ok_or_else(|| refused(id, "no pair state"))?.clone());
        }
    }
    let pairs = Pairs(pairs);
    let participants = Participants::new::<Secp256k1>(list).map_err(|error| Refused { id, error })?;
    let config = Config {
        ceremony: id,
        participants,
        terms: Terms {
            suite: record.suite.to_string(),
            purpose: "presign".into(),
            order: record.order.0,
            order_number: record.attempt.order_number,
            key: record.wallet.0,
            base_epoch: Some(record.hash().0),
            threshold: u16::try_from(set.len()).unwrap_or(u16::MAX),
            extra: vec![("count".into(), count.to_be_bytes().to_vec())],
        },
        own: Own { boot: up.boot, pairs: pairs.ids(), told_try: 0 },
        limits: Limits { max_message: 8 << 20, ..Limits::default() },
    };
    let protocol = Presign {
        share: Arc::clone(share),
        record: record.hash().0,
        epoch: record.attempt.to_bytes().to_vec(),
        pairs: pairs.clone(),
        count: usize::from(count),
    };
    Ok((config, protocol, pairs))
}

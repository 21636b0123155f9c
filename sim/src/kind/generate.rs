//! Generate (docs/spec §2.1) at a party of the world: when it takes part.

use super::{Job, Ready, refused};
use crate::World;
use crate::byzantine::{Lie, tell};
use crate::node::{Group, Keep, Then};
use crate::people::Approved;
use crate::run::{self, Begun, Made, NewKey};
use quorate_ceremonies::{Generate, Generated};
use quorate_coordination::Proof;
use quorate_intent::OrderKind;
use quorate_policy::Decision;
use quorate_session::{Config, Limits, Own, Participants, SessionError, Terms};
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use quorate_vault::VaultError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes part in a generation, if the order is approved and nothing forbids it here.
pub fn job(id: [u8; 32], approved: Approved, group: Group, lie: Option<Lie>) -> Job {
    Box::new(move |world, at| {
        let order = approved.order().clone();
        let decision = quorate_policy::decide(
            &world.people.genesis,
            &approved.intent,
            &approved.approvals,
            world.time(),
        );
        if let Decision::Deny { reason, .. } = decision {
            return Err(refused(id, reason.to_string()));
        }
        world.groups.insert(order.wallet, group);
        let told_try = told_try(world, at, &approved).map_err(|reason| refused(id, reason))?;
        let config =
            config(world, at, id, &approved, told_try).map_err(|error| super::Refused { id, error })?;
        let begun = match group {
            Group::Toy13 => begin::<Toy13>(world, at, &approved, config, lie),
            Group::Toy199 => begin::<Toy199>(world, at, &approved, config, lie),
            Group::Secp256k1 => begin::<Secp256k1>(world, at, &approved, config, lie),
            Group::Ed25519 => begin::<Ed25519>(world, at, &approved, config, lie),
        };
        let (run, orders) = begun.map_err(|error| super::Refused { id, error })?;
        let (wallet, number) = (order.wallet, order.number);
        let keep = Keep::Epoch { wallet, number, order: approved.hash(), base: None };
        Ok(Ready { id, name: "generate", run, orders, keep, then: Then::Activate(Box::new(approved)) })
    })
}

fn begin<C: Curve>(
    world: &mut World,
    at: usize,
    approved: &Approved,
    config: Config,
    lie: Option<Lie>,
) -> Begun {
    let order = approved.order();
    let OrderKind::Generate { suite, parties, label, .. } = &order.kind else {
        return Err(SessionError::Config("not a generate order"));
    };
    let (hash, parties) = ((approved.hash(), order.number), parties.clone());
    let terms = Generate::new(order.wallet, *suite, label.clone(), hash, parties);
    let node = &mut world.nodes[at];
    let protocol = tell(terms.protocol::<C>(), lie, &node.rng);
    run::begin(config, &Arc::clone(&node.identity), protocol, made::<C>, world.now, &mut node.rng)
}

fn made<C: Curve>(generated: Generated<C>) -> Made {
    // The share is in the vault as pending; from there it is opened like any other.
    let Generated { share: _, record, signatures } = generated;
    Made::Key(Box::new(NewKey { record, proof: Proof::Generate { signatures } }))
}

/// The last try of this order that the party took part in, or why it must not take part in another.
fn told_try(world: &World, at: usize, approved: &Approved) -> Result<u32, String> {
    let order = approved.order();
    let wallet = order.wallet;
    let Some(up) = &world.nodes[at].up else { return Err("down".into()) };
    world.block(async {
        let text = |error: VaultError| error.to_string();
        if up.vault.certificate(&wallet).await.map_err(text)?.is_some() {
            return Err("the wallet exists".into());
        }
        if let Some(kept) = up.vault.pendings(&wallet).await.map_err(text)?.first() {
            return Err(format!("the share of {} is kept", kept.attempt));
        }
        match up.vault.accepted_order(&wallet).await.map_err(text)? {
            Some(last) if last.number > order.number => Err("a higher order was accepted".into()),
            Some(last) if last.number == order.number && last.order != approved.hash() => {
                Err("another order has this number".into())
            }
            Some(last) if last.number == order.number => Ok(last.attempt_try),
            _ => Ok(0),
        }
    })
}

fn config(
    world: &World,
    at: usize,
    ceremony: [u8; 32],
    approved: &Approved,
    told_try: u32,
) -> Result<Config, SessionError> {
    let order = approved.order();
    let OrderKind::Generate { suite, threshold, parties, .. } = &order.kind else {
        return Err(SessionError::Config("not a generate order"));
    };
    let boot = world.nodes[at].up.as_ref().map_or([0; 16], |up| up.boot);
    Ok(Config {
        ceremony,
        participants: Participants::by_key::<Secp256k1>(parties.iter().copied())?,
        terms: Terms {
            suite: suite.to_string(),
            purpose: "generate".into(),
            order: approved.hash().0,
            order_number: order.number,
            key: order.wallet.0,
            base_epoch: None,
            threshold: *threshold,
            extra: Vec::new(),
        },
        own: Own { boot, pairs: BTreeMap::new(), told_try },
        limits: Limits::default(),
    })
}

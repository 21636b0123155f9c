//! Reshare (docs/spec §2.2, §2.3) at a party of the world: as a dealer, a recipient or both, in the order of a node.

use super::certificates::{self, Source};
use super::{Job, Ready, Refused, check, refused};
use crate::World;
use crate::byzantine::{Lie, tell};
use crate::node::{Group, Keep, Share, Then};
use crate::people::Approved;
use crate::run::{self, Begun, Made, NewKey};
use quorate_ceremonies::reshare::{self as ceremony, Outcome};
use quorate_coordination::{Certificate, Proof, Resharing, WalletRecord};
use quorate_intent::OrderKind;
use quorate_policy::Decision;
use quorate_protocols::key::KeyShare;
use quorate_session::{Config, Limits, Own, SessionError};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use quorate_vault::{AcceptedOrder, Body};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a party is asked.
#[derive(Clone)]
pub struct Asked {
    /// The order with its approvals.
    pub approved: Approved,
    /// The epoch to start from.
    pub base: Certificate,
    /// D.
    pub dealers: Vec<u16>,
}

/// Takes part in a reshare, if the order is approved and nothing forbids it here.
pub fn job(id: [u8; 32], asked: Asked, lie: Option<Lie>) -> Job {
    Box::new(move |world, at| {
        let plan = plan(world, &asked).map_err(|reason| refused(id, reason))?;
        let base = asked.base.record.clone();
        let me = world.nodes[at].key();
        let (deals, receives) = (plan.dealers().contains(&me), plan.recipients().contains(&me));
        if !deals && !receives {
            return Err(refused(id, "neither a dealer nor a recipient"));
        }
        if busy(world, at, &base) {
            return Err(refused(id, "the key is in another ceremony"));
        }
        // The highest certificate wins, whoever brings it. What a refusal means for this order is judged below.
        if base.index_of(&me).is_some() {
            let _ = certificates::certify(world, at, &asked.base, Source::Gateway);
        }
        let told_try = told_try(world, at, &plan).map_err(|reason| refused(id, reason))?;
        let share = if deals { Some(own_share(world, at, id, &base)?) } else { None };
        let (number, order) = (plan.order_number(), plan.order());
        let entry = quorate_audit::Ceremony {
            order,
            wallet: base.wallet,
            kind: quorate_audit::CeremonyKind::Reshare,
            order_number: number,
            attempt_try: told_try.saturating_add(1),
        };
        certificates::note(world, at, Body::CeremonyStarted(entry));
        let keep = Keep::Epoch { wallet: base.wallet, number, order, base: Some(base.attempt) };
        let begun = config(world, at, id, &plan, told_try).and_then(|config| {
            let group = world.groups.get(&base.wallet).copied();
            match group {
                Some(Group::Ed25519) => begin::<Ed25519>(world, at, plan, (config, share), lie),
                Some(Group::Secp256k1) => begin::<Secp256k1>(world, at, plan, (config, share), lie),
                _ => Err(SessionError::Config("no reshare in this group")),
            }
        });
        let (run, orders) = begun.map_err(|error| Refused { id, error })?;
        let then = Then::Activate(Box::new(asked.approved));
        Ok(Ready { id, name: "reshare", run, orders, keep, then })
    })
}

/// Whether order and base allow it.
fn plan(world: &mut World, asked: &Asked) -> Result<Resharing, String> {
    let Asked { approved, base, dealers } = asked;
    let genesis = &world.people.genesis;
    let order = approved.order();
    let by_schedule =
        matches!(order.kind, OrderKind::Schedule { .. }) || base.record.order == approved.hash();
    let decision = if by_schedule {
        quorate_policy::decide_schedule(genesis, &approved.intent, &approved.approvals, world.time())
    } else {
        quorate_policy::decide(genesis, &approved.intent, &approved.approvals, world.time())
    };
    if let Decision::Deny { reason, .. } = decision {
        return Err(reason.to_string());
    }
    check::certificate(world, base)?;
    if base.destroys() {
        return Err("a destroyed key has no epoch to start from".into());
    }
    Resharing::new(&approved.intent, base.record.clone(), dealers.clone()).map_err(|error| error.to_string())
}

/// Whether another ceremony of the key runs here.
fn busy(world: &World, at: usize, base: &WalletRecord) -> bool {
    let Some(up) = &world.nodes[at].up else { return true };
    let same = |keep: &Keep| matches!(keep, Keep::Epoch { wallet, .. } if *wallet == base.wallet);
    up.runs.values().any(|live| !live.ended && same(&live.keep))
}

/// The last try of this order that the party knows of, or why it must not take part in another.
fn told_try(world: &World, at: usize, plan: &Resharing) -> Result<u32, String> {
    let up = world.nodes[at].up.as_ref().ok_or("down")?;
    let epochs = world.block(up.vault.epochs(&plan.base().wallet)).map_err(|error| error.to_string())?;
    let (number, order) = (plan.order_number(), plan.order());
    let told = epochs.told_try(number, &order);
    let attempt_try = told.checked_add(1).ok_or("the order is used up")?;
    let new = AcceptedOrder { number, attempt_try, order };
    epochs.accept(new, Some(plan.base().attempt)).map_err(|refusal| refusal.to_string())?;
    Ok(told)
}

/// A dealer's share of the base, which must be the epoch that it has open.
fn own_share(world: &World, at: usize, id: [u8; 32], base: &WalletRecord) -> Result<(), Refused> {
    let open = world.nodes[at].up.as_ref().and_then(|up| up.keys.get(&base.wallet));
    match open {
        Some(open) if open.certificate.record == *base => Ok(()),
        Some(_) => Err(refused(id, "the active epoch is not the base")),
        None => Err(refused(id, "no share of this wallet")),
    }
}

fn config(
    world: &World,
    at: usize,
    ceremony: [u8; 32],
    plan: &Resharing,
    told_try: u32,
) -> Result<Config, SessionError> {
    let boot = world.nodes[at].up.as_ref().map_or([0; 16], |up| up.boot);
    Ok(Config {
        ceremony,
        participants: ceremony::participants(plan)?,
        terms: ceremony::terms(plan),
        own: Own { boot, pairs: BTreeMap::new(), told_try },
        limits: Limits { round: 8_000, ..Limits::default() },
    })
}

/// A group whose shares this file finds in [`Share`].
trait Shared: Curve {
    fn of(share: &Share) -> Option<Arc<KeyShare<Self>>>
    where
        Self: Sized;
}

impl Shared for Ed25519 {
    fn of(share: &Share) -> Option<Arc<KeyShare<Self>>> {
        if let Share::Ed25519(share) = share { Some(Arc::clone(share)) } else { None }
    }
}

impl Shared for Secp256k1 {
    fn of(share: &Share) -> Option<Arc<KeyShare<Self>>> {
        if let Share::Secp256k1(share) = share { Some(Arc::clone(share)) } else { None }
    }
}

fn begin<C: Shared>(
    world: &mut World,
    at: usize,
    plan: Resharing,
    (config, deals): (Config, Option<()>),
    lie: Option<Lie>,
) -> Begun {
    let open = world.nodes[at].up.as_ref().and_then(|up| up.keys.get(&plan.base().wallet));
    let share = deals.and_then(|()| C::of(&open?.share));
    let node = &mut world.nodes[at];
    let protocol = tell(ceremony::protocol::<C>(plan, share), lie, &node.rng);
    run::begin(config, &Arc::clone(&node.identity), protocol, made::<C>, world.now, &mut node.rng)
}

fn made<C: Curve>(outcome: Outcome<C>) -> Made {
    // The share is in the vault as pending; from there it is opened like any other.
    let Outcome { share: _, record, proof } = outcome;
    Made::Key(Box::new(NewKey { record, proof: Proof::Reshare(Box::new(proof)) }))
}

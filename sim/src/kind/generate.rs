//! Generate (docs/spec §2.1) at a party of the world: when it takes part, what it writes, what it does with the certificate.

use super::{Job, Ready, refused};
use crate::World;
use crate::byzantine::{Lie, tell};
use crate::node::{Group, Keep, OpenKey, Share, Then};
use crate::people::{Approved, NOW};
use crate::run::{self, Begun, Made, NewKey};
use quorate_ceremonies::generate::{ORDER_TRY, PENDING, Pending};
use quorate_ceremonies::{Generate, Generated};
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_coordination::{Certificate, Proof, WalletRecord};
use quorate_intent::{Hash, OrderKind, WalletId};
use quorate_policy::Decision;
use quorate_session::{
    Config, Limits, NotStored, Own, Participants, PersistRecord, SessionError, Terms, statement_digest,
};
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use quorate_vault::VaultError;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Takes part in a generation, if the order is approved and nothing forbids it here.
pub fn job(id: [u8; 32], approved: Approved, group: Group, lie: Option<Lie>) -> Job {
    Box::new(move |world, at| {
        let order = approved.order().clone();
        let decision =
            quorate_policy::decide(&world.people.genesis, &approved.intent, &approved.approvals, NOW);
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
        let keep = Keep::Generate { wallet: order.wallet, number: order.number, order: approved.hash() };
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
    Made::Key(Box::new(NewKey { record, signatures }))
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

/// Writes a record of the ceremony.
pub fn keep(
    world: &mut World,
    at: usize,
    run: [u8; 32],
    record: PersistRecord,
    (wallet, number, order): (WalletId, u64, Hash),
) -> Result<(), NotStored> {
    let failed = |what: String| NotStored::Failed(what);
    let Some(up) = &world.nodes[at].up else { return Err(failed("down".into())) };
    let vault = up.vault.clone();
    match record.label {
        ORDER_TRY => {
            let tried = record.bytes.as_slice().try_into().map(u32::from_be_bytes);
            let tried = tried.map_err(|_| failed("a try has four bytes".into()))?;
            world.block(vault.accept_order(wallet, number, tried, order, None)).map_err(not_stored)
        }
        PENDING => {
            let mut pending: Pending =
                borsh::from_slice(&record.bytes).map_err(|error| failed(error.to_string()))?;
            let share = quorate_vault::Share {
                attempt: pending.record.attempt,
                secret: Zeroizing::new(std::mem::take(&mut pending.secret)),
                record: borsh::to_vec(&pending.record).unwrap_or_default(),
                prepared: pending.signature.0.to_vec(),
            };
            world.block(vault.put_pending(wallet, share, None)).map_err(not_stored)?;
            world.oracle.prepared(&pending.record);
            let attempt = pending.record.attempt.to_bytes().to_vec();
            if let Some(live) = world.nodes[at].up.as_mut().and_then(|up| up.runs.get_mut(&run)) {
                live.prepared = Some((wallet, attempt));
            }
            Ok(())
        }
        other => Err(failed(format!("nothing takes a record {other}"))),
    }
}

/// The record inside of what is written before a party's signature leaves.
pub fn pending(record: &PersistRecord) -> Option<WalletRecord> {
    if record.label != PENDING {
        return None;
    }
    borsh::from_slice::<Pending>(&record.bytes).ok().map(|pending| pending.record.clone())
}

fn not_stored(error: VaultError) -> NotStored {
    match error {
        VaultError::Order(_) | VaultError::Attempt { .. } => NotStored::Refused(error.to_string()),
        other => NotStored::Failed(other.to_string()),
    }
}

/// The ceremony ended well here: the certificate is stored, the share opened, the coordinator told.
pub fn certified(world: &mut World, at: usize, key: NewKey, approved: Approved) -> Result<(), SessionError> {
    let NewKey { record, signatures } = key;
    let certificate = Certificate {
        record,
        order: approved.intent,
        approvals: approved.approvals,
        proof: Proof::Generate { signatures },
    };
    activate(world, at, &certificate).map_err(|problem| SessionError::Storage(problem.text()))?;
    if world.nodes[at].up.is_some() {
        world.certificates.insert(certificate.record.wallet, certificate);
    }
    Ok(())
}

/// Why a certificate was not taken.
enum NotTaken {
    /// The disk failed. It comes again at the next contact.
    Disk(String),
    /// Anything else.
    Refused(String),
}

impl From<VaultError> for NotTaken {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Storage(_) | VaultError::Stopped(_) => Self::Disk(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<String> for NotTaken {
    fn from(problem: String) -> Self {
        Self::Refused(problem)
    }
}

impl NotTaken {
    fn text(self) -> String {
        match self {
            Self::Disk(text) | Self::Refused(text) => text,
        }
    }
}

fn activate(world: &mut World, at: usize, certificate: &Certificate) -> Result<(), NotTaken> {
    let Some(up) = &world.nodes[at].up else { return Err("down".to_owned().into()) };
    let (wallet, attempt) = (certificate.record.wallet, certificate.record.attempt);
    let (vault, bytes) = (up.vault.clone(), borsh::to_vec(certificate).unwrap_or_default());
    let done = world.block(vault.activate(wallet, attempt, bytes));
    world.oracle.shares_are_held(&world.nodes);
    if !world.still_up(at) {
        return Ok(());
    }
    done.map_err(NotTaken::from)?;
    let now = world.now;
    world.log.add(now, Some(at), || format!("activates {attempt} of {wallet}"));
    Ok(load_one(world, at, certificate)?)
}

/// Opens the active share of a certificate that the vault holds.
fn load_one(world: &mut World, at: usize, certificate: &Certificate) -> Result<(), String> {
    let record = &certificate.record;
    let Some(up) = &world.nodes[at].up else { return Err("down".into()) };
    let share = world.block(up.vault.active(&record.wallet)).map_err(|error| error.to_string())?;
    let Some(share) = share.filter(|share| share.attempt == record.attempt) else {
        return Err("no share of the active epoch".into());
    };
    let group = world.groups.get(&record.wallet).copied().unwrap_or(Group::Secp256k1);
    let index = record.index_of(&world.nodes[at].key()).ok_or("not a party")?;
    let index = Index::new(index).map_err(|error| error.to_string())?;
    let opened = Share::open(group, &record.public, index, &share.secret)?;
    if world.nodes[at].honest {
        let tail = record.public.len().saturating_sub(key_length(group) + 32);
        world.oracle.key(record.wallet, record.public[tail..].to_vec(), &record.attempt.to_bytes());
    }
    if let Some(up) = &mut world.nodes[at].up {
        up.keys.insert(record.wallet, OpenKey { certificate: certificate.clone(), share: opened });
    }
    Ok(())
}

fn key_length(group: Group) -> usize {
    match group {
        Group::Toy13 => Toy13::POINT_BYTES,
        Group::Toy199 => Toy199::POINT_BYTES,
        Group::Secp256k1 => Secp256k1::POINT_BYTES,
        Group::Ed25519 => Ed25519::POINT_BYTES,
    }
}

/// Opens every active share, as a process does when it starts.
pub fn load(world: &mut World, at: usize) {
    let Some(up) = &world.nodes[at].up else { return };
    let vault = up.vault.clone();
    let certificates = world.block(async {
        let mut all = Vec::new();
        for wallet in vault.wallets().await? {
            all.extend(vault.certificate(&wallet).await?.map(|(_, bytes)| bytes));
        }
        Ok::<_, VaultError>(all)
    });
    for bytes in certificates.unwrap_or_default() {
        let opened = borsh::from_slice::<Certificate>(&bytes).map_err(|error| error.to_string());
        if let Err(problem) = opened.and_then(|certificate| load_one(world, at, &certificate)) {
            world.oracle.violate("active shares open", format!("party {at}: {problem}"));
        }
    }
}

/// Hands the certificate of a key to every party that is up and lacks it, as peers do at every contact.
pub fn spread(world: &mut World, wallet: WalletId) {
    let known = world.certificates.get(&wallet).cloned().or_else(|| {
        let keys = world.nodes.iter().filter_map(|node| node.up.as_ref()?.keys.get(&wallet));
        keys.map(|key| key.certificate.clone()).next()
    });
    let Some(certificate) = known else { return };
    world.certificates.insert(wallet, certificate.clone());
    for at in 0..world.nodes.len() {
        let Some(up) = &world.nodes[at].up else { continue };
        if up.keys.contains_key(&wallet) {
            continue;
        }
        let pendings = world.block(up.vault.pendings(&wallet)).unwrap_or_default();
        let mine = pendings.iter().any(|pending| pending.attempt == certificate.record.attempt);
        if !mine {
            continue;
        }
        let checked = check(world, &certificate).map_err(NotTaken::from);
        if let Err(NotTaken::Refused(problem)) = checked.and_then(|()| activate(world, at, &certificate)) {
            world.oracle.violate("certificates are taken", format!("party {at}: {problem}"));
        }
    }
}

/// Judges a certificate as a node does; for a toy group by its signatures alone, since it has no suite.
fn check(world: &World, certificate: &Certificate) -> Result<(), String> {
    let group = world.groups.get(&certificate.record.wallet);
    if matches!(group, Some(Group::Secp256k1 | Group::Ed25519)) {
        let checked = certificate.check(&world.people.genesis, statement_digest);
        return checked.map(drop).map_err(|error| error.to_string());
    }
    let statement = statement_digest(CERTIFICATE_DOMAIN, &certificate.record.statement());
    let parties = certificate.record.parties.iter();
    let all =
        parties.zip(certificate.proof.signatures()).all(|(key, signature)| key.verify(&statement, signature));
    if all && certificate.proof.signatures().len() == certificate.record.parties.len() {
        Ok(())
    } else {
        Err("a signature is missing".into())
    }
}

/// Whether t shares that are active make the key: any t of them, by Lagrange on their public points.
pub fn reconstructs(world: &World, wallet: WalletId) -> Result<usize, String> {
    let shares: Vec<&Share> = world
        .nodes
        .iter()
        .filter(|node| node.honest)
        .filter_map(|node| node.up.as_ref()?.keys.get(&wallet).map(|key| &key.share))
        .collect();
    let Some(first) = shares.first() else { return Ok(0) };
    let secrets: Vec<_> = shares.iter().map(|share| share.secret()).collect();
    match first {
        Share::Toy13(share) => every_set::<Toy13>(share.public(), &secrets),
        Share::Toy199(share) => every_set::<Toy199>(share.public(), &secrets),
        Share::Secp256k1(share) => every_set::<Secp256k1>(share.public(), &secrets),
        Share::Ed25519(share) => every_set::<Ed25519>(share.public(), &secrets),
    }?;
    Ok(shares.len())
}

fn every_set<C: Curve>(
    public: &quorate_protocols::key::PublicShares<C>,
    secrets: &[(Index, Zeroizing<Vec<u8>>)],
) -> Result<(), String> {
    let t = public.threshold();
    for set in 0u32..1 << secrets.len() {
        let chosen: Vec<_> =
            (0..secrets.len()).filter(|at| set >> at & 1 == 1).map(|at| &secrets[at]).collect();
        if chosen.len() != t {
            continue;
        }
        let numbers = chosen.iter().map(|(index, _)| index.get());
        let indices = quorate_sharing::Indices::new::<C>(numbers).map_err(|error| error.to_string())?;
        let mut sum: C::Scalar = ff::Field::ZERO;
        for (index, secret) in chosen {
            let share = C::decode_scalar(secret).map_err(|error| error.to_string())?;
            let weight = quorate_sharing::lagrange::coefficient::<C>(&indices, *index).ok_or("no weight")?;
            sum += weight * share;
        }
        if C::mul_base(&sum) != public.key().key {
            return Err(format!("set {set:b} makes another key"));
        }
    }
    Ok(())
}

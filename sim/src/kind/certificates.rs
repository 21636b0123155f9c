//! Certificates at a party of the world: the highest wins, what lies below is erased, and peers are told (docs/spec §2.3,
//! §2.4). In the order in which a node does it.

use crate::World;
use crate::kind::shares;
use crate::node::{Gone, OpenKey, Share};
use crate::world::Plant;
use quorate_coordination::rpc::News;
use quorate_coordination::{Certificate, Proof, WalletRecord};
use quorate_intent::WalletId;
use quorate_sharing::Index;
use quorate_vault::{Attempt, Body, Erasure, VaultError};
use std::collections::BTreeSet;

/// Who brings a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The party's own ceremony.
    Own,
    /// The coordinator.
    Gateway,
    /// Another party.
    Peer(usize),
}

/// Why a certificate was not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// The disk failed, or the machine is down. It comes again at the next contact.
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
    /// The reason.
    pub fn text(self) -> String {
        match self {
            Self::Disk(text) | Self::Refused(text) => text,
        }
    }
}

fn down() -> NotTaken {
    NotTaken::Disk("down".into())
}

/// Takes a certificate from anybody, if it holds and is above what is held.
///
/// # Errors
/// Why it is not taken.
pub fn certify(
    world: &mut World,
    at: usize,
    certificate: &Certificate,
    source: Source,
) -> Result<(), NotTaken> {
    super::check::certificate(world, certificate)?;
    let wallet = certificate.record.wallet;
    let held = held(world, at, &wallet)?;
    if let Some(held) = &held {
        if !same(world, certificate, held) {
            return Err(format!("another certificate of {wallet} is held").into());
        }
        if certificate.rank() < held.rank() {
            if let Source::Peer(peer) = source {
                world.tell(at, peer, News::Certificate(Box::new(held.clone())));
            }
            return Ok(());
        }
        if certificate.rank() == held.rank() {
            return if rank(world, at, &wallet) == Some(held.rank()) {
                Ok(())
            } else {
                open(world, at, held)
            };
        }
    }
    admit(world, at, certificate, held.is_some())?;
    activate(world, at, certificate)?;
    spread(world, at, certificate, source);
    Ok(())
}

/// The highest certificate that a party holds of a key.
///
/// # Errors
/// What the vault says.
pub fn held(world: &World, at: usize, wallet: &WalletId) -> Result<Option<Certificate>, NotTaken> {
    let up = world.nodes[at].up.as_ref().ok_or_else(down)?;
    let held = world.block(up.vault.certificate(wallet))?;
    let decode = |(_, bytes): (_, Vec<u8>)| borsh::from_slice(&bytes).map_err(|error| error.to_string());
    Ok(held.map(decode).transpose()?)
}

/// Whether two certificates are of one key; two generations never are.
fn same(world: &World, new: &Certificate, held: &Certificate) -> bool {
    let generated = |certificate: &Certificate| matches!(certificate.proof, Proof::Generate { .. });
    let twice = generated(new) && generated(held) && new.record.attempt != held.record.attempt;
    !twice && super::check::same_key(world, new, &held.record).is_ok()
}

/// The rank of the certificate that a party acts by.
fn rank(world: &World, at: usize, wallet: &WalletId) -> Option<Attempt> {
    let up = world.nodes[at].up.as_ref()?;
    let gone = || match up.gone.get(wallet)? {
        Gone::Destroyed(rank) | Gone::Left(rank) | Gone::Stale(rank) => Some(*rank),
        Gone::Changing => None,
    };
    up.keys.get(wallet).map(|open| open.certificate.rank()).or_else(gone)
}

/// What a party has any business with.
fn admit(world: &World, at: usize, certificate: &Certificate, held: bool) -> Result<(), NotTaken> {
    let refused = |message: &str| Err(NotTaken::Refused(message.to_owned()));
    if certificate.destroys() {
        let in_time = certificate.order.intent.check(&world.people.genesis, world.time());
        in_time.map_err(|error| NotTaken::Refused(error.to_string()))?;
    }
    let wallet = certificate.record.wallet;
    let up = world.nodes[at].up.as_ref().ok_or_else(down)?;
    let pendings = world.block(up.vault.pendings(&wallet))?;
    for pending in pendings.iter().filter(|pending| pending.attempt <= certificate.rank()) {
        let record: WalletRecord = borsh::from_slice(&pending.record).map_err(|error| error.to_string())?;
        super::check::same_key(world, certificate, &record)?;
    }
    if certificate.destroys() {
        return if held || !pendings.is_empty() { Ok(()) } else { refused("knows nothing of that key") };
    }
    if pendings.iter().any(|pending| pending.attempt == certificate.record.attempt) {
        return Ok(());
    }
    if matches!(certificate.proof, Proof::Generate { .. }) {
        return refused("no pending share of that epoch");
    }
    if held || !pendings.is_empty() || certificate.record.index_of(&world.nodes[at].key()).is_some() {
        return Ok(());
    }
    refused("no party of that key")
}

/// Stops signing in the old epoch, stores the certificate, erases what lies below, and opens the share if it is here.
fn activate(world: &mut World, at: usize, certificate: &Certificate) -> Result<(), NotTaken> {
    let (wallet, rank) = (certificate.record.wallet, certificate.rank());
    let bytes = borsh::to_vec(certificate).unwrap_or_default();
    let keeps_open = world.plant == Some(Plant::SignsOldEpoch)
        || world.plant == Some(Plant::SignsDestroyed) && certificate.destroys();
    let Some(up) = &mut world.nodes[at].up else { return Err(down()) };
    let before = if keeps_open { None } else { up.keys.remove(&wallet) };
    if before.is_some() {
        up.gone.insert(wallet, Gone::Changing);
    }
    up.stock.clear();
    let vault = up.vault.clone();
    shares::watch_erasing(world, at, &wallet, rank);
    let done = world.block(vault.activate(wallet, rank, bytes));
    world.oracle.shares_are_held(&world.nodes);
    if !world.still_up(at) {
        return Err(down());
    }
    let activated = matches!(&done, Ok(done) if done.activated);
    if let Some(before) = before.filter(|_| !activated) {
        let stands = world.block(vault.certificate(&wallet));
        if matches!(stands, Ok(Some((held, _))) if held == before.certificate.rank())
            && let Some(up) = &mut world.nodes[at].up
        {
            up.gone.remove(&wallet);
            up.keys.insert(wallet, before);
        }
    }
    let done = done?;
    if !done.activated {
        return Ok(());
    }
    let now = world.now;
    world.log.add(now, Some(at), || format!("activates {rank} of {wallet}"));
    world.oracle.activated(&world.nodes[at], wallet, &rank);
    if done.erased == Erasure::Done {
        shares::are_erased(world, at);
    }
    if keeps_open && world.nodes[at].up.as_ref().is_some_and(|up| up.keys.contains_key(&wallet)) {
        return Ok(());
    }
    open(world, at, certificate)
}

/// Opens what the vault holds for a certificate that it has, and logs it.
fn open(world: &mut World, at: usize, certificate: &Certificate) -> Result<(), NotTaken> {
    load_one(world, at, certificate)?;
    let body = Body::Activated { wallet: certificate.record.wallet, attempt: certificate.rank() };
    note(world, at, body);
    Ok(())
}

/// Writes an entry of the log.
pub fn note(world: &mut World, at: usize, body: Body) {
    let Some(up) = &world.nodes[at].up else { return };
    let vault = up.vault.clone();
    let written = world.block(vault.append(body));
    if let (true, Ok(head)) = (world.still_up(at), written) {
        world.nodes[at].acknowledged = Some(head);
    }
}

/// Opens the active share of a certificate that the vault holds, or notes why there is none.
fn load_one(world: &mut World, at: usize, certificate: &Certificate) -> Result<(), NotTaken> {
    let (record, rank) = (&certificate.record, certificate.rank());
    let Some(up) = &world.nodes[at].up else { return Err(down()) };
    let share = world.block(up.vault.active(&record.wallet))?;
    let index = record.index_of(&world.nodes[at].key());
    let (Some(index), Some(share), false) = (index, share, certificate.destroys()) else {
        let gone = match index {
            _ if certificate.destroys() => Gone::Destroyed(rank),
            Some(_) => Gone::Stale(rank),
            None => Gone::Left(rank),
        };
        return stays_shut(world, at, record.wallet, gone);
    };
    let group = world.groups.get(&record.wallet).copied().ok_or_else(|| "no such key".to_owned())?;
    let index = Index::new(index).map_err(|error| error.to_string())?;
    let opened = Share::open(group, &record.public, index, &share.secret)?;
    if world.nodes[at].honest {
        let mut key = super::check::key_of(group, record).to_vec();
        if world.plant == Some(Plant::OpensAnother) && record.attempt.order_number > 2 {
            key[0] ^= 1;
        }
        world.oracle.key(record.wallet, key);
    }
    if let Some(up) = &mut world.nodes[at].up {
        up.gone.remove(&record.wallet);
        up.keys.insert(record.wallet, OpenKey { certificate: certificate.clone(), share: opened });
    }
    Ok(())
}

fn stays_shut(world: &mut World, at: usize, wallet: WalletId, gone: Gone) -> Result<(), NotTaken> {
    let node = &mut world.nodes[at];
    if matches!(gone, Gone::Stale(_)) && node.honest && !node.lost {
        world.oracle.violate("active shares open", format!("party {at} has no share of its active epoch"));
    }
    if let Some(up) = &mut node.up {
        up.keys.remove(&wallet);
        up.gone.insert(wallet, gone);
    }
    let now = world.now;
    world.log.add(now, Some(at), || format!("signs nothing for {wallet}: {gone:?}"));
    Ok(())
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
        let opened = borsh::from_slice::<Certificate>(&bytes).map_err(|error| error.to_string().into());
        if let Err(problem) = opened.and_then(|certificate| load_one(world, at, &certificate)) {
            world.oracle.violate("active shares open", format!("party {at}: {}", problem.text()));
        }
    }
}

/// Hands a certificate that is new at a party to everybody whom it concerns.
fn spread(world: &mut World, at: usize, certificate: &Certificate, source: Source) {
    let mut parties: BTreeSet<_> = certificate.record.parties.iter().copied().collect();
    if let Proof::Reshare(reshared) = &certificate.proof {
        parties.extend(&reshared.base.parties);
    }
    let peers: Vec<usize> = parties.iter().filter_map(|key| world.find(key)).collect();
    for peer in peers.into_iter().filter(|peer| *peer != at && source != Source::Peer(*peer)) {
        world.tell(at, peer, News::Certificate(Box::new(certificate.clone())));
    }
}

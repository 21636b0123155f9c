//! Pair states for threshold ECDSA: in memory alone, one lock each (docs/spec §4.1, §4.2).
//!
//! Locks are taken in this order: the pairs of a run, ascending by peer; then any one of the table here, the stock, the
//! wallets, the ceremonies' routes. Nothing waits for a pair while it holds one of those.

use crate::ceremonies::{Freely, NoPersist, Release};
use crate::disputes::record_faults;
use crate::error::{session_error, vault_error};
use crate::node::Shared;
use quorate_ceremonies::Pair;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse, WalletRecord};
use quorate_intent::PublicKey;
use quorate_protocols::dkls::PairAccess;
use quorate_protocols::ot::PairState;
use quorate_session::{Config, Limits, Own, Participants, Terms};
use quorate_sharing::{Index, Secp256k1};
use quorate_vault::Renewal;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Slot = Arc<Mutex<PairState>>;

/// This node's pair states by peer.
#[derive(Default)]
pub(crate) struct Pairs(Mutex<Table>);

#[derive(Default)]
struct Table {
    slots: BTreeMap<PublicKey, Slot>,
    /// How often something was found against a peer: a set-up that was under way meanwhile does not count.
    cuts: BTreeMap<PublicKey, u64>,
    /// Peers whose hard edge could not be stored: nothing is done with them until a restart.
    refused: BTreeSet<PublicKey>,
}

/// While a hard edge stands, a pair is renewed by itself at most this often (§4.2), in seconds.
const RENEWAL_PAUSE: u64 = 24 * 3600;

const POISONED: &str =
    "a pair state of this run was poisoned or renewed meanwhile; nothing that depends on it leaves";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pairs {
    fn slot(&self, peer: &PublicKey) -> Option<Slot> {
        let table = lock(&self.0);
        table.slots.get(peer).filter(|_| !table.refused.contains(peer)).cloned()
    }

    /// The usable pair state with each of these, by id.
    pub fn ids(&self, peers: &[PublicKey]) -> Vec<Option<[u8; 32]>> {
        let id = |peer: &PublicKey| {
            let slot = self.slot(peer)?;
            let pair = lock(&slot);
            (!pair.is_poisoned()).then_some(pair.id)
        };
        peers.iter().map(id).collect()
    }

    /// How often something was found against a peer so far.
    fn cuts(&self, peer: &PublicKey) -> u64 {
        lock(&self.0).cuts.get(peer).copied().unwrap_or_default()
    }

    /// Something was found against a peer.
    pub fn cut(&self, peer: &PublicKey) {
        *lock(&self.0).cuts.entry(*peer).or_default() += 1;
    }

    /// Poisons and erases the state with a peer, if there is one, and runs `meanwhile` under its lock.
    pub fn poison(&self, peer: &PublicKey, meanwhile: impl FnOnce()) {
        let slot = lock(&self.0).slots.get(peer).cloned();
        let mut pair = slot.as_ref().map(|slot| lock(slot));
        if let Some(pair) = &mut pair {
            pair.poison();
        }
        meanwhile();
    }

    /// Does nothing with this peer any more until a restart.
    pub fn refuse(&self, peer: &PublicKey) {
        lock(&self.0).refused.insert(*peer);
    }

    fn is_refused(&self, peer: &PublicKey) -> bool {
        lock(&self.0).refused.contains(peer)
    }

    /// Takes a new state, if nothing was found against the peer since `cuts`. Runs that use the old one end.
    fn insert(&self, peer: PublicKey, state: PairState, cuts: u64) -> bool {
        let old = {
            let mut table = lock(&self.0);
            if table.refused.contains(&peer) || table.cuts.get(&peer).copied().unwrap_or_default() != cuts {
                return false;
            }
            table.slots.insert(peer, Arc::new(Mutex::new(state)))
        };
        if let Some(old) = old {
            lock(&old).poison();
        }
        true
    }

    /// The states with the other members of a signer set, fixed for one run. `poisoned` is called under the pair's lock
    /// when a check of this run fails.
    pub fn access(
        &self,
        record: &WalletRecord,
        me: &PublicKey,
        set: &[u16],
        poisoned: impl Fn(&PublicKey) + Send + Sync + 'static,
    ) -> Result<Access, PublicKey> {
        let mut slots = BTreeMap::new();
        for index in set {
            let Some(peer) = record.party(*index).filter(|peer| peer != me) else { continue };
            let slot = self.slot(&peer).filter(|slot| !lock(slot).is_poisoned()).ok_or(peer)?;
            if let Ok(index) = Index::new(*index) {
                slots.insert(index, (peer, slot));
            }
        }
        Ok(Access { slots, poisoned: Arc::new(poisoned) })
    }
}

/// The pair states of one presigning run, each behind its lock. All clones are of one run.
#[derive(Clone)]
pub(crate) struct Access {
    slots: BTreeMap<Index, (PublicKey, Slot)>,
    poisoned: Arc<dyn Fn(&PublicKey) + Send + Sync>,
}

impl Access {
    /// Their ids, for hello.
    pub fn ids(&self) -> BTreeMap<Index, [u8; 32]> {
        self.slots.iter().map(|(index, (_, slot))| (*index, lock(slot).id)).collect()
    }

    /// Runs `action` while no pair of the run can be poisoned; not at all if one is (§4.2).
    pub fn held<T>(&self, action: impl FnOnce() -> T) -> Result<T, &'static str> {
        let mut slots: Vec<_> = self.slots.values().collect();
        slots.sort_unstable_by_key(|(peer, _)| *peer);
        let pairs: Vec<_> = slots.iter().map(|(_, slot)| lock(slot)).collect();
        if pairs.iter().any(|pair| pair.is_poisoned()) {
            return Err(POISONED);
        }
        Ok(action())
    }
}

impl Release for Access {
    fn release(&self, send: &mut dyn FnMut()) -> Result<(), &'static str> {
        self.held(send)
    }
}

impl PairAccess for Access {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        let (peer, slot) = self.slots.get(&peer)?;
        let mut pair = lock(slot);
        let before = pair.is_poisoned();
        let result = action(&mut pair);
        if pair.is_poisoned() && !before {
            (self.poisoned)(peer);
        }
        Some(result)
    }
}

/// Sets up the pair state with one peer anew.
pub(crate) async fn set_up(
    shared: &Arc<Shared>,
    ceremony: [u8; 32],
    peer: PublicKey,
) -> Result<NodeResponse, NodeError> {
    if peer == shared.me || shared.genesis.party(&peer).is_none() {
        return Err(NodeError::new(ErrorCode::BadRequest, "the peer is not another party of this cluster"));
    }
    let Some(_turn) = shared.setting_up.take(peer) else {
        let message = format!("a pair set-up with {} is under way", shared.name(&peer));
        return Err(NodeError::new(ErrorCode::Busy, message));
    };
    let cuts = shared.pairs.cuts(&peer);
    check_renewal(shared, &peer).await?;
    let participants = Participants::by_key::<Secp256k1>([shared.me, peer]).map_err(|e| session_error(&e))?;
    let config = Config {
        ceremony,
        participants,
        terms: Terms {
            suite: "ecdsa-secp256k1".to_owned(),
            purpose: "pair".to_owned(),
            order: [0; 32],
            order_number: 0,
            key: [0; 16],
            base_epoch: None,
            threshold: 2,
            extra: vec![("governance".to_owned(), shared.genesis.hash().0.to_vec())],
        },
        own: Own { boot: shared.boot, pairs: BTreeMap::new(), told_try: 0 },
        // A set-up is milliseconds of work; who withholds a message holds the other end up for no longer than this.
        limits: Limits { round: 6_000, total: 20_000, ..Limits::default() },
    };
    match shared.ceremonies.run(config, Box::new(Pair), NoPersist, Freely).await {
        Ok(state) => {
            if shared.pairs.insert(peer, state, cuts) {
                return Ok(NodeResponse::Done);
            }
            let message = format!("a fault of {} was found during the pair set-up", shared.name(&peer));
            Err(NodeError::new(ErrorCode::Ceremony, message))
        }
        Err(error) => {
            record_faults(shared, &error).await;
            Err(session_error(&error))
        }
    }
}

/// While a hard edge stands between the two, an automatic set-up happens once a day, with an alarm.
async fn check_renewal(shared: &Shared, peer: &PublicKey) -> Result<(), NodeError> {
    let name = shared.name(peer);
    if shared.pairs.is_refused(peer) {
        let message =
            format!("a hard edge to {name} could not be stored; repair the disk and restart this node");
        return Err(NodeError::new(ErrorCode::Refused, message));
    }
    let renewal = shared.vault.renew_pair(*peer, shared.now(), RENEWAL_PAUSE).await;
    match renewal.map_err(|error| vault_error(&error))? {
        Renewal::Free => Ok(()),
        Renewal::Alarm => {
            tracing::warn!(peer = %name, "ALARM: renewing a pair state in spite of a hard edge");
            Ok(())
        }
        Renewal::NotBefore(next) => {
            let message = format!(
                "a hard edge stands between this node and {name}; the pair is renewed once a day (next at Unix time {next}), or by an order"
            );
            Err(NodeError::new(ErrorCode::Refused, message))
        }
    }
}

#[cfg(test)]
mod tests;

//! Pair states for threshold ECDSA: in memory alone, one lock each (docs/spec §4.1, §4.2), and the faults that
//! poison them.

use crate::ceremonies::NoPersist;
use crate::error::{session_error, vault_error};
use crate::node::Shared;
use quorate_audit::{Body, Dispute};
use quorate_ceremonies::Pair;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse, WalletRecord};
use quorate_intent::{Hash, PublicKey};
use quorate_protocols::dkls::PairAccess;
use quorate_protocols::ot::PairState;
use quorate_session::{Config, Limits, Own, Participants, SessionError, Terms};
use quorate_sharing::{Index, Secp256k1, Transcript};
use quorate_vault::{DisputeRecord, Severity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Slot = Arc<Mutex<PairState>>;

/// This node's pair states by peer.
#[derive(Default)]
pub(crate) struct Pairs(Mutex<BTreeMap<PublicKey, Slot>>);

/// While a hard edge stands, a pair is renewed by itself at most this often (§4.2), in seconds.
const RENEWAL_PAUSE: u64 = 24 * 3600;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pairs {
    /// The usable pair state with each of these, by id.
    pub fn ids(&self, peers: &[PublicKey]) -> Vec<Option<[u8; 32]>> {
        let all = lock(&self.0);
        let id = |peer: &PublicKey| {
            let pair = lock(all.get(peer)?);
            (!pair.is_poisoned()).then_some(pair.id)
        };
        peers.iter().map(id).collect()
    }

    fn insert(&self, peer: PublicKey, state: PairState) {
        lock(&self.0).insert(peer, Arc::new(Mutex::new(state)));
    }

    /// The states with the other members of a signer set, fixed for one run.
    pub fn access(&self, record: &WalletRecord, me: &PublicKey, set: &[u16]) -> Result<Access, PublicKey> {
        let all = lock(&self.0);
        let mut slots = BTreeMap::new();
        for index in set {
            let Some(peer) = record.party(*index).filter(|peer| peer != me) else { continue };
            let slot = all.get(&peer).filter(|slot| !lock(slot).is_poisoned()).ok_or(peer)?;
            if let Ok(index) = Index::new(*index) {
                slots.insert(index, Arc::clone(slot));
            }
        }
        Ok(Access(slots))
    }
}

/// The pair states of one presigning run, each behind its lock.
pub(crate) struct Access(BTreeMap<Index, Slot>);

impl Access {
    /// Their ids, for hello.
    pub fn ids(&self) -> BTreeMap<Index, [u8; 32]> {
        self.0.iter().map(|(index, slot)| (*index, lock(slot).id)).collect()
    }
}

impl PairAccess for Access {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        self.0.get(&peer).map(|slot| action(&mut lock(slot)))
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
        limits: Limits::default(),
    };
    match shared.ceremonies.run(config, Box::new(Pair), NoPersist).await {
        Ok(state) => {
            shared.pairs.insert(peer, state);
            Ok(NodeResponse::Done)
        }
        Err(error) => {
            record_faults(shared, &error).await;
            Err(session_error(&error))
        }
    }
}

/// While a hard edge stands between the two, an automatic set-up happens once a day, with an alarm.
async fn check_renewal(shared: &Shared, peer: &PublicKey) -> Result<(), NodeError> {
    let storage = |error: quorate_vault::VaultError| vault_error(&error);
    let mut from = 1;
    let mut hard = false;
    loop {
        let page = shared.vault.disputes(from, 1000).await.map_err(storage)?;
        let Some((last, _)) = page.last() else { break };
        from = last + 1;
        hard |= page.iter().any(|(_, edge)| edge.peer == *peer && edge.severity != Severity::SoftEdge);
    }
    if !hard {
        return Ok(());
    }
    let name = format!("renewed/{peer}");
    let last = shared.vault.get(&name).await.map_err(storage)?;
    let last = last.and_then(|bytes| bytes.as_slice().try_into().ok()).map_or(0, u64::from_be_bytes);
    let now = shared.now();
    if now < last.saturating_add(RENEWAL_PAUSE) {
        let message = format!(
            "a hard edge stands between this node and {}; the pair is renewed once a day, or by an order",
            shared.name(peer)
        );
        return Err(NodeError::new(ErrorCode::Refused, message));
    }
    tracing::warn!(peer = %shared.name(peer), "ALARM: renewing a pair state in spite of a hard edge");
    shared.vault.set(&name, &now.to_be_bytes()).await.map_err(storage)
}

/// Records what a failed ceremony showed, durably, before anybody is told (§4.2).
pub(crate) async fn record_faults(shared: &Shared, error: &SessionError) {
    let SessionError::Blame(faults) = error else { return };
    for fault in faults {
        let severity = stored(fault.severity);
        if severity != Severity::SoftEdge {
            drop_stock(shared, &fault.party);
        }
        let record = DisputeRecord {
            peer: fault.party,
            severity,
            what: fault.what.to_owned(),
            time: shared.now(),
            evidence: fault.evidence.clone(),
        };
        if let Err(error) = shared.vault.dispute(record).await {
            tracing::error!(%error, "an edge of the dispute graph could not be stored");
        }
        let evidence = Hash(Transcript::new("node/evidence").field("evidence", &fault.evidence).digest());
        let dispute = Dispute { peer: fault.party, severity, what: fault.what.to_owned(), evidence };
        shared.log(Body::Dispute(dispute)).await;
    }
}

/// The stored form of a severity.
fn stored(severity: quorate_protocols::Severity) -> Severity {
    match severity {
        quorate_protocols::Severity::SoftEdge => Severity::SoftEdge,
        quorate_protocols::Severity::HardEdge => Severity::HardEdge,
        quorate_protocols::Severity::Condemned => Severity::Condemned,
    }
}

/// Drops every presignature that was made with a party.
fn drop_stock(shared: &Shared, party: &PublicKey) {
    for wallet in shared.wallets.all() {
        if let Some(index) = wallet.record().index_of(party) {
            shared.stock.drop_with(wallet.record().wallet, index);
        }
    }
}

//! Making presignatures for one signer set.

use crate::calls;
use crate::ceremonies::NoPersist;
use crate::disputes::{self, record_faults};
use crate::error::session_error;
use crate::node::Shared;
use crate::stock::Item;
use crate::wallets::SuiteShare;
use quorate_ceremonies::Presign;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse, WalletRecord};
use quorate_intent::{PublicKey, WalletId};
use quorate_protocols::Message;
use quorate_protocols::dkls::Presignature;
use quorate_session::{Config, Limits, Own, Participants, SessionError, Terms};
use quorate_sharing::{Index, Secp256k1};
use std::sync::Arc;

/// Most presignatures of one batch.
const MAX_COUNT: u16 = 128;

pub(crate) async fn presign(
    shared: &Arc<Shared>,
    ceremony: [u8; 32],
    id: WalletId,
    set: Vec<u16>,
    count: u16,
) -> Result<NodeResponse, NodeError> {
    let wallet = calls::wallet(shared, &id)?;
    let bad = |message: String| NodeError::new(ErrorCode::BadRequest, message);
    let SuiteShare::Ecdsa(share) = &wallet.share else {
        return Err(bad(format!("wallet {id} is not an ECDSA wallet and signs without presignatures")));
    };
    if count == 0 || count > MAX_COUNT {
        return Err(bad(format!("count must be 1 to {MAX_COUNT}, found {count}")));
    }
    let record = wallet.record();
    let t = share.public().threshold();
    if set.len() != t || !set.is_sorted_by(|a, b| a < b) || !set.contains(&wallet.index) {
        return Err(bad(format!(
            "the signer set must be {t} ascending indices, this node's {} among them",
            wallet.index
        )));
    }
    let own = Arc::clone(shared);
    let poisoned = move |peer: &PublicKey| disputes::poisoned(&own, peer);
    let access = shared.pairs.access(record, &shared.me, &set, poisoned).map_err(|peer| {
        let message = format!("no pair state with {}; set it up first", shared.name(&peer));
        NodeError::new(ErrorCode::NoStock, message)
    })?;
    let own = Own { boot: shared.boot, pairs: access.ids(), told_try: 0 };
    let config = config(ceremony, record, (t, count), &set, own).map_err(|error| session_error(&error))?;
    let protocol = Presign {
        share: Arc::clone(share),
        record: record.hash().0,
        epoch: record.attempt.to_bytes().to_vec(),
        pairs: access.clone(),
        count: usize::from(count),
    };
    match shared.ceremonies.run(config, Box::new(protocol), NoPersist, access.clone()).await {
        // Under the same locks as the dropping of what was made with a poisoned pair: it comes before or after, and both
        // ways nothing of it stays.
        Ok(presignatures) => tokio::task::block_in_place(|| access.held(|| stock(shared, id, presignatures)))
            .map_err(|reason| NodeError::new(ErrorCode::Ceremony, reason))
            .and_then(|public| {
                // Looked at after they are in: whichever way it falls out with an activation, none of an old epoch stays.
                if shared.wallets.is_current(&wallet) {
                    return Ok(NodeResponse::Presigned(public));
                }
                shared.stock.forget(id);
                Err(NodeError::new(
                    ErrorCode::NoStock,
                    "the key's epoch ended meanwhile; presign in the new one",
                ))
            }),
        Err(error) => {
            record_faults(shared, &error).await;
            Err(session_error(&error))
        }
    }
}

/// Stocks presignatures; gives their public parts.
fn stock(shared: &Shared, id: WalletId, presignatures: Vec<Presignature>) -> Vec<Vec<u8>> {
    let mut public = Vec::with_capacity(presignatures.len());
    for presignature in presignatures {
        public.push(presignature.public().encode());
        let pd = presignature.public().pd().to_vec();
        shared.stock.add(id, pd, Item::Ecdsa(Box::new(presignature)));
    }
    public
}

fn config(
    ceremony: [u8; 32],
    record: &WalletRecord,
    (threshold, count): (usize, u16),
    set: &[u16],
    own: Own,
) -> Result<Config, SessionError> {
    let mut list = Vec::with_capacity(set.len());
    for index in set {
        let party = record.party(*index).ok_or(SessionError::Config("a signer is not a party of the key"))?;
        let index = Index::new(*index).map_err(|_| SessionError::Config("a party index must not be zero"))?;
        list.push((index, party));
    }
    Ok(Config {
        ceremony,
        participants: Participants::new::<Secp256k1>(list)?,
        terms: Terms {
            suite: record.suite.to_string(),
            purpose: "presign".to_owned(),
            order: record.order.0,
            order_number: record.attempt.order_number,
            key: record.wallet.0,
            base_epoch: Some(record.hash().0),
            threshold: u16::try_from(threshold).unwrap_or(u16::MAX),
            // Message lengths follow from it: two parties with different counts must not blame one another.
            extra: vec![("count".to_owned(), count.to_be_bytes().to_vec())],
        },
        own,
        limits: limits(set.len(), count),
    })
}

/// Who withholds a message holds up the others for one round: as short as the work of a large set allows.
fn limits(parties: usize, count: u16) -> Limits {
    let work = 500 * parties as u64 + 100 * u64::from(count);
    let round = 4_000 + work;
    Limits { max_message: 8 << 20, round, evidence: 2_000, total: 3 * round }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_audit::Attempt;
    use quorate_ceremonies::Pair;
    use quorate_intent::{Hash, Suite};
    use quorate_session::bus::{Bus, Store};
    use quorate_session::{Identity, Session};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    /// Message lengths follow from the count, so it is compared before any message could be judged by its length.
    #[test]
    fn differing_counts_are_a_mismatch_and_nobodys_fault() {
        let mut ids: Vec<_> = (1..=2).map(|n| Arc::new(Identity::from_seed(&[n; 32]))).collect();
        ids.sort_by_key(|id| id.public());
        let record = WalletRecord {
            wallet: WalletId([1; 16]),
            suite: Suite::Ecdsa,
            label: "w".into(),
            attempt: Attempt { order_number: 1, attempt_try: 1, transcript: Hash([2; 32]) },
            order: Hash([3; 32]),
            parties: ids.iter().map(|id| id.public()).collect(),
            public: Vec::new(),
        };
        let ends = |counts: [u16; 2]| {
            let mut bus = Bus::new(1);
            for (id, count) in ids.iter().zip(counts) {
                let own = Own::default();
                let config = config([7; 32], &record, (2, count), &[1, 2], own).unwrap();
                let mut rng = ChaCha20Rng::from_seed(id.public().0);
                // Any protocol will do: it must not even start.
                let (session, outputs) =
                    Session::new(config, Arc::clone(id), Box::new(Pair), 0, &mut rng).unwrap();
                bus.seat(id.public(), session, outputs, rng, Store::Works);
            }
            bus.run();
            bus.seats.into_values().map(|seat| seat.outcome.unwrap()).collect::<Vec<_>>()
        };
        for end in ends([4, 5]) {
            let Err(SessionError::ConfigMismatch(differing)) = end else { panic!("not a mismatch") };
            // The nonce is the same at both; only the count differs.
            assert_eq!((differing.len(), &differing[0].terms[..]), (1, &["extra"][..]));
        }
        assert!(ends([4, 4]).iter().all(Result::is_ok));
    }
}

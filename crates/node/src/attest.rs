//! This node's word for deposit addresses (`quorate_coordination::attest`): derived here, from the certificate in the vault.
//!
//! Nothing is logged: the word says what anybody can compute from the certificate, it allows nothing, and a gateway could fill
//! the log with it. What it costs is time, so it is given at a bounded rate.

use crate::calls::wallet;
use crate::node::Shared;
use quorate_coordination::attest::{Claim, MAX_ATTESTED, Place};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse};
use quorate_intent::{WalletId, keys};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Addresses that may be asked for at once after a quiet time.
const BURST: f64 = 20_000.0;
/// Addresses a second that may be asked for all the time: a tenth of one core.
const RATE: f64 = 1_000.0;

/// How many addresses may be asked for now.
pub(crate) struct Allowance(Mutex<(f64, Instant)>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new((BURST, Instant::now())))
    }
}

impl Allowance {
    /// Takes `count` if there are as many.
    fn take(&self, count: usize, now: Instant) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *held;
        let left = (left + now.saturating_duration_since(since).as_secs_f64() * RATE).min(BURST);
        let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
        let fits = count <= left;
        *held = (if fits { left - count } else { left }, now);
        fits
    }
}

/// Derives and signs addresses.
pub(crate) fn attest(shared: &Shared, id: WalletId, places: &[Place]) -> Result<NodeResponse, NodeError> {
    let bad = |message: String| NodeError::new(ErrorCode::BadRequest, message);
    if places.is_empty() || places.len() > MAX_ATTESTED {
        return Err(bad(format!("give 1 to {MAX_ATTESTED} places, found {}", places.len())));
    }
    for place in places {
        place.check().map_err(|error| bad(error.to_string()))?;
    }
    let wallet = wallet(shared, &id)?;
    if !shared.attesting.take(places.len(), Instant::now()) {
        let message = "too many addresses were asked for; ask for fewer, or wait";
        return Err(NodeError::new(ErrorCode::Busy, message));
    }
    let cluster = shared.genesis.chain().genesis().hash();
    let word = |place: &Place| {
        let address = quorate_chains::address(&wallet.keys.wallet_key(), &place.network, &place.path)
            .map_err(|error| bad(error.to_string()))?;
        let claim = Claim { cluster: &cluster, wallet: &id, place, address: &address };
        let signature = keys::sign(shared.vault.identity().expose(), &claim.digest(&shared.me));
        Ok((address, signature))
    };
    tokio::task::block_in_place(|| places.iter().map(word).collect::<Result<_, _>>())
        .map(NodeResponse::Attested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_allowance_comes_back_with_time_and_not_above_its_cap() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        assert!(allowance.take(20_000, now));
        assert!(!allowance.take(1, now));
        assert!(allowance.take(1_000, now + Duration::from_secs(1)));
        assert!(!allowance.take(100, now + Duration::from_secs(1)));
        let later = now + Duration::from_secs(1_000_000);
        assert!(!allowance.take(20_001, later));
        assert!(allowance.take(20_000, later));
    }
}

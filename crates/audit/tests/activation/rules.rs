//! The rules that are checked: the real ones, and some with a fault that the model must see.

use quorate_audit::Attempt;
use quorate_audit::epochs::{AcceptedOrder, Certified, Epochs};

/// What one party does with what it hears.
pub trait Rules {
    /// Takes part in a run.
    fn accept(&self, epochs: &mut Epochs, new: AcceptedOrder, base: Attempt) -> bool {
        let admitted = epochs.accept(new, Some(base)).is_ok();
        if admitted {
            epochs.accepted = Some(new);
        }
        admitted
    }

    /// Stores its share and signs.
    fn prepare(&self, epochs: &mut Epochs, attempt: Attempt, base: Attempt) -> bool {
        let admitted = epochs.prepare(attempt, Some(base)).is_ok();
        if admitted {
            epochs.shares.insert(attempt);
        }
        admitted
    }

    /// Takes a certificate.
    fn certify(&self, epochs: &mut Epochs, rank: Attempt) {
        if let Ok(Certified::Taken { erase, .. }) = epochs.certify(rank) {
            epochs.certified = Some(rank);
            epochs.shares.retain(|share| !erase.contains(share));
        }
    }

    /// A run that is going on ends without a certificate.
    fn time_out(&self, _: &mut Epochs, _: Attempt) {}

    /// Whether that changes anything.
    fn times_out(&self) -> bool {
        false
    }

    /// Whether these signatures make a certificate; `honest` are the recipients that are.
    fn enough(&self, prepared: u8, honest: u8, _liars: u8) -> bool {
        prepared & honest == honest
    }

    /// How an attempt is named.
    fn name(&self, attempt: Attempt) -> Attempt {
        attempt
    }
}

/// As the vault does it.
pub struct Real;

impl Rules for Real {}

/// Forget and forgive, one way.
pub struct TimeoutErases;

impl Rules for TimeoutErases {
    fn times_out(&self) -> bool {
        true
    }

    fn time_out(&self, epochs: &mut Epochs, attempt: Attempt) {
        if Some(attempt) > epochs.certified {
            epochs.shares.remove(&attempt);
        }
    }
}

/// The other way.
pub struct EraseAtPrepare;

impl Rules for EraseAtPrepare {
    fn prepare(&self, epochs: &mut Epochs, attempt: Attempt, base: Attempt) -> bool {
        let admitted = Real.prepare(epochs, attempt, base);
        if admitted {
            epochs.shares.retain(|share| *share >= attempt);
        }
        admitted
    }
}

/// t' signatures are taken for a certificate.
pub struct Quorum;

impl Rules for Quorum {
    fn enough(&self, prepared: u8, honest: u8, liars: u8) -> bool {
        (prepared & honest).count_ones() + liars.count_ones() >= 2 && prepared & honest != 0
    }
}

/// Tries are all that is compared.
pub struct NoOrderNumbers;

impl Rules for NoOrderNumbers {
    fn accept(&self, epochs: &mut Epochs, new: AcceptedOrder, _: Attempt) -> bool {
        let admitted = epochs.accepted.is_none_or(|last| new.attempt_try > last.attempt_try);
        if admitted {
            epochs.accepted = Some(AcceptedOrder { number: 2, ..new });
        }
        admitted
    }

    fn prepare(&self, epochs: &mut Epochs, attempt: Attempt, _: Attempt) -> bool {
        let last = epochs.accepted.is_some_and(|last| attempt.attempt_try <= last.attempt_try);
        last && Some(attempt) > epochs.certified && epochs.shares.insert(attempt)
    }

    fn name(&self, attempt: Attempt) -> Attempt {
        Attempt { order_number: attempt.order_number.min(2), ..attempt }
    }
}

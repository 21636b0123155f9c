//! Certificates and records that are signed and approved in full, and do not follow from their order.

use super::{certificate, digest, genesis, intent, key, seeds, shares};
use crate::certificate::CERTIFICATE_DOMAIN;
use crate::{Certificate, Proof, RecordError, Resharing, WalletRecord};
use quorate_audit::Attempt;
use quorate_intent::keys::sign;
use quorate_intent::*;
use quorate_protocols::Message;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::key::PublicShares;
use quorate_sharing::{Curve, Ed25519, Indices};

type Scalar = <Ed25519 as Curve>::Scalar;

/// What everybody approves and signs.
fn certified(order: SignedIntent, record: WalletRecord) -> Certificate {
    let statement = digest(CERTIFICATE_DOMAIN, &record.statement());
    let signatures = seeds().map(|seed| sign(&key(seed), &statement)).to_vec();
    let approvals = vec![Approval::new(order.intent.hash(), Verdict::Approve, &key(14))];
    Certificate { record, order, approvals, proof: Proof::Generate { signatures } }
}

fn check(certificate: &Certificate) -> Result<(), RecordError> {
    certificate.check(&genesis(), digest).map(|_| ())
}

/// Shares on a polynomial with these coefficients.
fn sharing(coefficients: &[u64], chain_code: [u8; 32]) -> Vec<u8> {
    let at = |x: u64| {
        let value = coefficients.iter().rev().fold(0, |sum, coefficient| sum * x + coefficient);
        Ed25519::mul_base_vartime(&Scalar::from(value))
    };
    let key = ExtendedKey::<Ed25519> { key: at(0), chain_code };
    let indices = Indices::new::<Ed25519>([1, 2, 3]).unwrap();
    PublicShares::new(coefficients.len(), indices, [1, 2, 3].map(at).to_vec(), key).unwrap().encode()
}

#[test]
fn an_order_of_another_governance_makes_no_key() {
    let Certificate { order, record, .. } = certificate();
    assert_eq!(check(&certified(order.clone(), record.clone())), Ok(()));
    let order = Intent { governance: Hash([9; 32]), ..order.intent }.sign(&key(21));
    let record = WalletRecord { order: order.intent.hash(), ..record };
    let error = check(&certified(order, record)).unwrap_err();
    assert!(matches!(error, RecordError::Order(IntentError::OtherCluster { .. })), "{error}");
}

/// Two orders of one number: what was made for one is not shown for the other.
#[test]
fn a_key_is_that_of_its_own_order() {
    let Certificate { order, record, .. } = certificate();
    let other = Intent { nonce: [8; 16], ..order.intent }.sign(&key(21));
    let refused = Err(RecordError::Record("it does not follow from the order"));
    assert_eq!(check(&certified(other, record)), refused);
}

#[test]
fn the_same_key_has_the_same_point_and_chain_code() {
    let held = certificate().record;
    let with = |public| Certificate { record: WalletRecord { public, ..held.clone() }, ..certificate() };
    // Refreshed: other shares of the same key.
    assert_eq!(with(sharing(&[5000, 13], [6; 32])).same_key(&held), Ok(()));
    let changed = Err(RecordError::Record("wallet, suite, public key or chain code changed"));
    assert_eq!(with(sharing(&[5001, 11], [6; 32])).same_key(&held), changed);
    assert_eq!(with(sharing(&[5000, 11], [7; 32])).same_key(&held), changed);
    let other = WalletRecord { wallet: WalletId([8; 16]), ..held.clone() };
    assert_eq!(with(held.public.clone()).same_key(&other), changed);
}

/// An order of number 2 over the key of the certificate.
fn order_of(kind: impl Fn(&WalletRecord) -> OrderKind) -> (WalletRecord, SignedIntent) {
    let base = certificate().record;
    let order = Order { wallet: base.wallet, number: 2, kind: kind(&base) };
    (base, intent(Body::Order(order)))
}

fn attempt(attempt_try: u32) -> Attempt {
    Attempt { order_number: 2, attempt_try, transcript: Hash([5; 32]) }
}

#[test]
fn a_new_epoch_follows_from_its_order_and_keeps_the_key() {
    let (base, order) = order_of(|base| OrderKind::Reshare {
        base: base.hash(),
        recipients: base.parties.clone(),
        threshold: 2,
        purpose: Purpose::Refresh,
        schedule: None,
    });
    let plan = Resharing::new(&order, base, vec![1, 2]).unwrap();
    let good = plan.record(attempt(1), sharing(&[5000, 13], [6; 32]));
    plan.check_record(&good).unwrap();
    let refused = |change: &dyn Fn(&mut WalletRecord), problem| {
        let mut record = good.clone();
        change(&mut record);
        assert_eq!(plan.check_record(&record), Err(RecordError::Record(problem)));
    };
    refused(&|record| record.order = Hash([9; 32]), "it is of another order");
    refused(&|record| record.attempt.order_number = 3, "it is of another order");
    refused(&|record| record.attempt.attempt_try = 0, "its attempt is not above the base");
    refused(&|record| record.label.push('x'), "its label changed");
    let key = "wallet, suite, public key or chain code changed";
    refused(&|record| record.public = sharing(&[5001, 13], [6; 32]), key);
    refused(&|record| record.public = sharing(&[5000, 13], [7; 32]), key);
    // The same key among the same parties, for which any three are needed: nobody ordered that.
    let other = "threshold or parties differ from the order";
    refused(&|record| record.public = sharing(&[5000, 13, 1], [6; 32]), other);
    refused(&|record| record.parties.swap(0, 1), other);
}

/// A schedule reshares what it made itself: only upwards, or an old epoch would come back as a new one.
#[test]
fn a_schedules_epochs_go_up() {
    let repeat = Repeat { interval: 86_400, end: 1_800_000_000 };
    let (first, order) =
        order_of(|base| OrderKind::Schedule { parties: base.parties.clone(), threshold: 2, repeat });
    let plan = Resharing::new(&order, first, vec![1, 2]).unwrap();
    let base = plan.record(attempt(3), shares().encode());
    let plan = Resharing::new(&order, base, vec![1, 2]).unwrap();
    let check = |attempt_try| {
        let record = plan.record(attempt(attempt_try), sharing(&[5000, 13], [6; 32]));
        plan.check_record(&record).map(|_| ())
    };
    assert_eq!(check(4), Ok(()));
    for attempt_try in [1, 2, 3] {
        assert_eq!(check(attempt_try), Err(RecordError::Record("its attempt is not above the base")));
    }
}

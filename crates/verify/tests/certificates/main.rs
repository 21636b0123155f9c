//! What a certificate shows, and that nothing in it can be changed.
#![allow(missing_docs)]

mod logs;
mod scene;

use quorate_audit::{Body, Entry, WillSign};
use quorate_intent::Genesis;
use quorate_intent::keys::public;
use quorate_intent::{Approval, Verdict as Said};
use quorate_verify::{Report, TransactionCertificate, Verifier, VerifyError};
use scene::{genesis, key, proven, scene, seeds};
use std::sync::LazyLock;

/// Knows the ground of the whole certificate already.
static KNOWING: LazyLock<Verifier> = LazyLock::new(|| {
    let verifier = Verifier::default();
    verifier.verify(&scene(), &genesis()).unwrap();
    verifier
});

/// A verifier that knows the ground says of everything the same as one that starts afresh.
fn verify(certificate: &TransactionCertificate, genesis: &Genesis) -> Result<Report, VerifyError> {
    let (afresh, knowing) =
        (quorate_verify::verify(certificate, genesis), KNOWING.verify(certificate, genesis));
    assert_eq!(format!("{afresh:?}"), format!("{knowing:?}"));
    afresh
}

fn refused(certificate: &TransactionCertificate) -> String {
    match verify(certificate, &genesis()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn it_shows_who_approved_and_who_signed() {
    let certificate = scene();
    let report = verify(&certificate, &genesis()).unwrap();
    assert!(report.complete);
    assert_eq!(report.witnesses_needed, 2);
    let mut approved: Vec<&str> = report.approved_by.iter().map(|named| named.name.as_str()).collect();
    approved.sort_unstable();
    assert_eq!(approved, ["x", "y"]);
    assert_eq!(report.rule, "genesis/approvers");
    let signed: Vec<&str> = report.signed_by.iter().map(|by| by.party.name.as_str()).collect();
    assert_eq!(signed, ["ada", "bob"]);
    assert_eq!(report.signed_by[0].witnesses.len(), 2);
    assert_eq!((report.signed_by[1].entry, report.signed_by[1].log_size), (3, 14));
    assert_eq!(report.summary.amount.to_string(), "40000000");
    assert_eq!(report.initiator.name, "api");
    // The file has one form, and says the same.
    let file = certificate.to_file();
    assert_eq!(TransactionCertificate::from_file(file.as_bytes()).unwrap(), certificate);
}

/// Every byte of the content, and each fifth in another way too: whatever decodes is refused by a part's reason.
#[test]
fn every_changed_byte_is_refused() {
    let bytes = scene().encode();
    let mut reasons = std::collections::BTreeMap::<String, usize>::new();
    for at in 0..bytes.len() {
        let changes: &[u8] = if at % 5 == 0 { &[0x01, 0xff] } else { &[0x01] };
        for change in changes {
            let mut bad = bytes.clone();
            bad[at] ^= change;
            let error = match TransactionCertificate::decode(&bad) {
                Err(error) => error,
                Ok(certificate) => match verify(&certificate, &genesis()) {
                    Err(error) => error,
                    Ok(_) => panic!("byte {at} of {} can be changed by {change:#x}", bytes.len()),
                },
            };
            let part = match error {
                VerifyError::Refused { part, .. } => part,
                _ => "form",
            };
            *reasons.entry(part.to_owned()).or_default() += 1;
        }
    }
    // Not one guard stands before all the others.
    assert!(reasons.len() >= 6, "{reasons:?}");
}

/// Not only that a rule lacks an approval: whose signature it is that does not hold, and that a rejection is none.
#[test]
fn an_approval_that_does_not_hold_is_named() {
    let whole = scene();
    let mut altered = whole.clone();
    altered.approvals[0].signature.0[1] ^= 1;
    let mut rejected = whole.clone();
    rejected.approvals[0].verdict = Said::Reject;
    for bad in [altered, rejected] {
        let told = refused(&bad);
        assert!(told.starts_with("the approvals: the signature of "), "{told}");
        assert!(told.ends_with(" does not hold"), "{told}");
    }
}

#[test]
fn every_changed_byte_of_the_file_is_refused() {
    let file = scene().to_file().into_bytes();
    let mut taken = Vec::new();
    for at in (0..file.len()).filter(|at| *at < 60 || *at > file.len() - 60 || at % 97 == 0) {
        for other in [b' ', b'0', b'A', file[at] ^ 1] {
            let mut bad = file.clone();
            bad[at] = other;
            if bad != file
                && TransactionCertificate::from_file(&bad).is_ok_and(|bad| verify(&bad, &genesis()).is_ok())
            {
                taken.push(at);
            }
        }
    }
    assert!(taken.is_empty(), "{taken:?}");
    let mut spaced = file.clone();
    spaced.insert(1, b' ');
    assert!(TransactionCertificate::from_file(&spaced).is_err());
}

#[test]
fn nothing_can_be_taken_out_or_doubled() {
    let whole = scene();
    for at in 0..2 {
        let mut bad = whole.clone();
        bad.approvals.remove(at);
        assert!(refused(&bad).contains("missing"), "{}", refused(&bad));
        let mut bad = whole.clone();
        bad.approvals[at] = bad.approvals[1 - at].clone();
        assert!(refused(&bad).contains("ascend"));
        let mut bad = whole.clone();
        bad.verdicts.remove(at);
        assert!(refused(&bad).contains("one of each party"));
        let mut bad = whole.clone();
        bad.verdicts[at] = bad.verdicts[1 - at].clone();
        assert!(refused(&bad).contains("one of each party"));
        let mut bad = whole.clone();
        bad.verdicts[at].proven = bad.verdicts[1 - at].proven.clone();
        assert!(refused(&bad).contains("is no log of node"), "{}", refused(&bad));
        let mut bad = whole.clone();
        bad.signing.partials[0].remove(at);
        assert!(refused(&bad).contains("missing"));
    }
    let mut bad = whole.clone();
    bad.verdicts.swap(0, 1);
    assert!(refused(&bad).contains("in order"));
    let mut bad = whole.clone();
    bad.approvals.swap(0, 1);
    assert!(refused(&bad).contains("ascend"));
    let mut bad = whole.clone();
    bad.key.approvals.clear();
    assert!(refused(&bad).contains("the key's certificate"));
}

fn with_approvals(seeds: &[u8]) -> TransactionCertificate {
    let mut bad = scene();
    let hash = bad.intent.intent.hash();
    bad.approvals = seeds.iter().map(|seed| Approval::new(hash, Said::Approve, &key(*seed))).collect();
    bad.approvals.sort_by_key(|approval| approval.approver);
    bad
}

#[test]
fn approvals_are_those_that_the_signers_counted() {
    // A third good approval that no signer counted, and another pair than the one that they counted.
    assert!(refused(&with_approvals(&[11, 12, 13])).contains("counted for nobody"));
    assert!(refused(&with_approvals(&[11, 13])).contains("missing"));
    assert!(refused(&with_approvals(&[11, 21])).contains("missing"));
    let mut bad = scene();
    bad.approvals[0] = Approval::new(bad.approvals[0].intent, Said::Reject, &key(11));
    bad.approvals.sort_by_key(|approval| approval.approver);
    assert!(!refused(&bad).is_empty());
    let mut other = scene();
    other.approvals[0] = Approval::new(other.key.order.intent.hash(), Said::Approve, &key(11));
    assert!(refused(&other).contains("another intent") || refused(&other).contains("ascend"));
}

fn with_entry(change: impl Fn(&mut WillSign)) -> String {
    let mut bad = scene();
    let Body::WillSign(mut entry) = Entry::decode(&bad.verdicts[0].proven.included.entry).unwrap().body
    else {
        panic!("a decision")
    };
    change(&mut entry);
    // The node itself lies here: the entry really is in its log, and its head is cosigned.
    bad.verdicts[0].proven = proven(seeds()[0], &entry, 9, &seeds());
    refused(&bad)
}

#[test]
fn a_decision_must_be_the_one_that_was_carried_out() {
    let hash = quorate_intent::Hash([1; 32]);
    assert!(with_entry(|entry| entry.intent = hash).contains("another intent"));
    assert!(with_entry(|entry| entry.form = hash).contains("another transaction"));
    assert!(with_entry(|entry| entry.wallet.0[0] = 1).contains("another key"));
    assert!(with_entry(|entry| entry.resources.clear()).contains("uses up"));
    assert!(with_entry(|entry| entry.digests.clear()).contains("digests"));
    assert!(with_entry(|entry| entry.governance = hash).contains("governance version"));
    assert!(with_entry(|entry| entry.rule = "none".into()).contains("rule"));
    assert!(with_entry(|entry| entry.approvers.truncate(1)).contains("missing"));
    assert!(with_entry(|entry| entry.approvers.push(public(&key(13)))).contains("other approvers"));
}

#[test]
fn it_is_pending_until_enough_witnesses_cosigned() {
    let mut pending = scene();
    let Body::WillSign(entry) = Entry::decode(&pending.verdicts[1].proven.included.entry).unwrap().body
    else {
        panic!("a decision")
    };
    pending.verdicts[1].proven = proven(seeds()[1], &entry, 14, &seeds()[2..]);
    let report = verify(&pending, &genesis()).unwrap();
    assert!(!report.complete);
    assert_eq!(report.signed_by[1].witnesses.len(), 1);
    // A stranger's cosignature counts for nothing, and is refused.
    pending.verdicts[1].proven = proven(seeds()[1], &entry, 14, &[99]);
    assert!(refused(&pending).contains("unknown here"));
}

#[test]
fn another_cluster_and_another_genesis_are_refused() {
    let mut other = genesis();
    other.name = "other".into();
    let error = verify(&scene(), &other).unwrap_err().to_string();
    assert!(error.contains("the cluster"), "{error}");
    let mut bad = scene();
    bad.cluster = other.hash();
    let error = verify(&bad, &other).unwrap_err().to_string();
    assert!(error.contains("governance chain"), "{error}");
}

#[test]
fn an_earlier_transaction_is_given_without_its_witnesses() {
    let mut bad = scene();
    let keys = bad.key.record.keys().unwrap();
    bad.plan = scene::plan(&keys).encode();
    assert!(refused(&bad).contains("witnesses"));
}

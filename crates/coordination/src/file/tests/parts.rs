//! One part of a request and its partial signatures, each with one thing that does not fit (FROST, Ed25519).

use super::{GATEWAY, certificate, key, scene, seeds, shares};
use crate::partial::PartError;
use crate::{
    Assignment, CombineError, KeySet, Material, OwnedCommitment, Part, Partial, PartialFile, RawSignature,
    SigningRequest, WalletRecord, combine,
};
use quorate_intent::Hash;
use quorate_intent::keys::{public, sign};

struct Case {
    record: WalletRecord,
    keys: KeySet,
    request: SigningRequest,
    part: Part,
    partials: Vec<Partial>,
}

impl Case {
    fn new() -> Self {
        let scene = scene(1);
        let partial = |(_, file): (String, PartialFile)| Partial {
            signer: file.signer.index,
            body: file.partials[0].body.clone(),
            signature: file.partials[0].signature,
        };
        Self {
            record: certificate().record,
            keys: KeySet::Ed25519(shares()),
            request: scene.call.request.clone(),
            part: scene.call.parts[0].clone(),
            partials: scene.files.into_iter().map(partial).collect(),
        }
    }

    /// Changes the assignment, which the coordinator signs again.
    fn assign(&mut self, change: impl Fn(&mut Assignment)) {
        let assigned = &mut self.part.assignment;
        change(&mut assigned.assignment);
        assigned.signature = sign(&key(GATEWAY), &assigned.assignment.digest());
    }

    fn check(&self) -> Option<PartError> {
        self.part.check(&self.keys, &self.record.parties, &self.request).err()
    }

    fn combine(&self) -> Result<RawSignature, CombineError> {
        let coordinator = public(&key(GATEWAY));
        let (record, keys) = (&self.record, &self.keys);
        combine(record, keys, &coordinator, &self.request, &self.part, &self.partials)
    }
}

#[test]
fn what_fits_is_combined() {
    let case = Case::new();
    assert_eq!(case.check(), None);
    assert!(matches!(case.combine(), Ok(RawSignature::Ed25519(_))));
}

/// A coordinator that may try for ever collects as many partial signatures as it likes.
#[test]
fn attempts_of_a_request_come_to_an_end() {
    let mut case = Case::new();
    let attempts = case.request.attempts;
    case.assign(|assignment| assignment.attempt = attempts - 1);
    assert_eq!(case.check(), None);
    for attempt in [attempts, attempts + 1, u32::MAX] {
        case.assign(|assignment| assignment.attempt = attempt);
        assert_eq!(case.check(), Some(PartError::Mismatch("the attempts of this request are used up")));
    }
}

#[test]
fn the_key_of_an_item_is_the_one_at_its_path() {
    for change in [|path: &mut Vec<u32>| path.push(7), |path: &mut Vec<u32>| path.clear()] {
        let mut case = Case::new();
        change(&mut case.request.items[0].path);
        let hash = case.request.hash();
        case.assign(|assignment| assignment.request = hash);
        assert_eq!(case.check(), Some(PartError::Key));
    }
}

#[test]
fn an_assignment_is_for_its_own_nonces() {
    let mut case = Case::new();
    case.assign(|assignment| assignment.material = Hash([7; 32]));
    assert_eq!(case.check(), Some(PartError::Mismatch("it names other nonces than it comes with")));
}

/// One set of commitments has one list, so that two signers never sign for two lists of one digest.
#[test]
fn commitments_ascend_by_signer() {
    let change = |change: fn(&mut Vec<OwnedCommitment>)| {
        let mut case = Case::new();
        let Material::Frost(list) = &mut case.part.material else { panic!("FROST") };
        change(list);
        case.check()
    };
    let ascend = PartError::Malformed("commitments must ascend by signer".into());
    assert_eq!(change(|list| list.reverse()), Some(ascend.clone()));
    assert_eq!(change(|list| list.push(list[1].clone())), Some(ascend));
}

#[test]
fn only_the_coordinator_assigns() {
    let mut case = Case::new();
    case.part.assignment.signature = sign(&key(51), &case.part.assignment.assignment.digest());
    assert_eq!(case.combine(), Err(CombineError::Coordinator));
}

/// A partial signature that is right and that its maker did not sign is nobody's.
#[test]
fn a_maker_signs_its_partial() {
    let mut case = Case::new();
    case.partials[0].signature = case.partials[1].signature;
    assert_eq!(case.combine(), Err(CombineError::Forged(1)));
    let mut case = Case::new();
    case.partials[1].signature.0[0] ^= 1;
    assert_eq!(case.combine(), Err(CombineError::Forged(2)));
}

/// Party 3 holds a share and was not asked: it cannot spoil what the two make.
#[test]
fn a_party_that_was_not_asked_has_no_partial() {
    let mut case = Case::new();
    let body = case.partials[0].body.clone();
    let checked = case.part.check(&case.keys, &case.record.parties, &case.request).ok().unwrap();
    let signature = sign(&key(seeds()[2]), &checked.statement(3, &body));
    case.partials.push(Partial { signer: 3, body, signature });
    assert_eq!(case.combine(), Err(CombineError::Unexpected(3)));
    case.partials[2].signer = 4;
    assert_eq!(case.combine(), Err(CombineError::Unexpected(4)));
    case.partials[2] = case.partials[0].clone();
    assert_eq!(case.combine(), Err(CombineError::Unexpected(1)));
}

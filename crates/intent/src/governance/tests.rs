use super::*;
use crate::keys::public;
use crate::{Approval, Group, Intent, Member, Verdict};
use ed25519_dalek::SigningKey;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn member(name: &str, seed: u8) -> Member {
    Member { name: name.into(), key: public(&key(seed)) }
}

fn party(name: &str, seed: u8) -> Party {
    Party { name: name.into(), key: public(&key(seed)), address: format!("h:{seed}") }
}

fn genesis() -> Genesis {
    Genesis {
        version: crate::genesis::VERSION,
        name: "test".into(),
        parties: vec![party("a", 1), party("b", 2)],
        gateway: public(&key(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11)] },
        administrators: Group { quorum: 2, members: vec![member("r", 14), member("s", 15)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    }
}

/// The two rules of a version without a policy.
fn built_in(base: &Genesis, step: &Step) -> Result<(), IntentError> {
    let intent = &step.intent.intent;
    crate::approving_members(&base.administrators, "administrators", intent, &step.approvals).map(|_| ())
}

fn step(chain: &Governance, change: Change, by: &[u8]) -> Step {
    let intent = Intent {
        version: crate::intent::VERSION,
        governance: chain.hash(),
        nonce: [by.len() as u8; 16],
        initiator: public(&key(21)),
        created: 1000,
        expires: 2000,
        body: Body::Governance(change),
    };
    let approve = |seed: &u8| Approval::new(intent.hash(), Verdict::Approve, &key(*seed));
    let approvals = by.iter().map(approve).collect();
    Step { intent: intent.sign(&key(21)), approvals }
}

#[test]
fn a_machine_joins_moves_and_leaves() {
    let mut chain = Governance::new(genesis()).unwrap();
    let first = chain.hash();
    let join = step(&chain, Change::Join { party: party("c", 3) }, &[14, 15]);
    assert_eq!(chain.advance(join.clone(), &built_in), Ok(true));
    assert_eq!(chain.advance(join, &built_in), Ok(false), "known already");
    assert_eq!((chain.number(), chain.current().parties.len()), (1, 3));
    let c = public(&key(3));
    let elsewhere = Change::Move { party: c, address: "elsewhere:1".into() };
    let moved = step(&chain, elsewhere.clone(), &[14, 15]);
    chain.advance(moved, &built_in).unwrap();
    assert_eq!(chain.current().party(&c).unwrap().address, "elsewhere:1");
    assert!(chain.next(&step(&chain, elsewhere, &[14, 15]), &built_in).is_err(), "it is there already");
    let leave = step(&chain, Change::Leave { party: c }, &[14, 15]);
    chain.advance(leave, &built_in).unwrap();
    // The members are those of the genesis again, and the version is another.
    assert_eq!(chain.current().parties, genesis().parties);
    assert_ne!(chain.hash(), first);
    assert!(
        chain.version(&first).is_some()
            && chain.party_ever(&c).is_some()
            && chain.current().party(&c).is_none()
    );
    let again = Governance::replay(genesis(), chain.steps().to_vec(), &built_in).unwrap();
    assert_eq!(again, chain);
    assert_eq!(chain.steps_after(1).len(), 2);
    assert!(chain.steps_after(3).is_empty() && chain.steps_after(u64::MAX).is_empty());
}

#[test]
fn only_the_administrators_quorum_of_the_version_in_force_changes_it() {
    let mut chain = Governance::new(genesis()).unwrap();
    let change = || Change::Join { party: party("c", 3) };
    for by in [&[][..], &[14], &[14, 14], &[14, 11], &[11, 21]] {
        let refused = step(&chain, change(), by);
        assert!(chain.advance(refused, &built_in).is_err(), "{by:?}");
    }
    let mut altered = step(&chain, change(), &[14, 15]);
    altered.intent.intent.body = Body::Governance(Change::Join { party: party("d", 4) });
    assert!(chain.advance(altered, &built_in).is_err());
    let mut forged = step(&chain, change(), &[14, 15]);
    forged.intent.signature = crate::Signature([1; 64]);
    let ended = chain.advance(forged, &built_in);
    assert!(
        matches!(ended, Err(IntentError::Signature { what: "intent", .. })),
        "not the initiator's: {ended:?}"
    );
    let stale = step(&chain, Change::Join { party: party("d", 4) }, &[14, 15]);
    let join = step(&chain, change(), &[15, 14]);
    chain.advance(join, &built_in).unwrap();
    assert!(matches!(chain.advance(stale, &built_in), Err(IntentError::OtherCluster { .. })), "superseded");
}

#[test]
fn no_version_that_is_not_well_formed() {
    let chain = Governance::new(genesis()).unwrap();
    let twice = Party { name: "c".into(), ..party("b", 2) };
    let gateway = Party { name: "c".into(), ..party("g", 9) };
    let nowhere = Party { address: "nowhere".into(), ..party("c", 3) };
    let named = Party { name: "a".into(), ..party("c", 3) };
    let administrator = Party { name: "c".into(), ..party("r", 14) };
    for party in [twice, gateway, nowhere, named, administrator] {
        assert!(chain.next(&step(&chain, Change::Join { party }, &[14, 15]), &built_in).is_err());
    }
    let stranger = public(&key(77));
    for change in [
        Change::Leave { party: stranger },
        Change::Leave { party: public(&key(1)) },
        Change::Move { party: stranger, address: "h:1".into() },
    ] {
        assert!(chain.next(&step(&chain, change, &[14, 15]), &built_in).is_err());
    }
    let later = chain.current().changed(&Change::Join { party: party("c", 3) }, Hash([1; 32])).unwrap();
    assert!(Governance::new(later).is_err(), "a later version is no genesis");
}

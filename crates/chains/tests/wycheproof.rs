//! Project Wycheproof's vectors against the last check of every signature: high s, r or s of zero or above the order, other
//! encodings, edge-case keys.

use bitcoin::hashes::{Hash, sha256};
use quorate_chains::{Payload, RawSignature, verify_signature};
use wycheproof::{TestResult, ecdsa, eddsa};

/// Half of the group's order, big-endian: the largest s that is not high.
const HALF: &str = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";

#[test]
fn ecdsa_accepts_what_is_valid_and_low_and_nothing_else() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256k1Sha256P1363).unwrap();
    let half = hex::decode(HALF).unwrap();
    let (mut accepted, mut high, mut refused) = (0, 0, 0);
    for group in set.test_groups {
        for test in group.tests {
            let digest = sha256::Hash::hash(&test.msg).to_byte_array();
            let valid = test.result == TestResult::Valid;
            let found = <[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|rs| {
                let signature = |recovery_id| RawSignature::Ecdsa { rs, recovery_id };
                let payload = Payload::EcdsaDigest(digest);
                let good = |id: &u8| verify_signature(&group.key.key, &payload, &signature(*id)).is_ok();
                (0..=5).filter(good).count() == 1
            });
            let is_high = test.sig.len() == 64 && test.sig[32..] > half[..];
            assert_eq!(found, valid && !is_high, "{}: {}", test.tc_id, test.comment);
            accepted += u32::from(found);
            high += u32::from(valid && is_high);
            refused += u32::from(!valid);
        }
    }
    assert!(accepted > 50 && high > 10 && refused > 50, "{accepted} {high} {refused}");
}

#[test]
fn ed25519_is_strict() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in set.test_groups {
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            let found = <[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|signature| {
                let payload = Payload::Ed25519(test.msg.to_vec());
                verify_signature(&group.key.pk, &payload, &RawSignature::Ed25519(signature)).is_ok()
            });
            assert_eq!(found, valid, "{}: {}", test.tc_id, test.comment);
            accepted += u32::from(found);
            refused += u32::from(!found);
        }
    }
    assert!(accepted > 50 && refused > 30, "{accepted} {refused}");
}

use super::*;
use crate::file::tests::{certificate, key, seeds, share};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn challenge(nonce: u8) -> Challenge {
    Challenge { nonce: [nonce; 32], certificates: vec![certificate()] }
}

/// The answer of the party of this index.
fn answer(challenge: &Challenge, index: u16) -> Answer {
    let identity = key(seeds()[usize::from(index) - 1]);
    let record = &challenge.certificates[0].record;
    let mut rng = ChaCha20Rng::from_seed([index as u8; 32]);
    let secret = share(index).secret().encode();
    let proof = challenge.prove(&keys::public(&identity), record, &secret, &mut rng).unwrap();
    challenge.answer(&identity, vec![(record.wallet, proof)])
}

#[test]
fn each_party_proves_its_own_share_for_this_challenge() {
    let asked = challenge(1);
    let wallet = asked.certificates[0].record.wallet;
    for index in 1..=3 {
        assert_eq!(asked.covered(&answer(&asked, index)), Ok(BTreeSet::from([wallet])));
    }
    let old = answer(&challenge(2), 1);
    assert!(asked.covered(&old).is_err(), "an answer to another challenge");
    let replayed = Answer { challenge: asked.hash(), ..old.clone() };
    assert!(asked.covered(&replayed).is_err(), "its signature is over another challenge");
    let resigned = asked.answer(&key(seeds()[0]), old.proofs);
    assert!(asked.covered(&resigned).is_err(), "the proof is bound to another challenge");
    let borrowed = asked.answer(&key(seeds()[1]), answer(&asked, 1).proofs);
    assert!(asked.covered(&borrowed).is_err(), "another party's proof");
}

#[test]
fn another_share_proves_nothing() {
    let asked = challenge(1);
    let record = &asked.certificates[0].record;
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let me = keys::public(&key(seeds()[0]));
    let other = share(2).secret().encode();
    assert!(matches!(asked.prove(&me, record, &other, &mut rng), Err(DrillError::Share(_))));
    let stranger = keys::public(&key(77));
    assert!(asked.prove(&stranger, record, &other, &mut rng).is_err());
}

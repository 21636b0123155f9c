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
    let refused = |answer: &Answer, problem| {
        assert_eq!(asked.covered(answer), Err(DrillError::Answer { node: answer.node, problem }));
    };
    let old = answer(&challenge(2), 1);
    refused(&old, "it answers another challenge");
    // Replayed: the signature is over another challenge, and signed anew the proof is.
    refused(&Answer { challenge: asked.hash(), ..old.clone() }, "its signature does not verify");
    refused(&asked.answer(&key(seeds()[0]), old.proofs), "a proof in it does not hold");
    let borrowed = asked.answer(&key(seeds()[1]), answer(&asked, 1).proofs);
    refused(&borrowed, "a proof in it does not hold");
}

/// An operator whose backup is empty is no excuse: such an answer must be the node's own, and fresh, as well.
#[test]
fn an_answer_without_proofs_must_be_signed_and_fresh_too() {
    let asked = challenge(1);
    let identity = key(seeds()[0]);
    let empty = asked.answer(&identity, Vec::new());
    assert_eq!(asked.covered(&empty), Ok(BTreeSet::new()));
    let bad = |problem| Err(DrillError::Answer { node: empty.node, problem });
    let old = challenge(2).answer(&identity, Vec::new());
    assert_eq!(asked.covered(&old), bad("it answers another challenge"));
    // Whoever carries an answer cannot take the proofs out of it, nor make one up.
    let mut emptied = answer(&asked, 1);
    emptied.proofs.clear();
    assert_eq!(asked.covered(&emptied), bad("its signature does not verify"));
    let mut forged = asked.answer(&key(77), answer(&asked, 1).proofs);
    forged.node = empty.node;
    assert_eq!(asked.covered(&forged), bad("its signature does not verify"));
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

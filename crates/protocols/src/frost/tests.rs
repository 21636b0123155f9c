//! FROST over our shares, judged by other code than the one that signed.

use super::*;
use quorate_sharing::{Indices, Polynomial};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::vec;

/// Shares of a known key; the public side is checked by its constructor.
fn shares<C: crate::derive::Derive>(t: usize, n: u16, rng: &mut ChaCha20Rng) -> Vec<KeyShare<C>> {
    let secret = SecretScalar::<C>::random(rng);
    let polynomial = Polynomial::random(&secret, t, rng);
    let all = Indices::new::<C>(1..=n).unwrap();
    let points = all.iter().map(|i| polynomial.evaluate(i).public()).collect();
    let key = crate::derive::ExtendedKey { key: secret.public(), chain_code: [4; 32] };
    let public = PublicShares::new(t, all.clone(), points, key).unwrap();
    all.iter().map(|i| KeyShare::new(i, polynomial.evaluate(i), public.clone()).unwrap()).collect()
}

struct Signed<S: Schnorr> {
    keys: Vec<KeyShare<S::Curve>>,
    commitments: BTreeMap<Index, NonceCommitments>,
    shares: BTreeMap<Index, Share>,
}

fn sign_with<S: Schnorr>(
    t: usize,
    n: u16,
    path: &[u32],
    tweak: Tweak,
    message: &[u8],
    seed: u64,
) -> Signed<S> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let keys = shares::<S::Curve>(t, n, &mut rng);
    // The last t parties, so that indices are not simply 1..t.
    let signers = &keys[keys.len() - t..];
    let mut secret = Vec::new();
    let mut commitments = BTreeMap::new();
    for key in signers {
        let (nonce, commitment) = nonces::<S>(key, &mut rng).unwrap();
        secret.push(nonce);
        commitments.insert(key.index(), commitment);
    }
    let task = Task { path, message, tweak, commitments: &commitments };
    let shares =
        signers.iter().zip(secret).map(|(k, n)| (k.index(), sign::<S>(k, n, &task).unwrap())).collect();
    Signed { keys, commitments, shares }
}

fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(key)
        .unwrap()
        .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
        .is_ok()
}

fn verify_bip340(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    use k256::schnorr::signature::hazmat::PrehashVerifier;
    let signature = k256::schnorr::Signature::try_from(&signature[..]).unwrap();
    k256::schnorr::VerifyingKey::from_bytes(key).unwrap().verify_prehash(message, &signature).is_ok()
}

fn check<S: Schnorr>(tweak: Tweak, verify: fn(&[u8; 32], &[u8], &[u8; 64]) -> bool) {
    let message = [7u8; 32];
    for (t, n) in [(2, 2), (2, 3), (3, 4), (3, 5), (11, 20)] {
        for path in [&[][..], &[0, 0, 5][..]] {
            let signed = sign_with::<S>(t, n, path, tweak, &message, n.into());
            let public = signed.keys[0].public();
            let task = Task { path, message: &message, tweak, commitments: &signed.commitments };
            let signature = combine::<S>(public, &task, &signed.shares).unwrap();
            let key = verifying_key_bytes::<S>(public, path, tweak).unwrap();
            assert!(verify(&key, &message, &signature), "{t} of {n}, path {path:?}");
            for (index, share) in &signed.shares {
                verify_share::<S>(public, &task, *index, share).unwrap();
            }
        }
    }
}

#[test]
fn ed25519_signatures_verify_strictly() {
    check::<Ed25519Schnorr>(Tweak::None, verify_ed25519);
}

#[test]
fn bip340_signatures_verify_with_and_without_taproot() {
    check::<Bip340>(Tweak::None, verify_bip340);
    check::<Bip340>(Tweak::TaprootKeySpend, verify_bip340);
}

/// Both parities of internal and output key occur over the seeds; each must sign.
#[test]
fn every_sign_of_the_taproot_key_signs() {
    for seed in 0..24 {
        let message = [seed as u8; 32];
        let signed = sign_with::<Bip340>(2, 3, &[0, 1], Tweak::TaprootKeySpend, &message, seed);
        let task = Task {
            path: &[0, 1],
            message: &message,
            tweak: Tweak::TaprootKeySpend,
            commitments: &signed.commitments,
        };
        let public = signed.keys[0].public();
        let signature = combine::<Bip340>(public, &task, &signed.shares).unwrap();
        let key = verifying_key_bytes::<Bip340>(public, &[0, 1], Tweak::TaprootKeySpend).unwrap();
        assert!(verify_bip340(&key, &message, &signature));
    }
}

fn wrong_shares_are_named<S: Schnorr>() {
    let message = b"pay".as_slice();
    let mut signed = sign_with::<S>(3, 5, &[1], Tweak::None, message, 3);
    let task = Task { path: &[1], message, tweak: Tweak::None, commitments: &signed.commitments };
    let public = signed.keys[0].public().clone();
    let cheater = *signed.shares.keys().nth(1).unwrap();
    let good = signed.shares[&cheater].clone();
    let scalar = S::Curve::decode_scalar(good.as_bytes()).unwrap() + <S::Curve as Curve>::Scalar::from(1u64);
    let bad = Share::decode::<S>(&S::Curve::encode_scalar(&scalar)).unwrap();
    signed.shares.insert(cheater, bad.clone());
    assert_eq!(combine::<S>(&public, &task, &signed.shares), Err(FrostError::BadShares(vec![cheater])));
    assert_eq!(verify_share::<S>(&public, &task, cheater, &bad), Err(FrostError::BadShares(vec![cheater])));
    // A good share for another message, path or signer set is a wrong share here.
    let other = Task { message: b"pay more", ..task.clone() };
    assert!(verify_share::<S>(&public, &other, cheater, &good).is_err());
    let other = Task { path: &[2], ..task.clone() };
    assert!(verify_share::<S>(&public, &other, cheater, &good).is_err());
}

#[test]
fn wrong_shares_name_their_makers() {
    wrong_shares_are_named::<Ed25519Schnorr>();
    wrong_shares_are_named::<Bip340>();
}

#[test]
fn a_party_signs_only_with_its_own_commitment_and_exactly_t_signers() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = shares::<quorate_sharing::Ed25519>(2, 3, &mut rng);
    let make = |key, rng: &mut ChaCha20Rng| nonces::<Ed25519Schnorr>(key, rng).unwrap();
    let (_, c1) = make(&keys[0], &mut rng);
    let (_, c2) = make(&keys[1], &mut rng);
    let (_, c3) = make(&keys[2], &mut rng);
    let sign_list = |list: &[(usize, &NonceCommitments)], rng: &mut ChaCha20Rng| {
        let (nonce, own) = nonces::<Ed25519Schnorr>(&keys[0], rng).unwrap();
        let mut map: BTreeMap<_, _> = list.iter().map(|(i, c)| (keys[*i].index(), (*c).clone())).collect();
        if list.iter().all(|(i, _)| *i != 0) {
            map.insert(keys[0].index(), own);
        }
        let task = Task { path: &[], message: b"m", tweak: Tweak::None, commitments: &map };
        sign::<Ed25519Schnorr>(&keys[0], nonce, &task)
    };
    assert!(sign_list(&[(1, &c2)], &mut rng).is_ok());
    assert_eq!(sign_list(&[(0, &c1), (1, &c2)], &mut rng), Err(FrostError::ForeignCommitment));
    assert_eq!(
        sign_list(&[(1, &c2), (2, &c3)], &mut rng),
        Err(FrostError::SignerCount { need: 2, found: 3 })
    );
    let (nonce, _) = nonces::<Ed25519Schnorr>(&keys[0], &mut rng).unwrap();
    let map = BTreeMap::from([(keys[1].index(), c2), (keys[2].index(), c3)]);
    let task = Task { path: &[], message: b"m", tweak: Tweak::None, commitments: &map };
    assert_eq!(sign(&keys[0], nonce, &task), Err(FrostError::Stranger(keys[0].index())));
}

#[test]
fn commitments_are_checked() {
    assert!(NonceCommitments::decode::<Ed25519Schnorr>(&[0; 63]).is_err());
    let identity = <Ed25519Schnorr as Schnorr>::Curve::encode_point(&group::Group::identity());
    assert!(NonceCommitments::decode::<Ed25519Schnorr>(&[identity.clone(), identity].concat()).is_err());
    assert!(NonceCommitments::decode::<Bip340>(&[0; 66]).is_err());
    either_may_not_be_the_identity::<Ed25519Schnorr>();
    either_may_not_be_the_identity::<Bip340>();
}

fn either_may_not_be_the_identity<S: Schnorr>() {
    let [good, zero] = [Point::<S>::generator(), Point::<S>::identity()].map(|p| S::Curve::encode_point(&p));
    assert!(NonceCommitments::decode::<S>(&[good.clone(), good.clone()].concat()).is_ok());
    for pair in [[&zero, &good], [&good, &zero]] {
        let error = NonceCommitments::decode::<S>(&pair.map(Vec::as_slice).concat()).unwrap_err();
        assert_eq!(error, crate::Malformed::Value(quorate_sharing::DecodeError::Zero));
    }
}

/// A share for a set with somebody outside of the key would be a point on another polynomial.
#[test]
fn nobody_signs_with_a_stranger() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let keys = shares::<quorate_sharing::Ed25519>(2, 3, &mut rng);
    let other = shares::<quorate_sharing::Ed25519>(2, 4, &mut rng);
    let (nonce, own) = nonces::<Ed25519Schnorr>(&keys[0], &mut rng).unwrap();
    let (_, foreign) = nonces::<Ed25519Schnorr>(&other[3], &mut rng).unwrap();
    let stranger = other[3].index();
    let map = BTreeMap::from([(keys[0].index(), own), (stranger, foreign)]);
    let task = Task { path: &[], message: b"m", tweak: Tweak::None, commitments: &map };
    assert_eq!(sign(&keys[0], nonce, &task), Err(FrostError::Stranger(stranger)));
}

/// A share that is missing, or of somebody else, is nobody's wrong share.
#[test]
fn shares_are_combined_of_exactly_the_signers() {
    let mut signed = sign_with::<Ed25519Schnorr>(3, 5, &[], Tweak::None, b"m", 8);
    let task = Task { path: &[], message: b"m", tweak: Tweak::None, commitments: &signed.commitments };
    let public = signed.keys[0].public().clone();
    let (last, share) = signed.shares.pop_last().unwrap();
    let combined = combine::<Ed25519Schnorr>(&public, &task, &signed.shares);
    assert_eq!(combined, Err(FrostError::SignerCount { need: 3, found: 2 }));
    let outsider = signed.keys[0].index();
    signed.shares.insert(outsider, share.clone());
    let combined = combine::<Ed25519Schnorr>(&public, &task, &signed.shares);
    assert_eq!(combined, Err(FrostError::SignerCount { need: 3, found: 3 }));
    signed.shares.insert(last, share);
    let combined = combine::<Ed25519Schnorr>(&public, &task, &signed.shares);
    assert_eq!(combined, Err(FrostError::SignerCount { need: 3, found: 4 }));
}

/// Points of one curve are not taken for those of another, though their bytes were decoded already.
#[test]
fn commitments_for_another_suite_are_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let keys = shares::<quorate_sharing::Ed25519>(2, 2, &mut rng);
    let other = shares::<quorate_sharing::Secp256k1>(2, 2, &mut rng);
    let (nonce, own) = nonces::<Ed25519Schnorr>(&keys[0], &mut rng).unwrap();
    let (_, foreign) = nonces::<Bip340>(&other[1], &mut rng).unwrap();
    let map = BTreeMap::from([(keys[0].index(), own), (keys[1].index(), foreign)]);
    let task = Task { path: &[], message: b"m", tweak: Tweak::None, commitments: &map };
    assert_eq!(
        sign::<Ed25519Schnorr>(&keys[0], nonce, &task),
        Err(FrostError::BadCommitment(keys[1].index()))
    );
}

use super::*;
use ed25519_dalek::SigningKey;
use quorate_audit::Attempt;
use quorate_intent::{BitcoinNetwork, Signature, Suite, keys};
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::key::PublicShares;
use quorate_sharing::{Curve, Indices, Secp256k1};

const CLUSTER: Hash = Hash([7; 32]);

fn node(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A 2-of-3 key that was dealt, and its record.
fn wallet(id: u8, secret: u64) -> (WalletRecord, KeySet) {
    let point = |n: u64| Secp256k1::mul_base_vartime(&<Secp256k1 as Curve>::Scalar::from(n));
    let indices = Indices::new::<Secp256k1>([1, 2, 3]).unwrap();
    let shares = [1u64, 2, 3].map(|i| point(secret + 7 * i)).to_vec();
    let key = ExtendedKey { key: point(secret), chain_code: [5; 32] };
    let keys = KeySet::Ecdsa(PublicShares::new(2, indices, shares, key).unwrap());
    let record = WalletRecord {
        wallet: WalletId([id; 16]),
        suite: Suite::Ecdsa,
        label: "deposits".into(),
        attempt: Attempt { order_number: 1, attempt_try: 1, transcript: Hash([3; 32]) },
        order: Hash([4; 32]),
        parties: [1, 2, 3].map(|seed| keys::public(&node(seed))).to_vec(),
        public: keys.encode(),
    };
    (record, keys)
}

fn word(seed: u8, record: &WalletRecord, place: &Place, address: &str) -> Attestation {
    let public = keys::public(&node(seed));
    let claim = Claim { cluster: &CLUSTER, wallet: &record.wallet, place, address };
    Attestation { node: public, signature: keys::sign(&node(seed), &claim.digest(&public)) }
}

fn evm(account: u32) -> Place {
    Place { network: Network::Evm { chain_id: 1 }, path: [account, 0, 0] }
}

fn attested(record: &WalletRecord, keys: &KeySet, place: Place, by: &[u8]) -> DepositAddress {
    let address = quorate_chains::address(&keys.wallet_key(), &place.network, &place.path).unwrap();
    DepositAddress {
        id: "adr_0000000000000001".into(),
        wallet: record.wallet,
        network: place.network,
        path: place.path,
        attestations: by.iter().map(|seed| word(*seed, record, &place, &address)).collect(),
        address,
        label: None,
        customer: None,
        created_ms: 1,
    }
}

#[test]
fn an_address_by_t_parties_is_taken_and_by_fewer_refused() {
    let (record, keys) = wallet(9, 1000);
    let check = |by: &[u8]| {
        check_attested(&CLUSTER, &record, &keys, &attested(&record, &keys, evm(DEPOSIT_ACCOUNTS + 5), by))
    };
    assert_eq!(check(&[3, 1]).unwrap(), [record.parties[0], record.parties[2]]);
    assert_eq!(check(&[1, 2, 3]).unwrap().len(), 3);
    for by in [&[][..], &[1], &[1, 1, 1], &[1, 4], &[4, 5, 6]] {
        let found = usize::from(by.contains(&1));
        assert_eq!(check(by), Err(AttestError::Few { found, needed: 2 }), "{by:?}");
    }
}

#[test]
fn an_address_of_somebody_else_is_caught_whatever_words_come_with_it() {
    let (record, keys) = wallet(9, 1000);
    let (_, theirs) = wallet(9, 5000);
    let place = evm(DEPOSIT_ACCOUNTS);
    let honest = attested(&record, &keys, place, &[1, 2, 3]);
    let evil = quorate_chains::address(&theirs.wallet_key(), &place.network, &place.path).unwrap();
    // The words of the right address; words of corrupt parties, even of all of them; its own word.
    let kept = honest.attestations.clone();
    let corrupt: Vec<_> = [1, 2, 3].map(|seed| word(seed, &record, &place, &evil)).to_vec();
    let own = vec![word(9, &record, &place, &evil)];
    for attestations in [kept, corrupt, own] {
        let shown = DepositAddress { address: evil.clone(), attestations, ..honest.clone() };
        let error = check_attested(&CLUSTER, &record, &keys, &shown).unwrap_err();
        assert_eq!(
            error,
            AttestError::OtherAddress { expected: honest.address.clone(), found: evil.clone() }
        );
        assert!(error.to_string().starts_with("DO NOT PAY"));
    }
}

#[test]
fn words_count_for_exactly_what_was_signed() {
    let (record, keys) = wallet(9, 1000);
    let honest = attested(&record, &keys, evm(DEPOSIT_ACCOUNTS + 5), &[1, 2]);
    check_attested(&CLUSTER, &record, &keys, &honest).unwrap();
    let few = |error: AttestError| matches!(error, AttestError::Few { found: 0, needed: 2 });
    // Another cluster.
    assert!(few(check_attested(&Hash([8; 32]), &record, &keys, &honest).unwrap_err()));
    // An EVM chain has the same address as every other; a word for one is none for the other.
    let other = DepositAddress { network: Network::Evm { chain_id: 2 }, ..honest.clone() };
    assert!(few(check_attested(&CLUSTER, &record, &keys, &other).unwrap_err()));
    // Another wallet with the same key.
    let (sibling, same) = wallet(8, 1000);
    let moved = DepositAddress { wallet: sibling.wallet, ..honest.clone() };
    assert!(few(check_attested(&CLUSTER, &sibling, &same, &moved).unwrap_err()));
    assert!(matches!(
        check_attested(&CLUSTER, &record, &keys, &moved).unwrap_err(),
        AttestError::OtherWallet { .. }
    ));
    // Another path.
    let next = attested(&record, &keys, evm(DEPOSIT_ACCOUNTS + 6), &[]);
    let moved = DepositAddress { attestations: honest.attestations.clone(), ..next };
    assert!(few(check_attested(&CLUSTER, &record, &keys, &moved).unwrap_err()));
    // A changed signature.
    let mut broken = honest;
    broken.attestations[0].signature = Signature([1; 64]);
    assert_eq!(
        check_attested(&CLUSTER, &record, &keys, &broken),
        Err(AttestError::Few { found: 1, needed: 2 })
    );
}

#[test]
fn only_receiving_paths_are_attested() {
    let bitcoin = Network::Bitcoin { network: BitcoinNetwork::Regtest };
    let evm = Network::Evm { chain_id: 1 };
    for (network, path, good) in [
        (bitcoin, [0, 0, 7], true),
        (bitcoin, [0, 1, 7], false),
        (bitcoin, [0, 0, 1 << 31], false),
        (evm, [DEPOSIT_ACCOUNTS, 0, 0], true),
        (evm, [0, 0, 1], false),
        (evm, [1 << 31, 0, 0], false),
    ] {
        assert_eq!(Place { network, path }.check().is_ok(), good, "{network} {path:?}");
    }
    assert!(Place { network: bitcoin, path: [0, 0, DEPOSIT_INDICES] }.is_deposit());
    assert!(!Place { network: bitcoin, path: [DEPOSIT_ACCOUNTS, 0, 7] }.is_deposit());
}

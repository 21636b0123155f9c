//! Creating, opening, and that each write is there after a restart.

use super::*;
use crate::{Body, DisputeRecord, OrderRefusal, Severity};
use quorate_intent::{Genesis, Group, Member, Party, keys};
use std::os::unix::fs::PermissionsExt;

fn public(seed: u8) -> PublicKey {
    keys::public(&ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
}

fn genesis(name: &str) -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(seed) };
    let party = |n: u8| Party {
        name: format!("p{n}"),
        key: public(n),
        address: format!("127.0.0.1:{}", 4000 + u16::from(n)),
    };
    Genesis {
        version: quorate_intent::genesis::VERSION,
        name: name.into(),
        parties: (1..=3).map(party).collect(),
        gateway: public(10),
        approvers: Group { quorum: 1, members: vec![member("a", 20)] },
        administrators: Group { quorum: 1, members: vec![member("b", 21)] },
        clients: vec![member("c", 22)],
        follows: None,
        governed: None,
    }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let (_folder, path, vault) = fresh().await;
    let identity = vault.identity().public();
    vault.pin_genesis(&genesis("one")).await.unwrap();
    let vault = reopen(vault, &path).await;
    assert_eq!(vault.identity().public(), identity);
    assert_eq!(vault.genesis().await.unwrap(), Some(genesis("one")));
    vault.pin_genesis(&genesis("one")).await.unwrap();
    let other = vault.pin_genesis(&genesis("two")).await;
    assert!(matches!(other, Err(VaultError::OtherGenesis { .. })));
    accept(&vault, WALLET, 1, 1, Hash([1; 32])).await.unwrap();
    vault.set("name", b"value").await.unwrap();
    assert_eq!(vault.count("boot").await.unwrap(), 1);
    let edge = DisputeRecord {
        peer: public(2),
        severity: Severity::HardEdge,
        what: "extension check".into(),
        time: 5,
        evidence: vec![1, 2, 3],
    };
    assert_eq!(vault.dispute(edge.clone()).await.unwrap(), 1);
    let head = vault.append(Body::Unlocked).await.unwrap();
    let vault = reopen(vault, &path).await;
    assert_eq!(vault.get("name").await.unwrap().unwrap().as_slice(), b"value");
    assert!(vault.get("other").await.unwrap().is_none());
    assert_eq!(vault.count("boot").await.unwrap(), 2);
    assert_eq!(vault.disputes(0, 10).await.unwrap(), [(1, edge.clone())]);
    assert_eq!(vault.dispute(edge).await.unwrap(), 2);
    assert_eq!(vault.disputes(2, 10).await.unwrap().len(), 1);
    assert_eq!(vault.head().await, head);
    assert_eq!(vault.accepted_order(&WALLET).await.unwrap().unwrap().number, 1);
    assert_eq!(vault.wallets().await.unwrap(), [WALLET]);
    let log = vault.log(0, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].body, Body::Unlocked);
    vault.close().await.unwrap();
    assert!(matches!(vault.append(Body::Unlocked).await, Err(VaultError::Closed)));
    assert!(matches!(vault.get("name").await, Err(VaultError::Closed)));
}

#[tokio::test]
async fn the_tree_follows_the_log_and_comes_back() {
    use quorate_audit::merkle::{leaf_hash, verify_consistency, verify_inclusion};
    let (_folder, path, vault) = fresh().await;
    let (_, empty) = vault.log_root().await;
    let mut seen = vec![(0, empty)];
    for _ in 0..9 {
        vault.append(Body::Unlocked).await.unwrap();
        seen.push(vault.log_root().await);
    }
    let refused = Body::Signed { intent: Hash([1; 32]), form: Hash([2; 32]), transaction: String::new() };
    assert!(vault.append(refused).await.is_err());
    assert_eq!(vault.log_root().await, seen[9], "a refused entry is no leaf");
    let vault = reopen(vault, &path).await;
    assert_eq!(vault.log_root().await, seen[9]);
    let root = seen[9].1;
    for (size, old) in &seen {
        let proof = vault.log_consistency(*size, 9).await.unwrap();
        verify_consistency(*size, old, 9, &root, &proof).unwrap();
    }
    for entry in vault.log(0, 100).await.unwrap() {
        let proof = vault.log_inclusion(entry.sequence, 9).await.unwrap();
        verify_inclusion(leaf_hash(&entry.hash().unwrap().0), entry.sequence, 9, &proof, &root).unwrap();
    }
    assert!(vault.log_inclusion(9, 10).await.is_none());
}

#[tokio::test]
async fn only_one_may_have_it_open() {
    let (_folder, path, vault) = fresh().await;
    assert!(matches!(refused(&path, key()).await, VaultError::Locked(_)));
    let again = vault.clone();
    drop(vault);
    assert!(matches!(refused(&path, key()).await, VaultError::Locked(_)));
    drop(again);
    // The writer ends by itself and gives the lock back.
    Vault::open(&path, key()).await.unwrap();
}

#[tokio::test]
async fn creating_and_missing() {
    let (_folder, path, vault) = fresh().await;
    vault.close().await.unwrap();
    assert!(matches!(Vault::create(&path, key()).await, Err(VaultError::Exists(_))));
    let (_other, nowhere) = place();
    assert!(matches!(refused(&nowhere, key()).await, VaultError::Missing(_)));
    let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let vault = Vault::open(&path, key()).await.unwrap();
    vault.append(Body::Unlocked).await.unwrap();
    let mut names = 0;
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        names += 1;
    }
    assert!(names >= 3, "database, write-ahead log and lock");
    vault.close().await.unwrap();
    for (target, wanted) in [(path.clone(), 0o750), (path.join("vault.db"), 0o604)] {
        let before = mode(&target);
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(wanted)).unwrap();
        assert!(matches!(refused(&path, key()).await, VaultError::Permissions { .. }));
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(before)).unwrap();
    }
    Vault::open(&path, key()).await.unwrap();
}

#[tokio::test]
async fn passphrases_and_key_files() {
    let (folder, path) = place();
    let short = Vault::create(&path, Unlock::passphrase("short")).await;
    assert!(matches!(short, Err(VaultError::Unusable(_))));
    let vault = Vault::create(&path, Unlock::passphrase("correct horse battery")).await.unwrap();
    let identity = vault.identity().public();
    vault.close().await.unwrap();
    assert!(matches!(refused(&path, Unlock::passphrase("wrong horse battery")).await, VaultError::WrongKey));
    assert!(matches!(refused(&path, Unlock::passphrase("")).await, VaultError::WrongKey));
    assert!(matches!(refused(&path, key()).await, VaultError::OtherUnlock("a passphrase")));
    let vault = Vault::open(&path, Unlock::passphrase("correct horse battery")).await.unwrap();
    assert_eq!(vault.identity().public(), identity);

    let (_second, path, vault) = fresh().await;
    vault.close().await.unwrap();
    let wrong = Unlock::Key(Zeroizing::new([0x43; 32]));
    assert!(matches!(refused(&path, wrong).await, VaultError::WrongKey));
    assert!(matches!(refused(&path, Unlock::passphrase("x")).await, VaultError::OtherUnlock("a key file")));
    let file = folder.path().join("key");
    for (bytes, mode, good) in [
        (vec![0x42; 32], 0o600, true),
        (vec![0x42; 33], 0o600, false),
        (vec![0x42; 31], 0o600, false),
        (vec![0x42; 32], 0o640, false),
    ] {
        std::fs::write(&file, bytes).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let unlock = Unlock::key_file(&file);
        assert_eq!(unlock.is_ok(), good);
        if let Ok(unlock) = unlock {
            Vault::open(&path, unlock).await.unwrap().close().await.unwrap();
        }
    }
    assert!(Unlock::key_file(&folder.path().join("none")).is_err());
}

#[tokio::test]
async fn orders_only_go_up() {
    use OrderRefusal::*;
    let (_folder, path, mut vault) = fresh().await;
    let steps: [(u64, u32, u8, Option<OrderRefusal>); 13] = [
        (0, 1, 1, Some(Zero)),
        (1, 0, 1, Some(Zero)),
        (2, 1, 1, None),
        (2, 1, 1, Some(Try { number: 2, attempt_try: 1, last: 1 })),
        (2, 3, 1, None),
        (2, 2, 1, Some(Try { number: 2, attempt_try: 2, last: 3 })),
        (2, 4, 2, Some(Other { number: 2, accepted: Hash([1; 32]) })),
        (1, 9, 1, Some(Lower { number: 1, accepted: 2 })),
        (3, 1, 2, None),
        (2, 9, 1, Some(Lower { number: 2, accepted: 3 })),
        (u64::MAX, 1, 3, Some(Ahead { number: u64::MAX, known: 3 })),
        (1027, u32::MAX, 3, None),
        (1027, u32::MAX, 3, Some(Try { number: 1027, attempt_try: u32::MAX, last: u32::MAX })),
    ];
    for (number, attempt_try, hash, wanted) in steps {
        let got = accept(&vault, WALLET, number, attempt_try, Hash([hash; 32])).await;
        match (got, wanted) {
            (Ok(()), None) => {}
            (Err(VaultError::Order(got)), Some(wanted)) => assert_eq!(got, wanted),
            (got, wanted) => panic!("{number} {attempt_try}: {got:?}, not {wanted:?}"),
        }
        vault = reopen(vault, &path).await;
    }
    // Another key counts for itself.
    accept(&vault, WalletId([1; 16]), 1, 1, Hash([1; 32])).await.unwrap();
}

#[tokio::test]
async fn a_hard_edge_allows_one_renewal_a_day() {
    use crate::Renewal::*;
    let (_folder, path, vault) = fresh().await;
    let edge = |peer, severity| DisputeRecord {
        peer,
        severity,
        what: String::new(),
        time: 5,
        evidence: vec![0; crate::MAX_EVIDENCE],
    };
    const DAY: u64 = 86_400;
    vault.dispute(edge(public(2), Severity::SoftEdge)).await.unwrap();
    assert_eq!(vault.renew_pair(public(2), 1000, DAY).await.unwrap(), Free);
    vault.dispute(edge(public(2), Severity::HardEdge)).await.unwrap();
    vault.dispute(edge(public(3), Severity::Condemned)).await.unwrap();
    // Of many at once one is given.
    let ask = || {
        let vault = vault.clone();
        async move { vault.renew_pair(public(2), 1000, DAY).await }
    };
    let asks = (0..8).map(|_| tokio::spawn(ask())).collect::<Vec<_>>();
    let mut given = Vec::new();
    for ask in asks {
        given.push(ask.await.unwrap().unwrap());
    }
    assert_eq!(given.iter().filter(|given| **given == Alarm).count(), 1, "{given:?}");
    assert_eq!(given.iter().filter(|given| **given == NotBefore(1000 + DAY)).count(), 7, "{given:?}");
    let vault = reopen(vault, &path).await;
    // A further edge does not make the day start again.
    vault.dispute(edge(public(2), Severity::HardEdge)).await.unwrap();
    assert_eq!(vault.renew_pair(public(2), 1000 + DAY - 1, DAY).await.unwrap(), NotBefore(1000 + DAY));
    assert_eq!(vault.renew_pair(public(2), 1000 + DAY, DAY).await.unwrap(), Alarm);
    // Each peer counts for itself.
    assert_eq!(vault.renew_pair(public(3), 1000, DAY).await.unwrap(), Alarm);
    assert_eq!(vault.renew_pair(public(4), 1000, DAY).await.unwrap(), Free);
}

#[tokio::test]
async fn sizes_are_limited() {
    let (_folder, _path, vault) = fresh().await;
    let big = |n: usize| vec![0u8; n + 1];
    let too_large = |error: VaultError| assert!(matches!(error, VaultError::TooLarge { .. }), "{error}");
    too_large(vault.set("n", &big(crate::MAX_SETTING)).await.unwrap_err());
    too_large(vault.set(&"n".repeat(crate::MAX_SETTING_NAME + 1), b"").await.unwrap_err());
    vault.set(&"n".repeat(crate::MAX_SETTING_NAME), &big(crate::MAX_SETTING - 1)).await.unwrap();
    too_large(vault.activate(WALLET, attempt(1, 1, 1), big(crate::MAX_PUBLIC)).await.unwrap_err());
    let mut record = DisputeRecord {
        peer: PublicKey([1; 32]),
        severity: Severity::SoftEdge,
        what: String::new(),
        time: 0,
        evidence: big(crate::MAX_EVIDENCE),
    };
    too_large(vault.dispute(record.clone()).await.unwrap_err());
    record.evidence.pop();
    vault.dispute(record).await.unwrap();
    accept(&vault, WALLET, 1, 1, Hash([1; 32])).await.unwrap();
    too_large(put(&vault, WALLET, share(attempt(1, 1, 1), &big(crate::MAX_SECRET))).await.unwrap_err());
    let mut largest = share(attempt(1, 1, 1), &big(crate::MAX_SECRET - 1));
    (largest.record, largest.prepared) = (big(crate::MAX_PUBLIC - 1), big(crate::MAX_PUBLIC - 1));
    put(&vault, WALLET, largest).await.unwrap();
    let mut long = will_sign(1, 1, &[]);
    long.rule = "r".repeat(2000);
    assert!(matches!(vault.will_sign(long).await, Err(VaultError::Audit(_))));
}

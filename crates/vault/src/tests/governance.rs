//! The governance chain in the log: checked when it is written and at every start.

use super::{key, reopen};
use crate::{Body, Vault, VaultError};
use ed25519_dalek::SigningKey;
use quorate_intent::keys::public;
use quorate_intent::{
    Approval, Body as Asked, Change, Genesis, Group, Hash, Intent, Member, Party, Step, Verdict,
};

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn party(seed: u8) -> Party {
    Party { name: format!("p{seed}"), key: public(&signing(seed)), address: "h:1".into() }
}

fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(&signing(seed)) };
    Genesis {
        version: quorate_intent::genesis::VERSION,
        name: "test".into(),
        parties: vec![party(1), party(2)],
        gateway: public(&signing(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11)] },
        administrators: Group { quorum: 1, members: vec![member("root", 14)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    }
}

fn join(governance: Hash, seed: u8) -> Body {
    let intent = Intent {
        version: quorate_intent::intent::VERSION,
        governance,
        nonce: [seed; 16],
        initiator: public(&signing(21)),
        created: 1000,
        expires: 2000,
        body: Asked::Governance(Change::Join { party: party(seed) }),
    };
    let approvals = vec![Approval::new(intent.hash(), Verdict::Approve, &signing(14))];
    Body::GovernanceChanged(Box::new(Step { intent: intent.sign(&signing(21)), approvals }))
}

#[tokio::test]
async fn the_chain_is_in_the_log_and_comes_back() {
    let (_folder, path, vault) = super::fresh().await;
    let first = join(genesis().hash(), 3);
    assert!(vault.append(first.clone()).await.is_err(), "a change without a genesis");
    vault.pin_genesis(&genesis()).await.unwrap();
    vault.append(first.clone()).await.unwrap();
    let size = vault.head().await.size;
    vault.append(first.clone()).await.unwrap();
    assert_eq!(vault.head().await.size, size, "written twice");
    let stale = join(genesis().hash(), 4);
    assert!(matches!(vault.append(stale).await, Err(VaultError::Genesis(_))));
    let hash = vault.governance().await.unwrap().hash();
    vault.append(join(hash, 4)).await.unwrap();
    let before = vault.governance().await.unwrap();
    let vault = reopen(vault, &path).await;
    let after = vault.governance().await.unwrap();
    assert_eq!((after.number(), after.hash()), (2, before.hash()));
    assert_eq!(vault.genesis().await.unwrap(), Some(genesis()));
    vault.close().await.unwrap();
    assert!(Vault::open(&path, key()).await.is_ok());
}

#[tokio::test]
async fn a_later_version_is_not_pinned_as_a_genesis() {
    let (_folder, _path, vault) = super::fresh().await;
    let later = genesis().changed(&Change::Join { party: party(3) }, Hash([1; 32])).unwrap();
    assert!(matches!(vault.pin_genesis(&later).await, Err(VaultError::Genesis(_))));
}

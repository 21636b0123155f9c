//! Counters of passkeys never go back, also over a restart.

use super::*;
use quorate_intent::passkey::{Algorithm, Assertion, Passkey, Use};
use quorate_intent::{Approval, Signature, Verdict};

/// The vault looks at the counter alone; signatures are checked before.
fn approval(intent: u8, key: u8, counter: u32) -> Use {
    let passkey = Passkey {
        algorithm: Algorithm::Ed25519,
        public_key: vec![key; 32],
        credential: vec![1],
        rp_id: "example.com".into(),
        origins: vec!["https://example.com".into()],
    };
    let mut authenticator_data = vec![0; 33];
    authenticator_data.extend_from_slice(&counter.to_be_bytes());
    let assertion = Assertion { passkey, authenticator_data, client_data: Vec::new() };
    let approval = Approval::by_passkey(Hash([intent; 32]), Verdict::Approve, assertion, Signature([0; 64]));
    approval.passkey_use().unwrap()
}

#[tokio::test]
async fn a_count_is_taken_once() {
    let (_folder, path, vault) = fresh().await;
    let refused = |error: Result<(), VaultError>, count: u32| match error {
        Err(VaultError::PasskeyCounter { found, .. }) => assert_eq!(found, count),
        other => panic!("{other:?}"),
    };
    vault.admit_passkeys(vec![approval(1, 7, 5)]).await.unwrap();
    vault.admit_passkeys(vec![approval(2, 7, 9)]).await.unwrap();
    // Taken before: a retry, also after a higher one.
    vault.admit_passkeys(vec![approval(1, 7, 5)]).await.unwrap();
    refused(vault.admit_passkeys(vec![approval(3, 7, 9)]).await, 9);
    refused(vault.admit_passkeys(vec![approval(3, 7, 5)]).await, 5);
    refused(vault.admit_passkeys(vec![approval(3, 7, 0)]).await, 0);
    // Given before the highest and carried out after it.
    vault.admit_passkeys(vec![approval(3, 7, 8)]).await.unwrap();
    let vault = reopen(vault, &path).await;
    refused(vault.admit_passkeys(vec![approval(4, 7, 8)]).await, 8);
    // All or none: the first of two is not taken when the second is refused.
    refused(vault.admit_passkeys(vec![approval(4, 8, 3), approval(4, 7, 9)]).await, 9);
    vault.admit_passkeys(vec![approval(5, 8, 3)]).await.unwrap();
    // No counter at all.
    for intent in 10..13 {
        vault.admit_passkeys(vec![approval(intent, 9, 0)]).await.unwrap();
    }
    // Far behind the highest.
    vault.admit_passkeys(vec![approval(20, 7, 1060)]).await.unwrap();
    refused(vault.admit_passkeys(vec![approval(21, 7, 36)]).await, 36);
    vault.admit_passkeys(vec![approval(22, 7, 37)]).await.unwrap();
    refused(vault.admit_passkeys(vec![approval(23, 7, 37)]).await, 37);
    // What was taken is taken again, however long ago.
    vault.admit_passkeys(vec![approval(1, 7, 5)]).await.unwrap();
}

//! Counters of passkeys never go back, also over a restart.

use super::*;
use quorate_intent::passkey::{Algorithm, Assertion, Passkey};
use quorate_intent::{Approval, Signature, Verdict};

/// The vault looks at the counter alone; signatures are checked before.
fn approval(intent: u8, key: u8, counter: u32) -> Approval {
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
    Approval::by_passkey(Hash([intent; 32]), Verdict::Approve, assertion, Signature([0; 64]))
}

#[tokio::test]
async fn a_counter_goes_up_for_good() {
    let (_folder, path, vault) = fresh().await;
    let refused = |error: Result<(), VaultError>, last: u32| match error {
        Err(VaultError::PasskeyCounter { last: found, .. }) => assert_eq!(found, last),
        other => panic!("{other:?}"),
    };
    vault.admit_passkeys(&[approval(1, 7, 5)]).await.unwrap();
    vault.admit_passkeys(&[approval(2, 7, 9)]).await.unwrap();
    // Taken before: a retry, also after a higher one.
    vault.admit_passkeys(&[approval(1, 7, 5)]).await.unwrap();
    refused(vault.admit_passkeys(&[approval(3, 7, 9)]).await, 9);
    refused(vault.admit_passkeys(&[approval(3, 7, 8)]).await, 9);
    refused(vault.admit_passkeys(&[approval(3, 7, 0)]).await, 9);
    let vault = reopen(vault, &path).await;
    refused(vault.admit_passkeys(&[approval(3, 7, 9)]).await, 9);
    // All or none: the first of two is not taken when the second is refused.
    refused(vault.admit_passkeys(&[approval(4, 8, 3), approval(4, 7, 2)]).await, 9);
    vault.admit_passkeys(&[approval(5, 8, 1)]).await.unwrap();
    // No counter at all.
    for intent in 10..13 {
        vault.admit_passkeys(&[approval(intent, 9, 0)]).await.unwrap();
    }
    vault.admit_passkeys(&[approval(3, 7, 10)]).await.unwrap();
}

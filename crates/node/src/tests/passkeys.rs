//! Counters of passkeys move by genuine approvals of members alone.

use super::*;
use crate::passkeys::admit;
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::Signer;
use quorate_coordination::rpc::ErrorCode;
use quorate_intent::passkey::{Algorithm, Assertion, Passkey};
use sha2::{Digest, Sha256};

/// A passkey of this seed.
pub(super) fn phone(seed: u8) -> Passkey {
    Passkey {
        algorithm: Algorithm::Ed25519,
        public_key: public(&key(seed)).0.to_vec(),
        credential: vec![1],
        rp_id: "example.com".into(),
        origins: vec!["https://example.com".into()],
    }
}

/// An approval as an authenticator with this counter gives it.
fn approve(seed: u8, intent: &SignedIntent, counter: u32) -> Approval {
    let (passkey, hash) = (phone(seed), intent.intent.hash());
    let challenge = Approval::challenge(&hash, &passkey.id(), Verdict::Approve);
    let challenge = Base64UrlUnpadded::encode_string(&challenge);
    let client_data = format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://example.com","crossOrigin":false}}"#
    );
    let mut authenticator_data = Sha256::digest("example.com").to_vec();
    authenticator_data.push(0b101);
    authenticator_data.extend_from_slice(&counter.to_be_bytes());
    let message = [authenticator_data.as_slice(), &Sha256::digest(&client_data)].concat();
    let signature = Signature(key(seed).sign(&message).to_bytes());
    let assertion = Assertion { passkey, authenticator_data, client_data: client_data.into_bytes() };
    Approval::by_passkey(hash, Verdict::Approve, assertion, signature)
}

/// A gateway that hangs forged approvals with a huge count beside genuine ones would lock a passkey out for good.
#[tokio::test(flavor = "multi_thread")]
async fn forged_approvals_lock_nobody_out() {
    let cluster = Cluster::start().await;
    let shared = cluster.shared(0);
    let (intent, _) = cluster.order(WalletId([7; 16]), "one");
    let (other, _) = cluster.order(WalletId([8; 16]), "two");
    approve(30, &intent, 1).check().unwrap();
    let forged = Approval { signature: Signature([0; 64]), ..approve(30, &intent, u32::MAX) };
    let elsewhere = approve(30, &other, u32::MAX - 1);
    admit(shared, &intent, &[forged, elsewhere, approve(31, &intent, 3)]).await.unwrap();
    admit(shared, &intent, &[approve(30, &intent, 5)]).await.unwrap();
    admit(shared, &other, &[approve(30, &other, 4)]).await.unwrap();
    let again = admit(shared, &other, &[approve(30, &other, 5)]).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::Refused);
    // A stranger's key moves nothing.
    admit(shared, &other, &[approve(31, &other, 3)]).await.unwrap();
}

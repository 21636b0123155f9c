use super::*;
use crate::{Approval, Hash, Verdict};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;

const ORIGIN: &str = "https://console.example.com";
const INTENT: Hash = Hash([7; 32]);

/// An authenticator in software, with every part of its answer in the test's hands.
pub(crate) struct Authenticator {
    key: SigningKey,
    pub(crate) passkey: Passkey,
    flags: u8,
    counter: u32,
    rp_id: &'static str,
    kind: &'static str,
    origin: &'static str,
    tail: &'static str,
}

pub(crate) fn authenticator() -> Authenticator {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let public_key = key.verifying_key().to_encoded_point(true).as_bytes().to_vec();
    let passkey = Passkey {
        algorithm: Algorithm::Es256,
        public_key,
        credential: vec![1, 2, 3],
        rp_id: "example.com".into(),
        origins: vec!["https://other.example.com:8443".into(), ORIGIN.into()],
    };
    let (rp_id, kind, origin) = ("example.com", "webauthn.get", ORIGIN);
    let tail = r#","crossOrigin":false}"#;
    Authenticator { key, passkey, flags: PRESENT | VERIFIED, counter: 9, rp_id, kind, origin, tail }
}

impl Authenticator {
    fn parts(&self, challenge: &[u8; 32]) -> (Assertion, Vec<u8>) {
        let challenge = Base64UrlUnpadded::encode_string(challenge);
        let (kind, origin, tail) = (self.kind, self.origin, self.tail);
        let client_data =
            format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{tail}"#).into_bytes();
        let mut authenticator_data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        authenticator_data.push(self.flags);
        authenticator_data.extend_from_slice(&self.counter.to_be_bytes());
        let message = [authenticator_data.as_slice(), &Sha256::digest(&client_data)].concat();
        (Assertion { passkey: self.passkey.clone(), authenticator_data, client_data }, message)
    }

    /// What it gives for this challenge.
    pub(crate) fn answer(&self, challenge: &[u8; 32]) -> (Assertion, Signature) {
        let (assertion, message) = self.parts(challenge);
        let signature: p256::ecdsa::Signature = self.key.sign(&message);
        (assertion, Signature(signature.to_bytes().into()))
    }

    fn approve(&self, verdict: Verdict) -> Approval {
        let challenge = Approval::challenge(&INTENT, &self.passkey.id(), verdict);
        let (assertion, signature) = self.answer(&challenge);
        Approval::by_passkey(INTENT, verdict, assertion, signature)
    }
}

fn refused(approval: &Approval, reason: &str) {
    let error = approval.check().unwrap_err().to_string();
    assert!(error.contains(reason), "{reason}: {error}");
    assert!(!approval.verifies());
}

#[test]
fn an_assertion_over_the_approval_holds_in_both_encodings() {
    for verdict in [Verdict::Approve, Verdict::Reject] {
        let approval = authenticator().approve(verdict);
        approval.check().unwrap();
        let bytes = borsh::to_vec(&approval).unwrap();
        assert_eq!(borsh::from_slice::<Approval>(&bytes).unwrap(), approval);
        let json = serde_json::to_string(&approval).unwrap();
        assert_eq!(serde_json::from_str::<Approval>(&json).unwrap(), approval);
        assert_eq!(approval.passkey.as_ref().unwrap().counter(), 9);
    }
    // Members that a later browser adds after these do not matter.
    let later = Authenticator { tail: r#","crossOrigin":false,"other":1}"#, ..authenticator() };
    later.approve(Verdict::Approve).check().unwrap();
    // Extensions are signed with the rest.
    let id = authenticator().passkey.id();
    id.check("id").unwrap();
    assert_eq!(id, authenticator().passkey.id());
}

#[test]
fn a_passkey_with_ed25519_approves_too() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[6; 32]);
    let mut with = authenticator();
    with.passkey.algorithm = Algorithm::Ed25519;
    with.passkey.public_key = crate::keys::public(&key).0.to_vec();
    let challenge = Approval::challenge(&INTENT, &with.passkey.id(), Verdict::Approve);
    let (assertion, message) = with.parts(&challenge);
    let signature = Signature(ed25519_dalek::Signer::sign(&key, &message).to_bytes());
    let approval = Approval::by_passkey(INTENT, Verdict::Approve, assertion, signature);
    approval.check().unwrap();
    let mut other = approval.clone();
    other.signature.0[3] ^= 1;
    refused(&other, "signature");
}

#[test]
fn every_part_that_is_not_as_it_must_be_is_refused_with_its_reason() {
    let by = |with: Authenticator| with.approve(Verdict::Approve);
    let base = authenticator;
    refused(&by(Authenticator { kind: "webauthn.create", ..base() }), "type webauthn.get");
    refused(&by(Authenticator { origin: "https://evil.example.com", ..base() }), "another origin");
    refused(
        &by(Authenticator { origin: "https://console.example.com.evil.net", ..base() }),
        "another origin",
    );
    refused(&by(Authenticator { tail: r#","crossOrigin":true}"#, ..base() }), "crossOrigin");
    refused(&by(Authenticator { tail: "}", ..base() }), "another origin");
    refused(&by(Authenticator { rp_id: "evil.com", ..base() }), "another relying party");
    refused(&by(Authenticator { flags: VERIFIED, ..base() }), "user presence");
    refused(&by(Authenticator { flags: PRESENT, ..base() }), "did not verify its user");
    refused(&by(Authenticator { flags: PRESENT | VERIFIED | EXTENSIONS, ..base() }), "flags do not explain");
    let other_key = SigningKey::from_slice(&[8; 32]).unwrap();
    refused(&by(Authenticator { key: other_key, ..base() }), "signature does not verify");

    let good = by(base());
    let change = |what: &dyn Fn(&mut Approval)| {
        let mut changed = good.clone();
        what(&mut changed);
        changed
    };
    refused(&change(&|a| a.intent.0[0] ^= 1), "challenge");
    refused(&change(&|a| a.verdict = Verdict::Reject), "challenge");
    refused(&change(&|a| a.signature.0[0] ^= 1), "signature");
    refused(&change(&|a| a.approver.0[0] ^= 1), "another passkey");
    let with = |what: &dyn Fn(&mut Assertion)| {
        change(&|a| {
            if let Some(assertion) = &mut a.passkey {
                what(assertion)
            }
        })
    };
    refused(&with(&|a| a.passkey.rp_id = "evil.com".into()), "another passkey");
    refused(&with(&|a| a.passkey.origins.push("https://a.example.com".into())), "another passkey");
    refused(&with(&|a| a.passkey.credential.push(0)), "another passkey");
    refused(&with(&|a| a.authenticator_data[36] ^= 1), "signature");
    refused(&with(&|a| a.authenticator_data.truncate(36)), "shorter");
    refused(&with(&|a| a.client_data.push(b' ')), "crossOrigin");
    refused(&with(&|a| a.client_data = vec![b'x'; MAX_DATA + 1]), "longer");
    // Without its assertion the name is no key that anybody could sign with.
    refused(&change(&|a| a.passkey = None), "does not verify");
}

#[test]
fn a_passkey_is_bound_to_a_site_that_it_can_be_for() {
    let base = authenticator().passkey;
    base.check().unwrap();
    let origins = |origin: &str| Passkey { origins: vec![origin.into()], ..base.clone() };
    for bad in [
        "http://example.com",
        "https://badexample.com",
        "https://example.com.evil.net",
        "https://example.com/path",
        "https://example.com:0443",
        "https://EXAMPLE.com",
        "example.com",
        "https://a\".example.com",
    ] {
        assert!(origins(bad).check().is_err(), "{bad}");
    }
    origins("https://example.com:8443").check().unwrap();
    let local = |origin: &str| Passkey { rp_id: "localhost".into(), ..origins(origin) };
    local("http://localhost:7700").check().unwrap();
    assert!(local("http://example.com").check().is_err());
    assert!(Passkey { public_key: vec![2; 32], ..base.clone() }.check().is_err());
    assert!(Passkey { credential: Vec::new(), ..base.clone() }.check().is_err());
    assert!(Passkey { origins: Vec::new(), ..base }.check().is_err());
}

#[test]
fn flags_that_contradict_are_refused() {
    let mut key = authenticator();
    key.flags |= BACKED_UP;
    refused(&key.approve(Verdict::Approve), "cannot be");
    key.flags |= CAN_BACK_UP;
    key.approve(Verdict::Approve).check().unwrap();
    key.flags |= ATTESTED;
    refused(&key.approve(Verdict::Approve), "new credential");
}

#[test]
fn a_sign_in_is_no_approval_and_an_approval_no_sign_in() {
    let with = authenticator();
    let challenge = sign_in_challenge(&INTENT, &[7; 32]);
    let (assertion, signature) = with.answer(&challenge);
    assertion.check(&challenge, &signature).unwrap();
    assert!(assertion.check(&sign_in_challenge(&INTENT, &[8; 32]), &signature).is_err());
    assert!(assertion.check(&sign_in_challenge(&Hash([8; 32]), &[7; 32]), &signature).is_err());
    for verdict in [Verdict::Approve, Verdict::Reject] {
        refused(&Approval::by_passkey(INTENT, verdict, assertion.clone(), signature), "challenge");
        let approval = with.approve(verdict);
        let assertion = approval.passkey.as_ref().unwrap();
        assert!(assertion.check(&challenge, &approval.signature).is_err());
    }
}

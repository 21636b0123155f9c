//! Intents that a passkey asks for, beside those of device keys.

use super::*;
use crate::governed::{Governed, Person};
use crate::intent::VERSION;
use crate::keys::public;
use crate::passkey::tests::authenticator;
use crate::{Amount, Asset, Group, Member, Network, Party, Transfer, WalletId};
use ed25519_dalek::SigningKey;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
    let party =
        |name: &str, seed| Party { name: name.into(), key: public(&key(seed)), address: "h:1".into() };
    Genesis {
        version: crate::genesis::VERSION,
        name: "test".into(),
        parties: vec![party("a", 1), party("b", 2)],
        gateway: public(&key(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11)] },
        administrators: Group { quorum: 1, members: vec![member("r", 14)] },
        clients: vec![member("api", 21), Member { name: "pat".into(), key: authenticator().passkey.id() }],
        follows: None,
        governed: None,
    }
}

fn intent(version: u16, initiator: PublicKey) -> Intent {
    let body = Body::Transfer(Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: Network::Evm { chain_id: 1 },
        asset: Asset::Native,
        to: "somebody".into(),
        amount: Amount::from(1u64),
        max_fee: Amount::from(1u64),
        memo: "rent".into(),
    });
    Intent {
        version,
        governance: genesis().hash(),
        nonce: [1; 16],
        initiator,
        created: 1000,
        expires: 2000,
        body,
    }
}

fn by_passkey() -> SignedIntent {
    let intent = intent(BY_PASSKEY, authenticator().passkey.id());
    let (assertion, signature) = authenticator().answer(&intent.challenge());
    SignedIntent { intent, signature, passkey: Some(Box::new(assertion)) }
}

fn refused(signed: &SignedIntent, reason: &str) {
    let error = signed.check(&genesis(), 1500).unwrap_err().to_string();
    assert!(error.contains(reason), "{reason}: {error}");
}

#[test]
fn a_passkey_asks_and_both_encodings_hold() {
    let signed = by_passkey();
    signed.check(&genesis(), 1500).unwrap();
    let bytes = borsh::to_vec(&signed).unwrap();
    assert_eq!(borsh::from_slice::<SignedIntent>(&bytes).unwrap(), signed);
    let json = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedIntent>(&json).unwrap(), signed);
    assert_eq!(signed.passkey_use().unwrap().counter, 9);
}

/// What was signed before there were passkeys stays what it was.
#[test]
fn device_keys_keep_their_bytes() {
    let signed = intent(VERSION, public(&key(21))).sign(&key(21));
    signed.check(&genesis(), 1500).unwrap();
    let bytes = borsh::to_vec(&signed).unwrap();
    assert_eq!(bytes, [signed.intent.encode(), signed.signature.0.to_vec()].concat());
    assert!(!serde_json::to_string(&signed).unwrap().contains("passkey"));
    assert!(signed.passkey_use().is_none());
    // Computed by another program, from docs/spec §1.2 and §1.10.
    let hash = "70f11d02377b4c5228fc7d664e0914ae6f11494ce3b0712f4412451fc4667a32";
    let pinned = Intent { governance: Hash([3; 32]), initiator: PublicKey([4; 32]), ..signed.intent };
    assert_eq!(pinned.hash().to_string(), hash);
}

#[test]
fn what_is_not_as_it_must_be_is_refused_with_its_reason() {
    let change = |what: &dyn Fn(&mut SignedIntent)| {
        let mut changed = by_passkey();
        what(&mut changed);
        changed
    };
    refused(&change(&|s| s.signature.0[0] ^= 1), "signature does not verify");
    refused(&change(&|s| s.intent.nonce[0] ^= 1), "challenge is another one");
    refused(&change(&|s| s.intent.initiator = public(&key(21))), "id is that of another passkey");
    refused(&change(&|s| s.intent.initiator = public(&key(77))), "clients");
    refused(&change(&|s| s.passkey = None), "no assertion");
    refused(&change(&|s| s.intent.version = VERSION), "a device key signs it");
    // The version is under the hash, so an assertion cannot be taken away or hung on, and neither has an encoding.
    assert!(borsh::to_vec(&change(&|s| s.passkey = None)).is_err());
    assert!(borsh::to_vec(&change(&|s| s.intent.version = VERSION)).is_err());
    // Neither an approval's answer nor a sign-in's is a wish.
    let passkey = authenticator().passkey.id();
    let hash = by_passkey().intent.hash();
    for challenge in [
        crate::Approval::challenge(&hash, &passkey, crate::Verdict::Approve),
        crate::passkey::sign_in_challenge(&hash, &[7; 32]),
        hash.0,
    ] {
        let (assertion, signature) = authenticator().answer(&challenge);
        let passkey = Some(Box::new(assertion));
        refused(&SignedIntent { signature, passkey, ..by_passkey() }, "challenge is another one");
    }
    // Changes of keys, rules and members are for device keys.
    let body = Body::Governance(Change::Freeze { reason: "x".into() });
    let intent = Intent { body, ..by_passkey().intent };
    let (assertion, signature) = authenticator().answer(&intent.challenge());
    refused(&SignedIntent { intent, signature, passkey: Some(Box::new(assertion)) }, "device key");
}

/// A client's person may ask by a passkey that governance gave them; others may not, and a device key gains nothing by it.
#[test]
fn devices_of_a_client_ask_by_passkey_alone() {
    let person = |name: &str, keys| Person { name: name.into(), keys };
    let (phone, laptop) = (authenticator().passkey.id(), public(&key(33)));
    let with = |name: &str| {
        let mut genesis = genesis();
        genesis.clients.retain(|client| client.name != "pat");
        let people = vec![person(name, vec![phone, laptop])];
        genesis.governed = Some(Box::new(Governed { people, ..Governed::default() }));
        genesis
    };
    let genesis = with("api");
    by_passkey().check_signature(&genesis).unwrap();
    assert_eq!(genesis.client_with(&phone), Some("api"));
    assert!(with("x").client_with(&phone).is_none());
    assert!(matches!(by_passkey().check_signature(&with("x")), Err(IntentError::NotAMember { .. })));
    let signed = intent(VERSION, laptop).sign(&key(33));
    assert!(matches!(signed.check_signature(&genesis), Err(IntentError::NotAMember { .. })));
    // Who asked does not approve, by whichever device.
    let member = |name: &str, key| Member { name: name.into(), key };
    assert!(genesis.asks(&by_passkey().intent, &member("api", laptop)));
    assert!(!genesis.asks(&by_passkey().intent, &member("x", laptop)));
}

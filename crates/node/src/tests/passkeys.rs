//! Counters of passkeys move by genuine approvals of members alone.

use super::*;
use crate::passkeys::admit;
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::Signer;
use quorate_coordination::rpc::ErrorCode;
use quorate_intent::passkey::{Algorithm, Assertion, Passkey};
use sha2::{Digest, Sha256};

/// The seed of a client's passkey.
pub(super) const ASKING: u8 = 40;

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

/// What an authenticator with this counter answers.
fn answer(seed: u8, challenge: &[u8; 32], counter: u32) -> (Assertion, Signature) {
    let challenge = Base64UrlUnpadded::encode_string(challenge);
    let client_data = format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://example.com","crossOrigin":false}}"#
    );
    let mut authenticator_data = Sha256::digest("example.com").to_vec();
    authenticator_data.push(0b101);
    authenticator_data.extend_from_slice(&counter.to_be_bytes());
    let message = [authenticator_data.as_slice(), &Sha256::digest(&client_data)].concat();
    let signature = Signature(key(seed).sign(&message).to_bytes());
    let client_data = client_data.into_bytes();
    (Assertion { passkey: phone(seed), authenticator_data, client_data }, signature)
}

/// An approval as an authenticator with this counter gives it.
fn approve(seed: u8, intent: &SignedIntent, counter: u32) -> Approval {
    let hash = intent.intent.hash();
    let challenge = Approval::challenge(&hash, &phone(seed).id(), Verdict::Approve);
    let (assertion, signature) = answer(seed, &challenge, counter);
    Approval::by_passkey(hash, Verdict::Approve, assertion, signature)
}

/// A wish that the passkey of this seed asks for.
fn ask(cluster: &Cluster, seed: u8, nonce: u8, counter: u32) -> SignedIntent {
    let transfer = quorate_intent::Transfer {
        wallet: WalletId([7; 16]),
        account: 0,
        network: quorate_intent::Network::Evm { chain_id: 1 },
        asset: quorate_intent::Asset::Native,
        to: "somebody".into(),
        amount: 1u64.into(),
        max_fee: 1u64.into(),
        memo: String::new(),
    };
    let intent = quorate_intent::Intent {
        version: quorate_intent::intent::BY_PASSKEY,
        nonce: [nonce; 16],
        initiator: phone(seed).id(),
        body: quorate_intent::Body::Transfer(transfer),
        ..cluster.order(WalletId([7; 16]), "one").0.intent
    };
    let (assertion, signature) = answer(seed, &intent.challenge(), counter);
    SignedIntent { intent, signature, passkey: Some(Box::new(assertion)) }
}

/// Counts of who asks and of who approves are in one list, and what was not signed moves none.
#[tokio::test(flavor = "multi_thread")]
async fn an_initiators_count_is_taken_once() {
    let cluster = Cluster::start().await;
    let shared = cluster.shared(0);
    let asked = ask(&cluster, ASKING, 1, 5);
    asked.check_signature(&shared.genesis.current()).unwrap();
    let forged = SignedIntent { signature: Signature([0; 64]), ..ask(&cluster, ASKING, 2, u32::MAX) };
    assert_eq!(admit(shared, &forged, &[]).await.unwrap_err().code, ErrorCode::NotAuthorised);
    admit(shared, &asked, &[]).await.unwrap();
    admit(shared, &asked, &[]).await.unwrap();
    let again = admit(shared, &ask(&cluster, ASKING, 3, 5), &[]).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::Refused);
    let (order, _) = cluster.order(WalletId([8; 16]), "two");
    assert!(admit(shared, &order, &[approve(ASKING, &order, 5)]).await.is_err());
    admit(shared, &ask(&cluster, ASKING, 3, 6), &[]).await.unwrap();
}

/// Who asks by a passkey does not approve by another device, under the genesis's own rule too.
#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_does_not_approve_by_another_device() {
    let cluster = Cluster::start().await;
    let now = cluster.shared(0).now();
    let asked = ask(&cluster, ASKING, 1, 5);
    let decide = |seed| {
        let approval = Approval::new(asked.intent.hash(), Verdict::Approve, &key(seed));
        quorate_policy::decide(&cluster.genesis, &asked, &[approval], now)
    };
    assert!(matches!(decide(11), quorate_policy::Decision::Allow { .. }), "{:?}", decide(11));
    let reason = IntentError::OwnIntent("tablet".into());
    assert_eq!(decide(41), quorate_policy::Decision::Deny { rule: "genesis/approvers", reason });
}

/// What a rule says of a wish by passkey, with an approval by the device of this seed.
fn ruled(cluster: &Cluster, window: &str, approver: u8) -> quorate_policy::Ruled {
    let text = format!(
        "version = 1\n[wallets]\nops = \"{}\"\n[[rule]]\nname = \"payments\"\nwallet = \"ops\"\n{window}decision = \"require\"\napprovals = \"1 of approvers\"\n[[rule]]\nname = \"changes\"\nkind = [\"policy\", \"members\", \"thaw\"]\ndecision = \"require\"\napprovals = \"1 of administrators\"\n",
        WalletId([7; 16])
    );
    let policy = quorate_policy::file::read(&text).unwrap().encode();
    let governed = quorate_intent::Governed {
        policy: Some(quorate_intent::governed::PolicyBytes(policy)),
        ..Default::default()
    };
    let version = quorate_intent::genesis::GOVERNED;
    let genesis = Genesis { version, governed: Some(Box::new(governed)), ..cluster.genesis.clone() };
    let mut asked = ask(cluster, ASKING, 1, 5);
    asked.intent.governance = genesis.hash();
    let (assertion, signature) = answer(ASKING, &asked.intent.challenge(), 5);
    asked = SignedIntent { passkey: Some(Box::new(assertion)), signature, ..asked };
    let approval = Approval::new(asked.intent.hash(), Verdict::Approve, &key(approver));
    quorate_policy::Ruling::of(&genesis).unwrap().decide(&quorate_policy::Asked {
        intent: &asked,
        votes: &[approval],
        subject: None,
        history: &quorate_policy::History::default(),
        prices: &quorate_policy::Prices::default(),
        signers: &[],
        started: &[],
        local: None,
        confirmed: false,
        validity: quorate_policy::Validity::Now,
        now: cluster.shared(0).now(),
    })
}

/// The same under a policy, where a list of the genesis has the same name for another key.
#[tokio::test(flavor = "multi_thread")]
async fn nor_does_it_under_a_policy_and_limits_for_each_initiator_take_no_passkey() {
    let cluster = Cluster::start().await;
    let other = ruled(&cluster, "", 11);
    assert!(other.allows(), "{other:?}");
    let own = ruled(&cluster, "", 41);
    assert!(
        !own.allows() && own.rule == quorate_policy::ruling::VOTES && own.text.contains("tablet"),
        "{own:?}"
    );
    let limit = "window = [{ period = \"24h\", max-count = 5, per = \"initiator\" }]\n";
    let limited = ruled(&cluster, limit, 11);
    assert!(!limited.allows() && limited.text.contains("device key"), "{limited:?}");
    let limit = "window = [{ period = \"24h\", max-count = 5, per = \"wallet\" }]\n";
    assert!(ruled(&cluster, limit, 11).allows());
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

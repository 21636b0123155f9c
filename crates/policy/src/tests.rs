//! Every way in which approvals can be wrong denies, and names its rule.

use super::*;
use ed25519_dalek::SigningKey;
use quorate_intent::keys::public;
use quorate_intent::*;

const NOW: u64 = 1_800_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn member(name: &str, seed: u8) -> Member {
    Member { name: name.into(), key: public(&key(seed)) }
}

fn genesis() -> Genesis {
    let party =
        |name: &str, seed| Party { name: name.into(), key: public(&key(seed)), address: "h:1".into() };
    let genesis = Genesis {
        version: 1,
        name: "test".into(),
        parties: vec![party("a", 1), party("b", 2), party("c", 3)],
        gateway: public(&key(9)),
        approvers: Group { quorum: 2, members: vec![member("x", 11), member("y", 12), member("z", 13)] },
        administrators: Group { quorum: 1, members: vec![member("root", 14)] },
        clients: vec![member("api", 21), member("z", 13)],
        follows: None,
    };
    genesis.check().unwrap();
    genesis
}

fn transfer(client: u8) -> SignedIntent {
    let intent = Intent {
        version: 1,
        governance: genesis().hash(),
        nonce: [5; 16],
        initiator: public(&key(client)),
        created: NOW,
        expires: NOW + 600,
        body: Body::Transfer(Transfer {
            wallet: WalletId([1; 16]),
            account: 0,
            network: Network::Evm { chain_id: 1 },
            asset: Asset::Native,
            to: "0x0".into(),
            amount: Amount::from(1),
            max_fee: Amount::from(1),
            memo: String::new(),
        }),
    };
    intent.sign(&key(client))
}

fn approve(intent: &SignedIntent, seeds: &[u8]) -> Vec<Approval> {
    seeds.iter().map(|seed| Approval::new(intent.intent.hash(), Verdict::Approve, &key(*seed))).collect()
}

fn denied(intent: &SignedIntent, approvals: &[Approval], now: u64) -> (&'static str, String) {
    match decide(&genesis(), intent, approvals, now) {
        Decision::Deny { rule, reason } => (rule, reason.to_string()),
        Decision::Allow { .. } => panic!("it was allowed"),
    }
}

#[test]
fn the_quorum_allows() {
    let intent = transfer(21);
    let decision = decide(&genesis(), &intent, &approve(&intent, &[11, 13]), NOW + 1);
    let approvers = vec![public(&key(11)), public(&key(13))];
    assert_eq!(decision, Decision::Allow { rule: RULE_TRANSFER, approvers });
}

#[test]
fn anything_less_is_denied() {
    let intent = transfer(21);
    let deny = |approvals: &[Approval]| denied(&intent, approvals, NOW + 1);
    assert_eq!(deny(&[]).0, RULE_TRANSFER);
    assert!(deny(&approve(&intent, &[11])).1.contains("1 of 2"));
    assert!(deny(&approve(&intent, &[11, 11])).1.contains("twice"));
    assert!(deny(&approve(&intent, &[11, 14])).1.contains("not a member"));
    let mut forged = approve(&intent, &[11, 12]);
    forged[1].signature = forged[0].signature;
    assert!(deny(&forged).1.contains("does not verify"));
    let mut other = transfer(21);
    other.intent.nonce = [6; 16];
    assert!(deny(&approve(&other, &[11, 12])).1.contains("another intent"));
    let mut rejected = approve(&intent, &[11]);
    rejected.push(Approval::new(intent.intent.hash(), Verdict::Reject, &key(12)));
    assert!(deny(&rejected).1.contains("rejected"));
    // A rejection cannot be turned into an approval.
    rejected[1].verdict = Verdict::Approve;
    assert!(deny(&rejected).1.contains("does not verify"));
}

#[test]
fn nobody_approves_their_own_intent() {
    let intent = transfer(13);
    assert!(denied(&intent, &approve(&intent, &[11, 13]), NOW + 1).1.contains("may not approve"));
    let decision = decide(&genesis(), &intent, &approve(&intent, &[11, 12]), NOW + 1);
    assert!(matches!(decision, Decision::Allow { .. }));
}

#[test]
fn time_initiator_and_cluster_are_checked() {
    let intent = transfer(21);
    let approvals = approve(&intent, &[11, 12]);
    assert_eq!(denied(&intent, &approvals, NOW + 600).0, RULE_INTENT);
    assert!(denied(&intent, &approvals, NOW - 61).1.contains("created"));
    let stranger = transfer(33);
    assert!(denied(&stranger, &approve(&stranger, &[11, 12]), NOW + 1).1.contains("clients"));
    let mut altered = intent.clone();
    let Body::Transfer(transfer) = &mut altered.intent.body else { unreachable!() };
    transfer.amount = Amount::from(2);
    assert!(denied(&altered, &approve(&altered, &[11, 12]), NOW + 1).1.contains("does not verify"));
    let mut other = intent.intent.clone();
    other.governance = Hash([0; 32]);
    let other = other.sign(&key(21));
    assert!(denied(&other, &approve(&other, &[11, 12]), NOW + 1).1.contains("another cluster"));
}

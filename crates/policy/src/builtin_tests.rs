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
        governed: None,
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

fn order() -> SignedIntent {
    let parties = genesis().parties.iter().map(|party| party.key).collect::<Vec<_>>();
    let mut sorted = parties;
    sorted.sort();
    let kind =
        OrderKind::Generate { suite: Suite::Ed25519, threshold: 2, parties: sorted, label: "ops".into() };
    let mut intent = transfer(21).intent;
    intent.body = Body::Order(Order { wallet: WalletId([1; 16]), number: 1, kind });
    intent.sign(&key(21))
}

/// A schedule outlives its intent's expiry, and ends when it says; no other order is one.
#[test]
fn a_schedule_allows_until_its_end() {
    let Body::Order(Order { wallet, kind: OrderKind::Generate { parties, .. }, .. }) = order().intent.body
    else {
        unreachable!()
    };
    let repeat = Repeat { interval: 3600, end: NOW + 86_400 };
    let kind = OrderKind::Schedule { parties, threshold: 2, repeat };
    let mut intent = order().intent;
    intent.body = Body::Order(Order { wallet, number: 2, kind });
    let intent = intent.sign(&key(21));
    let decide = |intent: &SignedIntent, seeds: &[u8], now| {
        let decision = decide_schedule(&genesis(), intent, &approve(intent, seeds), now);
        match decision {
            Decision::Allow { rule, .. } => (rule, String::new()),
            Decision::Deny { rule, reason } => (rule, reason.to_string()),
        }
    };
    for now in [NOW, NOW + 600, NOW + 86_399] {
        assert_eq!(decide(&intent, &[14], now), (RULE_ORDER, String::new()));
    }
    assert!(decide(&intent, &[], NOW + 600).1.contains("0 of 1"));
    for now in [NOW + 86_400, NOW + 1_000_000] {
        let (rule, reason) = decide(&intent, &[14], now);
        assert!(rule == RULE_INTENT && reason.contains("its schedule runs from"), "{reason}");
    }
    let (rule, reason) = decide(&order(), &[14], NOW + 1);
    assert!(rule == RULE_INTENT && reason.contains("does not set up a schedule"), "{reason}");
    let mut forged = intent;
    forged.signature.0[0] ^= 1;
    let (rule, reason) = decide(&forged, &[14], NOW + 1);
    assert!(rule == RULE_INTENT && reason.contains("does not verify"), "{reason}");
}

/// What the policy of the genesis says: class, rule, whose approvals counted.
fn by_policy(intent: &SignedIntent, approvals: &[Approval]) -> (bool, String, Vec<PublicKey>) {
    let (policy, directory) = from_genesis(&genesis());
    policy.validate().unwrap();
    directory.check().unwrap();
    let denied = |rule: &str| (false, rule.to_owned(), Vec::new());
    let (hash, initiator) = (intent.intent.hash(), intent.intent.initiator);
    let Ok(votes) = crate::Votes::collect(&hash, &initiator, &directory, approvals) else {
        return denied("votes");
    };
    let subject = crate::Subject::of_intent(&intent.intent).unwrap();
    let (history, prices) = (crate::History::new(), crate::Prices::default());
    let case = crate::Case {
        policy: &policy,
        local: None,
        subject: &subject,
        history: &history,
        facts: crate::Facts { now: NOW, directory: &directory, prices: &prices },
        votes: &votes,
        signers: &[],
        started: &[],
        confirmed: false,
    };
    let judgement = crate::judge(&case);
    match judgement.outcome {
        crate::Outcome::Allow { approvers } => (true, judgement.rule, approvers),
        _ => denied(&judgement.rule),
    }
}

/// Every set out of a pool of good and bad approvals, in both kinds of intents, asked for by a client or by an approver.
#[test]
fn the_policy_of_the_genesis_decides_alike() {
    let mut allowed = 0;
    for intent in [transfer(21), transfer(13), order()] {
        let hash = intent.intent.hash();
        let approve = |seed| Approval::new(hash, Verdict::Approve, &key(seed));
        let mut forged = approve(11);
        forged.signature = approve(12).signature;
        let members: &[u8] = if matches!(intent.intent.body, Body::Order(_)) { &[14] } else { &[11, 12, 13] };
        let mut pool: Vec<Approval> = members.iter().map(|seed| approve(*seed)).collect();
        pool.extend([approve(members[0]), approve(33), forged]);
        pool.push(Approval::new(hash, Verdict::Reject, &key(members[0])));
        pool.push(Approval::new(Hash([9; 32]), Verdict::Approve, &key(members[0])));
        for set in 0..1u32 << pool.len() {
            let some: Vec<Approval> = pool
                .iter()
                .enumerate()
                .filter(|(at, _)| set >> at & 1 == 1)
                .map(|(_, one)| one.clone())
                .collect();
            let found = by_policy(&intent, &some);
            match decide(&genesis(), &intent, &some, NOW + 1) {
                Decision::Allow { rule, mut approvers } => {
                    approvers.sort();
                    assert_eq!(found, (true, rule.to_owned(), approvers));
                    allowed += 1;
                }
                Decision::Deny { .. } => assert!(!found.0, "{some:?}"),
            }
        }
    }
    assert!(allowed >= 6, "{allowed}");
}

/// Two people of one name, and one key in two lists.
#[test]
fn people_of_the_genesis_are_told_apart_by_their_keys() {
    let mut genesis = genesis();
    genesis.administrators.members[0].name = "x".into();
    let (_, directory) = from_genesis(&genesis);
    assert_eq!(directory.person(&public(&key(11))), Some("x"));
    let other = directory.person(&public(&key(14))).unwrap();
    assert!(other.starts_with("x/"));
    assert!(directory.groups["administrators"].contains(other));
    assert_eq!(directory.people.len(), 5);
}

//! Governed state: who may change what, what is refused, and that nobody is locked out.

use super::*;
use crate::file;
use ed25519_dalek::SigningKey;
use quorate_intent::governed::{NamedGroup, Person, PolicyBytes};
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
    Genesis {
        version: 1,
        name: "test".into(),
        parties: vec![party("a", 1), party("b", 2), party("c", 3)],
        gateway: public(&key(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11), member("y", 12)] },
        administrators: Group { quorum: 2, members: vec![member("r", 14), member("s", 15)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    }
}

fn intent(base: &Genesis, body: Body, client: u8) -> SignedIntent {
    let governance = base.hash();
    let (created, expires, initiator) = (NOW, NOW + 600, public(&key(client)));
    Intent { version: 1, governance, nonce: [5; 16], initiator, created, expires, body }.sign(&key(client))
}

fn step(base: &Genesis, change: Change, client: u8, by: &[u8]) -> Step {
    let intent = intent(base, Body::Governance(change), client);
    let hash = intent.intent.hash();
    let approvals = by.iter().map(|seed| Approval::new(hash, Verdict::Approve, &key(*seed))).collect();
    Step { intent, approvals }
}

fn policy(text: &str) -> Change {
    Change::Policy { policy: PolicyBytes(file::read(text).unwrap().encode()) }
}

const RULES: &str = r#"
version = 1
[wallets]
ops = "wal_01010101010101010101010101010101"
[[rule]]
name = "payments"
decision = "require"
approvals = ["2 of finance", "1 of security"]
parties = "1 of notary"
[[rule]]
name = "changes"
kind = ["policy", "members", "thaw", "assets", "address-book", "wallet", "reshare"]
decision = "require"
approvals = "2 of administrators"
"#;

fn people() -> Change {
    let person = |name: &str, seed| Person { name: name.into(), keys: vec![public(&key(seed))] };
    Change::Members {
        approvers: None,
        administrators: None,
        clients: None,
        people: vec![person("olga", 30)],
        groups: vec![
            NamedGroup { name: "finance".into(), members: vec!["x".into(), "y".into()] },
            NamedGroup { name: "security".into(), members: vec!["olga".into()] },
        ],
        party_groups: vec![NamedGroup { name: "notary".into(), members: vec!["c".into()] }],
    }
}

/// A chain with people and the policy above in force.
fn governed() -> Governance {
    let mut chain = Governance::new(genesis()).unwrap();
    for change in [people(), policy(RULES)] {
        let step = step(chain.current(), change, 21, &[14, 15]);
        chain.advance(step, &judge_step).unwrap();
    }
    chain
}

#[test]
fn a_policy_comes_into_force_by_the_administrators_and_survives_replay() {
    let chain = governed();
    let version = chain.current();
    assert_eq!((version.version, chain.number()), (quorate_intent::genesis::GOVERNED, 2));
    let bytes = borsh::to_vec(version).unwrap();
    assert_eq!(&borsh::from_slice::<Genesis>(&bytes).unwrap(), version);
    let json = serde_json::to_string(version).unwrap();
    assert_eq!(&serde_json::from_str::<Genesis>(&json).unwrap(), version);
    let again = Governance::replay(genesis(), chain.steps().to_vec(), &judge_step).unwrap();
    assert_eq!(again, chain);
    let ruling = Ruling::of(version).unwrap();
    assert_eq!(ruling.policy().rules.len(), 2);
    assert_eq!(ruling.directory().person(&public(&key(30))), Some("olga"));
    assert_eq!(ruling.directory().groups["administrators"].len(), 2);
}

#[test]
fn a_genesis_keeps_the_bytes_that_it_had() {
    let genesis = genesis();
    let bytes = borsh::to_vec(&genesis).unwrap();
    // version, then the fields one after another, the last of them the one byte that says "follows nothing".
    assert_eq!((bytes[..2].to_vec(), bytes.last()), (vec![1, 0], Some(&0)));
    assert_eq!(borsh::from_slice::<Genesis>(&bytes).unwrap(), genesis);
}

#[test]
fn too_few_approvals_change_nothing_and_the_rule_is_named() {
    let chain = Governance::new(genesis()).unwrap();
    for by in [&[][..], &[14], &[14, 14], &[11, 12], &[14, 21]] {
        let step = step(chain.current(), people(), 21, by);
        assert!(chain.next(&step, &judge_step).is_err(), "{by:?}");
    }
    let chain = governed();
    let next =
        step(chain.current(), Change::Settings { record_quorum: Some(3), clock_skew: None }, 21, &[14]);
    let error = chain.next(&next, &judge_step).unwrap_err().to_string();
    assert!(error.contains("administrators: 1 of 2") && error.contains("(rule changes)"), "{error}");
    let next =
        step(chain.current(), Change::Settings { record_quorum: Some(3), clock_skew: None }, 21, &[14, 15]);
    assert_eq!(chain.next(&next, &judge_step).unwrap().record_quorum(2), 3);
}

#[test]
fn what_would_lock_everybody_out_is_refused() {
    let chain = governed();
    let base = chain.current();
    let refused = |change: Change| {
        let step = step(base, change, 21, &[14, 15]);
        chain.next(&step, &judge_step).unwrap_err().to_string()
    };
    let second = |text: &str| {
        let next = file::read(text).unwrap().following(Ruling::of(base).unwrap().policy());
        Change::Policy { policy: PolicyBytes(next.encode()) }
    };
    let without = RULES.replace("\"policy\", ", "");
    assert!(refused(second(&without)).contains("nobody could change the policy any more"));
    let without = RULES.replace("\"thaw\", ", "");
    assert!(refused(second(&without)).contains("nobody could change a freeze any more"));
    let more = RULES.replace("2 of administrators", "3 of administrators");
    assert!(refused(second(&more)).contains("can never be met"));
    let unknown = RULES.replace("1 of security", "1 of nobody");
    assert!(refused(second(&unknown)).contains("there is no group nobody"));
    let again = refused(policy(&RULES.replace("name = \"changes\"", "name = \"governing\"")));
    assert!(again.contains("policy version 1 does not follow version 1"), "{again}");
    let timed = RULES.replace("name = \"changes\"", "name = \"changes\"\ntime = [{ days = \"mon-fri\" }]");
    assert!(refused(second(&timed)).contains("`time` goes with"));
    // A group that the policy needs cannot be taken away under it.
    let gone = Change::Members {
        approvers: None,
        administrators: None,
        clients: None,
        people: Vec::new(),
        groups: vec![NamedGroup { name: "security".into(), members: Vec::new() }],
        party_groups: Vec::new(),
    };
    assert!(refused(gone).contains("there is no group security"));
    let bytes = Change::Policy { policy: PolicyBytes(vec![1, 2, 3]) };
    assert!(refused(bytes).contains("not a canonical policy"));
}

#[test]
fn any_administrator_freezes_and_a_quorum_thaws() {
    let mut chain = governed();
    let freeze = || Change::Freeze { reason: "strange calls".into() };
    for (client, by) in [(21, &[][..]), (21, &[11]), (11, &[]), (30, &[30])] {
        let step = step(chain.current(), freeze(), client, by);
        assert!(chain.next(&step, &judge_step).is_err(), "{client} {by:?}");
    }
    assert!(chain.next(&step(chain.current(), freeze(), 21, &[15]), &judge_step).is_ok());
    let alone = step(chain.current(), freeze(), 14, &[]);
    chain.advance(alone, &judge_step).unwrap();
    assert!(chain.current().frozen());
    let base = chain.current().clone();
    let thaw = || Change::Thaw { reason: String::new() };
    assert!(chain.next(&step(&base, thaw(), 21, &[14]), &judge_step).is_err());
    assert!(chain.next(&step(&base, freeze(), 14, &[]), &judge_step).is_err(), "frozen already");
    let transfer = Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: Network::Evm { chain_id: 1 },
        asset: Asset::Native,
        to: "0x0".into(),
        amount: Amount::from(1),
        max_fee: Amount::from(1),
        memo: String::new(),
    };
    let asked = intent(&base, Body::Transfer(transfer), 21);
    let ruled = |version: &Genesis, asked: &SignedIntent| {
        Ruling::of(version).unwrap().decide(&Asked {
            intent: asked,
            votes: &[],
            subject: None,
            history: &History::new(),
            prices: &Prices::default(),
            signers: &[],
            started: &[],
            local: None,
            confirmed: false,
            validity: Validity::Now,
            now: NOW,
        })
    };
    assert_eq!(ruled(&base, &asked).rule, FROZEN);
    chain.advance(step(&base, thaw(), 21, &[14, 15]), &judge_step).unwrap();
    assert!(!chain.current().frozen());
}

#[test]
fn a_transfer_waits_for_exactly_what_the_rule_asks() {
    let chain = governed();
    let base = chain.current();
    let transfer = Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: Network::Evm { chain_id: 1 },
        asset: Asset::Native,
        to: "0x0".into(),
        amount: Amount::from(1),
        max_fee: Amount::from(1),
        memo: String::new(),
    };
    let asked = intent(base, Body::Transfer(transfer), 21);
    let ruling = Ruling::of(base).unwrap();
    let parties = [public(&key(1)), public(&key(3))];
    let decide = |by: &[u8], signers: &[PublicKey]| {
        let hash = asked.intent.hash();
        let votes: Vec<_> =
            by.iter().map(|seed| Approval::new(hash, Verdict::Approve, &key(*seed))).collect();
        ruling.decide(&Asked {
            intent: &asked,
            votes: &votes,
            subject: None,
            history: &History::new(),
            prices: &Prices::default(),
            signers,
            started: &[],
            local: None,
            confirmed: false,
            validity: Validity::Now,
            now: NOW,
        })
    };
    assert!(decide(&[11, 12, 30], &parties).allows());
    for by in [&[11, 12][..], &[11, 30], &[12, 30], &[]] {
        let ruled = decide(by, &parties);
        assert!(matches!(ruled.answer, Answer::Wait(_)) && ruled.rule == "payments", "{by:?}: {ruled:?}");
    }
    assert_eq!(decide(&[11, 11, 30], &parties).rule, VOTES);
    assert!(matches!(decide(&[11, 12, 30], &parties[..1]).answer, Answer::Wait(_)), "without the notary");
}

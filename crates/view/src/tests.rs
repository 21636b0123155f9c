use crate::amount::human;
use crate::{Input, View, text, view};
use ed25519_dalek::SigningKey;
use quorate_chains::{Detail, Plan, WalletKey, evm};
use quorate_intent::governed::{AssetInfo, BookAddress, Governed, PolicyBytes};
use quorate_intent::{
    Amount, Approval, Asset, Body, Content, ContractCall, Genesis, Group, Intent, Member, Message, Network,
    Party, Transfer, Verdict, WalletId, keys,
};
use quorate_policy::Ruling;
use quorate_protocols::derive::ExtendedKey;
use quorate_sharing::{Curve, Secp256k1};

const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const TO: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const ETHEREUM: Network = Network::Evm { chain_id: 1 };

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn member(name: &str, seed: u8) -> Member {
    Member { name: name.into(), key: keys::public(&key(seed)) }
}

fn genesis() -> Genesis {
    let party =
        |n: u8| Party { name: format!("p{n}"), key: keys::public(&key(n)), address: format!("h:{n}") };
    let json = serde_json::json!({
        "version": 1, "name": "test", "parties": [party(1), party(2)], "gateway": keys::public(&key(10)),
        "approvers": Group { quorum: 2, members: vec![member("ann", 20), member("bob", 21), member("api", 30)] },
        "administrators": Group { quorum: 1, members: vec![member("root", 25)] },
        "clients": [member("api", 30)],
    });
    serde_json::from_value(json).unwrap()
}

fn wallet() -> WalletKey {
    let key = Secp256k1::mul_base(&<Secp256k1 as Curve>::Scalar::from(5u64));
    WalletKey::Ecdsa(ExtendedKey { key, chain_code: [9; 32] })
}

fn intent(body: Body) -> Intent {
    let (governance, initiator) = (genesis().hash(), keys::public(&key(30)));
    Intent { version: 1, governance, nonce: [1; 16], initiator, created: 1000, expires: 2000, body }
}

fn transfer(asset: Asset) -> Body {
    Body::Transfer(Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: ETHEREUM,
        asset,
        to: TO.into(),
        amount: 1_500_000.into(),
        max_fee: Amount::from(10_000_000_000_000_000),
        memo: "rent".into(),
    })
}

fn plan() -> Vec<u8> {
    let fee = evm::Fee::Legacy { gas_price: 2_000_000_000.into() };
    Plan::Evm(evm::Plan { nonce: 1, gas_limit: 100_000, fee }).encode()
}

/// With an asset and an address that have names, or without, and with a policy, or without.
fn ruling(known: bool, policy: Option<&str>) -> Ruling {
    let mut governed = Governed::default();
    if known {
        let contract = Some(TOKEN.to_owned());
        governed.assets = vec![AssetInfo { symbol: "usdc".into(), network: ETHEREUM, contract, decimals: 6 }];
        let address = TO.to_lowercase();
        governed.book =
            vec![BookAddress { name: "landlord".into(), network: ETHEREUM, address, tags: Vec::new() }];
    }
    let policy = policy.map(|text| quorate_policy::file::read(text).unwrap());
    governed.policy = policy.map(|policy| PolicyBytes(policy.encode()));
    let genesis = Genesis { version: 2, governed: Some(Box::new(governed)), ..genesis() };
    Ruling::of(&genesis).unwrap()
}

fn see(intent: &Intent, plan: Option<&[u8]>, known: bool, approvals: &[Approval]) -> View {
    see_by(&ruling(known, None), intent, plan, approvals)
}

fn see_by(ruling: &Ruling, intent: &Intent, plan: Option<&[u8]>, approvals: &[Approval]) -> View {
    let key = wallet();
    view(&Input { intent, key: Some(&key), plan, ruling, approvals, now: 1500 }).unwrap()
}

#[test]
fn amounts_are_exact_and_unknown_decimals_are_said_to_be_unknown() {
    for (minor, decimals, expected) in
        [(0, 8, "0"), (1, 8, "0.00000001"), (150, 2, "1.5"), (100, 2, "1"), (7, 0, "7"), (123, 3, "0.123")]
    {
        assert_eq!(human(Amount::from(minor), decimals), expected);
    }
    let token = intent(transfer(Asset::Token { contract: TOKEN.into() }));
    let known = see(&token, Some(&plan()), true, &[]);
    let payment = known.payment.as_ref().unwrap();
    assert_eq!(
        (payment.amount.human.as_deref(), payment.amount.symbol.as_deref()),
        (Some("1.5"), Some("usdc"))
    );
    assert_eq!(payment.to.names, ["landlord"]);
    assert!(known.unknown.is_empty(), "{:?}", known.unknown);
    let shown = text(&known, &[]);
    for line in ["pays       1.5 usdc (1500000 minor units)", "landlord = 0x5aAeb", "asked by   api"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    let unknown = see(&token, None, false, &[]);
    assert_eq!(unknown.unknown.len(), 3, "{:?}", unknown.unknown);
    let shown = text(&unknown, &[]);
    for line in ["1500000 minor units, decimals unknown", "not in the address book", "plan is still to come"]
    {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
}

#[test]
fn a_call_is_shown_by_method_and_arguments() {
    let call = intent(Body::Call(ContractCall {
        wallet: WalletId([1; 16]),
        account: 0,
        network: ETHEREUM,
        contract: TOKEN.into(),
        method: "approve(address,uint256)".into(),
        arguments: vec![TO.into(), "77".into()],
        value: Amount::default(),
        max_fee: Amount::from(10_000_000_000_000_000),
        memo: String::new(),
    }));
    let seen = see(&call, Some(&plan()), true, &[]);
    let shown = text(&seen, &[]);
    for line in [
        "calls      approve(address,uint256)",
        "  0: address = 0x5aAeb",
        "  1: uint256 = 77",
        "fee        at most 0.0002 native coin",
    ] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    assert_eq!(seen.planned.as_ref().unwrap().signs.len(), 1);
    // What does not build is not shown as if it did.
    let (key, ruling) = (wallet(), ruling(true, None));
    let input = Input {
        intent: &call,
        key: Some(&key),
        plan: Some(&[9]),
        ruling: &ruling,
        approvals: &[],
        now: 1500,
    };
    assert!(view(&input).unwrap_err().to_string().contains("do not approve"));
}

#[test]
fn a_text_is_shown_line_by_line() {
    let content = Content::Personal { text: "I agree\nmissing    0 more".into() };
    let (wallet, network) = (WalletId([1; 16]), ETHEREUM);
    let message =
        intent(Body::Message(Message { wallet, account: 0, network, content, memo: String::new() }));
    let seen = see(&message, None, false, &[]);
    assert!(matches!(seen.detail, Some(Detail::Text(_))) && seen.unknown.is_empty());
    let shown = text(&seen, &[]);
    // A line of the message cannot pass for a line of the view, however long it is.
    assert!(shown.contains("  | I agree\n  | missing    0 more\n"), "{shown}");
    let content = Content::Personal { text: format!("I agree{}missing    0 more", " ".repeat(200)) };
    let message =
        intent(Body::Message(Message { wallet, account: 0, network, content, memo: String::new() }));
    let shown = text(&see(&message, None, false, &[]), &[]);
    assert!(
        shown.lines().filter(|line| line.contains("missing    0 more")).all(|line| line.starts_with("  | "))
    );
    assert!(shown.lines().filter(|line| line.starts_with("  |")).all(|line| line.len() <= 76), "{shown}");
}

/// What lies in bytes can be another call: it is said to be unknown.
#[test]
fn bytes_that_only_the_contract_reads_are_unknown() {
    let mut call = approve_call(TO, "1");
    let Body::Call(body) = &mut call.body else { panic!() };
    body.method = "execute(address,uint256,bytes)".into();
    body.arguments = vec![TO.into(), "0".into(), "0x095ea7b3".into()];
    let seen = see(&call, Some(&plan()), true, &[]);
    assert!(seen.unknown.iter().any(|what| what.contains("argument 2")), "{:?}", seen.unknown);
    assert!(text(&seen, &[]).contains("execute(address,uint256,bytes) (0xb61d27f6)"));
}

#[test]
fn who_spoke_and_who_is_missing_is_counted_by_valid_signatures() {
    let wish = intent(transfer(Asset::Native));
    let by = |seed: u8, verdict| Approval::new(wish.hash(), verdict, &key(seed));
    let none = see(&wish, None, false, &[]).deciding;
    assert_eq!((none.more, none.who_may.as_slice()), (2, ["ann".to_owned(), "bob".into()].as_slice()));
    assert!(none.waits_for("ann") && !none.waits_for("api"), "the initiator may not approve its own");
    let one = see(&wish, None, false, &[by(20, Verdict::Approve)]).deciding;
    assert_eq!(
        (one.more, one.approved.as_slice(), one.who_may.as_slice()),
        (1, ["ann".to_owned()].as_slice(), ["bob".to_owned()].as_slice())
    );
    let mut forged = by(21, Verdict::Approve);
    forged.signature.0[5] ^= 1;
    let own = by(30, Verdict::Approve);
    let bad = see(
        &wish,
        None,
        false,
        &[by(20, Verdict::Approve), by(20, Verdict::Approve), forged, own, by(40, Verdict::Approve)],
    );
    assert_eq!((bad.deciding.more, bad.deciding.ignored.len()), (1, 4), "{:?}", bad.deciding);
    let shown = text(&bad, &[]);
    assert!(shown.contains("IGNORED    api: initiated it"), "{shown}");
    let no = see(&wish, None, false, &[by(21, Verdict::Reject)]).deciding;
    assert_eq!(no.rejected, ["bob"]);
    assert!(!no.waits_for("ann"), "it is over");
}

fn approve_call(spender: &str, amount: &str) -> Intent {
    intent(Body::Call(ContractCall {
        wallet: WalletId([1; 16]),
        account: 0,
        network: ETHEREUM,
        contract: TOKEN.into(),
        method: "approve(address,uint256)".into(),
        arguments: vec![spender.into(), amount.into()],
        value: Amount::default(),
        max_fee: Amount::from(10_000_000_000_000_000),
        memo: String::new(),
    }))
}

/// Rules about contract, method and arguments judge what was decoded from the transaction.
#[test]
fn rules_see_the_contract_the_method_and_the_arguments() {
    let ruling = ruling(true, None);
    let directory = ruling.directory();
    let judged = |rule: &str, wish: &Intent| {
        let text = format!(
            "version = 1\nnew-wallets = \"open\"\n[[rule]]\nname = \"calls\"\nkind = \"call\"\n{rule}\ndecision = \"allow\"\n"
        );
        let policy = quorate_policy::file::read(&text).unwrap();
        let built = quorate_chains::build_body(&wallet(), &wish.body, &plan()).unwrap();
        let subject = crate::subject(wish, &built).unwrap();
        subject.check().unwrap();
        // Before there is a plan the call says the same.
        assert_eq!(crate::intended(wish).unwrap().call, subject.call);
        assert_eq!(subject.call.as_ref().and_then(|call| call.selector), Some([0x09, 0x5e, 0xa7, 0xb3]));
        quorate_policy::judge(&quorate_policy::Case {
            policy: &policy,
            local: None,
            subject: &subject,
            history: &quorate_policy::History::new(),
            facts: quorate_policy::Facts { now: 1500, directory, prices: &quorate_policy::Prices::default() },
            votes: &quorate_policy::Votes::default(),
            signers: &[],
            started: &[],
            confirmed: false,
        })
        .allows()
    };
    let limits = format!(
        "contract = \"address:{TOKEN}\"\nmethod = \"approve(address,uint256)\"\nargument = [{{ at = 0, to = \"book:landlord\" }}, {{ at = 1, max = 1_000 }}]"
    );
    assert!(judged(&limits, &approve_call(TO, "1000")));
    assert!(!judged(&limits, &approve_call(TO, "1001")));
    assert!(!judged(&limits, &approve_call(TOKEN, "1000")));
    assert!(judged("method = \"0x095ea7b3\"", &approve_call(TO, "5")));
    assert!(!judged("method = \"transfer(address,uint256)\"", &approve_call(TO, "5")));
    // Another name for the same four bytes: nobody can say that it is not this method.
    let denied = "method = \"sign_szabo_bytecode(bytes16,uint128)\"\ndecision = \"deny\"\n\n[[rule]]\nname = \"more\"\nkind = \"call\"";
    assert!(!judged(denied, &approve_call(TO, "5")));
    assert!(judged(&denied.replace("sign_szabo", "sign_other"), &approve_call(TO, "5")));
    assert!(!judged(&format!("contract = \"address:{TO}\""), &approve_call(TO, "5")));
}

const POLICY: &str = r#"
version = 1
new-wallets = "open"

[[rule]]
name = "no-strangers"
kind = "call"
contract = "address:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
decision = "deny"

[[rule]]
name = "small-allowances"
kind = "call"
method = "approve(address,uint256)"
argument = [{ at = 1, max = 1_000 }]
approvals = ["1 of approvers", "1 of administrators"]
delay = "1h"
decision = "require"

[[rule]]
name = "a-day"
asset = "native"
window = [{ period = "24h", max-count = 3 }]
approvals = ["1 of administrators"]
decision = "require"
"#;

#[test]
fn the_policy_in_force_decides_who_is_asked() {
    let ruling = ruling(true, Some(POLICY));
    let wish = approve_call(TO, "1000");
    let by = |seed: u8| Approval::new(wish.hash(), Verdict::Approve, &key(seed));
    for plan in [None, Some(plan())] {
        let seen = see_by(&ruling, &wish, plan.as_deref(), &[]).deciding;
        assert_eq!(
            (seen.rule.as_str(), seen.quorum, seen.more, seen.denied),
            ("small-allowances", 2, 2, false)
        );
        assert_eq!(seen.who_may, ["ann", "bob", "root"]);
        assert!(seen.says.contains("a delay of 1h"), "{}", seen.says);
    }
    let seen = see_by(&ruling, &wish, None, &[by(20)]);
    assert_eq!((seen.deciding.more, seen.deciding.who_may.as_slice()), (1, ["root".to_owned()].as_slice()));
    assert!(!seen.deciding.waits_for("bob") && seen.deciding.waits_for("root"));
    let shown = text(&seen, &[]);
    assert!(shown.contains("rule       small-allowances: 2 of approvers, administrators"), "{shown}");
    let done = see_by(&ruling, &wish, None, &[by(20), by(25)]).deciding;
    assert_eq!((done.more, done.approved.len()), (0, 2));
    assert!(done.says.contains("1h"), "{}", done.says);
    // Above the limit no rule allows it: nobody is asked.
    let seen = see_by(&ruling, &approve_call(TO, "1001"), None, &[]).deciding;
    assert_eq!((seen.rule.as_str(), seen.denied, seen.more), ("implicit-deny", true, 0));
    assert!(!seen.waits_for("ann"));
}

#[test]
fn what_only_nodes_know_is_said_to_be_unknown() {
    let ruling = ruling(true, Some(POLICY));
    let seen = see_by(&ruling, &intent(transfer(Asset::Native)), None, &[]);
    assert_eq!(
        (seen.deciding.rule.as_str(), seen.deciding.who_may.as_slice()),
        ("a-day", ["root".to_owned()].as_slice())
    );
    assert!(seen.unknown.iter().any(|what| what.contains("spent before")), "{:?}", seen.unknown);
}

#[test]
fn while_signing_is_stopped_nobody_is_asked() {
    let frozen = |frozen| {
        let governed = Governed { frozen, ..Governed::default() };
        Ruling::of(&Genesis { version: 2, governed: Some(Box::new(governed)), ..genesis() }).unwrap()
    };
    let content = Content::Personal { text: "I agree".into() };
    let (wallet, network) = (WalletId([1; 16]), ETHEREUM);
    let wish = intent(Body::Message(Message { wallet, account: 0, network, content, memo: String::new() }));
    let seen = |ruling: &Ruling| see_by(ruling, &wish, None, &[]).deciding;
    assert!(seen(&frozen(false)).waits_for("ann"));
    let stopped = seen(&frozen(true));
    assert_eq!((stopped.rule.as_str(), stopped.denied, stopped.waits_for("ann")), ("frozen", true, false));
    // And any one administrator can stop it.
    let stop = intent(Body::Governance(quorate_intent::Change::Freeze { reason: "test".into() }));
    let seen = see_by(&frozen(false), &stop, None, &[]).deciding;
    assert_eq!((seen.rule.as_str(), seen.more, seen.waits_for("root")), ("any-administrator", 1, true));
}

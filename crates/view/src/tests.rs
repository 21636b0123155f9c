use crate::amount::human;
use crate::{Input, View, text, view};
use ed25519_dalek::SigningKey;
use quorate_chains::{Detail, Plan, WalletKey, evm};
use quorate_intent::{
    Amount, Approval, Asset, Body, Content, ContractCall, Genesis, Group, Intent, Member, Message, Network,
    Party, Transfer, Verdict, WalletId, keys,
};
use quorate_policy::Directory;
use quorate_policy::facts::{AddressBook, AssetEntry, BookEntry};
use quorate_policy::model::NetworkName;
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

fn directory(known: bool) -> Directory {
    let mut directory = Directory::default();
    if known {
        let network = NetworkName(ETHEREUM);
        let entry = AssetEntry { network, token: Some(TOKEN.into()), decimals: 6 };
        directory.assets.insert("usdc".into(), entry);
        let address = TO.to_lowercase();
        let entry = BookEntry { name: "landlord".into(), network, address, tags: Default::default() };
        directory.book = AddressBook::from(vec![entry]);
    }
    directory
}

fn see(intent: &Intent, plan: Option<&[u8]>, known: bool, approvals: &[Approval]) -> View {
    let (key, genesis, directory) = (wallet(), genesis(), directory(known));
    let input = Input {
        intent,
        key: Some(&key),
        plan,
        genesis: &genesis,
        directory: &directory,
        approvals,
        now: 1500,
    };
    view(&input).unwrap()
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
    let (key, genesis, directory) = (wallet(), genesis(), directory(true));
    let input = Input {
        intent: &call,
        key: Some(&key),
        plan: Some(&[9]),
        genesis: &genesis,
        directory: &directory,
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
    // A line of the message cannot pass for a line of the view.
    assert!(shown.contains("  | I agree\n  | missing    0 more\n"), "{shown}");
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
    let directory = directory(true);
    let judged = |rule: &str, wish: &Intent| {
        let text = format!(
            "version = 1\nnew-wallets = \"open\"\n[[rule]]\nname = \"calls\"\nkind = \"call\"\n{rule}\ndecision = \"allow\"\n"
        );
        let policy = quorate_policy::file::read(&text).unwrap();
        let built = quorate_chains::build_body(&wallet(), &wish.body, &plan()).unwrap();
        let subject = crate::subject(wish, &built).unwrap();
        subject.check().unwrap();
        assert_eq!(subject.call.as_ref().and_then(|call| call.selector), Some([0x09, 0x5e, 0xa7, 0xb3]));
        quorate_policy::judge(&quorate_policy::Case {
            policy: &policy,
            local: None,
            subject: &subject,
            history: &quorate_policy::History::new(),
            facts: quorate_policy::Facts {
                now: 1500,
                directory: &directory,
                prices: &quorate_policy::Prices::default(),
            },
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
    assert!(!judged(&format!("contract = \"address:{TO}\""), &approve_call(TO, "5")));
}

//! The language: what is read, what is refused and with which words, and the bytes that are hashed.

use quorate_policy::model::{Limit, Period, RuleDecision};
use quorate_policy::{Policy, PolicyError, Rule, file};

const GOOD: &str = r#"
version = 1
[wallets]
ops = "wal_01010101010101010101010101010101"

[[rule]]
name = "payments"
wallet = "ops"
network = ["evm:1", "bitcoin:signet", "solana:localnet"]
asset = "usdc"
to = ["book", "tag:exchange", "own:ops", "address:0xab"]
amount = { min = 1, max = "5e18" }
window = [{ period = "36h", max = 1_000, max-count = 5, per = ["wallet", "rule"] }, { period = "7d", max = "99.50 USD" }]
initiator = ["api", "group:services"]
time = [{ days = "fri-mon", from = "09:00", to = "24:00", offset = "-05:30" }]
fee.max = "20 EUR"
decision = "require"
approvals = ["2 of finance"]
parties = "1 of notary"
delay = "90m"
cancel = ["security"]

[[rule]]
name = "call"
kind = ["call"]
contract = "book:bridge"
method = ["deposit(address,uint256[])", "0xa9059cbb"]
argument = [{ at = "1.0", min = 1, max = "1e77" }, { at = 0, to = "own", is = ["0xab", "0xcd"] }]
decision = "allow"
"#;

#[test]
fn what_is_written_is_read_and_written_again() {
    let policy = file::read(GOOD).unwrap();
    assert_eq!(file::read(&file::write(&policy)).unwrap(), policy);
    assert_eq!(Policy::decode(&policy.encode()).unwrap(), policy);
    assert_eq!(policy.rules[0].delay, Some(Period(5400)));
    let written = file::write(&policy);
    for text in
        ["2 of finance", "mon,fri,sat,sun", "-05:30", "99.50 USD", "36h", "5000000000000000000", "1.0"]
    {
        assert!(written.contains(text), "{text} is not in\n{written}");
    }
}

/// What is replaced in the good file, by what, and what the refusal says.
const WRONG: &[(&str, &str, &str)] = &[
    ("name = \"payments\"", "nam = \"payments\"", "line 7: unknown field `nam`"),
    ("version = 1", "version = 2", "format version 2, this program knows 1"),
    ("version = 1", "version = 1\nold = true", "line 3: unknown field `old`"),
    ("amount = {", "amount = { most = 1,", "line 12: unknown field `most`"),
    (
        "min = 1, max = \"5e18\"",
        "min = 2, max = 1",
        "line 6: rule 1 \"payments\": `amount` starts at 2 and ends at 1",
    ),
    ("min = 1, max", "min = \"1 USD\", max", "use one unit for both"),
    ("\"5e18\"", "\"5e78\"", "line 12: amount"),
    ("\"5e18\"", "\"1.5\"", "is not a whole number of minor units"),
    ("\"5e18\"", "-5", "is not a whole number of minor units"),
    ("\"99.50 USD\"", "\"99.5 USD\"", "fiat has no or two decimals"),
    ("\"99.50 USD\"", "\"99.50 usd\"", "is not three capital letters"),
    ("asset = \"usdc\"", "asset = [\"usdc\", \"dai\"]", "minor units of different assets"),
    ("asset = \"usdc\"", "asset = \"native\"", "minor units of different assets"),
    ("asset = \"usdc\"", "asset = []", "leave the line out to match everything"),
    ("wallet = \"ops\"", "wallet = \"opps\"", "there is no wallet opps under [wallets]"),
    ("\"own:ops\"", "\"own:opps\"", "there is no wallet opps under [wallets]"),
    ("\"evm:1\"", "\"evm:01\"", "line 9: network"),
    ("\"tag:exchange\"", "\"label:exchange\"", "is not one of any, own, own:WALLET"),
    ("period = \"36h\"", "period = \"36 hours\"", "is not a duration"),
    ("period = \"36h\"", "period = \"367d\"", "is not a duration of 1s to 366d"),
    ("max = 1_000, max-count = 5,", "", "a `window` without min, max, min-count or max-count"),
    ("max-count = 5", "max-count = 0", "use at least 1"),
    ("\"fri-mon\"", "\"friday\"", "is not like mon, mon-fri"),
    ("\"-05:30\"", "\"+15:00\"", "is not UTC or an offset"),
    ("\"24:00\"", "\"24:01\"", "at most 24:00"),
    ("\"2 of finance\"", "\"0 of finance\"", "is not like \"2 of finance\""),
    ("\"2 of finance\"", "\"two of finance\"", "is not like \"2 of finance\""),
    ("[\"2 of finance\"]", "[\"2 of finance\", \"1 of finance\"]", "names a group twice"),
    ("decision = \"require\"", "decision = \"allow\"", "go with decision = \"require\""),
    ("decision = \"require\"", "decision = \"ask\"", "is not one of allow, deny, require"),
    ("delay = \"90m\"\n", "", "`cancel` goes with `delay`"),
    ("delay = \"90m\"", "delay = \"30d\"", "outlives every intent"),
    ("delay = \"90m\"", "delay = \"90m\"\nconfirm = true", "goes into that node's local rules"),
    (
        "approvals = [\"2 of finance\"]\nparties = \"1 of notary\"\ndelay = \"90m\"\ncancel = [\"security\"]",
        "",
        "it requires nothing",
    ),
    (
        "approvals = [\"2 of finance\"]\nparties = \"1 of notary\"\ndelay = \"90m\"\ncancel = [\"security\"]",
        "delay = \"1h\"",
        "nobody could stop it",
    ),
    (
        "name = \"call\"",
        "name = \"payments\"",
        "line 23: rule 2 \"payments\": an earlier rule has the same name",
    ),
    ("name = \"call\"", "name = \"implicit-deny\"", "stands for something else in logs"),
    ("name = \"call\"", "name = \"local/x\"", "stands for something else in logs"),
    ("name = \"call\"", "name = \"a\\u202eb\"", "is not 1 to 64 letters"),
    (
        "kind = [\"call\"]",
        "kind = [\"call\", \"message\"]",
        "`contract` says nothing about intents of kind message",
    ),
    ("contract = \"book:bridge\"", "contract = \"own:ops\"", "a wallet is no contract"),
    ("kind = [\"call\"]", "kind = \"calls\"", "is not one of transfer, call"),
    ("method = [\"deposit(address,uint256[])\", \"0xa9059cbb\"]\n", "", "`argument` needs `method`"),
    ("\"0xa9059cbb\"", "\"0xa9059c\"", "is not like transfer(address,uint256)"),
    ("deposit(address,uint256[])", "deposit(address, uint256)", "without blanks"),
    ("at = \"1.0\", min = 1, max = \"1e77\"", "at = 3", "argument 3 has no limit"),
    ("at = \"1.0\"", "at = \"1.x\"", "is not like 1 or 2.0"),
    ("ops = \"wal_01", "ops = \"wal_1", "line 4"),
    ("[[rule]]\nname = \"call\"", "[[rules]]\nname = \"call\"", "unknown field `rules`"),
    ("version = 1", "version = 1\nnumber = 2", "version 1 has no previous hash, and every later one has"),
    ("decision = \"allow\"", "decision = \"allow", "line 29"),
];

/// Every refusal names the line and the way out.
#[test]
fn what_is_not_known_is_refused_with_its_line() {
    let mut wrong = Vec::new();
    for (from, to, expected) in WRONG {
        assert!(GOOD.contains(from), "{from}");
        match file::read(&GOOD.replacen(from, to, 1)) {
            Err(error) if error.to_string().contains(expected) => {}
            Err(error) => wrong.push(format!("{to}: {error}; expected {expected}")),
            Ok(_) => wrong.push(format!("{to}: read; expected {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn local_rules_may_ask_the_operator() {
    let text = "version = 1\n[[rule]]\nname = \"x\"\nwallet = \"any name\"\ndecision = \"require\"\nconfirm = true\n";
    let local = file::read_local(text).unwrap();
    assert!(local.rules[0].confirm);
    assert!(file::read(text).is_err());
    assert!(file::read_local("version = 1\nnew-wallets = \"open\"\n").is_err());
}

#[test]
fn versions_are_a_chain() {
    let first = Policy::new(vec![Rule::new("a", RuleDecision::Allow)]);
    let second = Policy::new(vec![Rule::new("b", RuleDecision::Deny)]).following(&first);
    second.validate().unwrap();
    assert_eq!(first.check_follows(None), Ok(()));
    assert_eq!(second.check_follows(Some(&first)), Ok(()));
    let broken = |result: Result<(), PolicyError>| {
        assert!(matches!(result, Err(PolicyError::Chain { .. })), "{result:?}")
    };
    broken(second.check_follows(None));
    broken(first.check_follows(Some(&first)));
    let mut altered = first.clone();
    altered.rules[0].decision = RuleDecision::Deny;
    broken(second.check_follows(Some(&altered)));
    let skipped = Policy { number: 3, ..second.clone() };
    broken(skipped.check_follows(Some(&first)));
    broken(Policy { number: 1, ..second }.check_follows(Some(&first)));
}

/// Pins the encoding: a change here breaks every stored hash.
#[test]
fn the_hash_is_pinned() {
    let policy = file::read(GOOD).unwrap();
    assert_eq!(policy.encode().len(), 715);
    assert_eq!(policy.hash().to_string(), "fbd0252328d56e905a2875a927b77776bc5a2001898a323fc053190017d63d20");
    // Layout and comments are not part of it; the order of rules is.
    assert_eq!(file::read(&format!("# comment\n{GOOD}")).unwrap().hash(), policy.hash());
    let mut turned = policy.clone();
    turned.rules.reverse();
    assert_ne!(turned.hash(), policy.hash());
}

#[test]
fn bytes_are_bounded_and_checked() {
    let good = file::read(GOOD).unwrap().encode();
    assert!(Policy::decode(&good[..good.len() - 1]).is_err());
    let mut longer = good.clone();
    longer.push(0);
    assert!(Policy::decode(&longer).is_err());
    let error = Policy::decode(&vec![0; 256 * 1024 + 1]).unwrap_err();
    assert!(error.to_string().contains("at most 262144"), "{error}");
    // What could not be written in a file cannot come as bytes either.
    let mut policy = file::read(GOOD).unwrap();
    policy.rules[0].name = "intent".into();
    assert!(matches!(Policy::decode(&policy.encode()), Err(PolicyError::Rule { .. })));
    // The same wallets in another order would be other bytes for one policy.
    let mut two = file::read(GOOD).unwrap();
    two.wallets.insert("opt".into(), quorate_intent::WalletId([2; 16]));
    let good_two = two.encode();
    assert_eq!(Policy::decode(&good_two).as_ref(), Ok(&two));
    let at = good_two.windows(7).position(|bytes| bytes == b"\x03\0\0\0ops").unwrap();
    let mut turned = good_two.clone();
    turned[at..at + 46].rotate_left(23);
    assert!(matches!(Policy::decode(&turned), Err(PolicyError::Encoding(_))));
    // No flipped byte panics, and none gives the same policy.
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        if let Ok(policy) = Policy::decode(&bad) {
            assert_eq!(policy.encode(), bad);
        }
    }
}

#[test]
fn amounts_have_one_value_for_each_text() {
    let limit = |text: &str| text.parse::<Limit>().map(|limit| limit.to_string());
    for (text, shown) in [
        ("0", "0"),
        ("007", "7"),
        ("1_000", "1000"),
        ("5e3", "5000"),
        ("50_000 USD", "50000 USD"),
        ("0.07 EUR", "0.07 EUR"),
        ("12.00 CHF", "12 CHF"),
    ] {
        assert_eq!(limit(text).unwrap(), shown);
    }
    for text in
        ["", "_1", "1_", "1__0", "+1", "1e", "e5", "1e-1", "1 ", " 1", "1.00", ".50 USD", "1 US", "1  USD"]
    {
        assert!(limit(text).is_err(), "{text}");
    }
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    assert_eq!(limit(most).unwrap(), most);
    assert!(limit("115792089237316195423570985008687907853269984665640564039457584007913129639936").is_err());
    assert!(limit("2e77").is_err());
}

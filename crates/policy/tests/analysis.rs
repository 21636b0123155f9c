//! What the tools find in policies that are wrong, and what they say about who can spend.

use quorate_policy::analysis::{Effect, KeyShape, Severity, check, difference, who_can_spend};
use quorate_policy::facts::Price;
use quorate_policy::{Directory, Policy, Prices, file};

fn directory() -> Directory {
    let document = include_str!("../../../docs/policy.md");
    let block = document.split("```toml directory\n").nth(1).unwrap().split("```").next().unwrap();
    file::parse(block).unwrap()
}

fn policy(rules: &str) -> Policy {
    let head = "version = 1\n[wallets]\nops = \"wal_01010101010101010101010101010101\"\n";
    file::read(&format!("{head}{rules}")).unwrap()
}

/// What governs itself well, so that only what a test is about is found.
const GOVERNED: &str = r#"
[[rule]]
name = "governance"
kind = ["policy", "members", "thaw"]
decision = "require"
approvals = "2 of finance"
[[rule]]
name = "freeze"
kind = "freeze"
initiator = "group:security"
decision = "allow"
"#;

fn found(rules: &str) -> Vec<(Severity, String)> {
    let findings = check(&policy(&format!("{GOVERNED}{rules}")), &directory(), &Prices::default());
    findings.iter().map(|finding| (finding.severity, finding.to_string())).collect()
}

fn finds(rules: &str, severity: Severity, text: &str) {
    let all = found(rules);
    assert!(all.iter().any(|(found, words)| *found == severity && words.contains(text)), "{all:#?}");
}

const SOUND: &str = r#"
[[rule]]
name = "payments"
asset = "usdc"
to = "book"
decision = "require"
approvals = "2 of finance"
"#;

#[test]
fn a_sound_policy_has_no_findings() {
    assert_eq!(found(SOUND), []);
}

#[test]
fn rules_that_are_never_reached_are_found() {
    let error = Severity::Error;
    let second = |rule: &str| format!("{SOUND}[[rule]]\nname = \"second\"\n{rule}\n");
    let never = "second: never reached: \"payments\" before it matches everything";
    finds(&second("asset = \"usdc\"\nto = \"tag:exchange\"\ndecision = \"allow\""), error, never);
    finds(
        &second("asset = \"usdc\"\nto = [\"book:kraken\"]\namount.max = 5\ndecision = \"allow\""),
        error,
        never,
    );
    // A rule that denies matches as soon as one destination is blocked; the others may be anywhere.
    let all = found(&second("asset = \"usdc\"\nto = \"tag:exchange\"\ndecision = \"deny\""));
    assert!(all.is_empty(), "{all:?}");
    // Any address is more than the book, and another asset is
    // another one.
    for other in [
        "asset = \"usdc\"",
        "asset = \"usdc\"\nto = \"own\"",
        "asset = \"eth\"\nto = \"book\"",
        "to = \"book\"",
    ] {
        let all = found(&second(&format!("{other}\ndecision = \"require\"\napprovals = \"1 of finance\"")));
        assert!(!all.iter().any(|(_, words)| words.contains("never reached")), "{other}: {all:?}");
    }
    let limited = r#"
[[rule]]
name = "a"
asset = "usdc"
amount = { min = 10, max = 100 }
window = [{ period = "1d", max = 1_000 }]
initiator = "group:finance"
decision = "require"
approvals = "1 of finance"
[[rule]]
name = "b"
asset = "usdc"
"#;
    let same = "window = [{ period = \"1d\", max = 1_000 }]\ninitiator = \"anna\"\ndecision = \"deny\"\n";
    finds(&format!("{limited}amount = {{ min = 20, max = 100 }}\n{same}"), error, "b: never reached: \"a\"");
    for amount in ["amount = { min = 9, max = 50 }\n", "amount.min = 20\n", ""] {
        let all = found(&format!("{limited}{amount}{same}"));
        assert!(!all.iter().any(|(_, words)| words.contains("never reached")), "{amount}: {all:?}");
    }
}

#[test]
fn names_that_nothing_has_are_found() {
    let rule = |field: &str| {
        format!("[[rule]]\nname = \"r\"\n{field}\ndecision = \"require\"\napprovals = \"1 of security\"\n")
    };
    let error = Severity::Error;
    finds(&rule("asset = \"dai\""), error, "r: there is no asset dai");
    finds(&rule("to = \"book:nobody\""), error, "r: there is no address book entry nobody");
    finds(&rule("to = \"tag:nothing\""), Severity::Warning, "r: no address has the tag nothing");
    finds(&rule("initiator = \"zoe\""), error, "r: there is no person zoe");
    finds(&rule("initiator = \"group:zoo\""), error, "r: there is no group zoo");
    finds(&rule("parties = \"1 of asia\""), error, "r: there is no party group asia");
    finds(&rule("delay = \"1h\"\ncancel = \"zoo\""), error, "r: there is no group zoo");
}

#[test]
fn quorums_that_do_not_hold_are_found() {
    let rule =
        |asks: &str| format!("[[rule]]\nname = \"r\"\nto = \"book\"\ndecision = \"require\"\n{asks}\n");
    let error = Severity::Error;
    finds(
        &rule("approvals = \"4 of finance\""),
        error,
        "4 of finance can never be met: the group has 3 members",
    );
    finds(&rule("parties = \"2 of notary\""), error, "2 of notary can never be met: the group has 1 members");
    finds(&rule("approvals = \"3 of finance\""), Severity::Note, "3 of finance is everybody");
    let mut directory = directory();
    directory.groups.get_mut("security").unwrap().insert("anna".into());
    let two = policy(&format!("{GOVERNED}{}", rule("approvals = [\"2 of finance\", \"1 of security\"]")));
    let findings = check(&two, &directory, &Prices::default());
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(text.iter().any(|text| text.contains("2 people can stand for 3 approvals")), "{text:?}");
}

#[test]
fn open_doors_are_found() {
    let warn = Severity::Warning;
    let allow = |fields: &str| format!("[[rule]]\nname = \"r\"\n{fields}\ndecision = \"allow\"\n");
    finds(&allow(""), warn, "r: lets any amount go anywhere with nobody asked");
    finds(&allow("to = \"any\""), warn, "lets any amount go anywhere");
    finds(&allow("asset = \"usdc\"\namount.max = 5"), warn, "limits one transaction and not how many");
    finds(&allow("kind = \"call\""), warn, "lets any contract be called");
    finds(
        &allow("kind = \"call\"\ncontract = \"book:bridge\""),
        warn,
        "lets every method of these contracts be called",
    );
    finds(&allow("kind = \"message\""), warn, "lets any message be signed");
    finds(&allow("kind = \"reshare\""), warn, "changes who decides, or keys, with nobody asked");
    finds(&allow("asset = \"eth\"\nto = \"book\"\namount.max = \"5 USD\""), warn, "no price in USD for eth");
    finds(
        "[[rule]]\nname = \"r\"\ndecision = \"deny\"\n",
        Severity::Note,
        "r: what no rule matches is denied anyway",
    );
    finds("", Severity::Note, "policy: no rule lets wallet ops pay");
    let mut open = policy("[[rule]]\nname = \"f\"\nkind = \"freeze\"\ndecision = \"allow\"\n");
    open.new_wallets = quorate_policy::model::NewWallets::Open;
    let findings = check(&open, &directory(), &Prices::default());
    let text = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for words in [
        "no rule lets the policy be changed",
        "no rule lets people and groups be changed",
        "frozen and never thawed",
        "new wallets can pay at once",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_known_price_is_not_complained_about() {
    let rules = format!(
        "{GOVERNED}[[rule]]\nname = \"r\"\nasset = \"eth\"\nto = \"book\"\namount.max = \"5 USD\"\ndecision = \"deny\"\n"
    );
    let (policy, directory, mut prices) = (policy(&rules), directory(), Prices::default());
    let complains = |prices: &Prices| {
        check(&policy, &directory, prices).iter().any(|finding| finding.text.contains("no price"))
    };
    assert!(complains(&prices));
    let entry = &directory.assets["eth"];
    let price = Price { hundredths: 1, units: 1, time: 0 };
    prices.set(entry.network.0, &entry.asset(), "USD".parse().unwrap(), price);
    assert!(!complains(&prices));
}

const TIERS: &str = r#"
[[rule]]
name = "blocked"
to = "tag:blocked"
decision = "deny"
[[rule]]
name = "small"
asset = "usdc"
to = "book"
amount.max = 1_000
window = [{ period = "1d", max = 5_000 }]
decision = "allow"
[[rule]]
name = "large"
asset = "usdc"
to = "book"
decision = "require"
approvals = ["2 of finance", "1 of security"]
parties = "1 of notary"
delay = "1h"
"#;

#[test]
fn who_can_spend_names_coalitions_and_the_limit_of_all_policy() {
    let key = KeyShape { threshold: 2, parties: vec!["node1".into(), "node2".into(), "node3".into()] };
    let report = who_can_spend(&policy(TIERS), &directory(), Some(key));
    let text = report.to_string();
    let at = |class: &str| {
        let from =
            text.split(&format!("{class}:\n")).nth(1).unwrap_or_else(|| panic!("no {class} in\n{text}"));
        from.lines().take_while(|line| line.starts_with("  ")).map(str::trim).collect::<Vec<_>>()
    };
    let large = "large: 2 of finance and 1 of security (at least 3 people besides who asks), signed by 1 of notary, after 1h";
    assert_eq!(
        at("ops pays 1 to 1000 usdc to bridge, kraken, payroll"),
        ["small: nobody is asked (depends on window)", large]
    );
    assert_eq!(at("ops pays 1001 usdc or more to bridge, kraken, payroll"), [large]);
    assert_eq!(at("ops pays 1 to 1000 usdc to mixer"), ["blocked: denied"]);
    assert_eq!(at("ops pays 1001 usdc or more to anybody else"), ["otherwise: denied"]);
    assert_eq!(at("ops pays 1 eth or more to own wallet ops"), ["otherwise: denied"]);
    assert!(
        text.contains("any 2 of the 3 parties (node1, node2, node3) can sign anything together"),
        "{text}"
    );
    assert!(text.contains("Any 2 of them can stop everything."), "{text}");
    let entry = report
        .by_policy
        .iter()
        .find(|entry| entry.paths.len() == 1 && entry.paths[0].rule == "large")
        .unwrap();
    let sets = &entry.paths[0].need.as_ref().unwrap().coalitions.sets;
    assert_eq!(sets.len(), 3);
    assert!(sets.iter().all(|set| set.len() == 3 && set.contains("olga")));
}

#[test]
fn a_difference_says_what_opens_and_what_closes() {
    let (old, directory) = (policy(TIERS), directory());
    let effects = |new: &str| {
        let difference = difference(&old, &policy(new), &directory);
        let effects: Vec<Effect> = difference.classes.iter().map(|change| change.effect).collect();
        (effects, difference.to_string())
    };
    let same = difference(&old, &old.clone(), &directory);
    assert_eq!(same, quorate_policy::analysis::Difference::default());
    let (effects_of, text) = effects(&TIERS.replace("2 of finance", "1 of finance"));
    assert!(!effects_of.is_empty() && effects_of.iter().all(|effect| *effect == Effect::Wider), "{text}");
    assert!(
        text.contains("rule \"large\": approvals: [\"2 of finance\", \"1 of security\"] becomes"),
        "{text}"
    );
    let (effects_of, text) = effects(&TIERS.replace("2 of finance", "3 of finance"));
    assert!(!effects_of.is_empty() && effects_of.iter().all(|effect| *effect == Effect::Narrower), "{text}");
    let (effects_of, _) = effects(&TIERS.replace("delay = \"1h\"\n", ""));
    assert!(!effects_of.is_empty() && effects_of.iter().all(|effect| *effect == Effect::Wider));
    // Only the amounts between the old and the new limit are another class.
    let (effects_of, text) = effects(&TIERS.replace("amount.max = 1_000", "amount.max = 2_000"));
    assert_eq!(effects_of, [Effect::Wider], "{text}");
    assert!(text.contains("ops pays 1001 to 2000 usdc to bridge, kraken, payroll: Wider"), "{text}");
    // A window's limit shows among the rules, not among the classes.
    let (effects_of, text) = effects(&TIERS.replace("max = 5_000", "max = 6_000"));
    assert!(effects_of.is_empty() && text.contains("rule \"small\": window:"), "{text}");
    let (effects_of, text) = effects(&TIERS.replace("window = [{ period = \"1d\", max = 5_000 }]\n", ""));
    assert!(!effects_of.is_empty() && effects_of.iter().all(|effect| *effect == Effect::Wider), "{text}");
}

#[test]
fn rules_that_move_come_and_go_are_told() {
    let rule = |name: &str| format!("[[rule]]\nname = \"{name}\"\nto = \"book\"\ndecision = \"deny\"\n");
    let (a, b, c) = (rule("a"), rule("b"), rule("c"));
    let text = |old: &str, new: &str| difference(&policy(old), &policy(new), &directory()).to_string();
    assert_eq!(
        text(&format!("{a}{b}"), &format!("{b}{a}")),
        "rule \"b\" stands elsewhere\nrule \"a\" stands elsewhere\n"
    );
    assert_eq!(text(&format!("{a}{b}"), &format!("{a}{c}{b}")), "rule \"c\" is new\n");
    assert_eq!(text(&format!("{a}{c}{b}"), &format!("{a}{b}")), "rule \"c\" is gone\n");
    let mut open = policy(&a);
    open.new_wallets = quorate_policy::model::NewWallets::Open;
    let settings = difference(&policy(&a), &open, &directory()).to_string();
    assert!(settings.contains("new-wallets: \"deposit-only\" becomes \"open\""), "{settings}");
}

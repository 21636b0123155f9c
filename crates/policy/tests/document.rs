//! Every example of docs/policy.md: each policy is read, each case decided, each refusal refused with its text.

mod scene;

use quorate_policy::model::Period;
use quorate_policy::{Policy, file};
use scene::{Scene, Setting};

/// A fenced block: the line on which it begins, its label, its text.
struct Block {
    line: usize,
    label: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(label) = line.strip_prefix("```") else { continue };
        let mut text = String::new();
        for (_, line) in lines.by_ref().take_while(|(_, line)| *line != "```") {
            text.push_str(line);
            text.push('\n');
        }
        blocks.push(Block { line: at + 1, label: label.to_owned(), text });
    }
    blocks
}

const DOCUMENT: &str = include_str!("../../../docs/policy.md");

#[test]
fn every_example_holds() {
    let blocks = blocks(DOCUMENT);
    let directory = blocks.iter().find(|block| block.label == "toml directory").unwrap();
    let mut setting = Setting::new(file::parse(&directory.text).unwrap());
    let mut refused: Option<&Block> = None;
    let mut count = 0;
    for block in &blocks {
        let place = format!("docs/policy.md:{}", block.line);
        match block.label.as_str() {
            "toml directory" => {}
            "toml policy" => setting.set(file::read(&block.text).unwrap_or_else(|e| panic!("{place}: {e}"))),
            "toml rules" => {
                let text = format!("{}{}", scene::PRELUDE, block.text);
                setting.set(file::read(&text).unwrap_or_else(|e| panic!("{place}: {e}")));
            }
            "toml local" => {
                setting.local =
                    Some(file::read_local(&block.text).unwrap_or_else(|e| panic!("{place}: {e}")));
            }
            "toml refused" => refused = Some(block),
            "error" => {
                let error = file::read(&refused.take().unwrap().text).unwrap_err().to_string();
                assert!(error.contains(block.text.trim()), "{place}: {error}");
                count += 1;
            }
            "cases" => {
                for (at, line) in block.text.lines().enumerate() {
                    let place = format!("docs/policy.md:{}: {line}", block.line + 1 + at);
                    case(&setting, line, &place);
                    count += 1;
                }
            }
            other => panic!("{place}: a block called {other:?}"),
        }
    }
    assert!(count > 80, "only {count} cases");
}

fn case(setting: &Setting, line: &str, place: &str) {
    let (asked, expected) = line.split_once("-> ").unwrap_or_else(|| panic!("{place}: no arrow"));
    let scene = Scene::read(setting, asked);
    let judgement = quorate_policy::judge(&scene.case(setting));
    let (class, rest) = expected.split_once(' ').unwrap();
    let (rule, detail) = rest.split_once(": ").unwrap_or((rest, ""));
    let found = match judgement.outcome {
        quorate_policy::Outcome::Allow { .. } => "allow",
        quorate_policy::Outcome::Wait(_) => "wait",
        quorate_policy::Outcome::Deny(_) => "deny",
    };
    let explained = quorate_policy::analysis::explain(&setting.policy, setting.local.as_ref(), &judgement);
    assert_eq!((found, judgement.rule.as_str()), (class, rule), "{place}\n{explained}");
    assert!(judgement.outcome.to_string().contains(detail), "{place}\n{explained}");
}

/// A matcher or a decision without an example is not documented.
#[test]
fn every_field_has_an_example() {
    let examples: String = blocks(DOCUMENT).iter().map(|block| block.text.clone()).collect();
    for field in [
        "kind",
        "wallet",
        "account",
        "network",
        "asset",
        "to",
        "amount",
        "window",
        "initiator",
        "time",
        "contract",
        "method",
        "argument",
        "fee",
        "decision",
        "approvals",
        "parties",
        "delay",
        "cancel",
        "confirm",
        "new-wallets",
        "period",
        "per",
        "max",
        "min",
        "max-count",
        "min-count",
        "days",
        "from",
        "offset",
        "at",
        "is",
    ] {
        let used =
            [" = ", ".max = ", ".min = "].iter().any(|after| examples.contains(&format!("{field}{after}")));
        assert!(used, "{field} has no example in docs/policy.md");
    }
    for value in ["\"allow\"", "\"deny\"", "\"require\"", "tag:", "book:", "own:", "address:", "group:"] {
        assert!(examples.contains(value), "{value} has no example in docs/policy.md");
    }
}

/// Canonical bytes can hold numbers that no text form has. People would then approve another policy than nodes judge by.
#[test]
fn bytes_that_no_file_can_say_are_refused() {
    let good = file::read("version = 1\n[[rule]]\nname = \"a\"\ndecision = \"deny\"\n").unwrap();
    assert_eq!(Policy::decode(&good.encode()).unwrap(), good);
    for age in [0, 366 * 86_400 + 1, u64::MAX] {
        let bad = Policy { price_age: Period(age), ..good.clone() };
        let error = Policy::decode(&bad.encode()).unwrap_err().to_string();
        assert!(error.contains("a policy file cannot say"), "{error}");
    }
}

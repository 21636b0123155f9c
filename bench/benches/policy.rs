//! One decision of a policy: a hundred rules of which only the last one matches, and ten thousand spendings.
//!
//! The target is under 50 µs. Every rule before the last has matchers that look far before they say no: registry, address
//! book, and a window over the history.

use criterion::Criterion;
use quorate_intent::{Amount, Asset, Hash, Network, PublicKey, WalletId};
use quorate_policy::model::Kind;
use quorate_policy::subject::Output;
use quorate_policy::{
    Case, Directory, Facts, History, Policy, Prices, Spending, Subject, Votes, file, judge,
};
use std::fmt::Write;
use std::hint::black_box;

const NOW: u64 = 1_800_000_000;
const NETWORK: Network = Network::Evm { chain_id: 1 };
const WALLETS: u8 = 10;

/// What a benchmark cannot go on without.
fn good<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn token() -> Asset {
    Asset::Token { contract: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".to_owned() }
}

fn directory() -> Directory {
    let mut text = String::from("[people]\n");
    for person in 0..20 {
        let _ = writeln!(text, "p{person} = [\"{person:064x}\"]");
    }
    text.push_str("[groups]\nfinance = [\"p0\", \"p1\", \"p2\"]\nservices = [\"p19\"]\n[assets]\n");
    text.push_str("usdc = { network = \"evm:1\", token = \"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\", decimals = 6 }\n");
    for entry in 0..1000 {
        let tag = entry % 7;
        let _ = write!(
            text,
            "[[book]]\nname = \"b{entry}\"\nnetwork = \"evm:1\"\naddress = \"0x{entry:040x}\"\ntags = [\"t{tag}\"]\n"
        );
    }
    good(file::parse(&text))
}

/// 99 rules that fail late, in three ways, and one that matches.
fn policy() -> Policy {
    let mut text = String::from("version = 1\n[wallets]\n");
    for wallet in 0..WALLETS {
        let _ = writeln!(text, "w{wallet} = \"wal_{}\"", format!("{wallet:02x}").repeat(16));
    }
    for rule in 0..99 {
        let matcher = match rule % 3 {
            // The sum of a day is always more than this.
            0 => format!("window = [{{ period = \"24h\", max = {}, per = \"wallet\" }}]", 1000 + rule),
            1 => format!(
                "window = [{{ period = \"7d\", max-count = {}, per = [\"wallet\", \"destination\"] }}]",
                1 + rule % 2
            ),
            _ => format!("to = [\"tag:none\", \"book:b{rule}\", \"own:w3\"]"),
        };
        let _ = write!(
            text,
            "[[rule]]\nname = \"rule {rule}\"\nwallet = [\"w0\", \"w1\"]\nasset = \"usdc\"\ninitiator = \"group:services\"\n\
             {matcher}\ndecision = \"allow\"\n"
        );
    }
    text.push_str(
        "[[rule]]\nname = \"last\"\nasset = \"usdc\"\ndecision = \"require\"\napprovals = \"2 of finance\"\n",
    );
    good(file::read(&text))
}

fn spending(number: u64) -> Spending {
    let mut intent = [0; 32];
    intent[..8].copy_from_slice(&number.to_be_bytes());
    Spending {
        intent: Hash(intent),
        time: NOW - 30 * 86400 + number * 259,
        wallet: WalletId([number as u8 % WALLETS; 16]),
        account: 0,
        network: NETWORK,
        asset: token(),
        initiator: PublicKey([0; 32]),
        rule: "last".to_owned(),
        outputs: vec![(format!("0x{:040x}", number / 10 % 40), Amount::from(1_000_000))],
    }
}

fn key(person: u8) -> PublicKey {
    let mut bytes = [0; 32];
    bytes[31] = person;
    PublicKey(bytes)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (policy, directory, prices) = (policy(), directory(), Prices::default());
    let mut history = History::new();
    history.prepare(&policy, None);
    (0..10_000).for_each(|number| good(history.record(spending(number))));
    let to = format!("0x{:040x}", 0);
    let subject = Subject {
        intent: Hash([0xff; 32]),
        kind: Kind::Transfer,
        initiator: key(19),
        wallet: Some(WalletId([0; 16])),
        account: Some(0),
        network: Some(NETWORK),
        asset: Some(token()),
        outputs: vec![Output { to, amount: Amount::from(5), own: None }],
        fee: Some(Amount::from(1)),
        call: None,
    };
    let mut votes = Votes::default();
    votes.approved.extend([key(0), key(1)]);
    let facts = Facts { now: NOW, directory: &directory, prices: &prices };
    let case = Case {
        policy: &policy,
        local: None,
        subject: &subject,
        history: &history,
        facts,
        votes: &votes,
        signers: &[],
        started: &[],
        confirmed: false,
    };
    // A benchmark of something else than a long way to an approval would be worth nothing.
    let judgement = judge(&case);
    assert!(judgement.allows() && judgement.rule == "last" && judgement.trace.len() == 99, "{judgement:?}");
    let mut group = criterion.benchmark_group("policy");
    group.bench_function("100 rules, 10,000 spendings", |b| b.iter(|| judge(black_box(&case))));
    group.finish();
    criterion.final_summary();
}

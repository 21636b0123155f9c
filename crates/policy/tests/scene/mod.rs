//! One case out of a line of words: what is asked for, what was spent, who approved.

use quorate_intent::{Amount, Asset, Hash, Network, PublicKey, WalletId};
use quorate_policy::evaluate::Started;
use quorate_policy::facts::Price;
use quorate_policy::model::amounts::minor;
use quorate_policy::model::{Kind, Period, Rule, Trait};
use quorate_policy::subject::{Call, Output, Value};
use quorate_policy::{
    Case, Directory, Facts, History, LocalPolicy, Policy, Prices, Spending, Subject, Votes,
};
use std::collections::BTreeSet;

/// What stands before the rules of an example that shows only rules.
pub const PRELUDE: &str = r#"
version = 1
[wallets]
ops = "wal_01010101010101010101010101010101"
cold = "wal_02020202020202020202020202020202"
"#;

/// Monday 2026-11-23 at 00:00 UTC.
const MONDAY: u64 = 1_795_392_000;

pub struct Setting {
    pub directory: Directory,
    pub policy: Policy,
    pub local: Option<LocalPolicy>,
}

impl Setting {
    pub fn new(directory: Directory) -> Self {
        // Keys of an example are no points of the curve, so `check` would refuse them.
        Self { directory, policy: Policy::new(Vec::<Rule>::new()), local: None }
    }

    pub fn set(&mut self, policy: Policy) {
        (self.policy, self.local) = (policy, None);
    }

    fn key(&self, name: &str) -> PublicKey {
        let (name, at) = name.strip_suffix('2').map_or((name, 0), |name| (name, 1));
        let keys = self.directory.people.get(name).unwrap_or_else(|| panic!("nobody is called {name}"));
        *keys.iter().nth(at).unwrap()
    }
}

pub struct Scene {
    subject: Subject,
    history: History,
    prices: Prices,
    votes: Votes,
    signers: Vec<PublicKey>,
    started: Vec<Started>,
    confirmed: bool,
    now: u64,
}

/// `key=value` words with their defaults.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn or(&self, key: &str, default: &'a str) -> &'a str {
        self.get(key).unwrap_or(default)
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.get(key).into_iter().flat_map(|value| value.split(','))
    }
}

impl Scene {
    pub fn read(setting: &Setting, line: &str) -> Self {
        let words = Words(line.split_whitespace().map(|word| word.split_once('=').unwrap()).collect());
        let now = time(words.or("at", "wed-12:00"));
        let subject = subject(setting, &words);
        let keys = |key| words.list(key).map(|name| setting.key(name)).collect::<BTreeSet<_>>();
        let votes = Votes { approved: keys("approved"), rejected: keys("rejected") };
        let parties = words.list("signers").map(|name| setting.directory.parties[name]);
        let waited = words.get("waited").map(|period| now - period.parse::<Period>().unwrap().0);
        let policy = setting.policy.hash();
        let rules = setting.policy.rules.iter();
        let started =
            waited.map(|at| rules.map(|rule| Started { policy, rule: rule.name.clone(), at }).collect());
        let age: u64 = words.or("price-age", "0").parse().unwrap();
        Self {
            history: history(setting, &words, &subject, now),
            prices: prices(setting, now - age),
            votes,
            signers: parties.collect(),
            started: started.unwrap_or_default(),
            confirmed: words.get("confirmed").is_some(),
            subject,
            now,
        }
    }

    pub fn case<'a>(&'a self, setting: &'a Setting) -> Case<'a> {
        Case {
            policy: &setting.policy,
            local: setting.local.as_ref(),
            subject: &self.subject,
            history: &self.history,
            facts: Facts { now: self.now, directory: &setting.directory, prices: &self.prices },
            votes: &self.votes,
            signers: &self.signers,
            started: &self.started,
            confirmed: self.confirmed,
        }
    }
}

/// `wed-12:00`.
fn time(text: &str) -> u64 {
    let (day, clock) = text.split_once('-').unwrap();
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|name| *name == day).unwrap();
    let (hours, minutes) = clock.split_once(':').unwrap();
    MONDAY + 86400 * day as u64 + 3600 * hours.parse::<u64>().unwrap() + 60 * minutes.parse::<u64>().unwrap()
}

fn wallet(setting: &Setting, name: &str) -> WalletId {
    setting.policy.wallets.get(name).copied().unwrap_or(WalletId([9; 16]))
}

/// An address by a name of the book, `own:WALLET`, or as it is.
fn address(setting: &Setting, text: &str) -> (String, Option<WalletId>) {
    if let Some(name) = text.strip_prefix("own:") {
        return (format!("0xaddress-of-{name}"), Some(wallet(setting, name)));
    }
    let entry = setting.directory.book.entries().iter().find(|entry| entry.name == text);
    (entry.map_or(text, |entry| &entry.address).to_owned(), None)
}

fn subject(setting: &Setting, words: &Words) -> Subject {
    let kind: Kind = words.or("kind", "transfer").parse().unwrap();
    let (network, asset) = match words.or("asset", if kind == Kind::Call { "eth" } else { "usdc" }) {
        text if text.starts_with("token:") => {
            (Network::Evm { chain_id: 1 }, Asset::Token { contract: text[6..].to_owned() })
        }
        name => {
            let entry = &setting.directory.assets[name];
            (entry.network.0, entry.asset())
        }
    };
    let amount = minor(words.or("amount", "100")).unwrap();
    let places: Vec<&str> = words.or("to", "kraken").split(',').collect();
    let mut rest = amount.0;
    let mut outputs = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let (to, own) = address(setting, place);
        let part = if at + 1 == places.len() { rest } else { ruint::aliases::U256::from(1) };
        rest -= part;
        outputs.push(Output { to, amount: Amount(part), own });
    }
    let call = (kind == Kind::Call).then(|| Call {
        contract: address(setting, words.or("contract", "bridge")).0,
        selector: Some(
            words
                .get("selector")
                .map_or([1, 2, 3, 4], |digits| hex::decode(digits).unwrap().try_into().unwrap()),
        ),
        signature: words.get("method").map(str::to_owned),
        arguments: words.get("args").map(|text| values(setting, text)),
    });
    Subject {
        intent: Hash([1; 32]),
        kind,
        initiator: setting.key(words.or("by", "api")),
        wallet: kind.has(Trait::Wallet).then(|| wallet(setting, words.or("wallet", "ops"))),
        account: kind.has(Trait::Place).then(|| words.or("account", "0").parse().unwrap()),
        network: kind.has(Trait::Place).then_some(network),
        asset: kind.has(Trait::Spending).then_some(asset),
        outputs: if kind.has(Trait::Spending) { outputs } else { Vec::new() },
        fee: kind.has(Trait::Spending).then(|| minor(words.or("fee", "0")).unwrap()),
        call,
    }
}

/// `5;true;own:cold;0xaddress;0xbytes!;[1;2]`.
fn values(setting: &Setting, text: &str) -> Vec<Value> {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return vec![Value::List(values(setting, inner))];
    }
    let value = |text: &str| match text {
        "true" | "false" => Value::Bool(text == "true"),
        _ if text.ends_with('!') => Value::Bytes(hex::decode(text[2..].trim_end_matches('!')).unwrap()),
        _ if text.starts_with("0x") || text.starts_with("own:") => {
            let (to, own) = address(setting, text);
            Value::Address(to, own)
        }
        _ => Value::Number(minor(text).unwrap()),
    };
    text.split(';').map(value).collect()
}

/// `600@23h`: 600 were spent 23 hours ago, in the same way.
fn history(setting: &Setting, words: &Words, subject: &Subject, now: u64) -> History {
    let mut history = History::new();
    history.prepare(&setting.policy, setting.local.as_ref());
    let last = setting.policy.rules.last().map(|rule| rule.name.as_str());
    let rule = words.get("spent-rule").or(last).unwrap_or_default();
    for (at, text) in words.list("spent").enumerate() {
        let (amount, ago) = text.split_once('@').unwrap();
        let spending = Spending {
            intent: Hash([100 + at as u8; 32]),
            time: now - ago.parse::<Period>().unwrap().0,
            wallet: subject.wallet.unwrap(),
            account: subject.account.unwrap(),
            network: subject.network.unwrap(),
            asset: subject.asset.clone().unwrap(),
            initiator: subject.initiator,
            rule: rule.to_owned(),
            outputs: vec![(subject.outputs[0].to.clone(), minor(amount).unwrap())],
        };
        history.record(spending).unwrap();
    }
    history
}

/// A million units of usdc are one dollar; nothing else has a price.
fn prices(setting: &Setting, time: u64) -> Prices {
    let mut prices = Prices::default();
    if let Some(entry) = setting.directory.assets.get("usdc") {
        let price = Price { hundredths: 100, units: 1_000_000, time };
        prices.set(entry.network.0, &entry.asset(), "USD".parse().unwrap(), price);
    }
    prices
}

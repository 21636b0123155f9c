//! Random rules. Most matchers are left out, so that some rules match.

use super::{
    ADDRESSES, ASSETS, BOOK, CURRENCIES, Dice, GROUPS, METHODS, PEOPLE, RULES, TAGS, WALLETS, networks,
};
use quorate_policy::model::argument::Number;
use quorate_policy::model::names::Name;
use quorate_policy::model::time::Minute;
use quorate_policy::model::{
    Argument, AssetName, Days, Fiat, Kind, Limit, Method, NetworkName, Offset, Per, Period, Place, Quorum,
    Range, Rule, RuleDecision, Target, Week, Who, Window,
};

pub fn rule(dice: &mut Dice, at: usize) -> Rule {
    let decision =
        dice.pick(&[RuleDecision::Allow, RuleDecision::Deny, RuleDecision::Require, RuleDecision::Require]);
    let mut rule = Rule::new(RULES.get(at).copied().unwrap_or("another"), decision);
    if dice.chance(60) {
        let kinds: Vec<Kind> = Kind::all().collect();
        rule.kind = dice.list(1, 3, |dice| dice.pick(&kinds));
        rule.kind.extend([Kind::Transfer, Kind::Call]);
    }
    rule.wallet = some(dice, 10, |dice| Name(dice.pick(&WALLETS).to_owned()));
    rule.account = some(dice, 10, |dice| dice.below(2) as u32);
    rule.network = some(dice, 10, |dice| NetworkName(dice.pick(&networks())));
    rule.asset = some(dice, 15, |dice| match dice.below(3) {
        0 => AssetName::Native,
        _ => AssetName::Registered(dice.pick(&ASSETS).to_owned()),
    });
    rule.to = some(dice, 25, target);
    rule.amount = dice.chance(25).then(|| range(dice));
    rule.window = if dice.chance(35) { dice.list(1, 2, window) } else { Vec::new() };
    rule.initiator = some(dice, 15, |dice| match dice.below(2) {
        0 => Who::Person(dice.pick(&PEOPLE).to_owned()),
        _ => Who::Group(group(dice)),
    });
    rule.time = if dice.chance(10) { dice.list(1, 2, week) } else { Vec::new() };
    if dice.chance(25) {
        rule.contract = some(dice, 50, target);
        rule.method = some(dice, 50, |dice| match dice.below(2) {
            0 => Method::Selector([dice.below(2) as u8; 4]),
            _ => Method::Signature(dice.pick(&METHODS).to_owned()),
        });
        rule.argument = if dice.chance(60) { dice.list(1, 2, argument) } else { Vec::new() };
    }
    rule.fee = dice.chance(10).then(|| range(dice));
    if decision == RuleDecision::Require {
        rule.approvals = some(dice, 70, quorum);
        rule.parties = some(dice, 25, quorum);
        rule.delay = dice.chance(30).then_some(Period(10));
        rule.cancel = some(dice, 20, |dice| Name(group(dice)));
        rule.confirm = dice.chance(10);
    }
    rule
}

fn some<T>(dice: &mut Dice, percent: usize, make: impl FnMut(&mut Dice) -> T) -> Vec<T> {
    if dice.chance(percent) { dice.list(1, 2, make) } else { Vec::new() }
}

fn group(dice: &mut Dice) -> String {
    if dice.chance(3) { "nobody".to_owned() } else { dice.pick(&GROUPS).to_owned() }
}

fn quorum(dice: &mut Dice) -> Quorum {
    Quorum { need: 1 + dice.below(3) as u16, group: group(dice) }
}

fn target(dice: &mut Dice) -> Target {
    match dice.below(9) {
        0 => Target::Any,
        1 => Target::Own,
        2 => Target::OwnWallet(dice.pick(&WALLETS).to_owned()),
        3 => Target::Book,
        4 | 5 => Target::Entry(dice.pick(&BOOK).to_owned()),
        6 | 7 => Target::Tag(dice.pick(&TAGS).to_owned()),
        _ => Target::Address(dice.pick(&ADDRESSES).to_owned()),
    }
}

fn limit(dice: &mut Dice) -> Limit {
    match dice.below(3) {
        0 => {
            let currency = dice.pick(&CURRENCIES).parse().unwrap();
            Limit::Fiat(Fiat { hundredths: dice.amount(), currency })
        }
        _ => Limit::Minor(dice.amount()),
    }
}

fn range(dice: &mut Dice) -> Range {
    Range { min: dice.chance(30).then(|| limit(dice)), max: dice.chance(80).then(|| limit(dice)) }
}

fn window(dice: &mut Dice) -> Window {
    let per = [Per::Wallet, Per::Account, Per::Asset, Per::Destination, Per::Initiator, Per::Rule];
    let Range { min, max } = range(dice);
    let mut window = Window {
        period: Period(dice.pick(&[10, 100, 1000])),
        per: per.into_iter().filter(|_| dice.chance(25)).collect(),
        min: min.filter(|_| dice.chance(50)),
        max,
        min_count: None,
        max_count: None,
    };
    if dice.chance(30) {
        window.min_count = Some(dice.below(4) as u64);
    }
    if dice.chance(50) {
        window.max_count = Some(1 + dice.below(4) as u64);
    }
    window
}

fn week(dice: &mut Dice) -> Week {
    let minutes = [0, 1, 540, 720, 1439, 1440];
    Week {
        days: Days(1 + dice.below(127) as u8),
        from: Minute(dice.pick(&minutes)),
        to: Minute(dice.pick(&minutes)),
        offset: Offset(dice.pick(&[0, 60, -330, 840, -840])),
    }
}

fn argument(dice: &mut Dice) -> Argument {
    let number = |dice: &mut Dice, percent| dice.chance(percent).then(|| Number(dice.amount()));
    Argument {
        at: Place(dice.pick(&[vec![0], vec![0], vec![1], vec![0, 0], vec![1, 1], vec![2, 0, 1]])),
        min: number(dice, 20),
        max: number(dice, 50),
        is: some(dice, 20, |dice| dice.pick(&["1", "10", "true", "0xaa", "0xAA", "0xbb"]).to_owned()),
        to: some(dice, 20, target),
    }
}

//! One matcher each.

use crate::evaluate::view::Spot;
use crate::evaluate::{Failure, Miss, Truth, View, amounts, call};
use crate::facts::same_address;
use crate::model::{AssetName, Rule, RuleDecision, Target, Week, Who};

/// Says whether the rule's limits of one kind hold.
pub(crate) type Matcher = fn(&View, &Rule) -> Truth;

/// All matchers, the cheap ones first.
pub(crate) const MATCHERS: [Matcher; 14] = [
    kind,
    wallet,
    account,
    network,
    asset,
    time,
    initiator,
    call::contract,
    call::method,
    to,
    amounts::amount,
    amounts::fee,
    call::arguments,
    amounts::windows,
];

pub(crate) fn unknown(what: &'static str, name: &str) -> Truth {
    Truth::Fail(Failure::Unknown { what, name: name.to_owned() })
}

/// Yes where the list is left out, otherwise yes if one entry says yes.
pub(crate) fn listed<T>(list: &[T], miss: Miss, test: impl Fn(&T) -> Truth) -> Truth {
    if list.is_empty() { Truth::Yes } else { Truth::any(miss, list.iter().map(test)) }
}

fn kind(view: &View, rule: &Rule) -> Truth {
    Truth::of(rule.kind.contains(&view.case.subject.kind), Miss::Kind)
}

fn wallet(view: &View, rule: &Rule) -> Truth {
    listed(&rule.wallet, Miss::Wallet, |name| match view.case.policy.wallets.get(&name.0) {
        Some(id) => Truth::of(view.case.subject.wallet == Some(*id), Miss::Wallet),
        None => unknown("wallet", &name.0),
    })
}

fn account(view: &View, rule: &Rule) -> Truth {
    listed(&rule.account, Miss::Account, |account| {
        Truth::of(view.case.subject.account == Some(*account), Miss::Account)
    })
}

fn network(view: &View, rule: &Rule) -> Truth {
    listed(&rule.network, Miss::Network, |network| {
        Truth::of(view.case.subject.network == Some(network.0), Miss::Network)
    })
}

fn asset(view: &View, rule: &Rule) -> Truth {
    listed(&rule.asset, Miss::Asset, |name| {
        let Some(spend) = &view.spend else { return Truth::No(Miss::Asset) };
        match name {
            AssetName::Native => Truth::of(spend.asset == quorate_intent::Asset::Native, Miss::Asset),
            AssetName::Registered(name) if spend.asset_names.contains(&name.as_str()) => Truth::Yes,
            AssetName::Registered(name) if view.case.facts.directory.assets.contains_key(name) => {
                Truth::No(Miss::Asset)
            }
            AssetName::Registered(name) => unknown("asset", name),
        }
    })
}

/// Every destination; where the rule denies, one is enough, so that no forbidden one hides among others.
fn to(view: &View, rule: &Rule) -> Truth {
    if rule.to.is_empty() {
        return Truth::Yes;
    }
    let Some(spend) = &view.spend else { return Truth::No(Miss::To) };
    let spots = spend.outputs.iter().map(|spot| target(view, &rule.to, spot, Miss::To));
    if rule.decision == RuleDecision::Deny { Truth::any(Miss::To, spots) } else { Truth::all(spots) }
}

/// Whether an address is one of the targets.
pub(crate) fn target(view: &View, targets: &[Target], spot: &Spot, miss: Miss) -> Truth {
    let network = view.case.subject.network;
    Truth::any(
        miss,
        targets.iter().map(|target| match target {
            Target::Any => Truth::Yes,
            Target::Own => Truth::of(spot.own.is_some(), miss),
            Target::OwnWallet(name) => match view.case.policy.wallets.get(name) {
                Some(id) => Truth::of(spot.own == Some(*id), miss),
                None => unknown("wallet", name),
            },
            Target::Book => Truth::of(!spot.entries.is_empty(), miss),
            Target::Entry(name) if spot.entries.iter().any(|entry| entry.name == *name) => Truth::Yes,
            Target::Entry(name) if view.case.facts.directory.book.has(name) => Truth::No(miss),
            Target::Entry(name) => unknown("address book entry", name),
            Target::Tag(tag) => Truth::of(spot.entries.iter().any(|entry| entry.tags.contains(tag)), miss),
            Target::Address(text) => {
                Truth::of(network.is_some_and(|network| same_address(&network, text, &spot.address)), miss)
            }
        }),
    )
}

fn initiator(view: &View, rule: &Rule) -> Truth {
    let directory = view.case.facts.directory;
    listed(&rule.initiator, Miss::Initiator, |who| match who {
        Who::Person(name) if view.person == Some(name) => Truth::Yes,
        Who::Person(name) if directory.people.contains_key(name) => Truth::No(Miss::Initiator),
        Who::Person(name) => unknown("person", name),
        Who::Group(name) if view.groups.contains(&name.as_str()) => Truth::Yes,
        Who::Group(name) if directory.groups.contains_key(name) => Truth::No(Miss::Initiator),
        Who::Group(name) => unknown("group", name),
    })
}

fn time(view: &View, rule: &Rule) -> Truth {
    listed(&rule.time, Miss::Time, |week| Truth::of(within(week, view.case.facts.now), Miss::Time))
}

/// Whether a time, in Unix seconds, lies in the span.
fn within(week: &Week, now: u64) -> bool {
    // 1970-01-01 was a Thursday, day 3 of a week that starts on Monday. No time is so late that this overflows an i128.
    let minutes = i128::from(now / 60) + i128::from(week.offset.0);
    let (day, minute) = ((minutes.div_euclid(1440) + 3).rem_euclid(7), minutes.rem_euclid(1440));
    let on = |day: i128| week.days.0 >> day.rem_euclid(7) & 1 == 1;
    let (from, to) = (i128::from(week.from.0), i128::from(week.to.0));
    if from < to {
        // A span from 24:00 or up to it needs no case of its own.
        return on(day) && (from..to).contains(&minute);
    }
    // Over midnight: what began today, or what began yesterday.
    (on(day) && minute >= from) || (on(day - 1) && minute < to)
}

//! Whether one rule matches everything that another one matches. A yes is certain; a no may only mean "cannot tell".

use crate::facts::Directory;
use crate::model::{AssetName, Limit, Per, Range, Rule, RuleDecision, Target, Who};

/// Whether `wide` matches, or fails to be evaluated, whenever `tight` matches.
pub(crate) fn covers(wide: &Rule, tight: &Rule, directory: &Directory) -> bool {
    let denies = |rule: &Rule| rule.decision == RuleDecision::Deny;
    tight.kind.iter().all(|kind| wide.kind.contains(kind))
        && list(&wide.wallet, &tight.wallet, |a, b| a == b)
        && list(&wide.account, &tight.account, |a, b| a == b)
        && list(&wide.network, &tight.network, |a, b| a == b)
        && list(&wide.asset, &tight.asset, |a, b| asset(a, b, directory))
        && destinations(wide, tight, directory)
        && range(wide.amount.as_ref(), tight.amount.as_ref())
        && range(wide.fee.as_ref(), tight.fee.as_ref())
        && list(&wide.initiator, &tight.initiator, |a, b| who(a, b, directory))
        && list(&wide.time, &tight.time, |a, b| a == b)
        && list(&wide.contract, &tight.contract, |a, b| target(a, b, directory))
        && list(&wide.method, &tight.method, |a, b| a == b)
        && wide.argument.iter().all(|limit| tight.argument.contains(limit))
        && wide.window.iter().all(|window| {
            let by = |per| window.per.contains(&per);
            tight.window.contains(window)
                && !by(Per::Rule)
                && (!by(Per::Destination) || denies(wide) == denies(tight))
        })
}

/// A list that is left out matches everything; otherwise each entry of `tight` is within one of `wide`.
fn list<T>(wide: &[T], tight: &[T], within: impl Fn(&T, &T) -> bool) -> bool {
    wide.is_empty() || (!tight.is_empty() && tight.iter().all(|b| wide.iter().any(|a| within(a, b))))
}

fn destinations(wide: &Rule, tight: &Rule, directory: &Directory) -> bool {
    if wide.to.contains(&Target::Any) {
        return true;
    }
    // "One destination is among these" says nothing about the others.
    let one_is_not_all = tight.decision == RuleDecision::Deny && wide.decision != RuleDecision::Deny;
    wide.to.is_empty() || (!one_is_not_all && list(&wide.to, &tight.to, |a, b| target(a, b, directory)))
}

fn target(wide: &Target, tight: &Target, directory: &Directory) -> bool {
    match (wide, tight) {
        (Target::Any, _) | (Target::Own, Target::OwnWallet(_)) => true,
        (Target::Book, Target::Book | Target::Entry(_) | Target::Tag(_)) => true,
        (Target::Tag(tag), Target::Entry(name)) => {
            let mut entries = directory.book.entries().iter().filter(|entry| entry.name == *name);
            directory.book.has(name) && entries.all(|entry| entry.tags.contains(tag))
        }
        _ => wide == tight,
    }
}

fn asset(wide: &AssetName, tight: &AssetName, directory: &Directory) -> bool {
    match (wide, tight) {
        (AssetName::Native, AssetName::Registered(name)) => {
            directory.assets.get(name).is_some_and(|entry| entry.token.is_none())
        }
        _ => wide == tight,
    }
}

fn who(wide: &Who, tight: &Who, directory: &Directory) -> bool {
    match (wide, tight) {
        (Who::Group(group), Who::Person(name)) => {
            directory.groups.get(group).is_some_and(|members| members.contains(name))
        }
        _ => wide == tight,
    }
}

fn range(wide: Option<&Range>, tight: Option<&Range>) -> bool {
    let Some(wide) = wide else { return true };
    let Some(tight) = tight else { return false };
    let below = |low: Option<Limit>, high: Option<Limit>| match (low, high) {
        (Some(low), Some(high)) => low.at_most(&high) == Some(true),
        _ => false,
    };
    (wide.min.is_none() || below(wide.min, tight.min)) && (wide.max.is_none() || below(tight.max, wide.max))
}

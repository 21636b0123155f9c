//! What a policy must keep to, whoever wrote it. What is legal and yet unwise is found by `analysis::check`.

use crate::PolicyError;
use crate::model::names::check_name;
use crate::model::policy::{MAX_BYTES, MAX_RULES, VERSION};
use crate::model::{
    AssetName, Kind, Limit, LocalPolicy, Policy, Range, Rule, RuleDecision, Target, Trait, Window,
};
use std::collections::BTreeSet;

/// Names that judgements use for what is no rule of the policy.
pub const RESERVED: [&str; 6] =
    ["intent", "deposit-only", "implicit-deny", "votes", "frozen", "any-administrator"];
/// Longest delay, in seconds: an intent lives 30 days, and something must be left of it.
pub const MAX_DELAY: u64 = 29 * 86400;
/// Most entries in any list of a rule.
pub const MAX_LIST: usize = 256;

impl Policy {
    /// Checks everything that can be checked without knowing the people and things it names.
    pub fn validate(&self) -> Result<(), PolicyError> {
        check_version(self.version)?;
        for name in self.wallets.keys() {
            check_name("wallet", name)?;
        }
        let ids: BTreeSet<_> = self.wallets.values().collect();
        if ids.len() != self.wallets.len() {
            return Err(PolicyError::Policy("two names stand for one wallet; keep one of them".into()));
        }
        if self.number == 0 || (self.number == 1) != self.previous.is_none() {
            let problem = "version 1 has no previous hash, and every later one has";
            return Err(PolicyError::Policy(problem.into()));
        }
        let known: Vec<&str> = self.wallets.keys().map(String::as_str).collect();
        check_rules(&self.rules, Some(&known))?;
        let size = self.encode().len();
        if size > MAX_BYTES {
            return Err(PolicyError::Policy(format!(
                "{size} bytes encoded, at most {MAX_BYTES} are allowed"
            )));
        }
        Ok(())
    }
}

impl LocalPolicy {
    /// The same for a node's own rules.
    pub fn validate(&self) -> Result<(), PolicyError> {
        check_version(self.version)?;
        check_rules(&self.rules, None)
    }
}

fn check_version(version: u16) -> Result<(), PolicyError> {
    if version == VERSION {
        return Ok(());
    }
    Err(PolicyError::Policy(format!("format version {version}, this program knows {VERSION}")))
}

/// `wallets` are the names that the cluster's policy gives; none for local rules, which do not hold them.
fn check_rules(rules: &[Rule], wallets: Option<&[&str]>) -> Result<(), PolicyError> {
    if rules.len() > MAX_RULES {
        let problem = format!("{} rules, at most {MAX_RULES} are allowed", rules.len());
        return Err(PolicyError::Policy(problem));
    }
    let mut names = BTreeSet::new();
    for (at, rule) in rules.iter().enumerate() {
        let wrong = |problem: String| PolicyError::Rule {
            number: at + 1,
            name: rule.name.clone(),
            line: None,
            problem,
        };
        check_name("rule", &rule.name).map_err(|error| wrong(error.to_string()))?;
        if RESERVED.contains(&rule.name.as_str()) || rule.name.starts_with("local/") {
            return Err(wrong("this name stands for something else in logs; take another".into()));
        }
        if !names.insert(&rule.name) {
            return Err(wrong("an earlier rule has the same name; take another".into()));
        }
        check_rule(rule, wallets).map_err(wrong)?;
    }
    Ok(())
}

fn check_rule(rule: &Rule, wallets: Option<&[&str]>) -> Result<(), String> {
    check_lengths(rule)?;
    check_traits(rule)?;
    check_amounts(rule)?;
    rule.window.iter().try_for_each(check_window)?;
    check_call(rule)?;
    check_names(rule, wallets)?;
    check_decision(rule, wallets.is_none())
}

fn check_lengths(rule: &Rule) -> Result<(), String> {
    let lists = [
        ("kind", rule.kind.len()),
        ("wallet", rule.wallet.len()),
        ("account", rule.account.len()),
        ("network", rule.network.len()),
        ("asset", rule.asset.len()),
        ("to", rule.to.len()),
        ("window", rule.window.len()),
        ("initiator", rule.initiator.len()),
        ("time", rule.time.len()),
        ("contract", rule.contract.len()),
        ("method", rule.method.len()),
        ("argument", rule.argument.len()),
        ("approvals", rule.approvals.len()),
        ("parties", rule.parties.len()),
        ("cancel", rule.cancel.len()),
    ];
    if let Some((name, length)) = lists.iter().find(|(_, length)| *length > MAX_LIST) {
        return Err(format!("{name} has {length} entries, at most {MAX_LIST} are allowed"));
    }
    if rule.kind.is_empty() {
        return Err("it is about no kind of intent; leave `kind` out to mean transfers".into());
    }
    Ok(())
}

/// A matcher that says nothing about a kind would never match it, and a rule that never matches protects nobody.
fn check_traits(rule: &Rule) -> Result<(), String> {
    let used = [
        ("wallet", !rule.wallet.is_empty(), Trait::Wallet),
        ("account", !rule.account.is_empty(), Trait::Place),
        ("network", !rule.network.is_empty(), Trait::Place),
        ("asset", !rule.asset.is_empty(), Trait::Spending),
        ("to", !rule.to.is_empty(), Trait::Spending),
        ("amount", rule.amount.is_some(), Trait::Spending),
        ("window", !rule.window.is_empty(), Trait::Spending),
        ("fee", rule.fee.is_some(), Trait::Spending),
        ("contract", !rule.contract.is_empty(), Trait::Call),
        ("method", !rule.method.is_empty(), Trait::Call),
        ("argument", !rule.argument.is_empty(), Trait::Call),
    ];
    for (name, _, needs) in used.iter().filter(|(_, used, _)| *used) {
        if let Some(kind) = rule.kind.iter().find(|kind| !kind.has(*needs)) {
            return Err(format!(
                "`{name}` says nothing about intents of kind {kind}; write a rule of its own for them"
            ));
        }
    }
    if !rule.parties.is_empty() && rule.kind.iter().any(|kind| !kind.spends()) {
        let kinds: Vec<String> =
            Kind::all().filter(|kind| kind.spends()).map(|kind| kind.to_string()).collect();
        return Err(format!("`parties` is about the signers of a transaction: {} only", kinds.join(", ")));
    }
    Ok(())
}

fn check_range(field: &str, range: &Range) -> Result<(), String> {
    match (range.min, range.max) {
        (None, None) => Err(format!("`{field}` has neither min nor max; give one or leave it out")),
        (Some(min), Some(max)) => match min.at_most(&max) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("`{field}` starts at {min} and ends at {max}; nothing lies between")),
            None => Err(format!("`{field}` compares {min} with {max}; use one unit for both")),
        },
        _ => Ok(()),
    }
}

/// Minor units mean something only for one asset.
fn check_amounts(rule: &Rule) -> Result<(), String> {
    if let Some(range) = &rule.amount {
        check_range("amount", range)?;
    }
    let windows = rule.window.iter().map(Window::range);
    let ranges = rule.amount.iter().copied().chain(windows);
    let minor = ranges.flat_map(|range| range.limits().collect::<Vec<_>>()).any(|limit| limit.is_minor());
    let one_asset = match rule.asset.as_slice() {
        [AssetName::Registered(_)] => true,
        [AssetName::Native] => rule.network.len() == 1,
        _ => false,
    };
    if minor && !one_asset {
        return Err(
            "minor units of different assets are different things: name one asset (with `native` also one \
                    network), or write the limit in fiat"
                .into(),
        );
    }
    let Some(fee) = &rule.fee else { return Ok(()) };
    check_range("fee", fee)?;
    let one_network = rule.network.len() == 1 || matches!(rule.asset.as_slice(), [AssetName::Registered(_)]);
    if fee.limits().any(|limit| limit.is_minor()) && !one_network {
        return Err("a fee in minor units needs one `network`, or one asset of the registry".into());
    }
    Ok(())
}

fn check_window(window: &Window) -> Result<(), String> {
    let amounts = window.min.is_some() || window.max.is_some();
    if !amounts && window.min_count.is_none() && window.max_count.is_none() {
        return Err("a `window` without min, max, min-count or max-count limits nothing; give one".into());
    }
    if amounts {
        check_range("window", &window.range())?;
    }
    if let (Some(min), Some(max)) = (window.min_count, window.max_count)
        && min > max
    {
        return Err(format!("the `window` counts from {min} to {max}; nothing lies between"));
    }
    if window.max_count == Some(0) {
        return Err(
            "a `window` with max-count 0 never matches: this one is counted too; use at least 1".into()
        );
    }
    let distinct: BTreeSet<_> = window.per.iter().collect();
    if distinct.len() != window.per.len() {
        return Err("`per` names something twice".into());
    }
    Ok(())
}

fn check_call(rule: &Rule) -> Result<(), String> {
    if !rule.argument.is_empty() && rule.method.is_empty() {
        return Err("`argument` needs `method`: another method's arguments mean something else".into());
    }
    if let Some(own) =
        rule.contract.iter().find(|target| matches!(target, Target::Own | Target::OwnWallet(_)))
    {
        return Err(format!("a wallet is no contract, so `contract` with {own} never matches"));
    }
    for argument in &rule.argument {
        let nothing = argument.min.is_none()
            && argument.max.is_none()
            && argument.is.is_empty()
            && argument.to.is_empty();
        if nothing {
            return Err(format!("argument {} has no limit; give min, max, is or to", argument.at));
        }
        if let (Some(min), Some(max)) = (argument.min, argument.max)
            && min > max
        {
            return Err(format!("argument {} goes from {min} to {max}; nothing lies between", argument.at));
        }
        if argument.is.len().max(argument.to.len()) > MAX_LIST {
            return Err(format!("argument {} has more than {MAX_LIST} values", argument.at));
        }
    }
    Ok(())
}

fn check_names(rule: &Rule, wallets: Option<&[&str]>) -> Result<(), String> {
    let Some(known) = wallets else { return Ok(()) };
    if let Some(name) = rule.wallet.iter().find(|name| !known.contains(&name.0.as_str())) {
        return Err(format!("there is no wallet {name} under [wallets]; add it there"));
    }
    let own = rule.to.iter().chain(rule.argument.iter().flat_map(|argument| &argument.to));
    for target in own {
        if let Target::OwnWallet(name) = target
            && !known.contains(&name.as_str())
        {
            return Err(format!("there is no wallet {name} under [wallets]; add it there"));
        }
    }
    Ok(())
}

fn check_decision(rule: &Rule, local: bool) -> Result<(), String> {
    let asks = !rule.approvals.is_empty() || !rule.parties.is_empty() || rule.delay.is_some() || rule.confirm;
    if rule.decision != RuleDecision::Require {
        if asks || !rule.cancel.is_empty() {
            return Err(format!(
                "approvals, parties, delay, cancel and confirm go with decision = \"require\", not \"{}\"",
                rule.decision
            ));
        }
        return Ok(());
    }
    if !asks {
        return Err("it requires nothing; give approvals, parties or delay, or decide allow or deny".into());
    }
    if rule.confirm && !local {
        return Err("`confirm` asks a node's own operator and goes into that node's local rules".into());
    }
    let quorums = [("approvals", &rule.approvals), ("parties", &rule.parties)];
    for (field, list) in quorums {
        let groups: BTreeSet<_> = list.iter().map(|quorum| &quorum.group).collect();
        if groups.len() != list.len() || list.iter().any(|quorum| quorum.need == 0) {
            return Err(format!(
                "`{field}` names a group twice, or none of its members; give each group one quorum"
            ));
        }
    }
    if let Some(delay) = rule.delay {
        if delay.0 > MAX_DELAY {
            return Err(format!("a delay of {delay} outlives every intent; at most 29d"));
        }
        if rule.approvals.is_empty() && rule.cancel.is_empty() && !local {
            return Err("nobody could stop it during the delay; name groups in `cancel`".into());
        }
    } else if !rule.cancel.is_empty() {
        return Err("`cancel` goes with `delay`; approvers can reject without it".into());
    }
    Ok(())
}

/// Whether any limit is in fiat, so that prices are needed.
pub(crate) fn currencies(rule: &Rule) -> Vec<super::Currency> {
    let ranges =
        rule.amount.iter().chain(rule.fee.iter()).copied().chain(rule.window.iter().map(Window::range));
    let limits = ranges.flat_map(|range| range.limits().collect::<Vec<_>>());
    limits
        .filter_map(|limit| match limit {
            Limit::Fiat(fiat) => Some(fiat.currency),
            Limit::Minor(_) => None,
        })
        .collect()
}

//! What is legal in a policy and yet wrong, or unwise.

use crate::analysis::cover::covers;
use crate::analysis::minimal;
use crate::facts::{Directory, Prices};
use crate::model::validate::currencies;
use crate::model::{AssetName, Kind, NewWallets, Policy, Quorum, Rule, RuleDecision, Target, Who};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what was meant.
    Warning,
    /// The rule cannot work.
    Error,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule, by its place from 0; none where it is about the whole policy.
    pub rule: Option<usize>,
    /// The rule's name, or `policy`.
    pub name: String,
    /// What it is, and what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = format!("{:?}", self.severity).to_lowercase();
        write!(f, "{severity}: {}: {}", self.name, self.text)
    }
}

/// Collects findings about one rule, or about the policy.
struct Notes<'a> {
    policy: &'a Policy,
    directory: &'a Directory,
    found: Vec<Finding>,
}

impl Notes<'_> {
    fn add(&mut self, severity: Severity, rule: Option<usize>, text: impl Into<String>) {
        let name = rule.map_or("policy".to_owned(), |rule| self.policy.rules[rule].name.clone());
        self.found.push(Finding { severity, rule, name, text: text.into() });
    }
}

/// Looks for what is wrong or unwise. `prices` are looked at for nothing but which assets have any.
pub fn check(policy: &Policy, directory: &Directory, prices: &Prices) -> Vec<Finding> {
    let mut notes = Notes { policy, directory, found: Vec::new() };
    if let Err(error) = policy.validate() {
        notes.add(Severity::Error, None, error.to_string());
    }
    for (at, rule) in policy.rules.iter().enumerate() {
        unreachable(&mut notes, at, rule);
        names(&mut notes, at, rule);
        quorums(&mut notes, at, rule);
        openness(&mut notes, at, rule);
        fiat(&mut notes, at, rule, prices);
    }
    whole(&mut notes);
    notes.found
}

fn unreachable(notes: &mut Notes, at: usize, rule: &Rule) {
    let earlier = &notes.policy.rules[..at];
    if let Some(over) = earlier.iter().find(|earlier| covers(earlier, rule, notes.directory)) {
        let text = format!(
            "never reached: {:?} before it matches everything that it matches; move it up",
            over.name
        );
        notes.add(Severity::Error, Some(at), text);
    }
}

/// Names that nothing has. A rule with one is not skipped: it denies whatever reaches it.
fn names(notes: &mut Notes, at: usize, rule: &Rule) {
    let directory = notes.directory;
    let mut missing: BTreeSet<(&str, &str)> = BTreeSet::new();
    for name in &rule.asset {
        if let AssetName::Registered(name) = name
            && !directory.assets.contains_key(name)
        {
            missing.insert(("asset", name));
        }
    }
    let targets = rule.to.iter().chain(&rule.contract);
    for target in targets.chain(rule.argument.iter().flat_map(|argument| &argument.to)) {
        match target {
            Target::Entry(name) if !directory.book.has(name) => {
                missing.insert(("address book entry", name));
            }
            Target::Tag(tag) if !directory.book.entries().iter().any(|entry| entry.tags.contains(tag)) => {
                let text = format!("no address has the tag {tag}; it matches nothing until one has");
                notes.add(Severity::Warning, Some(at), text);
            }
            _ => {}
        }
    }
    for who in &rule.initiator {
        match who {
            Who::Person(name) if !directory.people.contains_key(name) => missing.insert(("person", name)),
            Who::Group(name) if !directory.groups.contains_key(name) => missing.insert(("group", name)),
            _ => false,
        };
    }
    let groups =
        rule.approvals.iter().map(|quorum| &quorum.group).chain(rule.cancel.iter().map(|name| &name.0));
    missing.extend(
        groups.filter(|name| !directory.groups.contains_key(*name)).map(|name| ("group", name.as_str())),
    );
    let parties = rule.parties.iter().map(|quorum| &quorum.group);
    let unknown = parties.filter(|name| !directory.party_groups.contains_key(*name));
    missing.extend(unknown.map(|name| ("party group", name.as_str())));
    for (what, name) in missing {
        let text = format!("there is no {what} {name}; the rule denies whatever reaches it");
        notes.add(Severity::Error, Some(at), text);
    }
}

fn quorums(notes: &mut Notes, at: usize, rule: &Rule) {
    let directory = notes.directory;
    too_large(notes, at, &rule.approvals, &directory.groups);
    too_large(notes, at, &rule.parties, &directory.party_groups);
    // A group that can only just meet its quorum stops when its member asks, or is ill.
    for quorum in &rule.approvals {
        let members = directory.groups.get(&quorum.group).map_or(0, BTreeSet::len);
        if members > 1 && members == usize::from(quorum.need) {
            let text = format!(
                "{quorum} is everybody; one who is away, or who asks, stops it. Add a member or lower the quorum"
            );
            notes.add(Severity::Note, Some(at), text);
        }
    }
    if rule.approvals.len() > 1
        && let Some(coalitions) = minimal(&rule.approvals, directory, None)
    {
        let sum: usize = rule.approvals.iter().map(|quorum| usize::from(quorum.need)).sum();
        if let Some(few) = coalitions.sets.iter().find(|set| set.len() < sum) {
            let people: Vec<&str> = few.iter().map(String::as_str).collect();
            let text = format!(
                "{} people can stand for {sum} approvals, because somebody is in two groups: {}",
                few.len(),
                people.join(", ")
            );
            notes.add(Severity::Warning, Some(at), text);
        }
    }
}

fn too_large(notes: &mut Notes, at: usize, quorums: &[Quorum], groups: &BTreeMap<String, BTreeSet<String>>) {
    for quorum in quorums {
        let members = groups.get(&quorum.group).map_or(usize::MAX, BTreeSet::len);
        if usize::from(quorum.need) > members {
            let text = format!("{quorum} can never be met: the group has {members} members");
            notes.add(Severity::Error, Some(at), text);
        }
    }
}

/// Rules that let more through than people expect.
fn openness(notes: &mut Notes, at: usize, rule: &Rule) {
    let anywhere = rule.to.is_empty() || rule.to.contains(&Target::Any);
    let limited = rule.amount.is_some_and(|range| range.max.is_some())
        || rule.window.iter().any(|window| window.max.is_some());
    let spends = rule.kind.iter().any(|kind| matches!(kind, Kind::Transfer | Kind::Call));
    if rule.decision == RuleDecision::Allow && spends {
        if anywhere && rule.contract.is_empty() && !limited {
            let text = "lets any amount go anywhere with nobody asked; give it a destination or a limit, or require \
                        approvals";
            notes.add(Severity::Warning, Some(at), text);
        } else if limited
            && !rule.window.iter().any(|window| window.max.is_some() || window.max_count.is_some())
        {
            let text = "limits one transaction and not how many; give it a window";
            notes.add(Severity::Warning, Some(at), text);
        }
    }
    if rule.decision != RuleDecision::Deny && rule.kind.contains(&Kind::Call) {
        if rule.contract.is_empty() || rule.contract.contains(&Target::Any) {
            let text = "lets any contract be called, tokens too: their limits on transfers do not hold for calls. Name \
                        the contracts";
            notes.add(Severity::Warning, Some(at), text);
        } else if rule.method.is_empty() {
            notes.add(
                Severity::Warning,
                Some(at),
                "lets every method of these contracts be called; name the methods",
            );
        }
    }
    if rule.decision == RuleDecision::Allow && rule.kind.contains(&Kind::Message) {
        let text =
            "lets any message be signed with nobody asked; a message can be worth as much as a transfer";
        notes.add(Severity::Warning, Some(at), text);
    }
    if rule.decision == RuleDecision::Require
        && rule.kind.contains(&Kind::Message)
        && rule.kind.contains(&Kind::Transfer)
    {
        let text = "treats messages as it treats transfers, and no limit counts what a signed order or permit gives \
                    away; give messages a rule of their own";
        notes.add(Severity::Warning, Some(at), text);
    }
    let asked = !rule.approvals.is_empty();
    if rule.decision != RuleDecision::Deny && !asked && rule.kind.iter().any(|kind| governs(*kind)) {
        let text = "changes who decides, or keys, with nobody asked; require approvals";
        notes.add(Severity::Warning, Some(at), text);
    }
}

/// Kinds after which other people may decide.
fn governs(kind: Kind) -> bool {
    !matches!(kind, Kind::Transfer | Kind::Call | Kind::Message | Kind::Freeze | Kind::Wallet)
}

fn fiat(notes: &mut Notes, at: usize, rule: &Rule, prices: &Prices) {
    for currency in currencies(rule).into_iter().collect::<BTreeSet<_>>() {
        let concerned = notes.directory.assets.iter().filter(|(name, entry)| {
            let named = |asset: &AssetName| match asset {
                AssetName::Native => entry.token.is_none(),
                AssetName::Registered(asset) => asset == *name,
            };
            rule.asset.is_empty() || rule.asset.iter().any(named)
        });
        let without =
            concerned.filter(|(_, entry)| prices.get(&entry.network.0, &entry.asset(), currency).is_none());
        let names: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            let text =
                format!("no price in {currency} for {}: what reaches this rule is denied", names.join(", "));
            notes.add(Severity::Warning, Some(at), text);
        }
    }
}

fn whole(notes: &mut Notes) {
    let policy = notes.policy;
    let can = |kind: Kind| {
        let rules = policy.rules.iter();
        rules.filter(|rule| rule.decision != RuleDecision::Deny).any(|rule| rule.kind.contains(&kind))
    };
    for (kind, what) in [(Kind::Policy, "the policy"), (Kind::Members, "people and groups")] {
        if !can(kind) {
            let text = format!("no rule lets {what} be changed; it stays as it is for ever");
            notes.add(Severity::Warning, None, text);
        }
    }
    if can(Kind::Freeze) && !can(Kind::Thaw) {
        notes.add(
            Severity::Warning,
            None,
            "signing can be frozen and never thawed; write a rule of kind thaw",
        );
    }
    if policy.new_wallets == NewWallets::Open {
        let text =
            "new wallets can pay at once; with new-wallets = \"deposit-only\" they take deposits until named";
        notes.add(Severity::Warning, None, text);
    }
    for name in policy.wallets.keys() {
        let pays = |rule: &&Rule| {
            rule.decision != RuleDecision::Deny
                && rule.kind.iter().any(|kind| kind.spends())
                && (rule.wallet.is_empty() || rule.wallet.iter().any(|wallet| wallet.0 == *name))
        };
        if !policy.rules.iter().any(|rule| pays(&rule)) {
            notes.add(Severity::Note, None, format!("no rule lets wallet {name} pay"));
        }
    }
    if let Some(last) = policy.rules.len().checked_sub(1) {
        let rule = &policy.rules[last];
        let plain = Rule { kind: rule.kind.clone(), ..Rule::new(&rule.name, RuleDecision::Deny) };
        if *rule == plain {
            notes.add(
                Severity::Note,
                Some(last),
                "what no rule matches is denied anyway; this rule only gives it a name",
            );
        }
    }
}

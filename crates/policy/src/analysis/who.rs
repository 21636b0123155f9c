//! Who can spend: by policy, and by cryptography whatever the policy says.

use crate::analysis::classes::{Class, classes, sample};
use crate::analysis::{Coalitions, minimal};
use crate::evaluate::{Case, MATCHERS, Truth, View};
use crate::facts::{Directory, Facts, Prices};
use crate::history::History;
use crate::model::{Kind, Limit, NewWallets, Period, Policy, Quorum, Range, Rule, RuleDecision};
use crate::subject::{Output, Subject};
use crate::votes::Votes;
use quorate_intent::{Amount, Hash, PublicKey, WalletId};
use std::fmt;

/// How a wallet's key is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShape {
    /// t: so many parties sign.
    pub threshold: u16,
    /// Names of the n parties.
    pub parties: Vec<String>,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Quorums of people.
    pub approvals: Vec<Quorum>,
    /// Smallest sets of people who meet them, besides whoever asks. Empty sets mean: nobody is asked.
    pub coalitions: Coalitions,
    /// Quorums of parties in the signer set.
    pub parties: Vec<Quorum>,
    /// How long it takes at least.
    pub delay: Option<Period>,
}

/// One rule that can decide on a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its name.
    pub rule: String,
    /// What it depends on besides the class: time, initiator, fee, account, window, price. Empty when nothing.
    pub depends: Vec<&'static str>,
    /// What it asks for; none where it denies, or where its quorums can never be met.
    pub need: Option<Need>,
}

/// One class and the rules that can decide on it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which transfers.
    pub class: Class,
    /// The rules. The last one depends on nothing, or no rule is left and the implicit deny decides.
    pub paths: Vec<Path>,
}

/// Who can spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// By policy, for each class of transfers.
    pub by_policy: Vec<Entry>,
    /// How the key is shared, where that is known.
    pub key: Option<KeyShape>,
}

/// For each class of transfers, which rules can decide and whom they ask.
pub fn who_can_spend(policy: &Policy, directory: &Directory, key: Option<KeyShape>) -> Report {
    let by_policy = classes(&[policy], directory)
        .into_iter()
        .map(|class| Entry { paths: paths(policy, directory, &class), class })
        .collect();
    Report { by_policy, key }
}

/// The rules that can decide on a class, whatever the time, the initiator, the fee, the account and the past.
pub(crate) fn paths(policy: &Policy, directory: &Directory, class: &Class) -> Vec<Path> {
    let wallet = match &class.wallet {
        Some(name) => policy.wallets.get(name),
        // No wallet has this id.
        None => Some(&WalletId([0xff; 16])),
    };
    let (Some(wallet), Some(entry)) = (wallet, directory.assets.get(&class.asset)) else { return Vec::new() };
    if class.wallet.is_none() && policy.new_wallets == NewWallets::DepositOnly {
        return Vec::new();
    }
    let network = entry.network.0;
    let (to, own) = sample(&class.to, policy, directory, &network);
    let subject = Subject {
        intent: Hash([0; 32]),
        kind: Kind::Transfer,
        initiator: PublicKey([0; 32]),
        wallet: Some(*wallet),
        account: Some(0),
        network: Some(network),
        asset: Some(entry.asset()),
        outputs: vec![Output { to, amount: class.amounts.0, own }],
        fee: Some(Amount::default()),
        call: None,
    };
    let (history, prices, votes) = (History::new(), Prices::default(), Votes::default());
    let facts = Facts { now: 0, directory, prices: &prices };
    let case = Case {
        policy,
        local: None,
        subject: &subject,
        history: &history,
        facts,
        votes: &votes,
        signers: &[],
        started: &[],
        confirmed: false,
    };
    let view = View::new(&case);
    let mut paths = Vec::new();
    for rule in &policy.rules {
        let (plain, depends) = plain(rule);
        match Truth::all(MATCHERS.iter().map(|matcher| matcher(&view, &plain))) {
            Truth::No(_) => {}
            // What cannot be evaluated denies whatever reaches it.
            Truth::Fail(_) => {
                paths.push(Path { rule: rule.name.clone(), depends: depends.clone(), need: None })
            }
            Truth::Yes => {
                let need = need(rule, directory);
                paths.push(Path { rule: rule.name.clone(), depends: depends.clone(), need });
            }
        }
        let decided = paths.last().is_some_and(|path| path.rule == rule.name);
        if decided && depends.is_empty() {
            break;
        }
    }
    paths
}

/// The rule without the matchers that depend on more than the class, and their names.
fn plain(rule: &Rule) -> (Rule, Vec<&'static str>) {
    let fiat = |range: &Range| range.limits().any(|limit| matches!(limit, Limit::Fiat(_)));
    let mut depends = Vec::new();
    let mut plain = rule.clone();
    let mut drop = |there: bool, name: &'static str| {
        if there {
            depends.push(name);
        }
    };
    drop(!rule.time.is_empty(), "time");
    drop(!rule.initiator.is_empty(), "initiator");
    drop(!rule.account.is_empty(), "account");
    drop(rule.fee.is_some(), "fee");
    drop(!rule.window.is_empty(), "window");
    drop(rule.amount.as_ref().is_some_and(fiat), "price");
    plain.time.clear();
    plain.initiator.clear();
    plain.account.clear();
    plain.fee = None;
    plain.window.clear();
    plain.amount = rule.amount.filter(|range| !fiat(range));
    (plain, depends)
}

fn need(rule: &Rule, directory: &Directory) -> Option<Need> {
    if rule.decision == RuleDecision::Deny {
        return None;
    }
    let coalitions = minimal(&rule.approvals, directory, None).filter(|found| !found.sets.is_empty())?;
    let met = |quorum: &Quorum| {
        directory.party_groups.get(&quorum.group).is_some_and(|group| group.len() >= usize::from(quorum.need))
    };
    rule.parties.iter().all(met).then(|| Need {
        approvals: rule.approvals.clone(),
        coalitions,
        parties: rule.parties.clone(),
        delay: rule.delay,
    })
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people: Vec<String> = self.approvals.iter().map(ToString::to_string).collect();
        let least = self.coalitions.sets.first().map_or(0, std::collections::BTreeSet::len);
        match people.is_empty() {
            true => f.write_str("nobody is asked")?,
            false => write!(f, "{} (at least {least} people besides who asks)", people.join(" and "))?,
        }
        if !self.parties.is_empty() {
            let parties: Vec<String> = self.parties.iter().map(ToString::to_string).collect();
            write!(f, ", signed by {}", parties.join(" and "))?;
        }
        match self.delay {
            Some(delay) => write!(f, ", after {delay}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.rule)?;
        match &self.need {
            Some(need) => need.fmt(f)?,
            None => f.write_str("denied")?,
        }
        if self.depends.is_empty() { Ok(()) } else { write!(f, " (depends on {})", self.depends.join(", ")) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.by_policy {
            writeln!(f, "{}:", entry.class)?;
            for path in &entry.paths {
                writeln!(f, "  {path}")?;
            }
            if entry.paths.last().is_none_or(|path| !path.depends.is_empty()) {
                writeln!(f, "  otherwise: denied")?;
            }
        }
        match &self.key {
            None => {
                writeln!(f, "By cryptography: any t of the n parties of a key, whatever the policy says.")
            }
            Some(KeyShape { threshold, parties }) => {
                let n = parties.len();
                let block = (n + 1).saturating_sub(usize::from(*threshold));
                writeln!(
                    f,
                    "By cryptography: any {threshold} of the {n} parties ({}) can sign anything together, whatever the \
                     policy says. Any {block} of them can stop everything.",
                    parties.join(", ")
                )
            }
        }
    }
}

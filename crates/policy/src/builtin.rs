//! The two rules of a cluster that has no policy of its own yet, straight from the genesis.

use crate::facts::{AssetEntry, BookEntry, Directory};
use crate::model::{Kind, NetworkName, NewWallets, Policy, Quorum, Rule, RuleDecision};
use quorate_intent::governed::{AssetInfo, BookAddress, NamedGroup};
use quorate_intent::{Approval, Body, Genesis, IntentError, PublicKey, SignedIntent, approving_members};
use std::collections::{BTreeMap, BTreeSet};

/// What was decided. There is no third way: an error denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may happen.
    Allow {
        /// The rule that decided.
        rule: &'static str,
        /// Whose approvals counted.
        approvers: Vec<PublicKey>,
    },
    /// It must not happen.
    Deny {
        /// The rule that decided.
        rule: &'static str,
        /// Why.
        reason: IntentError,
    },
}

/// The form of an intent, its initiator and its validity in time.
pub const RULE_INTENT: &str = "intent";
/// Transfers, contract calls and messages need the genesis's approvers.
pub const RULE_TRANSFER: &str = "genesis/approvers";
/// Orders and changes of governance need the genesis's administrators.
pub const RULE_ORDER: &str = "genesis/administrators";

/// Decides on an intent with its approvals; `now` is Unix seconds by the deciding node's own clock.
pub fn decide(genesis: &Genesis, intent: &SignedIntent, approvals: &[Approval], now: u64) -> Decision {
    if let Err(reason) = intent.check(genesis, now) {
        return Decision::Deny { rule: RULE_INTENT, reason };
    }
    let (rule, group, name) = match &intent.intent.body {
        // Until a policy says otherwise, whatever a wallet's key signs on a chain is for the approvers.
        Body::Transfer(_) | Body::Call(_) | Body::Message(_) => {
            (RULE_TRANSFER, &genesis.approvers, "approvers")
        }
        Body::Order(_) | Body::Governance(_) => (RULE_ORDER, &genesis.administrators, "administrators"),
        _ => {
            let reason = IntentError::field("type", "no rule allows this kind of intent");
            return Decision::Deny { rule: RULE_INTENT, reason };
        }
    };
    match approving_members(group, name, &intent.intent, approvals) {
        Ok(members) if members.iter().any(|member| genesis.asks(&intent.intent, member)) => {
            let own = members.iter().find(|member| genesis.asks(&intent.intent, member));
            let reason = IntentError::OwnIntent(own.map(|member| member.name.clone()).unwrap_or_default());
            Decision::Deny { rule, reason }
        }
        Ok(members) => Decision::Allow { rule, approvers: members.iter().map(|member| member.key).collect() },
        Err(reason) => Decision::Deny { rule, reason },
    }
}

/// Decides on a refresh by the schedule that an order set up: as on the order itself, but until the schedule's end.
pub fn decide_schedule(
    genesis: &Genesis,
    intent: &SignedIntent,
    approvals: &[Approval],
    now: u64,
) -> Decision {
    if let Err(reason) = intent.check_schedule(genesis, now) {
        return Decision::Deny { rule: RULE_INTENT, reason };
    }
    match approving_members(&genesis.administrators, "administrators", &intent.intent, approvals) {
        Ok(members) => {
            Decision::Allow { rule: RULE_ORDER, approvers: members.iter().map(|member| member.key).collect() }
        }
        Err(reason) => Decision::Deny { rule: RULE_ORDER, reason },
    }
}

/// The same two rules as a policy, with the directory that it needs.
///
/// [`decide`] and this policy agree, but for one thing: a valid approval by somebody whom the rule does not ask is refused by
/// `decide` and does not count here.
pub fn from_genesis(genesis: &Genesis) -> (Policy, Directory) {
    let rule = |name, kinds: &[Kind], group: &str, quorum| Rule {
        kind: kinds.to_vec(),
        approvals: vec![Quorum { need: quorum, group: group.to_owned() }],
        ..Rule::new(name, RuleDecision::Require)
    };
    let mut policy = Policy::new(vec![
        rule(
            RULE_TRANSFER,
            &[Kind::Transfer, Kind::Call, Kind::Message],
            "approvers",
            genesis.approvers.quorum,
        ),
        Rule {
            kind: Kind::all().filter(|kind| !kind.spends()).collect(),
            ..rule(RULE_ORDER, &[Kind::Wallet], "administrators", genesis.administrators.quorum)
        },
    ]);
    policy.new_wallets = NewWallets::Open;
    (policy, directory(genesis, false))
}

/// The directory that counts for what a passkey asks for: who has one name is one person, so that nobody approves his own
/// wish by another device (docs/spec §1.10).
pub(crate) fn by_name(genesis: &Genesis) -> Directory {
    directory(genesis, true)
}

/// Everybody and everything of a version. One key is one person, whatever lists it stands in; where two people have one name,
/// the later one is told apart by the key, unless they are to be `one`.
fn directory(genesis: &Genesis, one: bool) -> Directory {
    let mut people: BTreeMap<String, BTreeSet<PublicKey>> = BTreeMap::new();
    let mut names: BTreeMap<PublicKey, String> = BTreeMap::new();
    let governed = genesis.governed.as_deref().cloned().unwrap_or_default();
    for person in &governed.people {
        people.insert(person.name.clone(), person.keys.iter().copied().collect());
        names.extend(person.keys.iter().map(|key| (*key, person.name.clone())));
    }
    for member in genesis.people() {
        if names.contains_key(&member.key) {
            continue;
        }
        let taken = people.contains_key(&member.name) && !one;
        let name = if taken { format!("{}/{}", member.name, member.key) } else { member.name.clone() };
        people.entry(name.clone()).or_default().insert(member.key);
        names.insert(member.key, name);
    }
    let group = |members: &[quorate_intent::Member]| members.iter().map(|m| names[&m.key].clone()).collect();
    let mut groups = named(&governed.groups);
    groups.insert("approvers".to_owned(), group(&genesis.approvers.members));
    groups.insert("administrators".to_owned(), group(&genesis.administrators.members));
    let asset = |asset: &AssetInfo| {
        let (network, token) = (NetworkName(asset.network), asset.contract.clone());
        (asset.symbol.clone(), AssetEntry { network, token, decimals: asset.decimals })
    };
    let entry = |entry: &BookAddress| BookEntry {
        name: entry.name.clone(),
        network: NetworkName(entry.network),
        address: entry.address.clone(),
        tags: entry.tags.iter().cloned().collect(),
    };
    Directory {
        groups,
        parties: genesis.parties.iter().map(|party| (party.name.clone(), party.key)).collect(),
        party_groups: named(&governed.party_groups),
        assets: governed.assets.iter().map(asset).collect(),
        book: governed.book.iter().map(entry).collect::<Vec<_>>().into(),
        people,
    }
}

fn named(groups: &[NamedGroup]) -> BTreeMap<String, BTreeSet<String>> {
    groups.iter().map(|group| (group.name.clone(), group.members.iter().cloned().collect())).collect()
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;

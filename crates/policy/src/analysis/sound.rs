//! Whether a governance version can stay: nothing in it names what does not exist, and it can be changed again.

use crate::Ruling;
use crate::analysis::{Severity, check};
use crate::evaluate::{Case, Started, judge};
use crate::facts::{Facts, Prices};
use crate::history::History;
use crate::model::names::check_name;
use crate::model::{Kind, Rule, RuleDecision};
use crate::subject::Subject;
use crate::votes::Votes;
use quorate_intent::{Genesis, Hash, PublicKey};

/// Says what is wrong.
pub fn sound(version: &Genesis, ruling: &Ruling) -> Result<(), String> {
    names(version)?;
    let timed = |rule: &&Rule| !rule.time.is_empty() && rule.kind.iter().any(|kind| !kind.spends());
    if let Some(rule) = ruling.policy().rules.iter().find(timed) {
        return Err(format!(
            "rule {:?}: `time` goes with transfers, calls and messages only; who follows a change of governance later has another clock",
            rule.name
        ));
    }
    if let Some(policy) = ruling.own() {
        let errors = check(policy, ruling.directory(), &Prices::default());
        let errors: Vec<String> = errors
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(ToString::to_string)
            .collect();
        if !errors.is_empty() {
            return Err(format!("the policy would not work: {}", errors.join("; ")));
        }
    }
    for (kind, what) in
        [(Kind::Policy, "the policy"), (Kind::Members, "people and groups"), (Kind::Thaw, "a freeze")]
    {
        if !can(version, ruling, kind) {
            return Err(format!(
                "nobody could change {what} any more: no rule of kind {kind} can be met by people who are there, besides a client who asks; add such a rule, or members to its groups"
            ));
        }
    }
    Ok(())
}

/// Names that rules can write.
fn names(version: &Genesis) -> Result<(), String> {
    let Some(governed) = &version.governed else { return Ok(()) };
    let people = governed.people.iter().map(|person| ("person", person.name.as_str()));
    let groups =
        governed.groups.iter().chain(&governed.party_groups).map(|group| ("group", group.name.as_str()));
    let assets = governed.assets.iter().map(|asset| ("asset", asset.symbol.as_str()));
    let book = governed.book.iter().map(|entry| ("address book entry", entry.name.as_str()));
    let tags = governed.book.iter().flat_map(|entry| &entry.tags).map(|tag| ("tag", tag.as_str()));
    for (what, name) in people.chain(groups).chain(assets).chain(book).chain(tags) {
        check_name(what, name).map_err(|error| error.to_string())?;
        if (what, name) == ("asset", "native") {
            return Err("an asset cannot be called native; rules use that word".into());
        }
    }
    Ok(())
}

/// Whether some client can ask for it and everybody else together can allow it.
fn can(version: &Genesis, ruling: &Ruling, kind: Kind) -> bool {
    let (policy, directory) = (ruling.policy(), ruling.directory());
    let hash = policy.hash();
    let begun = |rule: &Rule| Started { policy: hash, rule: rule.name.clone(), at: 0 };
    let started: Vec<Started> =
        policy.rules.iter().filter(|rule| rule.decision == RuleDecision::Require).map(begun).collect();
    version.clients.iter().any(|client| {
        let own = directory.person(&client.key);
        let others = directory.people.iter().filter(|(name, _)| Some(name.as_str()) != own);
        let approved = others.filter_map(|(_, keys)| keys.first().copied()).collect();
        let subject = Subject::plain(Hash([0; 32]), kind, client.key);
        let (history, prices) = (History::new(), Prices::default());
        let votes = Votes { approved, ..Votes::default() };
        let signers: Vec<PublicKey> = Vec::new();
        judge(&Case {
            policy,
            local: None,
            subject: &subject,
            history: &history,
            facts: Facts { now: u64::MAX / 2, directory, prices: &prices },
            votes: &votes,
            signers: &signers,
            started: &started,
            confirmed: false,
        })
        .allows()
    })
}

//! What a change of policy changes: rule by rule, and for whom it opens or closes a way.

use crate::analysis::classes::{Class, classes};
use crate::analysis::who::paths;
use crate::analysis::{Need, Path};
use crate::facts::Directory;
use crate::model::{Policy, Rule};
use std::fmt;

/// What happened to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleChange {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// It stands elsewhere among the rules that both versions have.
    Moved(String),
    /// It says something else.
    Changed(String, Vec<FieldChange>),
}

/// One field of a rule, before and after, as in the file; empty where it was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in the file.
    pub field: String,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
}

/// What a change means for a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Somebody can spend who could not, or sooner.
    Wider,
    /// Somebody cannot spend who could, or later.
    Narrower,
    /// Both.
    Other,
}

/// A class of transfers whose rules decide otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which transfers.
    pub class: Class,
    /// The rules that could decide.
    pub before: Vec<Path>,
    /// The rules that can decide.
    pub after: Vec<Path>,
    /// What it means.
    pub effect: Effect,
}

/// The difference between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Settings outside of the rules, before and after.
    pub settings: Vec<FieldChange>,
    /// Rule by rule.
    pub rules: Vec<RuleChange>,
    /// Class by class. A limit of a window that moves shows among the rules alone.
    pub classes: Vec<Change>,
}

/// Compares two versions under one directory.
pub fn difference(old: &Policy, new: &Policy, directory: &Directory) -> Difference {
    let mut changes = Vec::new();
    for class in classes(&[old, new], directory) {
        let (before, after) = (paths(old, directory, &class), paths(new, directory, &class));
        if let Some(effect) = effect(&before, &after) {
            changes.push(Change { class, before, after, effect });
        }
    }
    let plain = |policy: &Policy| Policy { rules: Vec::new(), number: 1, previous: None, ..policy.clone() };
    Difference {
        settings: fields(&plain(old), &plain(new)),
        rules: rules(&old.rules, &new.rules),
        classes: changes,
    }
}

fn effect(before: &[Path], after: &[Path]) -> Option<Effect> {
    let (wider, narrower) = (opens(before, after), opens(after, before));
    match (wider, narrower) {
        (true, true) => Some(Effect::Other),
        (true, false) => Some(Effect::Wider),
        (false, true) => Some(Effect::Narrower),
        (false, false) => None,
    }
}

/// Whether `after` has a way that `before` does not have: fewer people, fewer parties, sooner, or under fewer conditions.
fn opens(before: &[Path], after: &[Path]) -> bool {
    let ways = |paths: &[Path]| -> Vec<(Need, Vec<&'static str>)> {
        paths.iter().filter_map(|path| Some((path.need.clone()?, path.depends.clone()))).collect()
    };
    let known = ways(before);
    ways(after).iter().any(|(new, conditions)| {
        let sets = &new.coalitions.sets;
        sets.iter().any(|people| {
            !known.iter().any(|(old, earlier)| {
                old.coalitions.sets.iter().any(|set| set.is_subset(people))
                    && old.delay <= new.delay
                    && old.parties.iter().all(|quorum| {
                        new.parties.iter().any(|now| now.group == quorum.group && now.need >= quorum.need)
                    })
                    && earlier.iter().all(|condition| conditions.contains(condition))
            })
        })
    })
}

fn rules(old: &[Rule], new: &[Rule]) -> Vec<RuleChange> {
    let find = |rules: &[Rule], name: &str| rules.iter().position(|rule| rule.name == name);
    let mut changes = Vec::new();
    for rule in old.iter().filter(|rule| find(new, &rule.name).is_none()) {
        changes.push(RuleChange::Removed(rule.name.clone()));
    }
    let common = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        rules.iter().filter(|rule| find(others, &rule.name).is_some()).map(|rule| rule.name.clone()).collect()
    };
    let (before, after) = (common(old, new), common(new, old));
    for (at, rule) in new.iter().enumerate() {
        let Some(was) = find(old, &rule.name) else {
            changes.push(RuleChange::Added(rule.name.clone()));
            continue;
        };
        let fields = fields(&old[was], &new[at]);
        if !fields.is_empty() {
            changes.push(RuleChange::Changed(rule.name.clone(), fields));
        }
        let place = |list: &[String]| list.iter().position(|name| *name == rule.name);
        if place(&before) != place(&after) {
            changes.push(RuleChange::Moved(rule.name.clone()));
        }
    }
    changes
}

/// The fields that differ, as the file writes them.
fn fields<T: serde::Serialize>(old: &T, new: &T) -> Vec<FieldChange> {
    let table = |value: &T| toml::Table::try_from(value).unwrap_or_default();
    let (old, new) = (table(old), table(new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |table: &toml::Table, name: &str| table.get(name).map(ToString::to_string).unwrap_or_default();
    names
        .into_iter()
        .map(|name| FieldChange { field: name.clone(), before: text(&old, name), after: text(&new, name) })
        .filter(|change| change.before != change.after)
        .collect()
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        write!(f, "{}: {} becomes {}", self.field, or_none(&self.before), or_none(&self.after))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.settings {
            writeln!(f, "{change}")?;
        }
        for change in &self.rules {
            match change {
                RuleChange::Added(name) => writeln!(f, "rule {name:?} is new")?,
                RuleChange::Removed(name) => writeln!(f, "rule {name:?} is gone")?,
                RuleChange::Moved(name) => writeln!(f, "rule {name:?} stands elsewhere")?,
                RuleChange::Changed(name, fields) => {
                    let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
                    writeln!(f, "rule {name:?}: {}", fields.join("; "))?;
                }
            }
        }
        for change in &self.classes {
            writeln!(f, "{}: {:?}", change.class, change.effect)?;
            let mut list = |word: &str, paths: &[Path]| -> fmt::Result {
                if paths.is_empty() {
                    writeln!(f, "  {word} denied")?;
                }
                paths.iter().try_for_each(|path| writeln!(f, "  {word} {path}"))
            };
            list("before", &change.before)?;
            list("after", &change.after)?;
        }
        Ok(())
    }
}

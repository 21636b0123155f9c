//! What each kind of change makes of a version.

use super::Change;
use crate::genesis::GOVERNED;
use crate::governed::{AssetInfo, BookAddress, BookKey, Governed, NamedGroup, Person};
use crate::intent::check_text;
use crate::{Genesis, IntentError};

/// Applies a change of anything but the machines. One that does nothing is refused: somebody meant something else.
pub(super) fn apply(next: &mut Genesis, change: &Change) -> Result<(), IntentError> {
    let before = next.clone();
    let mut governed = next.governed.take().unwrap_or_default();
    match change {
        Change::Members { approvers, administrators, clients, people, groups, party_groups } => {
            if let Some(group) = approvers {
                next.approvers = group.clone();
            }
            if let Some(group) = administrators {
                next.administrators = group.clone();
            }
            if let Some(list) = clients {
                next.clients.clone_from(list);
            }
            put_people(&mut governed.people, people)?;
            put_groups("groups", &mut governed.groups, groups)?;
            put_groups("party_groups", &mut governed.party_groups, party_groups)?;
        }
        Change::Book { put, remove } => book(&mut governed.book, put, remove)?,
        Change::Assets { put, remove } => assets(&mut governed.assets, put, remove)?,
        Change::Policy { policy } => governed.policy = Some(policy.clone()),
        Change::Freeze { reason } | Change::Thaw { reason } => {
            check_text("reason", reason, 256)?;
            governed.frozen = matches!(change, Change::Freeze { .. });
        }
        Change::Settings { record_quorum, clock_skew } => {
            settings(&mut governed, *record_quorum, *clock_skew)
        }
        Change::Join { .. } | Change::Leave { .. } | Change::Move { .. } => {}
    }
    next.governed = Some(governed);
    next.version = GOVERNED;
    let same = before.governed.as_deref().unwrap_or(&Governed::default())
        == next.governed.as_deref().unwrap_or(&Governed::default())
        && before.approvers == next.approvers
        && before.administrators == next.administrators
        && before.clients == next.clients;
    if same {
        return Err(IntentError::field("change", "it changes nothing: this is in force already"));
    }
    Ok(())
}

fn settings(governed: &mut Governed, record_quorum: Option<u16>, clock_skew: Option<u32>) {
    governed.record_quorum = record_quorum.or(governed.record_quorum);
    governed.clock_skew = clock_skew.or(governed.clock_skew);
}

fn nobody(field: &'static str, name: &str) -> IntentError {
    IntentError::field(field, format!("{name:?} is to go and is not there"))
}

/// Puts an entry in the place of the one with the same name, or at the end.
fn put<T: Clone>(list: &mut Vec<T>, new: &T, same: impl Fn(&T) -> bool) {
    match list.iter_mut().find(|known| same(known)) {
        Some(known) => *known = new.clone(),
        None => list.push(new.clone()),
    }
}

/// Takes an entry out; false when there is none.
fn take<T>(list: &mut Vec<T>, gone: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(|known| !gone(known));
    list.len() < before
}

fn put_people(list: &mut Vec<Person>, changed: &[Person]) -> Result<(), IntentError> {
    for person in changed {
        if !person.keys.is_empty() {
            put(list, person, |known| known.name == person.name);
        } else if !take(list, |known| known.name == person.name) {
            return Err(nobody("people", &person.name));
        }
    }
    Ok(())
}

fn put_groups(
    field: &'static str,
    list: &mut Vec<NamedGroup>,
    changed: &[NamedGroup],
) -> Result<(), IntentError> {
    for group in changed {
        if !group.members.is_empty() {
            put(list, group, |known| known.name == group.name);
        } else if !take(list, |known| known.name == group.name) {
            return Err(nobody(field, &group.name));
        }
    }
    Ok(())
}

fn book(list: &mut Vec<BookAddress>, new: &[BookAddress], gone: &[BookKey]) -> Result<(), IntentError> {
    for key in gone {
        if !take(list, |known| known.network == key.network && known.address == key.address) {
            return Err(nobody("address book", &key.address));
        }
    }
    for entry in new {
        put(list, entry, |known| known.network == entry.network && known.address == entry.address);
    }
    Ok(())
}

fn assets(list: &mut Vec<AssetInfo>, new: &[AssetInfo], gone: &[String]) -> Result<(), IntentError> {
    for symbol in gone {
        if !take(list, |known| known.symbol == *symbol) {
            return Err(nobody("assets", symbol));
        }
    }
    for asset in new {
        put(list, asset, |known| known.symbol == asset.symbol);
    }
    Ok(())
}

//! Governance versions: a chain of signed changes from the genesis that each operator pinned (docs/spec §1.8).
//!
//! A version is a whole document like the genesis that also names the version before it and the change that made it, so
//! its hash covers all of its history: a cluster that comes back to the same members has another version nevertheless,
//! and nothing that was approved under the first comes to life again.

use crate::governed::{AssetInfo, BookAddress, BookKey, NamedGroup, Person, PolicyBytes};
use crate::{Approval, Body, Genesis, Group, Hash, IntentError, Member, Party, PublicKey, SignedIntent};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Most approvals of one step.
const MAX_APPROVALS: usize = crate::genesis::MAX_ENTRIES;
/// Most steps that are handed over at a time.
pub const MAX_STEPS: usize = 32;
/// Largest canonical encoding of an intent that changes governance, in bytes.
pub const MAX_CHANGE: usize = 64 * 1024;

/// Who says whether a step may be taken: whatever the version that it changes has for rules. The room `policy` has the one
/// that every node uses.
pub type Judge<'j> = &'j dyn Fn(&Genesis, &Step) -> Result<(), IntentError>;

/// What a version follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    /// The version's number; the genesis is 0.
    pub number: u64,
    /// Hash of the version before it.
    pub previous: Hash,
    /// Hash of the intent that changed that one into this.
    pub change: Hash,
}

/// A change of governance. New kinds are added at the end: borsh stores a kind by its position.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Change {
    /// A machine joins. It holds no share before an order gives it one.
    Join {
        /// The machine, as its operator's public file says.
        party: Party,
    },
    /// A machine leaves. Orders should have moved every key away from it before.
    Leave {
        /// Its identity key.
        party: PublicKey,
    },
    /// A machine is reached elsewhere.
    Move {
        /// Its identity key.
        party: PublicKey,
        /// Its new `host:port`.
        address: String,
    },
    /// People and groups. What is absent or empty stays; a person without keys and a group without members goes.
    Members {
        /// Who approves transfers while the version has no policy; the group `approvers` of policies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approvers: Option<Group>,
        /// Who administers while the version has no policy; the group `administrators` of policies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        administrators: Option<Group>,
        /// Who may create intents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clients: Option<Vec<Member>>,
        /// New people, or other keys of known ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        people: Vec<Person>,
        /// New groups of people, or other members of known ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<NamedGroup>,
        /// The same for groups of parties.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        party_groups: Vec<NamedGroup>,
    },
    /// The address book.
    #[serde(rename = "address-book")]
    Book {
        /// New addresses, or other names and tags of known ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        put: Vec<BookAddress>,
        /// These go.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<BookKey>,
    },
    /// The asset registry.
    Assets {
        /// New assets, or other contents of known symbols.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        put: Vec<AssetInfo>,
        /// The symbols of those that go.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
    },
    /// The policy, whole.
    Policy {
        /// Its canonical bytes. It names the policy before it by hash, and is refused where that is another.
        policy: PolicyBytes,
    },
    /// Stop all signing.
    Freeze {
        /// For people.
        #[serde(default)]
        reason: String,
    },
    /// Let signing go on.
    Thaw {
        /// For people.
        #[serde(default)]
        reason: String,
    },
    /// Settings of the ledger and the clocks; what is absent stays.
    Settings {
        /// [`crate::governed::Governed::record_quorum`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record_quorum: Option<u16>,
        /// [`crate::governed::Governed::clock_skew`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_skew: Option<u32>,
    },
}

/// An approved change: what leads from one version to the next.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The change; it names the version that it changes.
    pub intent: SignedIntent,
    /// Approvals of that version's administrators.
    pub approvals: Vec<Approval>,
}

/// The chain from the pinned genesis to the version in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    /// All versions, the genesis first.
    versions: Vec<(Hash, Genesis)>,
    /// Step i leads from version i to version i + 1.
    steps: Vec<Step>,
}

impl Genesis {
    /// The version's number; the genesis is 0.
    pub fn number(&self) -> u64 {
        self.follows.map_or(0, |follows| follows.number)
    }

    /// The version that an approved change makes of this one; `change` is the hash of its intent.
    ///
    /// # Errors
    /// [`IntentError`] when the change does nothing, names a stranger, or would leave a document that is not well formed.
    pub fn changed(&self, what: &Change, change: Hash) -> Result<Self, IntentError> {
        let stranger = |key: &PublicKey| IntentError::NotAMember { who: key.to_string(), group: "parties" };
        let mut next = self.clone();
        match what {
            Change::Join { party } => next.parties.push(party.clone()),
            Change::Leave { party } => {
                self.party(party).ok_or_else(|| stranger(party))?;
                next.parties.retain(|other| other.key != *party);
            }
            Change::Move { party, address } => {
                let moved = next.parties.iter_mut().find(|other| other.key == *party);
                let moved = moved.ok_or_else(|| stranger(party))?;
                if moved.address == *address {
                    return Err(IntentError::field("address", "is the address that it has already"));
                }
                moved.address.clone_from(address);
            }
            other => changes::apply(&mut next, other)?,
        }
        let number = self.number().saturating_add(1);
        next.follows = Some(Follows { number, previous: self.hash(), change });
        next.check()?;
        Ok(next)
    }
}

impl Step {
    /// The version that this step makes of `base`, everything checked but the time.
    fn apply(&self, base: &Genesis, judge: Judge<'_>) -> Result<Genesis, IntentError> {
        let intent = &self.intent.intent;
        let Body::Governance(change) = &intent.body else {
            return Err(IntentError::field("type", "this intent is no change of governance"));
        };
        if self.approvals.len() > MAX_APPROVALS {
            return Err(IntentError::field("approvals", format!("more than {MAX_APPROVALS}")));
        }
        intent.check_form(base)?;
        self.intent.check_signature(base)?;
        judge(base, self)?;
        base.changed(change, intent.hash())
    }
}

impl Governance {
    /// A chain that ends at the genesis.
    ///
    /// # Errors
    /// [`IntentError`] when the genesis is not well formed, or is a later version.
    pub fn new(genesis: Genesis) -> Result<Self, IntentError> {
        genesis.check()?;
        if genesis.follows.is_some() {
            return Err(IntentError::field(
                "follows",
                "this is a later version and no genesis; the chain is needed",
            ));
        }
        Ok(Self { versions: vec![(genesis.hash(), genesis)], steps: Vec::new() })
    }

    /// The whole chain, checked step by step.
    ///
    /// # Errors
    /// [`IntentError`] of the first step that does not hold.
    pub fn replay(
        genesis: Genesis,
        steps: impl IntoIterator<Item = Step>,
        judge: Judge<'_>,
    ) -> Result<Self, IntentError> {
        let mut chain = Self::new(genesis)?;
        for step in steps {
            chain.advance(step, judge)?;
        }
        Ok(chain)
    }

    fn last(&self) -> &(Hash, Genesis) {
        // Never empty: it is made with the genesis, and only grows.
        &self.versions[self.versions.len() - 1]
    }

    /// The version in force.
    pub fn current(&self) -> &Genesis {
        &self.last().1
    }

    /// Its hash.
    pub fn hash(&self) -> Hash {
        self.last().0
    }

    /// Its number; the genesis is 0.
    pub fn number(&self) -> u64 {
        self.steps.len() as u64
    }

    /// What the operator pinned.
    pub fn genesis(&self) -> &Genesis {
        &self.versions[0].1
    }

    /// A version of this chain by its hash, superseded ones too.
    pub fn version(&self, hash: &Hash) -> Option<&Genesis> {
        self.versions.iter().find(|(known, _)| known == hash).map(|(_, version)| version)
    }

    /// A party of any version: who was evicted still has a name.
    pub fn party_ever(&self, key: &PublicKey) -> Option<&Party> {
        self.versions.iter().rev().find_map(|(_, version)| version.party(key))
    }

    /// The identity keys of every party of any version, each once.
    pub fn parties_ever(&self) -> impl Iterator<Item = PublicKey> {
        let all = self.versions.iter().flat_map(|(_, version)| &version.parties).map(|party| party.key);
        all.collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    /// The steps after version `number`.
    pub fn steps_after(&self, number: u64) -> &[Step] {
        usize::try_from(number).ok().and_then(|from| self.steps.get(from..)).unwrap_or(&[])
    }

    /// All steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What a step would make of the version in force. The clock is the caller's: a change is carried out before it
    /// expires, and what was carried out stays.
    ///
    /// # Errors
    /// [`IntentError`] when it does not follow.
    pub fn next(&self, step: &Step, judge: Judge<'_>) -> Result<Genesis, IntentError> {
        step.apply(self.current(), judge)
    }

    /// Takes a step. True when it is new, false when the chain has it already.
    ///
    /// # Errors
    /// [`IntentError`] when it does not follow from the version in force.
    pub fn advance(&mut self, step: Step, judge: Judge<'_>) -> Result<bool, IntentError> {
        let change = step.intent.intent.hash();
        if self.has(&change) {
            return Ok(false);
        }
        let next = self.next(&step, judge)?;
        self.versions.push((next.hash(), next));
        self.steps.push(step);
        Ok(true)
    }

    /// Whether the change with this intent hash is part of the chain.
    pub fn has(&self, change: &Hash) -> bool {
        self.steps.iter().any(|step| step.intent.intent.hash() == *change)
    }
}

#[path = "governance/changes.rs"]
mod changes;
#[cfg(test)]
#[path = "governance/tests.rs"]
mod tests;

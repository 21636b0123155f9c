//! Who said yes and who said no, every signature checked.

use crate::PolicyError;
use crate::facts::Directory;
use quorate_intent::{Approval, Hash, IntentError, PublicKey, Verdict};
use std::collections::BTreeSet;

/// Device keys that approved and that rejected one intent. Whether they count is for the rule to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// These approved.
    pub approved: BTreeSet<PublicKey>,
    /// These rejected. Within a delay, a rejection is how the intent is cancelled.
    pub rejected: BTreeSet<PublicKey>,
}

impl Votes {
    /// Checks signatures, and that every vote is about this intent, by a person of the directory, given once, and not the
    /// initiator's own.
    ///
    /// Refuses, rather than skips, whatever is wrong: it did not come from an honest gateway.
    ///
    /// # Errors
    /// [`PolicyError::Vote`].
    pub fn collect(
        intent: &Hash,
        initiator: &PublicKey,
        directory: &Directory,
        approvals: &[Approval],
    ) -> Result<Self, PolicyError> {
        let mut votes = Self::default();
        let own = directory.person(initiator);
        let mut voted = BTreeSet::new();
        for approval in approvals {
            let key = approval.approver;
            let person = directory.person(&key);
            let person =
                person.ok_or_else(|| IntentError::NotAMember { who: key.to_string(), group: "people" })?;
            if approval.intent != *intent {
                return Err(
                    IntentError::field("approvals", format!("{person} approved another intent")).into()
                );
            }
            if key == *initiator || own == Some(person) {
                return Err(IntentError::OwnIntent(person.to_owned()).into());
            }
            if !voted.insert(person) {
                return Err(IntentError::Duplicate(person.to_owned()).into());
            }
            approval.check_by(person)?;
            match approval.verdict {
                Verdict::Approve => votes.approved.insert(key),
                Verdict::Reject => votes.rejected.insert(key),
            };
        }
        Ok(votes)
    }
}

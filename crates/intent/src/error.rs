//! What can be wrong with an intent, an approval or a genesis.

/// Errors of this room. The text says what is wrong and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentError {
    /// A field holds a value that is not allowed.
    #[error("{field}: {problem}")]
    Field {
        /// Which field, as it is named in JSON.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Stored or received bytes are not a canonical encoding.
    #[error("not a canonical {what}: {problem}")]
    Encoding {
        /// What was expected.
        what: &'static str,
        /// Why it is not.
        problem: String,
    },
    /// A signature does not verify.
    #[error("the {what} signature of {signer} does not verify")]
    Signature {
        /// What was signed.
        what: &'static str,
        /// Whose signature it should be.
        signer: String,
    },
    /// Somebody who has no say.
    #[error("{who} is not a member of {group}")]
    NotAMember {
        /// Name or key.
        who: String,
        /// The group's name.
        group: &'static str,
    },
    /// The same approver twice.
    #[error("{0} approved twice; each approver counts once")]
    Duplicate(String),
    /// The initiator may not approve its own intent.
    #[error("{0} initiated this intent and may not approve it")]
    OwnIntent(String),
    /// Not enough approvals.
    #[error("{have} of {need} approvals by {group}; missing {missing} more")]
    Quorum {
        /// The group's name.
        group: &'static str,
        /// Valid approvals given.
        have: usize,
        /// Approvals needed.
        need: usize,
        /// How many more.
        missing: usize,
    },
    /// The intent is for another cluster, or for a governance version that is not in force (any more).
    #[error(
        "this intent belongs to another cluster, or to a governance version that is not in force (it names {found}, in force is {ours}); ask for it anew"
    )]
    OtherCluster {
        /// Hash of the version in force.
        ours: String,
        /// The intent's.
        found: String,
    },
    /// A rule says no, or waits for something.
    #[error("{reason} (rule {rule})")]
    Rule {
        /// The rule that decided.
        rule: String,
        /// Why.
        reason: String,
    },
    /// Past its expiry, or not yet created by our clock.
    #[error("the intent is not valid now: {0}")]
    Time(String),
}

impl IntentError {
    /// A field error.
    pub fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }
}

//! What goes into a judgement, and what comes out.

use crate::evaluate::Miss;
use crate::facts::Facts;
use crate::history::History;
use crate::model::{Currency, LocalPolicy, Period, Policy};
use crate::subject::Subject;
use crate::votes::Votes;
use quorate_intent::{Hash, PublicKey};
use std::fmt;

/// Everything that one judgement looks at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The rules of the cluster.
    pub policy: &'a Policy,
    /// The rules of this node's own operator.
    pub local: Option<&'a LocalPolicy>,
    /// What is to be decided.
    pub subject: &'a Subject,
    /// What was spent before.
    pub history: &'a History,
    /// Time, people, addresses, assets, prices.
    pub facts: Facts<'a>,
    /// Who approved and who rejected.
    pub votes: &'a Votes,
    /// Identity keys of the parties that are to sign.
    pub signers: &'a [PublicKey],
    /// Delays of this intent that began.
    pub started: &'a [Started],
    /// Whether this node's operator confirmed this intent.
    pub confirmed: bool,
}

/// When this node first found that a rule waited for nothing but its delay, by its own clock. The intent's own `created`
/// would not do: whoever asks chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Hash of the policy, or of the local rules. Under other rules the delay begins anew.
    pub policy: Hash,
    /// The rule's name.
    pub rule: String,
    /// Unix seconds.
    pub at: u64,
}

/// A decision, the rule that made it, and why no earlier rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What was decided.
    pub outcome: Outcome,
    /// The deciding rule: its name; `local/` and its name for a rule of the node's operator; `intent`, `deposit-only` or
    /// `implicit-deny`.
    pub rule: String,
    /// The rules of the policy that did not match, in order.
    pub trace: Vec<Step>,
    /// The same for the node's local rules.
    pub local_trace: Vec<Step>,
}

/// A rule that did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the list, from 0.
    pub rule: usize,
    /// The first matcher that said no.
    pub miss: Miss,
}

/// What was decided. Only `Allow` lets a partial signature out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It may happen now.
    Allow {
        /// Device keys whose approvals counted, ascending.
        approvers: Vec<PublicKey>,
    },
    /// It may happen later, when this is there.
    Wait(Missing),
    /// It must not happen.
    Deny(Reason),
}

/// What a rule asks for and does not have yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Groups of people whose quorum is not met.
    pub approvals: Vec<Short>,
    /// Groups of parties whose quorum is not met by the signer set. Another set may do.
    pub parties: Vec<Short>,
    /// Delays that have not passed.
    pub delays: Vec<Delay>,
    /// The confirmation of this node's operator.
    pub confirm: bool,
}

/// A quorum that is not met.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Short {
    /// Of which group.
    pub group: String,
    /// So many are there.
    pub have: u16,
    /// So many are needed.
    pub need: u16,
}

/// A delay that has not passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delay {
    /// It begins once the approvals are there.
    AfterApprovals(Period),
    /// It begins now: the node is to remember this.
    Begins(Started, Period),
    /// It ends at this time, Unix seconds.
    Until(u64),
}

/// Why something must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The rule says so.
    Rule,
    /// No rule matched.
    NoRule,
    /// The policy does not name the wallet, so it takes deposits only.
    DepositOnly,
    /// Somebody with a say rejected it.
    Rejected(String),
    /// What is to be decided contradicts itself.
    Form(String),
    /// A rule could not be evaluated.
    Error(Failure),
}

/// Why a rule could not be evaluated. Whatever it is, the answer is no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The rule names something that does not exist.
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// No price, or one that is too old.
    NoPrice(Currency),
    /// A number does not fit into 256 bits.
    Overflow,
    /// The call could not be decoded far enough to judge it.
    Undecoded,
    /// An argument is not of the type that the rule expects.
    Type,
}

impl Judgement {
    /// Whether a partial signature may be given.
    pub fn allows(&self) -> bool {
        matches!(self.outcome, Outcome::Allow { .. })
    }
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.approvals.is_empty() && self.parties.is_empty() && self.delays.is_empty() && !self.confirm
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow { .. } => f.write_str("allowed"),
            Self::Wait(missing) => write!(f, "waits for {missing}"),
            Self::Deny(reason) => write!(f, "denied: {reason}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |what: &str, short: &Short| {
            format!("{what} of {}: {} of {}", short.group, short.have, short.need)
        };
        let approvals = self.approvals.iter().map(|entry| short("approvals", entry));
        let parties = self.parties.iter().map(|entry| short("parties", entry));
        let delays = self.delays.iter().map(|delay| match delay {
            Delay::AfterApprovals(period) => format!("a delay of {period} after that"),
            Delay::Begins(_, period) => format!("a delay of {period} from now"),
            Delay::Until(time) => format!("time {time}"),
        });
        let confirm = self.confirm.then(|| "this node's operator".to_owned());
        let parts: Vec<String> = approvals.chain(parties).chain(delays).chain(confirm).collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule => f.write_str("the rule says so"),
            Self::NoRule => f.write_str("no rule allows it"),
            Self::DepositOnly => f.write_str(
                "the wallet only takes deposits; a change of policy that names it under [wallets] opens it",
            ),
            Self::Rejected(who) => write!(f, "{who} rejected it"),
            Self::Form(problem) => f.write_str(problem),
            Self::Error(failure) => write!(f, "the rule cannot be evaluated: {failure}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name } => write!(f, "there is no {what} {name}"),
            Self::NoPrice(currency) => write!(f, "no fresh price in {currency} is known"),
            Self::Overflow => f.write_str("a number does not fit into 256 bits"),
            Self::Undecoded => f.write_str("the call could not be decoded"),
            Self::Type => f.write_str("an argument is not of the expected type"),
        }
    }
}

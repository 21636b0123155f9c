//! What is worth an entry. New kinds are added at the end: borsh stores a kind by its position.

use crate::{Attempt, AuditError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Amount, Hash, PublicKey, SignedIntent, Step, WalletId};

/// Longest free text in an entry, in bytes.
pub const MAX_TEXT: usize = 1024;
/// Most digests or conflict resources in one entry: a Bitcoin transaction's inputs.
pub const MAX_ITEMS: usize = 1000;
/// Most approvers in one entry.
pub const MAX_APPROVERS: usize = 64;

/// One thing that a node did, decided or saw.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum Body {
    /// The node's process started.
    Started {
        /// The boot id that peers see in hello (§1.9).
        boot: [u8; 32],
        /// The program's version.
        version: String,
    },
    /// The vault was created.
    Created,
    /// The vault was unlocked.
    Unlocked,
    /// The operator pinned the genesis.
    GenesisPinned {
        /// Its hash.
        genesis: Hash,
    },
    /// Somebody could not prove who they are.
    AuthFailed {
        /// Key or address.
        who: String,
        /// What they tried.
        what: String,
    },
    /// A key ceremony began.
    CeremonyStarted(Ceremony),
    /// A key ceremony ended well; this node holds its share.
    CeremonyDone {
        /// Which.
        ceremony: Ceremony,
        /// The epoch that it made.
        attempt: Attempt,
        /// The hash of the epoch's public record.
        record: Hash,
    },
    /// A key ceremony ended without a result.
    CeremonyFailed {
        /// Which.
        ceremony: Ceremony,
        /// Why.
        reason: String,
    },
    /// An epoch became the active one; shares below it were erased (§2.3).
    Activated {
        /// The key.
        wallet: WalletId,
        /// The epoch.
        attempt: Attempt,
    },
    /// Policy allowed a signature; the partial signature leaves after this entry is durable.
    WillSign(WillSign),
    /// The node did not sign.
    Refused {
        /// The intent.
        intent: Hash,
        /// The rule that decided.
        rule: String,
        /// Why, for people.
        reason: String,
    },
    /// A finished signature came back.
    Signed {
        /// The intent.
        intent: Hash,
        /// Hash of exactly what was signed, as in [`WillSign::form`].
        form: Hash,
        /// The transaction's id on its network.
        transaction: String,
    },
    /// An edge of the dispute graph (§5.2).
    Dispute(Dispute),
    /// A new governance version is in force (§1.8). The entries of this kind are the chain: it is append-only and linked
    /// by hash because the log is.
    GovernanceChanged(Box<Step>),
    /// This vault was restored from a backup.
    Restored {
        /// How many entries the backup had.
        size: u64,
    },
    /// A spending that this node counts from now on: another node told of it, or it is about to be signed (`record_quorum`).
    Recorded(Box<Spent>),
    /// A decision to sign came to nothing.
    Failed {
        /// The intent.
        intent: Hash,
        /// Why, for people.
        reason: String,
    },
    /// A backup of this vault was written.
    BackedUp {
        /// How many entries it has, this one not among them.
        size: u64,
    },
    /// As a witness: another node's log does not continue what was seen of it. The evidence is kept beside the log.
    LogForked {
        /// Whose log.
        node: PublicKey,
        /// What does not fit.
        what: String,
        /// Hash of the evidence.
        evidence: Hash,
    },
    /// As a witness: another node was restored from a backup and went on with a shorter log.
    LogRestored {
        /// Whose log.
        node: PublicKey,
        /// How many entries that were seen before are gone.
        lost: u64,
    },
    /// An intent is allowed by this node's rules; nothing is signed yet. Once for each intent and process.
    Accepted {
        /// The intent.
        intent: Hash,
        /// The rule that decided.
        rule: String,
    },
    /// This machine's clock was set.
    ClockJumped {
        /// By how many seconds, back where negative.
        seconds: i64,
    },
}

/// A spending. Who paid whom how much stands in the intent, which its initiator signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Spent {
    /// What was asked for.
    pub intent: SignedIntent,
    /// The rule that decided.
    pub rule: String,
    /// When, by the clock of the node that decided; Unix seconds.
    pub time: u64,
}

/// A run of a key ceremony before it has a transcript.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ceremony {
    /// Hash of the order.
    pub order: Hash,
    /// The key.
    pub wallet: WalletId,
    /// Which ceremony.
    pub kind: CeremonyKind,
    /// The order's number.
    pub order_number: u64,
    /// The try of the order.
    pub attempt_try: u32,
}

/// The key ceremonies of docs/spec §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum CeremonyKind {
    /// §2.1.
    Generate,
    /// §2.2.
    Reshare,
    /// The end of a key.
    Destroy,
}

/// A decision to sign, complete enough to be judged later.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WillSign {
    /// The intent.
    pub intent: Hash,
    /// The key that signs.
    pub wallet: WalletId,
    /// Hash of exactly what is signed.
    pub form: Hash,
    /// What only one valid transaction can use up (a Bitcoin input, an EVM nonce, a Solana durable nonce), each as a
    /// hash: two forms that share one can never both be confirmed.
    pub resources: Vec<Hash>,
    /// The digests to be signed, in order of the transaction.
    pub digests: Vec<Hash>,
    /// The governance version under which it was judged.
    pub governance: Hash,
    /// Whose approvals counted.
    pub approvers: Vec<PublicKey>,
    /// The rule that decided.
    pub rule: String,
    /// With what it was judged; none in entries of programs before there were policies.
    pub judged: Option<Box<Judged>>,
}

/// What a judgement stood on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Judged {
    /// The policy's hash; none where the two rules of the genesis decided.
    pub policy: Option<Hash>,
    /// Hash of the operator's own rules, where there are any.
    pub local: Option<Hash>,
    /// What was asked for, with its amounts and destinations.
    pub spent: Spent,
    /// Identity keys of the parties that were to sign.
    pub signers: Vec<PublicKey>,
    /// The most that the network's fee can be, in minor units of its coin.
    pub max_fee: Amount,
    /// Nodes that had recorded the spending before.
    pub recorded: Vec<PublicKey>,
}

/// An edge of the dispute graph.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Dispute {
    /// Identity key of the other end.
    pub peer: PublicKey,
    /// How it counts.
    pub severity: Severity,
    /// What was wrong.
    pub what: String,
    /// Hash of the evidence that is kept beside the log.
    pub evidence: Hash,
}

/// How an edge counts: the stored form of the severity that the protocols name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Severity {
    /// May be innocent; fades.
    SoftEdge,
    /// One end of the pair lies; stays.
    HardEdge,
    /// Evidence condemns the party.
    Condemned,
}

impl Body {
    /// Checks every text and list against its limit.
    pub fn check(&self) -> Result<(), AuditError> {
        match self {
            Self::Started { version, .. } => text("version", version),
            Self::AuthFailed { who, what } => text("who", who).and_then(|()| text("what", what)),
            Self::CeremonyFailed { reason, .. } => text("reason", reason),
            Self::WillSign(will_sign) => will_sign.check(),
            Self::Refused { rule, reason, .. } => text("rule", rule).and_then(|()| text("reason", reason)),
            Self::Signed { transaction, .. } => text("transaction", transaction),
            Self::Dispute(dispute) => text("what", &dispute.what),
            Self::GovernanceChanged(step) => {
                count("approvals", step.approvals.len(), MAX_APPROVERS)?;
                let bytes = step.intent.intent.encode().len();
                count("bytes of the change", bytes, quorate_intent::governance::MAX_CHANGE)
            }
            Self::Recorded(spent) => spent.check(),
            Self::Failed { reason, .. } => text("reason", reason),
            Self::Accepted { rule, .. } => text("rule", rule),
            Self::LogForked { what, .. } => text("what", what),
            Self::Created
            | Self::Unlocked
            | Self::BackedUp { .. }
            | Self::LogRestored { .. }
            | Self::ClockJumped { .. }
            | Self::GenesisPinned { .. }
            | Self::CeremonyStarted(_)
            | Self::CeremonyDone { .. }
            | Self::Activated { .. }
            | Self::Restored { .. } => Ok(()),
        }
    }
}

impl Spent {
    fn check(&self) -> Result<(), AuditError> {
        text("rule", &self.rule)?;
        count("bytes of the intent", self.intent.intent.encode().len(), quorate_intent::intent::MAX_BYTES)
    }
}

impl WillSign {
    fn check(&self) -> Result<(), AuditError> {
        text("rule", &self.rule)?;
        if let Some(judged) = &self.judged {
            judged.spent.check()?;
            count("signers", judged.signers.len(), MAX_APPROVERS)?;
            count("recorders", judged.recorded.len(), MAX_APPROVERS)?;
        }
        count("resources", self.resources.len(), MAX_ITEMS)?;
        count("digests", self.digests.len(), MAX_ITEMS)?;
        count("approvers", self.approvers.len(), MAX_APPROVERS)
    }

    /// Whether at most one of the two can ever take effect: the same form, or a shared resource.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        self.form == other.form || self.resources.iter().any(|resource| other.resources.contains(resource))
    }
}

fn text(field: &'static str, text: &str) -> Result<(), AuditError> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(AuditError::field(field, format!("{} bytes, at most {MAX_TEXT} are allowed", text.len())))
}

fn count(field: &'static str, count: usize, max: usize) -> Result<(), AuditError> {
    if count <= max {
        return Ok(());
    }
    Err(AuditError::field(field, format!("{count} items, at most {max} are allowed")))
}

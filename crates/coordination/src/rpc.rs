//! Calls from the gateway to a node, and between nodes. Every call is one frame, every answer one frame.

use crate::attest::Place;
use crate::disputes::Report;
use crate::{Certificate, OwnedCommitment, Part, Partial, SigningRequest, WalletRecord};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::{Alarm, Attempt, Proven, Shown, Spent};
use quorate_intent::{Approval, Hash, PublicKey, Signature, SignedIntent, Step, WalletId};
use quorate_sharing::Transcript;

/// A frame on a channel: the first byte of borsh tells which.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
#[allow(clippy::large_enum_variant, reason = "frames are few and short-lived")]
pub enum Frame {
    /// A ceremony message between nodes; opaque here, signed and sealed on its own.
    Session(Vec<u8>),
    /// A call.
    Call {
        /// Pairs the answer with it.
        id: u64,
        /// What is asked.
        request: NodeRequest,
    },
    /// The answer to a call.
    Answer {
        /// The call's id.
        id: u64,
        /// What came of it.
        response: Result<NodeResponse, NodeError>,
    },
    /// What a node tells a peer unasked: where it stands, and what the peer lacks.
    News(News),
}

/// What nodes tell one another at every contact. Everything in it proves itself; nothing is believed for who says it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(clippy::large_enum_variant, reason = "news is rare and short-lived")]
pub enum News {
    /// Where the sender stands. Who knows more answers with what is missing.
    Heads {
        /// The number of the governance version that it has in force.
        governance: u64,
        /// That version's hash.
        version: Hash,
        /// The highest certified epoch that it knows of each key; none where it has shares that wait for one alone.
        epochs: Vec<(WalletId, Option<Attempt>)>,
    },
    /// The next governance steps (§1.8).
    Steps(Vec<Step>),
    /// A key's highest certificate (§2.3).
    Certificate(Box<Certificate>),
    /// The sender's clock, Unix seconds.
    Clock(u64),
    /// Tell me of every spending that you count.
    AskSpent,
    /// Spendings that the sender counts; `last` ends the answer to `AskSpent`.
    Spent {
        /// At most [`MAX_SPENT`].
        spent: Vec<Spent>,
        /// Nothing that was asked for is left.
        last: bool,
    },
    /// Somebody with a say stops an intent.
    Rejected(Rejection),
    /// The head of the sender's log, for the receiver to cosign.
    Checkpoint(Shown),
    /// The receiver's head, cosigned by the sender: a note with that one signature.
    Cosigned(String),
    /// Show the head of your log with a proof from this size on.
    WantCheckpoint {
        /// The size.
        from: u64,
        /// Comes back with the answer.
        number: u64,
    },
}

/// Most spendings in one message.
pub const MAX_SPENT: usize = 200;

/// A rejection with what it is about, so that whoever gets it knows until when to keep it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rejection {
    /// The intent.
    pub intent: SignedIntent,
    /// The rejection.
    pub vote: Approval,
}

/// What the gateway may ask of a node. Nothing in here is believed without the signatures that it carries.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
#[allow(clippy::large_enum_variant, reason = "calls are few and short-lived")]
pub enum NodeRequest {
    /// Who and how are you?
    Status,
    /// The certificates of all keys.
    Wallets,
    /// Take part in generating a key.
    Generate {
        /// Routes the ceremony's messages.
        ceremony: [u8; 32],
        /// The order.
        order: SignedIntent,
        /// The administrators' approvals.
        approvals: Vec<Approval>,
    },
    /// Take part in a reshare, as a dealer, a recipient or both.
    Reshare {
        /// Routes the ceremony's messages.
        ceremony: [u8; 32],
        /// The order.
        order: SignedIntent,
        /// The administrators' approvals.
        approvals: Vec<Approval>,
        /// The certificate of the epoch that is reshared.
        base: Certificate,
        /// D: exactly t party indices of the base, ascending.
        dealers: Vec<u16>,
    },
    /// Make nonces for signing with a Schnorr key.
    Commitments {
        /// The key.
        wallet: WalletId,
        /// How many.
        count: u16,
    },
    /// Which pair states do you have with these peers?
    Pairs {
        /// Identity keys.
        peers: Vec<PublicKey>,
    },
    /// Set up the pair state with one peer anew.
    SetupPair {
        /// Routes the ceremony's messages.
        ceremony: [u8; 32],
        /// The other end.
        peer: PublicKey,
    },
    /// Make presignatures for one signer set.
    Presign {
        /// Routes the ceremony's messages.
        ceremony: [u8; 32],
        /// The key.
        wallet: WalletId,
        /// Exactly t party indices, ascending.
        set: Vec<u16>,
        /// How many.
        count: u16,
    },
    /// Give partial signatures for a transfer.
    Sign(SignCall),
    /// Take note of a finished transaction.
    Finished {
        /// The intent.
        intent: Hash,
        /// What exactly was signed.
        form: Hash,
        /// The transaction's id on its network.
        transaction: String,
    },
    /// The certificate of a key, as assembled by the gateway from all parties' signatures.
    Certify(Certificate),
    /// What do you hold against others, from this number on?
    Disputes {
        /// The first number wanted, from 1.
        from: u64,
    },
    /// Write a backup into the node's own folder; over the control socket alone.
    Backup,
    /// Put changes of governance in force, in this order.
    Govern(Vec<Step>),
    /// Which changes of governance came after version `after`?
    Steps {
        /// The number of a version.
        after: u64,
    },
    /// What would you say to this transfer? Delays begin, the operator is asked, and what may be signed is recorded.
    Consider(Box<Consideration>),
    /// Stop an intent.
    Reject(Box<Rejection>),
    /// Which intents wait for the operator? Over the control socket alone.
    Confirmations,
    /// The operator's answer. Over the control socket alone.
    Confirm {
        /// The intent.
        intent: Hash,
        /// Yes or no.
        yes: bool,
    },
    /// Show the entry under which you signed this, in your log.
    Verdict {
        /// The intent.
        intent: Hash,
        /// What exactly was signed.
        form: Hash,
    },
    /// Entries of the log from this one on, as canonical bytes; over the control socket alone.
    Entries {
        /// The first sequence number wanted.
        from: u64,
        /// Most entries.
        limit: u32,
    },
    /// One entry with its proof; over the control socket alone.
    Prove {
        /// Its sequence number.
        sequence: u64,
    },
    /// How your log stands with its witnesses, and what you saw of others' logs.
    Witness,
    /// Derive these addresses and sign them (see `attest`).
    Attest {
        /// The key.
        wallet: WalletId,
        /// At most [`crate::attest::MAX_ATTESTED`].
        places: Vec<Place>,
    },
}

/// A transfer that a node is to judge before it is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Consideration {
    /// What is asked for.
    pub intent: SignedIntent,
    /// Who approved and who rejected it.
    pub approvals: Vec<Approval>,
    /// How it becomes a transaction: borsh of the chains room's plan.
    pub plan: Vec<u8>,
}

/// An intent that waits for a node's own operator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Confirmation {
    /// The intent.
    pub intent: SignedIntent,
    /// The local rule that asks.
    pub rule: String,
    /// Until when it waits, Unix seconds.
    pub until: u64,
}

/// A node's word that it counts the spending of an intent from `time` on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recorded {
    /// Identity key of the node.
    pub node: PublicKey,
    /// The intent.
    pub intent: Hash,
    /// The governance version under which it judged.
    pub governance: Hash,
    /// By its clock, Unix seconds.
    pub time: u64,
    /// Its signature over all of it.
    pub signature: Signature,
}

impl Recorded {
    /// What the node signs.
    pub fn digest(node: &PublicKey, intent: &Hash, governance: &Hash, time: u64) -> [u8; 32] {
        Transcript::new("ledger/recorded")
            .field("node", &node.0)
            .field("intent", &intent.0)
            .field("governance", &governance.0)
            .number("time", time)
            .digest()
    }

    /// Whether the node signed it.
    pub fn verifies(&self) -> bool {
        let digest = Self::digest(&self.node, &self.intent, &self.governance, self.time);
        self.node.verify(&digest, &self.signature)
    }
}

/// Everything that a node needs to judge a transfer for itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignCall {
    /// What is asked for.
    pub intent: SignedIntent,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// How it becomes a transaction: borsh of the chains room's plan.
    pub plan: Vec<u8>,
    /// The canonical request.
    pub request: SigningRequest,
    /// One part for each item.
    pub parts: Vec<Part>,
    /// Who recorded the spending, where a rule may look at past spending.
    pub recorded: Vec<Recorded>,
}

/// What a node answers.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum NodeResponse {
    /// To `Status`.
    Status(Status),
    /// To `Wallets`.
    Wallets(Vec<Certificate>),
    /// To `Generate`: the record and all parties' signatures in order of index.
    Generated(Box<Certificate>),
    /// To `Commitments`.
    Commitments(Vec<OwnedCommitment>),
    /// To `Pairs`: the id of the pair state with each peer, if there is one.
    Pairs(Vec<Option<[u8; 32]>>),
    /// To `Presign`: the encoded public parts.
    Presigned(Vec<Vec<u8>>),
    /// To `Sign`.
    Signed {
        /// One partial for each part.
        partials: Vec<Partial>,
        /// Commitments to the signer's next nonces, as many as parts, where the suite has such (§3.3).
        next: Vec<OwnedCommitment>,
    },
    /// To anything else.
    Done,
    /// To `Disputes`: reports that this node signs, with their numbers, ascending. Empty when there are no more.
    Disputes(Vec<(u64, Report)>),
    /// To `Reshare`, from a recipient: the new epoch's certificate.
    Reshared(Box<Certificate>),
    /// To `Steps`.
    Steps(Vec<Step>),
    /// To `Consider`: it may be signed, and is recorded where a rule may look at past spending.
    Considered(Option<Recorded>),
    /// To `Confirmations`.
    Confirmations(Vec<Confirmation>),
    /// To `Verdict` and `Prove`.
    Proven(Box<Proven>),
    /// To `Entries`.
    Entries(Vec<Vec<u8>>),
    /// To `Witness`.
    Witness(Box<WitnessReport>),
    /// To `Attest`: each address as derived here, with the node's signature, in the order asked for.
    Attested(Vec<(String, Signature)>),
}

/// A log and its witnesses, as one node sees them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WitnessReport {
    /// The node's own newest checkpoint with the cosignatures that it has so far.
    pub checkpoint: String,
    /// The size up to which each other node has cosigned the node's own log since it started.
    pub cosigned: Vec<(PublicKey, u64)>,
    /// The last head seen of each other node's log, signed by that node.
    pub seen: Vec<(PublicKey, String)>,
    /// Logs that do not continue what was seen of them, with the evidence.
    pub alarms: Vec<Alarm>,
}

/// A node's view of itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Status {
    /// Its name in the genesis.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// Hash of the governance version that it has in force: of the genesis that its operator pinned, or of a later one.
    pub genesis: Hash,
    /// The number of that version; the genesis is 0.
    pub governance: u64,
    /// Boot id of this process.
    pub boot: [u8; 16],
    /// Its clock, Unix seconds.
    pub now: u64,
    /// Public records of its keys.
    pub wallets: Vec<WalletRecord>,
    /// Nonces and presignatures in stock.
    pub stock: u64,
    /// Peers that it has a channel to right now.
    pub connected: Vec<PublicKey>,
}

/// Why a node did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, thiserror::Error)]
#[error("{message}")]
pub struct NodeError {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what is wrong, where, what to do.
    pub message: String,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ErrorCode {
    /// The call itself is malformed or contradicts itself.
    BadRequest,
    /// This node does not know the wallet.
    UnknownWallet,
    /// A signature, approval or order does not hold.
    NotAuthorised,
    /// The transaction is not what the intent says.
    Mismatch,
    /// Policy or ledger says no.
    Refused,
    /// The nonce or presignature is not in stock (any more): take others.
    NoStock,
    /// Too many things at once.
    Busy,
    /// A ceremony did not come to its end.
    Ceremony,
    /// The node's own fault.
    Internal,
    /// Not yet: something that comes with time or from the node's operator is missing.
    Waiting,
}

impl NodeError {
    /// An error with its kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

//! Reports: what one party says of another, signed, with what shows it.

use super::{Pair, WrongPartial};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Severity;
use quorate_intent::{Hash, PublicKey, Signature};
use quorate_sharing::Transcript;

/// Longest evidence of a report, in bytes.
pub const MAX_EVIDENCE: usize = 4 << 20;
/// Longest text of an accusation, in bytes.
const MAX_WHAT: usize = 1024;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Accusation {
    /// Hash of the genesis of the cluster that it is about.
    pub cluster: Hash,
    /// Who says it: a party, or the coordinator.
    pub reporter: PublicKey,
    /// Of whom.
    pub accused: PublicKey,
    /// How it is meant to count.
    pub severity: Severity,
    /// What was wrong, for people.
    pub what: String,
    /// When, Unix seconds of the reporter's clock.
    pub time: u64,
    /// Hash of the evidence, [`Shown`] encoded.
    pub evidence: Hash,
}

/// What shows it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and short-lived")]
pub enum Shown {
    /// What a session collected, encoded: the session room's evidence. Empty for a soft edge.
    Session(Vec<u8>),
    /// A wrong partial signature.
    Partial(WrongPartial),
}

/// An accusation with its reporter's signature and its evidence.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// What is said.
    pub accusation: Accusation,
    /// The reporter's signature.
    pub signature: Signature,
    /// [`Shown`], encoded.
    pub evidence: Vec<u8>,
}

/// Why a report says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is about another cluster.
    #[error("the report is of another cluster; check it with that cluster's genesis")]
    OtherCluster,
    /// The reporter's signature does not hold.
    #[error("the report is not signed by {0}; it was altered or made up")]
    Signature(PublicKey),
    /// The evidence is not what the reporter signed.
    #[error("the evidence is not the one that the report names; it was altered")]
    OtherEvidence,
    /// Too long, or not an encoding.
    #[error("the report is malformed: {0}")]
    Malformed(&'static str),
}

impl Accusation {
    /// What the reporter signs.
    pub fn digest(&self) -> [u8; 32] {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Transcript::new("disputes/accusation").field("accusation", &bytes).digest()
    }

    /// The two ends; none when somebody accuses itself.
    pub fn pair(&self) -> Option<Pair> {
        Pair::new(self.reporter, self.accused)
    }
}

impl Shown {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }
}

/// The hash by which an accusation names its evidence.
fn evidence_hash(evidence: &[u8]) -> Hash {
    Hash(Transcript::new("disputes/evidence").field("evidence", evidence).digest())
}

impl Report {
    /// Puts evidence to an accusation and has it signed with the reporter's identity key. `accusation.evidence` is set
    /// here.
    pub fn sign(
        mut accusation: Accusation,
        shown: &Shown,
        sign: impl FnOnce(&[u8; 32]) -> Signature,
    ) -> Self {
        let evidence = shown.encode();
        accusation.evidence = evidence_hash(&evidence);
        let signature = sign(&accusation.digest());
        Self { accusation, signature, evidence }
    }

    /// Checks form, cluster and the reporter's signature, and gives the evidence. What it shows, and whether reporter
    /// and accused are of the cluster, is for the caller to judge.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn open(&self, cluster: &Hash) -> Result<Shown, ReportError> {
        let Accusation { reporter, what, evidence, .. } = &self.accusation;
        if self.evidence.len() > MAX_EVIDENCE || what.len() > MAX_WHAT {
            return Err(ReportError::Malformed("it is too long"));
        }
        if self.accusation.cluster != *cluster {
            return Err(ReportError::OtherCluster);
        }
        if !reporter.verify(&self.accusation.digest(), &self.signature) {
            return Err(ReportError::Signature(*reporter));
        }
        if evidence_hash(&self.evidence) != *evidence {
            return Err(ReportError::OtherEvidence);
        }
        if self.accusation.pair().is_none() {
            return Err(ReportError::Malformed("somebody accuses itself"));
        }
        borsh::from_slice(&self.evidence).map_err(|_| ReportError::Malformed("its evidence does not decode"))
    }
}

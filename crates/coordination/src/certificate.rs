//! Certificates: self-contained proof of an epoch, or of a key's end (docs/spec §2.1, §2.3).

use crate::KeySet;
use crate::record::{RecordError, WalletRecord};
use crate::resharing::Resharing;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Attempt;
use quorate_intent::{Approval, Body, Genesis, Order, OrderKind, PublicKey, Signature, SignedIntent};

/// A record with the order behind it and what its parties signed. Needs nothing else to be judged but the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// The record of the epoch that was made; for [`Proof::Destroy`] of the one that the administrators saw.
    pub record: WalletRecord,
    /// The order.
    pub order: SignedIntent,
    /// The administrators' approvals of it.
    pub approvals: Vec<Approval>,
    /// What makes it true.
    pub proof: Proof,
}

/// What makes a certificate true besides its order. New kinds are added at the end: borsh stores a kind by its position.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum Proof {
    /// The key was generated: every party's signature over the record, in order of index.
    Generate {
        /// Under [`CERTIFICATE_DOMAIN`].
        signatures: Vec<Signature>,
    },
    /// The key was reshared.
    Reshare(Box<Reshared>),
    /// The key is gone. The order alone says so.
    Destroy,
}

/// What makes a reshare true (§2.3).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reshared {
    /// The record of the epoch that was reshared.
    pub base: WalletRecord,
    /// D: index in the base and signature of each dealer, in order of index; under [`DEALT_DOMAIN`].
    pub dealers: Vec<(u16, Signature)>,
    /// Every recipient's signed `prepared`, in order of index in the new sharing; under [`PREPARED_DOMAIN`].
    pub prepared: Vec<Signature>,
}

/// The domain under which parties sign the record of a new key; see `session::identity::statement_digest`.
pub const CERTIFICATE_DOMAIN: &str = "generate/certificate";
/// The domain under which dealers sign [`Resharing::statement`].
pub const DEALT_DOMAIN: &str = "reshare/dealt";
/// The domain under which recipients sign [`Resharing::statement`]: their `prepared`.
pub const PREPARED_DOMAIN: &str = "reshare/prepared";

impl Proof {
    /// The signatures of the epoch's own parties, in order of index: `prepared` for a reshare, none for a destroy.
    pub fn signatures(&self) -> &[Signature] {
        match self {
            Self::Generate { signatures } => signatures,
            Self::Reshare(reshared) => &reshared.prepared,
            Self::Destroy => &[],
        }
    }
}

impl Certificate {
    /// Checks the order and its approvals, that the record follows from it, and every signature.
    /// `digest` is how the session room turns (domain, digest) into what is signed.
    ///
    /// Whether it speaks of the same key as what a holder has, is for the holder to compare: [`Certificate::same_key`].
    pub fn check(
        &self,
        genesis: &Genesis,
        digest: impl Fn(&str, &[u8; 32]) -> [u8; 32],
    ) -> Result<KeySet, RecordError> {
        // Expiry limits when a ceremony may start, not how long its certificate is good for (§1.8).
        self.order.intent.check_form(genesis)?;
        self.order.check_signature(genesis)?;
        quorate_policy::judge_order(genesis, &self.order, &self.approvals)?;
        self.check_parties(digest)
    }

    /// Checks what needs no genesis: that the record follows from the order in it, and every party's signature over it.
    /// Whether those parties are the cluster's, and whether the order was approved, stays open.
    pub fn check_parties(&self, digest: impl Fn(&str, &[u8; 32]) -> [u8; 32]) -> Result<KeySet, RecordError> {
        match &self.proof {
            Proof::Generate { signatures } => {
                let keys = self.check_generated()?;
                let statement = digest(CERTIFICATE_DOMAIN, &self.record.statement());
                check_all(&self.record.parties, signatures, &statement)?;
                Ok(keys)
            }
            Proof::Reshare(reshared) => {
                let dealers = reshared.dealers.iter().map(|(index, _)| *index).collect();
                let plan = Resharing::new(&self.order, reshared.base.clone(), dealers)?;
                let keys = plan.check_record(&self.record)?;
                let statement = plan.statement(&self.record);
                let dealt: Vec<_> = reshared.dealers.iter().map(|(_, signature)| *signature).collect();
                check_all(&plan.dealers(), &dealt, &digest(DEALT_DOMAIN, &statement))?;
                check_all(&self.record.parties, &reshared.prepared, &digest(PREPARED_DOMAIN, &statement))?;
                Ok(keys)
            }
            Proof::Destroy => {
                let order = order(&self.order)?;
                let OrderKind::Destroy { base } = &order.kind else {
                    return Err(RecordError::Record("the order does not destroy the key"));
                };
                if self.record.hash() != *base || self.record.wallet != order.wallet {
                    return Err(RecordError::Record("the order names another epoch"));
                }
                if self.record.attempt.order_number >= order.number {
                    return Err(RecordError::Record("the order's number is not above that of the epoch"));
                }
                self.record.keys()
            }
        }
    }

    /// What ranks it among the certificates of its key (§2.3): the attempt; for a destroy what lies above every attempt of a
    /// lower order number and below all others.
    pub fn rank(&self) -> Attempt {
        match (&self.proof, &self.order.intent.body) {
            (Proof::Destroy, Body::Order(order)) => Attempt::end(order.number, self.order.intent.hash()),
            _ => self.record.attempt,
        }
    }

    /// Whether it says that the key is gone.
    pub fn destroys(&self) -> bool {
        matches!(self.proof, Proof::Destroy)
    }

    /// Whether it speaks of the key that `held` is a record of: suite, X and chain code never change.
    pub fn same_key(&self, held: &WalletRecord) -> Result<(), RecordError> {
        same_key(&self.record, held)
    }

    fn check_generated(&self) -> Result<KeySet, RecordError> {
        let order = order(&self.order)?;
        let OrderKind::Generate { suite, threshold, parties, label } = &order.kind else {
            return Err(RecordError::Record("the order is not for this kind of ceremony"));
        };
        let record = &self.record;
        if record.wallet != order.wallet
            || record.suite != *suite
            || record.label != *label
            || record.attempt.order_number != order.number
            || record.order != self.order.intent.hash()
        {
            return Err(RecordError::Record("it does not follow from the order"));
        }
        if record.attempt.is_end() {
            return Err(RecordError::Record("the first try of an order is 1"));
        }
        record.sharing(parties, *threshold)
    }
}

/// Suite, X and chain code.
pub(crate) fn same_key(one: &WalletRecord, other: &WalletRecord) -> Result<(), RecordError> {
    let (a, b) = (one.keys()?, other.keys()?);
    let same = one.wallet == other.wallet
        && one.suite == other.suite
        && a.public_key() == b.public_key()
        && a.chain_code() == b.chain_code();
    if same { Ok(()) } else { Err(RecordError::Record("wallet, suite, public key or chain code changed")) }
}

pub(crate) fn order(intent: &SignedIntent) -> Result<&Order, RecordError> {
    match &intent.intent.body {
        Body::Order(order) => Ok(order),
        _ => Err(RecordError::Record("the intent is not an order")),
    }
}

/// Exactly one valid signature of each.
fn check_all(
    signers: &[PublicKey],
    signatures: &[Signature],
    statement: &[u8; 32],
) -> Result<(), RecordError> {
    if signatures.len() != signers.len() {
        return Err(RecordError::Record("one signature of each party is needed"));
    }
    match signers.iter().zip(signatures).find(|(signer, signature)| !signer.verify(statement, signature)) {
        Some((signer, _)) => Err(RecordError::Signature(*signer)),
        None => Ok(()),
    }
}

//! One attempt at signing: assignments, one call to each signer, their partial signatures checked and combined.

use super::Wallet;
use crate::gateway::Gateway;
use crate::store::IntentRow;
use quorate_chains::{Built, SignedTx};
use quorate_coordination::disputes::{PartyGroup, WrongPartial};
use quorate_coordination::rpc::{Recorded, SignCall};
use quorate_coordination::{
    Assignment, CombineError, Material, NodeRequest, Part, Partial, RawSignature, SignedAssignment,
    SigningRequest, check_partial, combine,
};
use quorate_intent::{Approval, PublicKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that stays the same over the attempts at one intent.
pub struct Task {
    /// The wallet.
    pub wallet: Arc<Wallet>,
    /// The intent.
    pub row: IntentRow,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// Its plan, canonical.
    pub plan: Vec<u8>,
    /// The transaction.
    pub built: Arc<Built>,
    /// The open request.
    pub request: SigningRequest,
    /// Nodes that recorded the spending.
    pub recorded: Vec<Recorded>,
    /// Parties that refused before anything was signed, with what they said.
    pub refused: BTreeMap<u16, String>,
    /// Parties of which the deciding rule wants some in every set.
    pub groups: Vec<PartyGroup>,
}

/// Partial signatures by signer, one for each item.
pub type Rows = BTreeMap<u16, Vec<Partial>>;

/// What combining came to.
pub enum Outcome {
    /// A transaction that verifies.
    Signed(SignedTx, Vec<RawSignature>),
    /// Partial signatures that their makers signed and that are wrong.
    Wrong(Vec<WrongPartial>),
    /// Parties whose answers are not even signed by them.
    Unsigned(Vec<u16>),
    /// Nothing that another set could mend.
    Broken(String),
}

impl Task {
    /// The call that asks for partial signatures of these parts.
    pub fn call(&self, parts: &[Part]) -> NodeRequest {
        NodeRequest::Sign(SignCall {
            intent: self.row.signed.clone(),
            approvals: self.approvals.clone(),
            plan: self.plan.clone(),
            request: self.request.clone(),
            parts: parts.to_vec(),
            recorded: self.recorded.clone(),
        })
    }
}

/// One signed assignment for each item.
pub(super) fn assign(
    gateway: &Gateway,
    task: &Task,
    attempt: u32,
    materials: Vec<Material>,
) -> Result<Vec<Part>, String> {
    let (request, suite) = (task.request.hash(), task.wallet.keys.suite());
    let part = |(index, material): (u32, Material)| {
        let digest = material.digest(suite).map_err(|error| error.to_string())?;
        let assignment = Assignment { request, attempt, index, material: digest };
        let signature = gateway.identity.sign(&assignment.digest());
        Ok(Part { assignment: SignedAssignment { assignment, signature }, material })
    };
    (0u32..).zip(materials).map(part).collect()
}

/// Checks and combines the partials of every item, and puts the signatures into the transaction. Takes a while.
pub fn finish(task: &Task, coordinator: &PublicKey, parts: &[Part], rows: &Rows) -> Outcome {
    let (record, keys) = (&task.wallet.certificate.record, &task.wallet.keys);
    let mut signatures = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let partials: Vec<Partial> = rows.values().filter_map(|row| row.get(at)).cloned().collect();
        match combine(record, keys, coordinator, &task.request, part, &partials) {
            Ok(signature) => signatures.push(signature),
            // The signature is verified first and the partials only when it fails (§4.4); then all of them, so that
            // everybody who is wrong is named at once.
            Err(CombineError::Wrong(_) | CombineError::Forged(_) | CombineError::Unexpected(_)) => {
                return inspect(task, coordinator, parts, rows).unwrap_or_else(|| {
                    Outcome::Broken("the checks of one and of all partials disagree".into())
                });
            }
            Err(other) => return Outcome::Broken(other.to_string()),
        }
    }
    match quorate_chains::attach(&task.built, &keys.wallet_key(), &signatures) {
        Ok(signed) => Outcome::Signed(signed, signatures),
        Err(error) => Outcome::Broken(error.to_string()),
    }
}

/// Checks every partial by itself, against what its maker signed; none if all are right.
pub fn inspect(task: &Task, coordinator: &PublicKey, parts: &[Part], rows: &Rows) -> Option<Outcome> {
    let (record, keys) = (&task.wallet.certificate.record, &task.wallet.keys);
    let (mut wrong, mut unsigned) = (Vec::new(), Vec::new());
    for (signer, row) in rows {
        for (part, partial) in parts.iter().zip(row) {
            match check_partial(record, keys, coordinator, &task.request, part, partial) {
                Ok(()) => continue,
                Err(CombineError::Wrong(_)) => wrong.push(WrongPartial {
                    coordinator: *coordinator,
                    request: task.request.clone(),
                    part: part.clone(),
                    partial: partial.clone(),
                }),
                Err(_) => unsigned.push(*signer),
            }
            break;
        }
    }
    if !wrong.is_empty() {
        return Some(Outcome::Wrong(wrong));
    }
    (!unsigned.is_empty()).then_some(Outcome::Unsigned(unsigned))
}

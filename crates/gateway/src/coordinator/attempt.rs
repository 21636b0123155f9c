//! One attempt at signing: assignments, one call to each signer, their partial signatures checked and combined.

use super::{Wallet, material, order};
use crate::gateway::Gateway;
use crate::nodes::CallError;
use crate::store::IntentRow;
use quorate_chains::{Built, SignedTx};
use quorate_coordination::rpc::{ErrorCode, SignCall};
use quorate_coordination::{
    Assignment, CombineError, KeySet, Material, NodeError, NodeRequest, NodeResponse, Part, Partial,
    RawSignature, SignedAssignment, SigningRequest, combine,
};
use quorate_intent::Approval;
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
}

/// What an attempt came to.
pub enum Outcome {
    /// A transaction that verifies.
    Signed(SignedTx, Vec<RawSignature>),
    /// Parties that did not do their part.
    Faults(Vec<Fault>),
    /// Nothing that another set could mend.
    Broken(String),
}

/// What one party did.
pub enum Fault {
    /// It did not answer, or cannot now.
    Absent(u16, String),
    /// It says no.
    Refused(u16, NodeError),
    /// It gave a wrong partial signature.
    Wrong(u16),
}

/// Runs one attempt with one set, ascending.
pub async fn run(gateway: &Gateway, task: &Task, set: &[u16]) -> Result<Outcome, sqlx::Error> {
    let gathered = material::gather(gateway, &task.wallet, set, task.request.items.len()).await;
    let materials = match gathered {
        Ok(materials) => materials,
        Err(problems) => {
            let absent = problems.into_iter().map(|(party, why)| Fault::Absent(party, why));
            return Ok(Outcome::Faults(absent.collect()));
        }
    };
    // Durable before anything leaves: from here on, what the transaction uses counts as used (§4.5).
    let mut tx = gateway.store.begin().await?;
    let attempt = tx.use_attempt(&task.row.id).await?;
    tx.commit().await?;
    let parts = match assign(gateway, task, attempt, materials) {
        Ok(parts) => parts,
        Err(problem) => return Ok(Outcome::Broken(problem)),
    };
    tracing::info!(intent = %task.row.id, attempt, ?set, items = parts.len(), "asking for partial signatures");
    let call = |party: &u16| {
        let sign = NodeRequest::Sign(SignCall {
            intent: task.row.signed.clone(),
            approvals: task.approvals.clone(),
            plan: task.plan.clone(),
            request: task.request.clone(),
            parts: parts.clone(),
        });
        task.wallet.certificate.record.party(*party).map(|key| (key, sign))
    };
    let calls = set.iter().filter_map(call).collect();
    let answers = gateway.nodes.call_all(calls, gateway.signing.call_timeout).await;
    let mut faults = Vec::new();
    let mut rows: Vec<Vec<Partial>> = Vec::new();
    for ((_, answer), party) in answers.into_iter().zip(set) {
        match answer {
            Ok(NodeResponse::Signed(partials))
                if partials.len() == parts.len() && partials.iter().all(|p| p.signer == *party) =>
            {
                rows.push(partials);
            }
            Ok(_) => faults.push(Fault::Wrong(*party)),
            Err(CallError::Refused(error)) => faults.push(refusal(gateway, task, set, *party, error)),
            Err(error) => faults.push(Fault::Absent(*party, error.to_string())),
        }
    }
    if !faults.is_empty() {
        return Ok(Outcome::Faults(faults));
    }
    Ok(finish(gateway, task, parts, rows).await)
}

fn refusal(gateway: &Gateway, task: &Task, set: &[u16], party: u16, error: NodeError) -> Fault {
    let id = task.wallet.certificate.record.wallet;
    if error.code == ErrorCode::NoStock {
        match task.wallet.keys {
            KeySet::Ecdsa(_) => gateway.coordinator.stock.drop_presignatures(id, set),
            _ => gateway.coordinator.stock.drop_commitments(id, party),
        }
    }
    if order::refuses(error.code) || error.code == ErrorCode::UnknownWallet {
        Fault::Refused(party, error)
    } else {
        Fault::Absent(party, error.to_string())
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

/// Checks and combines the partials of every item, and puts the signatures into the transaction.
async fn finish(gateway: &Gateway, task: &Task, parts: Vec<Part>, rows: Vec<Vec<Partial>>) -> Outcome {
    let (wallet, built) = (Arc::clone(&task.wallet), Arc::clone(&task.built));
    let (request, coordinator) = (task.request.clone(), gateway.identity.public());
    let work = move || {
        let record = &wallet.certificate.record;
        let mut signatures = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let partials: Vec<Partial> = rows.iter().filter_map(|row| row.get(at)).cloned().collect();
            match combine(record, &wallet.keys, &coordinator, &request, part, &partials) {
                Ok(signature) => signatures.push(signature),
                Err(error) => return blame(error),
            }
        }
        match quorate_chains::attach(&built, &wallet.keys.wallet_key(), &signatures) {
            Ok(signed) => Outcome::Signed(signed, signatures),
            Err(error) => Outcome::Broken(error.to_string()),
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Broken(format!("combining broke down: {error}")),
    }
}

fn blame(error: CombineError) -> Outcome {
    match error {
        CombineError::Wrong(parties) => Outcome::Faults(parties.into_iter().map(Fault::Wrong).collect()),
        CombineError::Forged(party) | CombineError::Unexpected(party) => {
            Outcome::Faults(vec![Fault::Wrong(party)])
        }
        other => Outcome::Broken(other.to_string()),
    }
}

//! A transaction's certificate (docs/audit.md): begun in the same write as the signature, completed when each signer has shown
//! the entry of its decision under a head that enough of the other nodes cosigned.

use super::attempt::{Rows, Task};
use super::{Wallet, Work};
use crate::gateway::Gateway;
use crate::store::{IntentRow, now};
use quorate_audit::{Note, witness_quorum};
use quorate_chains::{Plan, RawSignature, SignedTx};
use quorate_coordination::{NodeRequest, NodeResponse, Part};
use quorate_intent::{Approval, Hash, IntentId, PublicKey};
use quorate_verify::{Signing, TransactionCertificate, Verdict, certificate};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long heads take to be cosigned, and how often that is looked for at once; after that, now and then.
const SOON: (Duration, u32) = (Duration::from_millis(600), 5);
/// Pause before a pending certificate is tried again, in seconds.
const AGAIN: u64 = 30;
/// Most pending certificates that are taken up at a time.
const AT_ONCE: u32 = 16;
/// Longest wait for a node's verdict.
const WAIT: Duration = Duration::from_secs(5);

/// How a task was signed.
pub fn signing(task: &Task, parts: &[Part], rows: &Rows) -> Signing {
    let partials = (0..parts.len()).map(|at| rows.values().filter_map(|row| row.get(at)).cloned().collect());
    Signing { request: task.request.clone(), parts: parts.to_vec(), partials: partials.collect() }
}

/// What a certificate begins with.
pub struct Begun<'a> {
    /// The wallet.
    pub wallet: &'a Wallet,
    /// The intent.
    pub row: &'a IntentRow,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// How it was signed.
    pub signing: Signing,
}

/// The certificate as far as signing itself gives it: everything but the verdicts.
pub fn begin(
    gateway: &Gateway,
    begun: Begun<'_>,
    transaction: SignedTx,
    signatures: Vec<RawSignature>,
) -> Option<TransactionCertificate> {
    let Begun { wallet, row, mut approvals, signing } = begun;
    let chain = gateway.genesis.chain();
    let version = chain.version(&row.signed.intent.governance)?;
    let steps = chain.steps().get(..usize::try_from(version.number()).ok()?)?.to_vec();
    approvals.sort_by_key(|approval| approval.approver);
    let plan = row.plan.as_deref().unwrap_or_default();
    let plan = if row.signed.intent.body.planned() {
        Plan::decode(plan).and_then(|plan| plan.bare()).ok()?.encode()
    } else {
        Vec::new()
    };
    Some(TransactionCertificate {
        version: certificate::VERSION,
        cluster: chain.genesis().hash(),
        steps,
        key: wallet.certificate.clone(),
        intent: row.signed.clone(),
        approvals,
        plan,
        signing,
        signatures,
        transaction,
        verdicts: Vec::new(),
    })
}

/// Takes pending certificates up again.
pub async fn look(gateway: &Gateway) -> Result<(), sqlx::Error> {
    for id in gateway.store.pending_certificates(now().saturating_sub(AGAIN), AT_ONCE).await? {
        gateway.coordinator.enqueue(Work::Certify(id));
    }
    Ok(())
}

/// Asks the signers for their verdicts until the certificate is complete, or for a while.
pub async fn run(gateway: &Arc<Gateway>, id: &IntentId) {
    for at in 1..=SOON.1 {
        sleep(SOON.0).await;
        match attempt(gateway, id, at == SOON.1).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(intent = %id, %error, "the store failed; the certificate waits");
                return;
            }
        }
    }
}

/// One look at the signers; true when there is nothing left to do. What cannot be complete yet is verified and kept only the
/// `last` time: verifying takes milliseconds.
async fn attempt(gateway: &Arc<Gateway>, id: &IntentId, last: bool) -> Result<bool, sqlx::Error> {
    let Some((bytes, false)) = gateway.store.certificate(id).await? else { return Ok(true) };
    let row = gateway.store.intent(id).await?;
    let Some(form) = row.and_then(|row| row.outcome).map(|outcome| outcome.form) else { return Ok(true) };
    let Ok(mut certificate) = TransactionCertificate::decode(&bytes) else {
        tracing::error!(intent = %id, "a stored certificate cannot be read");
        return Ok(true);
    };
    certificate.verdicts = verdicts(gateway, &certificate, form).await;
    if !last && !cosigned(gateway, &certificate) {
        return Ok(false);
    }
    let genesis = gateway.genesis.chain().genesis().clone();
    // What this gateway hands out it has verified as anybody would.
    let own = Arc::clone(gateway);
    let checked = tokio::task::spawn_blocking(move || {
        let report = own.verifier.verify(&certificate, &genesis);
        (certificate, report)
    });
    let Ok((certificate, report)) = checked.await else { return Ok(false) };
    let (bytes, complete) = match report {
        Ok(report) => (certificate.encode(), report.complete),
        Err(problem) => {
            tracing::debug!(intent = %id, %problem, "the certificate is not whole yet");
            (bytes, false)
        }
    };
    let mut tx = gateway.store.begin().await?;
    tx.put_certificate(id, &bytes, complete).await?;
    tx.commit().await?;
    if complete {
        tracing::info!(intent = %id, "the certificate is complete");
    }
    Ok(complete)
}

/// Whether each signer's head has as many signatures as a complete certificate needs, whatever they are worth.
fn cosigned(gateway: &Gateway, certificate: &TransactionCertificate) -> bool {
    let chain = gateway.genesis.chain();
    let Some(version) = chain.version(&certificate.intent.intent.governance) else { return false };
    // The log's own, and its witnesses'.
    let needed = 1 + witness_quorum(version.parties.len());
    let signers = certificate.signing.partials.first().map_or(0, Vec::len);
    let has = |verdict: &Verdict| {
        Note::parse(&verdict.proven.checkpoint).is_ok_and(|note| note.signatures.len() >= needed)
    };
    certificate.verdicts.len() == signers && certificate.verdicts.iter().all(has)
}

/// What the signers show, in order of index; who does not answer is left out.
async fn verdicts(gateway: &Gateway, certificate: &TransactionCertificate, form: Hash) -> Vec<Verdict> {
    let signers = certificate.signing.partials.first().map(Vec::as_slice).unwrap_or_default();
    let record = &certificate.key.record;
    let parties: Vec<PublicKey> = signers.iter().filter_map(|partial| record.party(partial.signer)).collect();
    let intent = certificate.intent.intent.hash();
    let calls = parties.iter().map(|key| (*key, NodeRequest::Verdict { intent, form })).collect();
    let mut verdicts = Vec::new();
    for (party, answer) in gateway.nodes.call_all(calls, WAIT).await {
        match answer {
            Ok(NodeResponse::Proven(proven)) => verdicts.push(Verdict { party, proven: *proven }),
            Ok(_) => {}
            Err(error) => {
                let node = gateway.nodes.name(&party);
                tracing::debug!(%node, %error, "a signer did not show its verdict");
            }
        }
    }
    verdicts
}

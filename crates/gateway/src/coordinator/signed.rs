//! The end of a transfer: its transaction is kept and the nodes are told, whether the coordinator combined the signatures
//! or somebody hands them in whose partial signatures went by file.

use super::certify::{self, Begun};
use super::{Work, transfer};
use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{find, positive, unknown, wrong_state};
use crate::store::{Change, IntentRow, NewForm};
use axum::http::StatusCode;
use quorate_chains::{RawSignature, SignedTx};
use quorate_coordination::NodeRequest;
use quorate_coordination::api::{IntentView, NewTransaction, SignedTransaction, State};
use quorate_intent::{Hash, IntentId, PublicKey};
use quorate_verify::Signing;
use std::sync::Arc;

/// A transaction whose signatures were all verified.
pub struct Signed {
    /// The transaction.
    pub transaction: SignedTx,
    /// Its signatures, in order of what was signed.
    pub signatures: Vec<RawSignature>,
    /// Names of the signers.
    pub signers: Vec<String>,
    /// Hash of what exactly was signed.
    pub form: Hash,
    /// The transaction's certificate as far as it goes, canonical.
    pub certificate: Option<Vec<u8>>,
}

/// Moves an intent from one of the states `from` to `signed`, in one write with its transaction, and on to `broadcasting`
/// where its network is watched; false when it was in none.
pub async fn keep(
    gateway: &Gateway,
    row: &IntentRow,
    signed: Signed,
    from: &[State],
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let outcome = SignedTransaction {
        raw: hex::encode(&signed.transaction.raw),
        id: signed.transaction.id,
        signatures: signed.signatures,
        signers: signed.signers,
        form: signed.form,
    };
    let (id, body) = (&row.id, &row.signed.intent.body);
    let watched = body.network().filter(|_| body.planned()).and_then(|network| gateway.watch.of(&network));
    let mut tx = gateway.store.begin().await?;
    let change = Change { from, to: State::Signed, reason: Some(reason), rule: None };
    if !tx.change(id, &change).await? {
        return Ok(false);
    }
    tx.set_outcome(id, &outcome).await?;
    if let Some(certificate) = &signed.certificate {
        tx.put_certificate(id, certificate, false).await?;
    }
    if let Some(watched) = watched {
        let form = NewForm {
            outcome: &outcome,
            plan: row.plan.as_deref().unwrap_or_default(),
            summary: row.summary.as_ref(),
            certificate: signed.certificate.as_deref(),
        };
        tx.add_form(id, &watched.config.network, &form).await?;
        let change =
            Change { from: &[State::Signed], to: State::Broadcasting, reason: Some(reason), rule: None };
        tx.change(id, &change).await?;
    }
    tx.commit().await?;
    if let Some(row) = gateway.store.intent(id).await? {
        gateway.past.add(&row).await;
    }
    if let Some(watched) = watched {
        watched.wake();
    }
    Ok(true)
}

/// Tells every node of a finished transaction. The signature stands; who misses the note loses nothing else.
pub async fn tell(gateway: &Gateway, intent: Hash, form: Hash, transaction: String) {
    let finished = NodeRequest::Finished { intent, form, transaction };
    let calls: Vec<(PublicKey, NodeRequest)> =
        gateway.nodes.all().iter().map(|node| (node.party.key, finished.clone())).collect();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        if let Err(error) = answer {
            let node = gateway.nodes.name(&key);
            tracing::debug!(%intent, %node, %error, "a node was not told of the finished transaction");
        }
    }
}

/// Takes in what files of partial signatures were combined to. Every signature is verified against the transaction that
/// intent and plan give, so it does not matter who hands it in. It may come after the intent has expired: partial signatures
/// were out, so the transaction can exist, and a record that says otherwise would be wrong.
pub async fn hand_in(
    gateway: &Arc<Gateway>,
    id: &IntentId,
    new: NewTransaction,
) -> Result<IntentView, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
    if let Some(outcome) = &row.outcome {
        if outcome.signatures == new.signatures {
            return find(gateway, id).await;
        }
        return Err(wrong_state(&row, "other signatures of it were handed in already"));
    }
    let signed = check(gateway, &row, new).await?;
    let (form, transaction) = (signed.form, signed.transaction.id.clone());
    let reason = format!("combined from files of {}", signed.signers.join(", "));
    if !keep(gateway, &row, signed, &[State::Signing, State::Expired], &reason).await? {
        let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
        return Err(wrong_state(&row, "it ended meanwhile"));
    }
    tracing::info!(intent = %id, %transaction, "a transaction that was combined from files is taken in");
    // Nodes that are down would keep the caller waiting.
    let (telling, intent) = (Arc::clone(gateway), row.signed.intent.hash());
    tokio::spawn(async move { tell(&telling, intent, form, transaction).await });
    gateway.coordinator.enqueue(Work::Certify(*id));
    if let Some(wallet) = row.signed.intent.body.signing_wallet() {
        gateway.coordinator.enqueue(Work::Prepare(wallet));
    }
    find(gateway, id).await
}

/// How it was signed, by the word of who hands it in: the certificate's verifier judges it.
fn read_signing(text: &str) -> Result<Signing, ApiError> {
    let bytes = hex::decode(text).ok();
    let signing = bytes.and_then(|bytes| borsh::from_slice(&bytes).ok());
    signing.ok_or_else(|| {
        let detail = "must be the canonical bytes of request, parts and partial signatures, in hex";
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_signing", detail).field("signing")
    })
}

async fn check(gateway: &Gateway, row: &IntentRow, new: NewTransaction) -> Result<Signed, ApiError> {
    let Some(asked) = row.signed.intent.body.signing_wallet() else {
        return Err(wrong_state(row, "only transfers, contract calls and messages are signed"));
    };
    if !row.by_file {
        return Err(wrong_state(row, "its signatures do not go by file; the gateway asks the nodes itself"));
    }
    if row.asked == 0 || ![State::Signing, State::Expired].contains(&row.state) {
        return Err(wrong_state(row, "no signing call of it was handed out"));
    }
    let unusable = || ApiError::internal("the wallet's certificate cannot be used");
    let wallet = gateway.coordinator.wallet(&asked).ok_or_else(unusable)?;
    let wrong = |detail: String| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_signers", detail).field("signers")
    };
    let threshold = wallet.keys.threshold();
    let mut signers = new.signers;
    signers.sort_unstable();
    signers.dedup();
    if signers.len() != threshold {
        return Err(wrong(format!("name the {threshold} different nodes that signed")));
    }
    let genesis = gateway.genesis.current();
    for name in &signers {
        let party = genesis.parties.iter().find(|party| party.name == *name);
        if party.and_then(|party| wallet.certificate.record.index_of(&party.key)).is_none() {
            return Err(wrong(format!("{name:?} holds no share of this wallet")));
        }
    }
    let built = transfer::rebuild(&wallet, row).await?;
    let (key, form) = (wallet.keys.wallet_key(), Hash(built.form));
    let given = new.signatures;
    let work = move || (quorate_chains::attach(&built, &key, &given), given);
    let (attached, signatures) = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    let transaction = attached.map_err(|error| ApiError::from(error).field("signatures"))?;
    let certificate = match new.signing {
        Some(text) => {
            let signing = read_signing(&text)?;
            let approvals = positive(gateway.store.approvals(&row.id).await?);
            let begun = Begun { wallet: &wallet, row, approvals, signing };
            certify::begin(gateway, begun, transaction.clone(), signatures.clone())
        }
        None => None,
    };
    let certificate = certificate.map(|certificate| certificate.encode());
    Ok(Signed { transaction, signatures, signers, form, certificate })
}

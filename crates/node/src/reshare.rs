//! Taking part in a reshare: as a dealer, a recipient or both (docs/spec §2.2, §2.3).

use crate::ceremonies::Freely;
use crate::certificates::{self, Source};
use crate::error::{session_error, vault_error};
use crate::generate::judge_order;
use crate::node::Shared;
use crate::records::Records;
use crate::wallets::SuiteShare;
use quorate_audit::{AcceptedOrder, Body, Ceremony, CeremonyKind};
use quorate_ceremonies::reshare::{self as ceremony, Outcome};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{
    Certificate, NodeError, NodeResponse, Proof, RecordError, Reshared, Resharing, WalletRecord,
};
use quorate_intent::{Approval, Body as IntentBody, SignedIntent, Suite};
use quorate_policy::Validity;
use quorate_protocols::key::KeyShare;
use quorate_session::{Config, Limits, Own, SessionError, statement_digest};
use quorate_sharing::{Curve, Secp256k1};
use quorate_vault::{Epochs, VaultError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node is asked.
pub(crate) struct Asked {
    pub ceremony: [u8; 32],
    pub order: SignedIntent,
    pub approvals: Vec<Approval>,
    pub base: Certificate,
    pub dealers: Vec<u16>,
}

fn bad(message: impl Into<String>) -> NodeError {
    NodeError::new(ErrorCode::BadRequest, message)
}

/// Runs the ceremony of an approved order or of its schedule.
pub(crate) async fn reshare(shared: &Arc<Shared>, asked: Asked) -> Result<NodeResponse, NodeError> {
    let Asked { ceremony, order, approvals, base, dealers } = asked;
    authorised(shared, &order, &approvals, &base.record).await?;
    let not_authorised = |error: RecordError| NodeError::new(ErrorCode::NotAuthorised, error.to_string());
    base.check_in(&shared.genesis.chain(), statement_digest).map_err(not_authorised)?;
    if base.destroys() {
        return Err(bad("a destroyed key has no epoch to start from"));
    }
    let plan = Resharing::new(&order, base.record.clone(), dealers).map_err(not_authorised)?;
    let (deals, receives) = (plan.dealers().contains(&shared.me), plan.recipients().contains(&shared.me));
    if !deals && !receives {
        return Err(bad("this node is neither a dealer nor a recipient"));
    }
    let wallet = base.record.wallet;
    let Some(_turn) = shared.generating.take(wallet) else {
        return Err(NodeError::new(ErrorCode::Busy, format!("wallet {wallet} is in another ceremony")));
    };
    // The highest certificate wins, whoever brings it. Who is no party of it has no use for it.
    if base.record.index_of(&shared.me).is_some()
        && let Err(error) = certificates::certify(shared, base.clone(), Source::Gateway).await
    {
        // What that means for this order is judged below and in the vault; a recipient needs nothing of the base.
        tracing::debug!(%wallet, %error, "the base's certificate was not taken");
    }
    let told_try = told_try(shared, &plan).await?;
    let share = if deals { Some(own_share(shared, &base.record)?) } else { None };
    let entry = Ceremony {
        order: plan.order(),
        wallet,
        kind: CeremonyKind::Reshare,
        order_number: plan.order_number(),
        attempt_try: told_try.saturating_add(1),
    };
    shared.log(Body::CeremonyStarted(entry.clone())).await;
    let result = match config(shared, ceremony, &plan, told_try) {
        Ok(config) => run(shared, config, plan, share).await,
        Err(error) => Err(error),
    };
    match result {
        Ok((record, proof)) => {
            let proof = Proof::Reshare(Box::new(proof));
            let certificate = Certificate { record, order, approvals, proof };
            let (attempt, record) = (certificate.record.attempt, certificate.record.hash());
            certificates::certify(shared, certificate.clone(), Source::Own).await?;
            shared.log(Body::CeremonyDone { ceremony: entry, attempt, record }).await;
            Ok(NodeResponse::Reshared(Box::new(certificate)))
        }
        Err(error) => {
            crate::disputes::record_faults(shared, &error).await;
            let reason: String = error.to_string().chars().take(500).collect();
            shared.log(Body::CeremonyFailed { ceremony: entry, reason }).await;
            Err(session_error(&error))
        }
    }
}

/// Whether the administrators approved it: the order itself, or the schedule that it set up.
async fn authorised(
    shared: &Shared,
    intent: &SignedIntent,
    approvals: &[Approval],
    base: &WalletRecord,
) -> Result<(), NodeError> {
    let IntentBody::Order(order) = &intent.intent.body else {
        return Err(bad("this intent is not an order"));
    };
    let by_schedule = matches!(order.kind, quorate_intent::OrderKind::Schedule { .. })
        || base.order == intent.intent.hash();
    let validity = if by_schedule { Validity::Schedule } else { Validity::Now };
    judge_order(shared, intent, approvals, validity).await?;
    crate::passkeys::admit(shared, intent, approvals).await
}

/// The last try of this order that this node knows of; an error when it must not take part in another (§2.3). The vault sees to
/// the same inside its own writes.
async fn told_try(shared: &Shared, plan: &Resharing) -> Result<u32, NodeError> {
    let epochs: Epochs =
        shared.vault.epochs(&plan.base().wallet).await.map_err(|error| vault_error(&error))?;
    let (number, order) = (plan.order_number(), plan.order());
    let told = epochs.told_try(number, &order);
    let Some(attempt_try) = told.checked_add(1) else {
        let message = format!("order {number} is used up; approve a new order");
        return Err(NodeError::new(ErrorCode::Refused, message));
    };
    let new = AcceptedOrder { number, attempt_try, order };
    let accepted = epochs.accept(new, Some(plan.base().attempt));
    accepted.map(|()| told).map_err(|refusal| vault_error(&VaultError::Order(refusal)))
}

/// This node's share of the base.
fn own_share(shared: &Shared, base: &WalletRecord) -> Result<SuiteShare, NodeError> {
    let wallet = crate::calls::wallet(shared, &base.wallet)?;
    if wallet.record() != base {
        let message = format!("this node's active epoch is {}, not the base", wallet.record().attempt);
        return Err(NodeError::new(ErrorCode::UnknownWallet, message));
    }
    Ok(wallet.share.clone())
}

fn config(shared: &Shared, name: [u8; 32], plan: &Resharing, told_try: u32) -> Result<Config, SessionError> {
    Ok(Config {
        ceremony: name,
        participants: ceremony::participants(plan)?,
        terms: ceremony::terms(plan),
        own: Own { boot: shared.boot, pairs: BTreeMap::new(), told_try },
        // A round is a few milliseconds of arithmetic: who is that late is not there, and the next try may do without it.
        limits: Limits { round: 8_000, ..Limits::default() },
    })
}

type Made = (WalletRecord, Reshared);

async fn run(
    shared: &Arc<Shared>,
    config: Config,
    plan: Resharing,
    share: Option<SuiteShare>,
) -> Result<Made, SessionError> {
    let other = || SessionError::Config("the share is of another suite");
    match (plan.base().suite, share) {
        (Suite::Ed25519, None) => run_over::<quorate_sharing::Ed25519>(shared, config, plan, None).await,
        (Suite::Ed25519, Some(SuiteShare::Ed25519(share))) => {
            run_over(shared, config, plan, Some(share)).await
        }
        (Suite::Ecdsa | Suite::Bip340, None) => run_over::<Secp256k1>(shared, config, plan, None).await,
        (Suite::Ecdsa, Some(SuiteShare::Ecdsa(share))) | (Suite::Bip340, Some(SuiteShare::Bip340(share))) => {
            run_over(shared, config, plan, Some(share)).await
        }
        _ => Err(other()),
    }
}

async fn run_over<C: Curve>(
    shared: &Arc<Shared>,
    config: Config,
    plan: Resharing,
    share: Option<Arc<KeyShare<C>>>,
) -> Result<Made, SessionError> {
    let records = Records {
        vault: shared.vault.clone(),
        wallet: plan.base().wallet,
        number: plan.order_number(),
        order: plan.order(),
        base: Some(plan.base().attempt),
    };
    let protocol = ceremony::protocol(plan, share);
    let Outcome { share, record, proof } = shared.ceremonies.run(config, protocol, records, Freely).await?;
    // It is in the vault as pending; from there it is opened like any other.
    drop(share);
    Ok((record, proof))
}

//! Taking part in the generation of a key, and taking over its certificate.

use crate::ceremonies::Persist;
use crate::error::{session_error, vault_error};
use crate::node::Shared;
use crate::wallets::Wallet;
use quorate_audit::{Body, Ceremony, CeremonyKind};
use quorate_ceremonies::generate::{ORDER_TRY, PENDING, Pending};
use quorate_ceremonies::{Generate, Generated};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Certificate, NodeError, NodeResponse, WalletRecord};
use quorate_intent::{
    Approval, Body as IntentBody, Hash, Order, OrderKind, Signature, SignedIntent, Suite, WalletId,
};
use quorate_policy::Decision;
use quorate_session::{Config, Limits, Own, Participants, PersistRecord, Terms, statement_digest};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use quorate_vault::{Share, Vault};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Runs the ceremony of an approved order.
pub(crate) async fn generate(
    shared: &Arc<Shared>,
    ceremony: [u8; 32],
    intent: SignedIntent,
    approvals: Vec<Approval>,
) -> Result<NodeResponse, NodeError> {
    let order = allowed_order(shared, &intent, &approvals).await?;
    let OrderKind::Generate { suite, threshold, parties, label } = order.kind.clone() else {
        return Err(NodeError::new(ErrorCode::BadRequest, "this order is for another kind of ceremony"));
    };
    if !parties.contains(&shared.me) {
        return Err(NodeError::new(ErrorCode::BadRequest, "this node is not among the order's parties"));
    }
    if shared.wallets.get(&order.wallet).is_some() {
        let message = format!("wallet {} exists already", order.wallet);
        return Err(NodeError::new(ErrorCode::Refused, message));
    }
    let hash = intent.intent.hash();
    let told_try = match shared.vault.accepted_order(&order.wallet).await.map_err(|e| vault_error(&e))? {
        Some(accepted) if accepted.number == order.number => accepted.attempt_try,
        _ => 0,
    };
    let entry = Ceremony {
        order: hash,
        wallet: order.wallet,
        kind: CeremonyKind::Generate,
        order_number: order.number,
        attempt_try: told_try + 1,
    };
    shared.log(Body::CeremonyStarted(entry.clone())).await;
    let config = config(shared, ceremony, &order, hash, told_try);
    let config = config.map_err(|error| session_error(&error))?;
    let terms = Generate::new(order.wallet, suite, label, (hash, order.number), parties);
    let threshold_ok = usize::from(threshold) >= 2;
    debug_assert!(threshold_ok, "checked with the order");
    let result = match suite {
        Suite::Ecdsa | Suite::Bip340 => run::<Secp256k1>(shared, config, terms).await,
        Suite::Ed25519 => run::<Ed25519>(shared, config, terms).await,
    };
    match result {
        Ok((record, signatures)) => {
            let certificate = Certificate { record, order: intent, approvals, signatures };
            activate(shared, &certificate).await?;
            let (attempt, record) = (certificate.record.attempt, certificate.record.hash());
            shared.log(Body::CeremonyDone { ceremony: entry, attempt, record }).await;
            Ok(NodeResponse::Generated(Box::new(certificate)))
        }
        Err(error) => {
            crate::pairs::record_faults(shared, &error).await;
            let reason: String = error.to_string().chars().take(500).collect();
            shared.log(Body::CeremonyFailed { ceremony: entry, reason }).await;
            Err(session_error(&error))
        }
    }
}

/// The order, if the administrators approved it.
async fn allowed_order(
    shared: &Shared,
    intent: &SignedIntent,
    approvals: &[Approval],
) -> Result<Order, NodeError> {
    match quorate_policy::decide(&shared.genesis, intent, approvals, shared.now()) {
        Decision::Deny { rule, reason } => {
            let entry = Body::Refused {
                intent: intent.intent.hash(),
                rule: rule.to_owned(),
                reason: reason.to_string(),
            };
            shared.log(entry).await;
            Err(NodeError::new(ErrorCode::NotAuthorised, format!("{reason} (rule {rule})")))
        }
        Decision::Allow { .. } => match &intent.intent.body {
            IntentBody::Order(order) => Ok(order.clone()),
            _ => Err(NodeError::new(ErrorCode::BadRequest, "this intent is not an order")),
        },
    }
}

fn config(
    shared: &Shared,
    ceremony: [u8; 32],
    order: &Order,
    hash: Hash,
    told_try: u32,
) -> Result<Config, quorate_session::SessionError> {
    let OrderKind::Generate { suite, threshold, parties, .. } = &order.kind else {
        return Err(quorate_session::SessionError::Config("not a generate order"));
    };
    Ok(Config {
        ceremony,
        participants: Participants::by_key::<Secp256k1>(parties.iter().copied())?,
        terms: Terms {
            suite: suite.to_string(),
            purpose: "generate".to_owned(),
            order: hash.0,
            order_number: order.number,
            key: order.wallet.0,
            base_epoch: None,
            threshold: *threshold,
            extra: Vec::new(),
        },
        own: Own { boot: shared.boot, pairs: BTreeMap::new(), told_try },
        limits: Limits::default(),
    })
}

async fn run<C: Curve>(
    shared: &Arc<Shared>,
    config: Config,
    terms: Generate,
) -> Result<(WalletRecord, Vec<Signature>), quorate_session::SessionError> {
    let (wallet, number, order) = (terms.wallet, terms.order_number, terms.order);
    let persist = Store { vault: shared.vault.clone(), wallet, number, order };
    let Generated { share, record, signatures } =
        shared.ceremonies.run(config, terms.protocol::<C>(), persist).await?;
    // It is in the vault as pending; from there it is opened like any other.
    drop(share);
    Ok((record, signatures))
}

/// Durable writes of a generate ceremony.
struct Store {
    vault: Vault,
    wallet: WalletId,
    number: u64,
    order: Hash,
}

impl Persist for Store {
    async fn persist(&self, record: PersistRecord) -> Result<(), String> {
        match record.label {
            ORDER_TRY => {
                let attempt_try = record.bytes.as_slice().try_into().map(u32::from_be_bytes);
                let attempt_try = attempt_try.map_err(|_| "a try has four bytes")?;
                let accepted =
                    self.vault.accept_order(self.wallet, self.number, attempt_try, self.order).await;
                accepted.map_err(|error| error.to_string())
            }
            PENDING => {
                let mut pending: Pending =
                    borsh::from_slice(&record.bytes).map_err(|error| error.to_string())?;
                let share = Share {
                    attempt: pending.record.attempt,
                    secret: Zeroizing::new(std::mem::take(&mut pending.secret)),
                    record: crate::mesh::encode(&pending.record),
                    prepared: pending.signature.0.to_vec(),
                };
                self.vault.put_pending(self.wallet, share).await.map_err(|error| error.to_string())
            }
            other => Err(format!("nothing takes a record {other}")),
        }
    }
}

/// Stores the certificate and opens the share for signing.
async fn activate(shared: &Arc<Shared>, certificate: &Certificate) -> Result<(), NodeError> {
    let (wallet, attempt) = (certificate.record.wallet, certificate.record.attempt);
    let bytes = crate::mesh::encode(certificate);
    shared.vault.activate(wallet, attempt, bytes).await.map_err(|error| vault_error(&error))?;
    let share = shared.vault.active(&wallet).await.map_err(|error| vault_error(&error))?;
    if let Some(share) = share.filter(|share| share.attempt == attempt) {
        let opened = Wallet::open(certificate.clone(), &share, &shared.me);
        shared.wallets.insert(opened.map_err(|problem| NodeError::new(ErrorCode::Internal, problem))?);
    }
    Ok(())
}

/// Takes a certificate that this node missed: whoever has a pending share activates it now.
pub(crate) async fn certify(
    shared: &Arc<Shared>,
    certificate: Certificate,
) -> Result<NodeResponse, NodeError> {
    if let Err(error) = certificate.check(&shared.genesis, statement_digest) {
        return Err(NodeError::new(ErrorCode::NotAuthorised, error.to_string()));
    }
    let wallet = certificate.record.wallet;
    if shared.wallets.get(&wallet).is_some() {
        return Ok(NodeResponse::Done);
    }
    let pendings = shared.vault.pendings(&wallet).await.map_err(|error| vault_error(&error))?;
    if !pendings.iter().any(|pending| pending.attempt == certificate.record.attempt) {
        let message = "this node holds no pending share of that epoch";
        return Err(NodeError::new(ErrorCode::Refused, message));
    }
    activate(shared, &certificate).await?;
    Ok(NodeResponse::Done)
}

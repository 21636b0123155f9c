//! Orders: what the administrators approved for a key is carried out by the order's parties (docs/spec §1.8, §2).

use super::{End, adopt, reshare, schedule, unusable};
use crate::gateway::Gateway;
use crate::intents::positive;
use crate::nodes::CallError;
use crate::store::{IntentRow, now};
use quorate_coordination::api::State;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Certificate, NodeRequest, NodeResponse, Proof};
use quorate_intent::{IntentId, Order, OrderKind, PublicKey, WalletId};
use rand_core::{OsRng, RngCore};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Most ceremonies for one order between two starts of the gateway.
pub const TRIES: u32 = 4;
/// Pause between two of them.
pub const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two looks for missing parties.
pub const POLL: Duration = Duration::from_millis(100);

/// Carries an order out.
pub async fn run(gateway: &Arc<Gateway>, row: &IntentRow, order: &Order) -> Result<End, sqlx::Error> {
    if row.signed.intent.governance != gateway.genesis.hash() {
        let reason = "the governance version that it names is not in force any more; ask for it anew";
        return Ok(End::new(State::Blocked, reason));
    }
    let end = match &order.kind {
        OrderKind::Generate { parties, .. } => return generate(gateway, row, order, parties).await,
        OrderKind::Reshare { .. } => reshare::run(gateway, row, order).await?,
        OrderKind::Schedule { .. } => return schedule::begin(gateway, row, order).await,
        OrderKind::Destroy { .. } => destroy(gateway, row, order).await?,
        _ => return Ok(End::new(State::Failed, "this gateway cannot carry out this kind of order")),
    };
    // Any later order for the key ends the schedule that there was; it may carry a new one.
    if end.state == State::Completed {
        schedule::replace(gateway, row, order).await?;
    }
    Ok(end)
}

async fn generate(
    gateway: &Arc<Gateway>,
    row: &IntentRow,
    order: &Order,
    parties: &[PublicKey],
) -> Result<End, sqlx::Error> {
    if gateway.coordinator.wallet(&order.wallet).is_some() {
        return Ok(End::new(State::Completed, "the wallet exists"));
    }
    let approvals = positive(gateway.store.approvals(&row.id).await?);
    let deadline = Instant::now() + gateway.signing.order_timeout;
    let mut last = String::new();
    for _ in 0..TRIES {
        if let Some(end) = wait_for(gateway, row, parties, deadline).await {
            return Ok(if last.is_empty() { end } else { End::new(State::Failed, last) });
        }
        // A ceremony may have ended well just before this gateway was restarted.
        if recover(gateway, order.wallet, parties, row.id).await {
            return Ok(End::new(State::Completed, "the wallet exists"));
        }
        let ceremony = fresh();
        let call = |key: &PublicKey| {
            let (order, approvals) = (row.signed.clone(), approvals.clone());
            (*key, NodeRequest::Generate { ceremony, order, approvals })
        };
        let calls = parties.iter().map(call).collect();
        let answers = gateway.nodes.call_all(calls, gateway.signing.ceremony_timeout).await;
        let mut problems = Vec::new();
        for (key, answer) in answers {
            let name = gateway.nodes.name(&key);
            match answer {
                Ok(NodeResponse::Generated(certificate)) => {
                    match take(gateway, *certificate, order.wallet, row.id).await {
                        Ok(()) => {
                            spread(gateway, order.wallet).await;
                            return Ok(End::new(State::Completed, "the wallet exists"));
                        }
                        Err(problem) => problems.push(format!("{name}: {problem}")),
                    }
                }
                Ok(_) => problems.push(format!("{name}: an answer that does not fit the call")),
                Err(CallError::Refused(error)) if refuses(error.code) => {
                    let end = End::new(State::Blocked, format!("{name}: {error}"));
                    return Ok(end.rule(format!("node {name}: {:?}", error.code)));
                }
                Err(CallError::Refused(error)) if error.code == ErrorCode::Waiting => {
                    return Ok(End::new(State::Approved, format!("{name}: {error}")));
                }
                Err(error) => problems.push(format!("{name}: {error}")),
            }
        }
        last = format!("the key was not generated: {}", problems.join("; "));
        tracing::warn!(intent = %row.id, problem = %last, "a ceremony gave no key");
        sleep(PAUSE).await;
    }
    Ok(End::new(State::Failed, last))
}

/// Ends a key for good: the order itself is the certificate (§2.3). Who is away now is told when it is back.
async fn destroy(gateway: &Arc<Gateway>, row: &IntentRow, order: &Order) -> Result<End, sqlx::Error> {
    let done = || End::new(State::Completed, "the key is destroyed");
    let Some(held) = gateway.store.wallet(&order.wallet).await? else {
        return Ok(End::new(State::Failed, "the wallet is not known"));
    };
    if held.destroys() && held.order.intent.hash() == row.signed.intent.hash() {
        return Ok(done());
    }
    if now() >= row.signed.intent.expires {
        return Ok(End::new(State::Failed, "the order expired before it was carried out"));
    }
    let approvals = positive(gateway.store.approvals(&row.id).await?);
    let (record, order) = (held.record, row.signed.clone());
    let certificate = Certificate { record, order, approvals, proof: Proof::Destroy };
    let mut problems = Vec::new();
    let parties = certificate.record.parties.clone();
    let calls = parties.iter().map(|key| (*key, NodeRequest::Certify(certificate.clone()))).collect();
    let mut taken = 0;
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        match answer {
            Ok(_) => taken += 1,
            Err(error) => problems.push(format!("{}: {error}", gateway.nodes.name(&key))),
        }
    }
    if taken == 0 {
        return Ok(End::new(State::Failed, format!("no node destroyed its share: {}", problems.join("; "))));
    }
    if let Err(error) = adopt(gateway, certificate).await {
        return Ok(End::new(State::Failed, error.to_string()));
    }
    if problems.is_empty() {
        return Ok(done());
    }
    let away = problems.join("; ");
    Ok(End::new(State::Completed, format!("the key is destroyed; told when they are back: {away}")))
}

/// Names a new ceremony.
pub fn fresh() -> [u8; 32] {
    let mut ceremony = [0; 32];
    OsRng.fill_bytes(&mut ceremony);
    ceremony
}

/// Whether a node says no for good, and not only for now.
pub fn refuses(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::BadRequest | ErrorCode::NotAuthorised | ErrorCode::Mismatch | ErrorCode::Refused
    )
}

/// Waits until all parties can be asked; an end when they cannot in time.
async fn wait_for(
    gateway: &Gateway,
    row: &IntentRow,
    parties: &[PublicKey],
    deadline: Instant,
) -> Option<End> {
    loop {
        if now() >= row.signed.intent.expires {
            return Some(End::new(State::Failed, "the order expired before it was carried out"));
        }
        let missing = unusable(gateway, parties);
        if missing.is_empty() {
            // Past the deadline no further ceremony is begun.
            let late = Instant::now() >= deadline;
            return late.then(|| End::new(State::Failed, "the order was not carried out in time"));
        }
        if Instant::now() >= deadline {
            let reason = format!("all parties are needed; missing: {}", missing.join(", "));
            return Some(End::new(State::Failed, reason));
        }
        sleep(POLL).await;
    }
}

/// Asks all these nodes for a certificate of this order, whatever they said of themselves last.
pub async fn ask_all(
    gateway: &Arc<Gateway>,
    wallet: WalletId,
    parties: &[PublicKey],
    order: IntentId,
) -> bool {
    let calls = parties.iter().map(|key| (*key, NodeRequest::Wallets)).collect();
    let mut found = false;
    for (_, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        let Ok(NodeResponse::Wallets(certificates)) = answer else { continue };
        for certificate in certificates.into_iter().filter(|c| c.record.wallet == wallet) {
            found |= take(gateway, certificate, wallet, order).await.is_ok();
        }
    }
    if found {
        spread(gateway, wallet).await;
    }
    found
}

/// Looks for a certificate of this order that a node has already.
pub async fn recover(
    gateway: &Arc<Gateway>,
    wallet: WalletId,
    parties: &[PublicKey],
    order: IntentId,
) -> bool {
    let has = |key: &&PublicKey| {
        let seen = gateway.nodes.get(key).and_then(|node| node.seen().ok());
        seen.is_some_and(|seen| {
            let of_order = |record: &quorate_coordination::WalletRecord| {
                record.wallet == wallet && record.order.0 == order.0
            };
            seen.status.wallets.iter().any(of_order)
        })
    };
    for key in parties.iter().filter(has) {
        let calls = vec![(*key, NodeRequest::Wallets)];
        for (_, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
            let Ok(NodeResponse::Wallets(certificates)) = answer else { continue };
            for certificate in certificates.into_iter().filter(|c| c.record.wallet == wallet) {
                if take(gateway, certificate, wallet, order).await.is_ok() {
                    spread(gateway, wallet).await;
                    return true;
                }
            }
        }
    }
    false
}

/// Checks the certificate of this order and keeps it.
pub async fn take(
    gateway: &Arc<Gateway>,
    certificate: Certificate,
    wallet: WalletId,
    order: IntentId,
) -> Result<(), String> {
    if certificate.record.wallet != wallet || certificate.record.order.0 != order.0 {
        return Err("a certificate of another order".into());
    }
    adopt(gateway, certificate).await.map(|_| ()).map_err(|error| error.to_string())
}

/// Hands a wallet's certificate to all its parties, and to those of the epoch before it. Who does not get it now gets it
/// when it is watched, or from another node.
pub async fn spread(gateway: &Arc<Gateway>, id: WalletId) {
    let Some(wallet) = gateway.coordinator.wallet(&id) else { return };
    let mut parties: BTreeSet<PublicKey> = wallet.certificate.record.parties.iter().copied().collect();
    if let Proof::Reshare(reshared) = &wallet.certificate.proof {
        parties.extend(&reshared.base.parties);
    }
    let certify = |key: &PublicKey| (*key, NodeRequest::Certify(wallet.certificate.clone()));
    let calls = parties.iter().map(certify).collect();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        if let Err(error) = answer {
            let node = gateway.nodes.name(&key);
            tracing::warn!(%node, wallet = %id, %error, "a node did not take the certificate yet");
        }
    }
}

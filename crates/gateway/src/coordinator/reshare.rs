//! Reshares (docs/spec §2.2): chooses t dealers of the base that are there, asks dealers and recipients to run the ceremony,
//! and tries again with other dealers when that gave nothing. The old epoch signs on meanwhile; nothing here can lose it.

use super::order::{PAUSE, POLL, TRIES, ask_all, fresh, recover, refuses, spread, take};
use super::{End, Wallet, pairs, unusable};
use crate::gateway::Gateway;
use crate::intents::positive;
use crate::nodes::CallError;
use crate::store::{IntentRow, now};
use quorate_coordination::api::State;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{KeySet, NodeRequest, NodeResponse};
use quorate_intent::{Approval, Order, OrderKind, PublicKey};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// One epoch that is to follow another.
pub struct Job<'a> {
    /// The order.
    pub row: &'a IntentRow,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// The base.
    pub base: Arc<Wallet>,
    /// Identity keys of the recipients.
    pub recipients: &'a [PublicKey],
    /// Unix seconds; no ceremony begins at or after it.
    pub expires: u64,
    /// How long it may wait for its parties.
    pub patience: Duration,
}

/// Carries an order for a reshare out.
pub async fn run(gateway: &Arc<Gateway>, row: &IntentRow, order: &Order) -> Result<End, sqlx::Error> {
    let OrderKind::Reshare { base, recipients, .. } = &order.kind else {
        return Ok(End::new(State::Failed, "not an order for a reshare"));
    };
    let Some(wallet) = gateway.coordinator.wallet(&order.wallet) else {
        return Ok(End::new(State::Failed, "the wallet is not known, or destroyed"));
    };
    let done = End::new(State::Completed, "the new epoch is active");
    if wallet.certificate.record.order.0 == row.id.0 {
        spread(gateway, order.wallet).await;
        return Ok(done);
    }
    if wallet.record != *base {
        let reason = "its base is not the active epoch; ask for it anew";
        return Ok(End::new(State::Failed, reason));
    }
    let approvals = positive(gateway.store.approvals(&row.id).await?);
    let expires = row.signed.intent.expires;
    let patience = gateway.signing.order_timeout;
    let job = Job { row, approvals, base: wallet, recipients, expires, patience };
    Ok(match attempt(gateway, &job).await {
        Ok(()) => done,
        Err(end) => end,
    })
}

/// Runs ceremonies until one gives a certificate.
pub async fn attempt(gateway: &Arc<Gateway>, job: &Job<'_>) -> Result<(), End> {
    let id = job.base.certificate.record.wallet;
    let everybody = everybody(job);
    let deadline = Instant::now() + job.patience;
    let mut last = None;
    for number in 0..TRIES {
        let dealers = match wait_for(gateway, job, deadline, number).await {
            Ok(dealers) => dealers,
            Err(_) if newer(gateway, job) => return Ok(()),
            Err(reason) => return Err(last.unwrap_or_else(|| End::new(State::Failed, reason))),
        };
        // An earlier try may have come to its end after all.
        if recover(gateway, id, &everybody, job.row.id).await && newer(gateway, job) {
            return Ok(());
        }
        renew_pairs(gateway, job).await;
        match ceremony(gateway, job, &dealers).await {
            Ok(()) => return Ok(()),
            // Who is ahead of us says no: then there is a certificate to be had.
            Err(_) if ask_all(gateway, id, &everybody, job.row.id).await && newer(gateway, job) => {
                return Ok(());
            }
            Err(end) if matches!(end.state, State::Blocked | State::Approved) => return Err(end),
            Err(end) => {
                tracing::warn!(intent = %job.row.id, problem = end.reason, "a reshare gave no new epoch; the old one signs on");
                last = Some(end);
            }
        }
        sleep(PAUSE).await;
    }
    Err(last.unwrap_or_else(|| End::new(State::Failed, "no new epoch")))
}

/// Whether this order has given an epoch above the base.
fn newer(gateway: &Gateway, job: &Job<'_>) -> bool {
    let id = job.base.certificate.record.wallet;
    let known = gateway.coordinator.wallet(&id);
    known.is_some_and(|wallet| {
        let certificate = &wallet.certificate;
        certificate.record.order.0 == job.row.id.0 && certificate.rank() > job.base.certificate.rank()
    })
}

/// Parties of the base and recipients.
fn everybody(job: &Job<'_>) -> Vec<PublicKey> {
    let all: BTreeSet<PublicKey> =
        job.base.certificate.record.parties.iter().chain(job.recipients).copied().collect();
    all.into_iter().collect()
}

/// Waits until every recipient and t parties of the base can be asked. Which t, changes from try to try, so that one that
/// withholds does not stand in the way for ever.
async fn wait_for(
    gateway: &Gateway,
    job: &Job<'_>,
    deadline: Instant,
    number: u32,
) -> Result<Vec<u16>, String> {
    let record = &job.base.certificate.record;
    let threshold = job.base.keys.threshold();
    loop {
        // A ceremony of before a restart may have given it, and its certificate came from a node.
        if newer(gateway, job) {
            return Err("the new epoch is there".into());
        }
        if now() >= job.expires {
            return Err("the order expired before it was carried out".into());
        }
        let missing = unusable(gateway, job.recipients);
        let online: Vec<u16> = (1u16..)
            .zip(&record.parties)
            .filter(|(_, key)| holds(gateway, key, job))
            .map(|(index, _)| index)
            .collect();
        if missing.is_empty() && online.len() >= threshold {
            let late = Instant::now() >= deadline;
            let dealers = choose(&online, threshold, number);
            return if late { Err("the order was not carried out in time".into()) } else { Ok(dealers) };
        }
        if Instant::now() >= deadline {
            return Err(if missing.is_empty() {
                format!("{} of {threshold} parties with a share can be reached", online.len())
            } else {
                let missing = missing.join(", ");
                format!(
                    "every recipient is needed, and a later order can add who is away; missing: {missing}"
                )
            });
        }
        sleep(POLL).await;
    }
}

/// Whether a party can be asked and has the share of the base.
fn holds(gateway: &Gateway, key: &PublicKey, job: &Job<'_>) -> bool {
    let seen = gateway.nodes.get(key).and_then(|node| node.usable().ok());
    seen.is_some_and(|seen| seen.status.wallets.iter().any(|record| *record == job.base.certificate.record))
}

/// t of those that are there, another choice for each number.
fn choose(online: &[u16], threshold: usize, number: u32) -> Vec<u16> {
    let start = number as usize % online.len().max(1);
    let mut dealers: Vec<u16> = online.iter().cycle().skip(start).take(threshold).copied().collect();
    dealers.sort_unstable();
    dealers
}

/// A reshare renews the pair states of all recipients first (§2.2), once for the cluster. It goes on without: old pair
/// states are worth no less than before, and missing ones are set up when they are needed.
async fn renew_pairs(gateway: &Gateway, job: &Job<'_>) {
    if !matches!(job.base.keys, KeySet::Ecdsa(_)) {
        return;
    }
    if let Err(problems) = pairs::renew_all(gateway, job.recipients).await {
        for (key, problem) in problems {
            let node = gateway.nodes.name(&key);
            tracing::warn!(%node, %problem, "a pair state was not renewed before a reshare");
        }
    }
}

/// One ceremony.
async fn ceremony(gateway: &Arc<Gateway>, job: &Job<'_>, dealers: &[u16]) -> Result<(), End> {
    let record = &job.base.certificate.record;
    let name = fresh();
    let mut parties: BTreeSet<PublicKey> = job.recipients.iter().copied().collect();
    parties.extend(dealers.iter().filter_map(|index| record.party(*index)));
    let call = |key: &PublicKey| {
        let request = NodeRequest::Reshare {
            ceremony: name,
            order: job.row.signed.clone(),
            approvals: job.approvals.clone(),
            base: job.base.certificate.clone(),
            dealers: dealers.to_vec(),
        };
        (*key, request)
    };
    let calls = parties.iter().map(call).collect();
    let mut problems = Vec::new();
    let mut blocked = None;
    let mut taken = false;
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.ceremony_timeout).await {
        let node = gateway.nodes.name(&key);
        match answer {
            Ok(NodeResponse::Reshared(_)) if taken => {}
            Ok(NodeResponse::Reshared(certificate)) => {
                match take(gateway, *certificate, record.wallet, job.row.id).await {
                    Ok(()) => taken = true,
                    Err(problem) => problems.push(format!("{node}: {problem}")),
                }
            }
            // A dealer that receives nothing has nothing to show.
            Ok(NodeResponse::Done) => {}
            Ok(_) => problems.push(format!("{node}: an answer that does not fit the call")),
            Err(CallError::Refused(error)) => {
                if error.code == ErrorCode::Waiting {
                    blocked.get_or_insert_with(|| End::new(State::Approved, format!("{node}: {error}")));
                } else if refuses(error.code) {
                    let end = End::new(State::Blocked, format!("{node}: {error}"));
                    blocked = Some(end.rule(format!("node {node}: {:?}", error.code)));
                }
                problems.push(format!("{node}: {error}"));
            }
            Err(error) => problems.push(format!("{node}: {error}")),
        }
    }
    if taken {
        spread(gateway, record.wallet).await;
        return Ok(());
    }
    let reason = format!("the key was not reshared, the old epoch signs on: {}", problems.join("; "));
    Err(blocked.unwrap_or_else(|| End::new(State::Failed, reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dealers_change_from_try_to_try_and_are_as_many_as_sign() {
        let tries: Vec<_> = (0..4).map(|number| choose(&[1, 3, 4], 2, number)).collect();
        assert_eq!(tries, [[1, 3], [3, 4], [1, 4], [1, 3]]);
        assert_eq!(choose(&[2, 5], 2, 1), [2, 5]);
        // Whoever of them withholds, some choice is without it.
        for bad in [1, 3, 4] {
            assert!(tries.iter().any(|dealers| !dealers.contains(&bad)));
        }
    }
}

//! What blocks on a block mean: deposits and coins that count, and the ends of signed transactions.

use super::follow::{Follower, WatchError};
use super::stand::{Stand, confirmations, stand};
use crate::coordinator::Work;
use crate::store::{Change, FormRow, IntentRow, NewDeposit, Outgoing, Tx};
use quorate_coordination::api::{DepositState, State};

/// States of an intent whose transaction is on its way; in the first two a higher fee is being signed.
const UNDER_WAY: [State; 4] = [State::Approved, State::Signing, State::Broadcasting, State::Confirming];

/// Brings everything up to the block that was looked at last.
pub async fn run(follower: &mut Follower) -> Result<(), WatchError> {
    deposits(follower).await?;
    let network = follower.watched.config.network;
    for outgoing in follower.gateway.store.outgoing(&network).await? {
        intent(follower, &outgoing).await?;
    }
    Ok(())
}

async fn deposits(follower: &mut Follower) -> Result<(), WatchError> {
    let (network, required) = (follower.watched.config.network, follower.watched.config.confirmations);
    let head = follower.height();
    let open = follower.gateway.store.open_deposits(&network).await?;
    let mut tx = follower.gateway.store.begin().await?;
    tx.confirm_coins(&network, (head + 1).saturating_sub(required)).await?;
    for row in &open {
        let Some(height) = row.deposit.height.filter(|_| row.block.is_some()) else { continue };
        let confirmations = confirmations(height, head);
        let state = if confirmations >= required { DepositState::Credited } else { DepositState::Seen };
        if confirmations == row.deposit.confirmations && state == row.deposit.state {
            continue;
        }
        tx.put_deposit(&NewDeposit { confirmations, required, state, ..row.renew() }).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Where an intent goes by where its transaction stands.
struct Move {
    from: &'static [State],
    to: State,
    reason: String,
    /// The form that became the transaction.
    form: Option<usize>,
}

fn decide(outgoing: &Outgoing, at: Stand) -> Move {
    let place = |at: usize| outgoing.forms.get(at).and_then(|form| form.block.as_ref());
    let height = |at: usize| place(at).map_or(0, |(_, height)| *height);
    match at {
        Stand::Waiting => Move {
            from: &[State::Confirming],
            to: State::Broadcasting,
            reason: "its block was reorganised away; it is broadcast again".into(),
            form: None,
        },
        Stand::Confirming(form) => Move {
            from: &[State::Approved, State::Signing, State::Broadcasting],
            to: State::Confirming,
            reason: format!("mined at height {}", height(form)),
            form: Some(form),
        },
        Stand::Final(form) => Move {
            from: &UNDER_WAY,
            to: State::Completed,
            reason: format!("final at height {}", height(form)),
            form: Some(form),
        },
        Stand::Reverted(form) => Move {
            from: &UNDER_WAY,
            to: State::Failed,
            reason: format!(
                "the transaction was mined at height {} and reverted: the chain carried nothing out, the fee is paid",
                height(form)
            ),
            form: Some(form),
        },
        Stand::Replaced => Move {
            from: &UNDER_WAY,
            to: State::Replaced,
            reason: format!(
                "transaction {} of somebody else who has this key used up what it needs",
                outgoing.conflict.as_ref().map_or("", |(id, _)| id)
            ),
            form: None,
        },
    }
}

async fn intent(follower: &Follower, outgoing: &Outgoing) -> Result<(), WatchError> {
    let (gateway, required) = (&follower.gateway, follower.watched.config.confirmations);
    let next = decide(outgoing, stand(outgoing, follower.height(), required));
    let mut tx = gateway.store.begin().await?;
    let Some(row) = tx.intent(&outgoing.intent).await? else { return Ok(()) };
    let adopted = match next.form.and_then(|at| outgoing.forms.get(at)) {
        Some(form) => adopt(&mut tx, &row, form).await?,
        None => false,
    };
    let change = Change { from: next.from, to: next.to, reason: Some(&next.reason), rule: None };
    let moved = tx.change(&outgoing.intent, &change).await?;
    let ended = !matches!(next.to, State::Broadcasting | State::Confirming);
    if ended {
        tx.finish_outgoing(&outgoing.intent).await?;
    }
    if !moved && !adopted && !ended {
        return Ok(());
    }
    tx.commit().await?;
    if moved {
        tracing::info!(intent = %outgoing.intent, state = %next.to, reason = %next.reason, "a transaction moved on");
    }
    if adopted {
        gateway.coordinator.enqueue(Work::Certify(outgoing.intent));
    }
    Ok(())
}

/// Shows the form that was mined as the intent's transaction, where another was shown; true then.
async fn adopt(tx: &mut Tx<'_>, row: &IntentRow, form: &FormRow) -> Result<bool, sqlx::Error> {
    let shown = row.outcome.as_ref().is_some_and(|shown| shown.id == form.outcome.id);
    if shown && row.plan.as_ref() == Some(&form.plan) {
        return Ok(false);
    }
    tx.show_form(&row.id, form.sequence).await?;
    if let Some(certificate) = form.certificate.as_ref().filter(|_| !shown) {
        tx.put_certificate(&row.id, certificate, false).await?;
    }
    Ok(true)
}

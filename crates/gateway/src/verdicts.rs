//! What the policy in force makes of an intent and of what people say about it.

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::{WAITING, end, rule};
use crate::judging;
use crate::nodes::Node;
use crate::store::{Change, IntentRow, Tx};
use quorate_coordination::NodeRequest;
use quorate_coordination::api::State;
use quorate_coordination::rpc::Rejection;
use quorate_intent::{Approval, IntentError, SignedIntent, Verdict};
use quorate_policy::RULE_INTENT;
use std::sync::Arc;

/// Where a new intent goes, why, and by which rule: to those who must approve it, unless a rule denies it, or asks nobody.
pub async fn first(gateway: &Gateway, signed: &SignedIntent) -> Result<(State, String, String), ApiError> {
    let genesis = gateway.genesis.current();
    if judging::ruling(gateway)?.own().is_none() && !genesis.frozen() && !judging::freezes(signed) {
        let (rule, _, group) = rule(&genesis, &signed.intent);
        let need = format!("needs {} approvals by {rule}", group.quorum);
        return Ok((State::PendingApproval, need, rule.to_owned()));
    }
    let ruled = judging::judge(gateway, signed, &[]).await?;
    let state = if judging::approved(&ruled) {
        State::Approved
    } else if judging::missing_of(&ruled).is_some() {
        State::PendingApproval
    } else {
        State::Blocked
    };
    Ok((state, ruled.text, ruled.rule))
}

/// Nodes hear of a rejection whatever becomes of the intent here.
pub async fn tell_rejection(gateway: &Gateway, row: &IntentRow, vote: &Approval) {
    let rejection = Rejection { intent: row.signed.clone(), vote: vote.clone() };
    let call = |node: Arc<Node>| (node.party.key, NodeRequest::Reject(Box::new(rejection.clone())));
    let calls = gateway.nodes.all().into_iter().filter(|node| node.seen().is_ok()).map(call).collect();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        if let Err(error) = answer {
            let node = gateway.nodes.name(&key);
            tracing::warn!(intent = %row.id, %node, %error, "a node did not take a rejection; it hears of it from another");
        }
    }
}

/// What the policy makes of all verdicts; true when the intent is approved by this write.
pub async fn weigh(
    gateway: &Gateway,
    tx: &mut Tx<'_>,
    row: &IntentRow,
    verdicts: &[Approval],
) -> Result<bool, ApiError> {
    let ruled = judging::judge(gateway, &row.signed, verdicts).await?;
    let (id, text, rule) = (&row.id, ruled.text.as_str(), ruled.rule.as_str());
    let open = [State::Submitted, State::PendingApproval, State::Approved];
    if judging::approved(&ruled) {
        let change = Change { from: &WAITING, to: State::Approved, reason: Some(text), rule: Some(rule) };
        return Ok(tx.change(id, &change).await?);
    }
    if judging::missing_of(&ruled).is_some() {
        let change =
            Change { from: &WAITING, to: State::PendingApproval, reason: Some(text), rule: Some(rule) };
        tx.change(id, &change).await?;
        return Ok(false);
    }
    match rule {
        // Nobody's verdict makes an intent worse than it is.
        quorate_policy::ruling::VOTES | RULE_INTENT => {
            return Err(IntentError::field("approval", text.to_owned()).into());
        }
        _ => {}
    }
    let rejected = verdicts.iter().any(|vote| vote.verdict == Verdict::Reject);
    let state = if rejected { State::Rejected } else { State::Blocked };
    end(tx, id, &open, state, text, Some(rule)).await?;
    Ok(false)
}

//! What this node judges with, and the judgement itself: the governance version in force, the operator's own rules and
//! word, delays by its own clock, and its own ledger (PRODUCT: docs/policy.md). Whatever fails denies.

use crate::ledger::{self, Ledger};
use crate::node::Shared;
use quorate_coordination::NodeError;
use quorate_coordination::rpc::{Confirmation, ErrorCode, Rejection};
use quorate_intent::{Approval, Hash, PublicKey, SignedIntent, Verdict};
use quorate_policy::evaluate::{Delay, Started};
use quorate_policy::{Answer, Asked, LocalPolicy, Prices, Ruled, Ruling, Subject, Validity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long an operator is waited for, in seconds.
const CONFIRM_SECONDS: u64 = 3600;
/// Most intents that wait for the operator.
const MAX_CONFIRMATIONS: usize = 256;
/// Most rejections that are kept.
const MAX_REJECTIONS: usize = 4096;
/// Most intents that are remembered until they expire.
const MAX_SEEN: usize = 4096;

/// What this node judges with besides the governance chain.
pub(crate) struct Judging {
    /// The operator's own rules.
    local: Option<LocalPolicy>,
    pub ledger: Ledger,
    confirmations: Mutex<BTreeMap<Hash, Asking>>,
    rejections: Mutex<BTreeMap<(Hash, PublicKey), Rejection>>,
    /// Intents whose acceptance is in the log.
    pub accepted: Seen,
}

/// What was seen before, until the intent that it is about expires.
#[derive(Default)]
pub(crate) struct Seen(Mutex<BTreeMap<Hash, u64>>);

impl Seen {
    /// Takes note; true when it is the first time and there is room. What there is no room for was never seen.
    pub fn first(&self, what: Hash, expires: u64, now: u64) -> bool {
        let mut all = lock(&self.0);
        if all.len() >= MAX_SEEN {
            all.retain(|_, expires| now < *expires);
        }
        all.len() < MAX_SEEN && all.insert(what, expires).is_none()
    }
}

/// An intent that the operator is asked about.
struct Asking {
    confirmation: Confirmation,
    answer: Option<bool>,
}

/// What is to be judged.
pub(crate) struct Matter<'a> {
    pub intent: &'a SignedIntent,
    pub votes: &'a [Approval],
    /// What the transaction says, where there is one.
    pub subject: Option<&'a Subject>,
    /// Identity keys of the parties that are to sign.
    pub signers: &'a [PublicKey],
    pub validity: Validity,
    /// Whether the operator's own rules have a say. Not on governance: a node that stays behind only locks itself out.
    pub local: bool,
    /// Whether the ledger counts it from now on, if it is allowed.
    pub reserve: bool,
}

/// A judgement with what it stood on.
pub(crate) struct Judged {
    pub ruled: Ruled,
    pub policy: Option<Hash>,
    pub local: Option<Hash>,
    /// Unix seconds.
    pub now: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Judging {
    pub fn new(local: Option<LocalPolicy>, ledger: Ledger) -> Self {
        let (confirmations, rejections) = Default::default();
        Self { local, ledger, confirmations, rejections, accepted: Seen::default() }
    }

    /// The rules of the version in force.
    pub fn ruling(&self, shared: &Shared) -> Result<Arc<Ruling>, NodeError> {
        shared.genesis.ruling().map_err(|error| {
            let message = format!("the policy in force cannot be read, so nothing is allowed: {error}");
            NodeError::new(ErrorCode::Internal, message)
        })
    }

    /// The answer of the operator, and whether he was asked and said no.
    fn confirmed(&self, intent: &Hash) -> Option<bool> {
        lock(&self.confirmations).get(intent).and_then(|asking| asking.answer)
    }

    /// Asks the operator, for a bounded time.
    fn ask(&self, intent: &SignedIntent, rule: &str, now: u64) {
        let hash = intent.intent.hash();
        let mut all = lock(&self.confirmations);
        all.retain(|_, asking| now < asking.confirmation.until);
        if all.contains_key(&hash) || all.len() >= MAX_CONFIRMATIONS {
            return;
        }
        let until = intent.intent.expires.min(now.saturating_add(CONFIRM_SECONDS));
        tracing::warn!(intent = %hash, %rule, until, "this node's operator is asked; see: quorate confirm list");
        let confirmation = Confirmation { intent: intent.clone(), rule: rule.to_owned(), until };
        all.insert(hash, Asking { confirmation, answer: None });
    }

    /// What waits for the operator, of what can still be signed: a later governance version ends the rest.
    pub fn confirmations(&self, now: u64, governance: &Hash) -> Vec<Confirmation> {
        let all = lock(&self.confirmations);
        let in_force = |asking: &&Asking| asking.confirmation.intent.intent.governance == *governance;
        let waits = |asking: &&Asking| asking.answer.is_none() && now < asking.confirmation.until;
        let open = all.values().filter(in_force).filter(waits);
        open.map(|asking| asking.confirmation.clone()).collect()
    }

    /// The operator's answer; false when nothing of that name waits.
    pub fn confirm(&self, intent: &Hash, yes: bool, now: u64) -> bool {
        let mut all = lock(&self.confirmations);
        let open =
            all.get_mut(intent).filter(|asking| asking.answer.is_none() && now < asking.confirmation.until);
        let found = open.is_some();
        if let Some(asking) = open {
            asking.answer = Some(yes);
            // A yes holds as long as the intent does.
            asking.confirmation.until = asking.confirmation.intent.intent.expires;
        }
        found
    }

    /// Takes a rejection in; true when it is new. It counts whatever the gateway shows later.
    pub fn reject(&self, shared: &Shared, rejection: &Rejection) -> bool {
        let intent = rejection.intent.intent.hash();
        let vote = &rejection.vote;
        let chain = shared.genesis.chain();
        let version = chain.version(&rejection.intent.intent.governance);
        let known = version.is_some_and(|version| rejection.intent.check_signature(version).is_ok());
        let now = shared.now();
        if !known
            || vote.intent != intent
            || vote.verdict != Verdict::Reject
            || !vote.verifies()
            || now >= rejection.intent.intent.expires
            || self.ruling(shared).is_ok_and(|ruling| ruling.directory().person(&vote.approver).is_none())
        {
            return false;
        }
        let mut all = lock(&self.rejections);
        all.retain(|_, kept| now < kept.intent.intent.expires);
        if all.len() >= MAX_REJECTIONS {
            return false;
        }
        all.insert((intent, vote.approver), rejection.clone()).is_none()
    }

    /// The votes that the caller shows, and the rejections that this node knows of: a rejection stands over an approval by the
    /// same key.
    fn votes(&self, intent: &Hash, shown: &[Approval]) -> Vec<Approval> {
        let all = lock(&self.rejections);
        let known: Vec<&Approval> =
            all.iter().filter(|((of, _), _)| of == intent).map(|(_, rejection)| &rejection.vote).collect();
        let kept = shown.iter().filter(|vote| known.iter().all(|no| no.approver != vote.approver));
        kept.chain(known.iter().copied()).cloned().collect()
    }
}

fn delay_name(intent: &Hash) -> String {
    format!("delay/{}", hex::encode(&intent.0[..28]))
}

type Begun = Vec<(Hash, String, u64)>;

async fn begun(shared: &Shared, intent: &Hash) -> Result<Begun, NodeError> {
    let stored = shared.vault.get(&delay_name(intent)).await;
    let stored = stored.map_err(|error| crate::error::vault_error(&error))?;
    let Some(bytes) = stored else { return Ok(Vec::new()) };
    borsh::from_slice(&bytes).map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))
}

/// Judges. An error is a denial of its own.
pub(crate) async fn judge(shared: &Shared, matter: &Matter<'_>) -> Result<Judged, NodeError> {
    let judging = &shared.judging;
    let ruling = judging.ruling(shared)?;
    let intent = matter.intent.intent.hash();
    let local = judging.local.as_ref().filter(|_| matter.local);
    let delays = |rules: &[quorate_policy::Rule]| rules.iter().any(|rule| rule.delay.is_some());
    let delayed = delays(&ruling.policy().rules) || local.is_some_and(|local| delays(&local.rules));
    let mut begun = if delayed { begun(shared, &intent).await? } else { Vec::new() };
    let started: Vec<Started> = begun
        .iter()
        .map(|(policy, rule, at)| Started { policy: *policy, rule: rule.clone(), at: *at })
        .collect();
    let votes = judging.votes(&intent, matter.votes);
    let answer = judging.confirmed(&intent);
    let now = shared.now();
    if let Some(problem) = shared.clock.off(ruling.document().clock_skew()) {
        return Err(NodeError::new(ErrorCode::Refused, format!("{problem} (rule clock)")));
    }
    let prices = Prices::default();
    let ruled = judging.ledger.with(|history| {
        history.prepare(ruling.policy(), local);
        let ruled = ruling.decide(&Asked {
            intent: matter.intent,
            votes: &votes,
            subject: matter.subject,
            history,
            prices: &prices,
            signers: matter.signers,
            started: &started,
            local,
            confirmed: answer == Some(true),
            validity: matter.validity,
            now,
        });
        // Counted in the same breath: of two that fit one by one and not together, one is allowed.
        if matter.reserve && ruled.allows() {
            ledger::count(history, matter.intent, &ruled.rule, now);
        }
        ruled
    });
    if let Answer::Wait(missing) = &ruled.answer {
        let new = missing.delays.iter().filter_map(|delay| match delay {
            Delay::Begins(started, _) => Some((started.policy, started.rule.clone(), started.at)),
            _ => None,
        });
        let before = begun.len();
        begun.extend(new);
        if begun.len() > before {
            let bytes = crate::mesh::encode(&begun);
            let stored = shared.vault.set(&delay_name(&intent), &bytes).await;
            stored.map_err(|error| crate::error::vault_error(&error))?;
        }
        if missing.confirm && missing.approvals.is_empty() {
            if answer == Some(false) {
                let message = "this node's operator declined it (rule local/confirm)";
                return Err(NodeError::new(ErrorCode::Refused, message));
            }
            judging.ask(matter.intent, &ruled.rule, now);
        }
    }
    let (policy, local) = (ruling.policy_hash(), local.map(LocalPolicy::hash));
    Ok(Judged { ruled, policy, local, now })
}

/// The error of what is not allowed now: `Waiting` where time, or the operator, is all that is missing.
pub(crate) fn refusal(ruled: &Ruled) -> NodeError {
    let code = match &ruled.answer {
        Answer::Wait(missing) if missing.approvals.is_empty() && missing.parties.is_empty() => {
            ErrorCode::Waiting
        }
        _ => ErrorCode::NotAuthorised,
    };
    NodeError::new(code, format!("{} (rule {})", ruled.text, ruled.rule))
}

/// Judges an order or a change of governance.
pub(crate) async fn order(
    shared: &Shared,
    intent: &SignedIntent,
    votes: &[Approval],
    validity: Validity,
    local: bool,
) -> Result<(), NodeError> {
    let matter = Matter { intent, votes, subject: None, signers: &[], validity, local, reserve: false };
    let judged = judge(shared, &matter).await?;
    if judged.ruled.allows() { Ok(()) } else { Err(refusal(&judged.ruled)) }
}

/// The rule that an error names at its end.
pub(crate) fn rule_of(error: &NodeError) -> String {
    let named = error.message.rsplit_once("(rule ").and_then(|(_, rest)| rest.strip_suffix(')'));
    named.unwrap_or("node").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_forgotten_when_it_expired_and_there_is_no_room() {
        let seen = Seen::default();
        let name = |n: u64| Hash([n.to_be_bytes(); 4].concat().try_into().unwrap());
        assert!(seen.first(name(0), 10, 0) && !seen.first(name(0), 10, 0));
        for n in 1..MAX_SEEN as u64 {
            assert!(seen.first(name(n), 20, 0));
        }
        assert!(!seen.first(name(5000), 20, 9), "there was room");
        assert!(seen.first(name(5000), 20, 10) && !seen.first(name(1), 20, 10));
    }
}

//! The rule that let a transaction happen, evaluated again as each signer did.
//!
//! A reader has not the signer's ledger of past spending, nor saw its delays run: that a limit over time was kept, a delay waited
//! for and an operator asked is the word of each signer's log, which the others witnessed. All else is judged in full.

use crate::VerifyError;
use crate::error::refused;
use quorate_audit::{Judged, WillSign};
use quorate_chains::Built;
use quorate_intent::intent::CLOCK_SKEW;
use quorate_intent::{Approval, PublicKey, SignedIntent, WalletId};
use quorate_policy::subject::Value;
use quorate_policy::{Answer, Asked, History, Prices, Ruled, Ruling, Subject, Validity};

/// What one signer judged.
pub struct Case<'a> {
    /// The rules of the governance version.
    pub ruling: &'a Ruling,
    /// What was asked for.
    pub intent: &'a SignedIntent,
    /// All approvals of the certificate.
    pub approvals: &'a [Approval],
    /// The transaction, made again.
    pub built: &'a Built,
    /// Who signed.
    pub signers: &'a [PublicKey],
}

/// Evaluates the rule with the approvals that a signer counted, at the time at which it did.
pub fn check(case: &Case<'_>, entry: &WillSign, time: u64) -> Result<(), VerifyError> {
    let wrong = |problem: String| Err(refused("a signer's verdict", problem));
    let now = match &entry.judged {
        Some(judged) => {
            check_judged(case, judged, entry, time)?;
            judged.spent.time
        }
        None if case.ruling.own().is_some() => {
            return wrong("it does not say which policy it judged by".into());
        }
        None => time,
    };
    // The log's clock may read the next second when the node's own still read the last.
    let expires = case.intent.intent.expires;
    if time >= expires.saturating_add(CLOCK_SKEW) {
        return wrong(format!("it decided at {time}, the intent expired at {expires}"));
    }
    let now = now.min(expires.saturating_sub(1));
    let counted: Vec<Approval> = case
        .approvals
        .iter()
        .filter(|approval| entry.approvers.contains(&approval.approver))
        .cloned()
        .collect();
    let mut last = None;
    for own in owners(case) {
        let ruled = decide(case, entry, &counted, own, now)?;
        match &ruled.answer {
            Answer::Allow { approvers } if ruled.rule == entry.rule && same(approvers, &entry.approvers) => {
                return Ok(());
            }
            _ => last = Some(ruled),
        }
    }
    match last {
        Some(ruled) if ruled.allows() => wrong(format!(
            "the entry names the rule {:?} and other approvers than {:?} counts",
            entry.rule, ruled.rule
        )),
        Some(ruled) => Err(refused("the approvals", format!("{} (rule {})", ruled.text, ruled.rule))),
        None => wrong("nothing was judged".into()),
    }
}

/// What the entry says that it was judged with, against what is so.
fn check_judged(case: &Case<'_>, judged: &Judged, entry: &WillSign, time: u64) -> Result<(), VerifyError> {
    for (field, same) in [
        ("policy", judged.policy == case.ruling.policy_hash()),
        ("spending", judged.spent.intent == *case.intent && judged.spent.rule == entry.rule),
        ("set of signers", same(&judged.signers, case.signers)),
        ("largest fee", judged.max_fee == case.built.summary.max_fee),
        ("time", judged.spent.time <= time.saturating_add(CLOCK_SKEW)),
    ] {
        if !same {
            return Err(refused("a signer's verdict", format!("its entry names another {field}")));
        }
    }
    Ok(())
}

fn same(one: &[PublicKey], other: &[PublicKey]) -> bool {
    one.len() == other.len() && one.iter().all(|key| other.contains(key))
}

/// Whose the destination may be. A node knows its own wallets' addresses; a reader takes its word among those that matter.
fn owners(case: &Case<'_>) -> Vec<Option<WalletId>> {
    let mut all = vec![None];
    if case.ruling.knows_own() {
        all.extend(Subject::of_intent(&case.intent.intent).and_then(|subject| subject.wallet).map(Some));
        all.extend(case.ruling.policy().wallets.values().copied().map(Some));
    }
    all
}

/// Takes every address in a call's arguments for this wallet's.
fn owned(value: &mut Value, own: Option<WalletId>) {
    match value {
        Value::Address(_, wallet) => *wallet = own,
        Value::List(list) => list.iter_mut().for_each(|value| owned(value, own)),
        _ => {}
    }
}

fn decide(
    case: &Case<'_>,
    entry: &WillSign,
    votes: &[Approval],
    own: Option<WalletId>,
    now: u64,
) -> Result<Ruled, VerifyError> {
    let unknown = || refused("the intent", "no rule knows this kind of intent");
    let mut subject = quorate_view::subject(&case.intent.intent, case.built).ok_or_else(unknown)?;
    subject.outputs.iter_mut().for_each(|output| output.own = own);
    let arguments = subject.call.as_mut().and_then(|call| call.arguments.as_mut());
    arguments.into_iter().flatten().for_each(|value| owned(value, own));
    let asked = Asked {
        intent: case.intent,
        votes,
        subject: Some(&subject),
        history: &History::new(),
        prices: &Prices::default(),
        signers: case.signers,
        started: &[],
        local: None,
        confirmed: true,
        validity: Validity::Now,
        now,
    };
    Ok(case.ruling.again(&asked, &entry.rule))
}

//! What decides under one governance version: the policy that it has, or the two rules of the genesis until it has one, with
//! the directory of its people, groups, addresses and assets.

use crate::builtin::{self, Decision, RULE_INTENT};
use crate::evaluate::{Case, Judgement, Missing, Outcome, Short, Started, judge};
use crate::facts::{Directory, Facts, Prices};
use crate::history::History;
use crate::model::{LocalPolicy, Per, Policy, Rule, Target};
use crate::subject::Subject;
use crate::votes::Votes;
use crate::{PolicyError, analysis};
use quorate_intent::governance::Change;
use quorate_intent::intent::BY_PASSKEY;
use quorate_intent::{
    Approval, Body, Genesis, Hash, IntentError, PublicKey, SignedIntent, approving_members,
};

/// Deciding "rule" while all signing is stopped.
pub const FROZEN: &str = "frozen";
/// Deciding "rule" when an approval is not valid.
pub const VOTES: &str = "votes";
/// Deciding "rule" of a freeze, which any one administrator can have, whatever the policy says.
pub const ANY_ADMINISTRATOR: &str = "any-administrator";

/// The rules of one version, decoded once.
#[derive(Clone, Debug)]
pub struct Ruling {
    version: Genesis,
    hash: Hash,
    /// The version's own policy and its hash.
    own: Option<(Policy, Hash)>,
    /// The two rules of the genesis as a policy.
    built_in: Policy,
    directory: Directory,
    /// The same for what passkeys ask for.
    by_name: Directory,
}

/// What is asked of a ruling.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The intent.
    pub intent: &'a SignedIntent,
    /// Its approvals and rejections.
    pub votes: &'a [Approval],
    /// What it is about, as the node that decides found it in the transaction; none for what has no transaction.
    pub subject: Option<&'a Subject>,
    /// Past spending.
    pub history: &'a History,
    /// What things cost.
    pub prices: &'a Prices,
    /// Identity keys of the parties that are to sign.
    pub signers: &'a [PublicKey],
    /// Delays that began.
    pub started: &'a [Started],
    /// The rules of the node's own operator.
    pub local: Option<&'a LocalPolicy>,
    /// Whether that operator confirmed it.
    pub confirmed: bool,
    /// How its validity in time is judged.
    pub validity: Validity,
    /// Unix seconds by the deciding node's own clock.
    pub now: u64,
}

/// How an intent's validity in time is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is carried out now, before it expires.
    Now,
    /// It is a refresh by the schedule that the intent set up, before that ends.
    Schedule,
    /// It was carried out elsewhere already, and stays.
    Late,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It may happen now.
    Allow {
        /// Device keys whose approvals counted.
        approvers: Vec<PublicKey>,
    },
    /// It may happen later.
    Wait(Missing),
    /// It must not happen.
    Deny,
}

/// A decision with the rule that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// What was decided.
    pub answer: Answer,
    /// The deciding rule.
    pub rule: String,
    /// Why, for people.
    pub text: String,
}

impl Ruled {
    fn deny(rule: &str, text: String) -> Self {
        Self { answer: Answer::Deny, rule: rule.to_owned(), text }
    }

    /// Whether it may happen now.
    pub fn allows(&self) -> bool {
        matches!(self.answer, Answer::Allow { .. })
    }

    /// The error of what may not happen now.
    pub fn error(&self) -> IntentError {
        IntentError::Rule { rule: self.rule.clone(), reason: self.text.clone() }
    }
}

impl From<Judgement> for Ruled {
    fn from(judgement: Judgement) -> Self {
        let text = judgement.outcome.to_string();
        let answer = match judgement.outcome {
            Outcome::Allow { approvers } => Answer::Allow { approvers },
            Outcome::Wait(missing) => Answer::Wait(missing),
            Outcome::Deny(_) => Answer::Deny,
        };
        Self { answer, rule: judgement.rule, text }
    }
}

impl From<Decision> for Ruled {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow { rule, approvers } => {
                let text = format!("{} approvals", approvers.len());
                Self { answer: Answer::Allow { approvers }, rule: rule.to_owned(), text }
            }
            Decision::Deny { rule, reason } => {
                let text = reason.to_string();
                let answer = match reason {
                    IntentError::Quorum { group, have, need, .. } => {
                        let count = |number| u16::try_from(number).unwrap_or(u16::MAX);
                        let short = Short { group: group.to_owned(), have: count(have), need: count(need) };
                        Answer::Wait(Missing { approvals: vec![short], ..Missing::default() })
                    }
                    _ => Answer::Deny,
                };
                Self { answer, rule: rule.to_owned(), text }
            }
        }
    }
}

/// Whether any limit over time is one for each initiator.
fn counts_initiators(policy: &Policy, local: Option<&LocalPolicy>) -> bool {
    let mut rules = policy.rules.iter().chain(local.iter().flat_map(|local| &local.rules));
    rules.any(|rule| rule.window.iter().any(|window| window.splits(Per::Initiator)))
}

impl Ruling {
    /// The rules of a version.
    ///
    /// # Errors
    /// [`PolicyError`] when its policy cannot be read. No chain has such a version: [`judge_step`] keeps it out.
    pub fn of(version: &Genesis) -> Result<Self, PolicyError> {
        let governed = version.governed.as_deref();
        let own = match governed.and_then(|governed| governed.policy.as_ref()) {
            Some(bytes) => {
                let policy = Policy::decode(&bytes.0)?;
                let hash = policy.hash();
                Some((policy, hash))
            }
            None => None,
        };
        let (built_in, directory) = builtin::from_genesis(version);
        let by_name = builtin::by_name(version);
        Ok(Self { version: version.clone(), hash: version.hash(), own, built_in, directory, by_name })
    }

    /// Hash of the version.
    pub fn version(&self) -> Hash {
        self.hash
    }

    /// The version's own policy; none while the rules of the genesis decide.
    pub fn own(&self) -> Option<&Policy> {
        self.own.as_ref().map(|(policy, _)| policy)
    }

    /// The policy: the version's own, or the two rules of the genesis.
    pub fn policy(&self) -> &Policy {
        self.own().unwrap_or(&self.built_in)
    }

    /// Hash of the version's own policy.
    pub fn policy_hash(&self) -> Option<Hash> {
        self.own.as_ref().map(|(_, hash)| *hash)
    }

    /// Who is who.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The version itself.
    pub fn document(&self) -> &Genesis {
        &self.version
    }

    /// Whether any rule looks at past spending.
    pub fn has_windows(&self) -> bool {
        self.own().is_some_and(|policy| policy.rules.iter().any(|rule| !rule.window.is_empty()))
    }

    /// Whether this intent is spending that a rule may look back at, so that it is recorded before it is signed. A message
    /// spends nothing.
    pub fn counts(&self, intent: &quorate_intent::Intent) -> bool {
        self.has_windows() && Subject::of_intent(intent).is_some_and(|subject| subject.asset.is_some())
    }

    /// Whether any rule asks which addresses are the cluster's own.
    pub fn knows_own(&self) -> bool {
        let own = |target: &Target| matches!(target, Target::Own | Target::OwnWallet(_));
        let asks = |rule: &Rule| {
            rule.to.iter().any(own) || rule.argument.iter().any(|argument| argument.to.iter().any(own))
        };
        self.own().is_some_and(|policy| policy.rules.iter().any(asks))
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.policy().rules.iter().find(|rule| rule.name == name)
    }

    /// Decides. Every error denies.
    pub fn decide(&self, asked: &Asked<'_>) -> Ruled {
        let intent = &asked.intent.intent;
        let spends = intent.body.signing_wallet().is_some() || asked.subject.is_some_and(|s| s.kind.spends());
        if spends && self.version.frozen() {
            return Ruled::deny(FROZEN, "all signing is stopped; the administrators can thaw it".into());
        }
        if let Some(ruled) = self.freeze(asked) {
            return ruled;
        }
        if self.own.is_some() {
            return self.by_policy(asked);
        }
        let (intent, votes, now) = (asked.intent, asked.votes, asked.now);
        let ruled = Ruled::from(match asked.validity {
            Validity::Now => builtin::decide(&self.version, intent, votes, now),
            Validity::Schedule => builtin::decide_schedule(&self.version, intent, votes, now),
            Validity::Late => builtin::decide(&self.version, intent, votes, intent.intent.created),
        });
        // Local rules can only narrow what the cluster's rules allow.
        if ruled.allows() && asked.local.is_some() { self.by_policy(asked) } else { ruled }
    }

    /// Decides again what a signer's log says was decided by `rule`, for somebody who has neither the signer's ledger nor its
    /// clock: `asked` comes with an empty history. Earlier rules that look at past spending may have been passed over for it,
    /// so they are left out; limits of the rule itself, its delay and the operator's confirmation count as kept. Everything
    /// else is judged in full.
    pub fn again(&self, asked: &Asked<'_>, rule: &str) -> Ruled {
        let Some(own) = self.own() else { return self.decide(asked) };
        if self.version.frozen() {
            return Ruled::deny(FROZEN, "all signing was stopped under this version".into());
        }
        let at = own.rules.iter().position(|known| known.name == rule).unwrap_or(own.rules.len());
        let mut policy = own.clone();
        policy.rules = own.rules[..at].iter().filter(|known| known.window.is_empty()).cloned().collect();
        policy.rules.extend(own.rules[at..].iter().take(1).cloned());
        let hash = policy.hash();
        let delayed = policy.rules.iter().filter(|rule| rule.delay.is_some());
        let started: Vec<Started> =
            delayed.map(|rule| Started { policy: hash, rule: rule.name.clone(), at: 0 }).collect();
        self.by(&policy, &Asked { started: &started, local: None, confirmed: true, ..*asked })
    }

    fn formed(&self, asked: &Asked<'_>) -> Result<(), IntentError> {
        let intent = asked.intent;
        match asked.validity {
            Validity::Now => intent.check(&self.version, asked.now),
            Validity::Schedule => intent.check_schedule(&self.version, asked.now),
            Validity::Late => {
                intent.intent.check_form(&self.version).and_then(|()| intent.check_signature(&self.version))
            }
        }
    }

    fn by_policy(&self, asked: &Asked<'_>) -> Ruled {
        self.by(self.policy(), asked)
    }

    fn by(&self, policy: &Policy, asked: &Asked<'_>) -> Ruled {
        let intent = asked.intent;
        if let Err(error) = self.formed(asked) {
            return Ruled::deny(RULE_INTENT, error.to_string());
        }
        let by_passkey = intent.intent.version == BY_PASSKEY;
        if by_passkey && counts_initiators(policy, asked.local) {
            let text = "a limit for each initiator counts device keys, and who has several would have it several times; ask by the device key";
            return Ruled::deny(RULE_INTENT, text.into());
        }
        let directory = if by_passkey { &self.by_name } else { &self.directory };
        let hash = intent.intent.hash();
        let votes = Votes::collect(&hash, &intent.intent.initiator, directory, asked.votes);
        let votes = match votes {
            Ok(votes) => votes,
            Err(error) => return Ruled::deny(VOTES, error.to_string()),
        };
        let found = if asked.subject.is_none() { Subject::of_intent(&intent.intent) } else { None };
        let Some(subject) = asked.subject.or(found.as_ref()) else {
            return Ruled::deny(RULE_INTENT, "no rule knows this kind of intent".into());
        };
        let facts = Facts { now: asked.now, directory, prices: asked.prices };
        Ruled::from(judge(&Case {
            policy,
            local: asked.local,
            subject,
            history: asked.history,
            facts,
            votes: &votes,
            signers: asked.signers,
            started: asked.started,
            confirmed: asked.confirmed,
        }))
    }

    /// A freeze that an administrator asks for or approves. Anything else is left to the rules.
    fn freeze(&self, asked: &Asked<'_>) -> Option<Ruled> {
        let intent = &asked.intent.intent;
        let Body::Governance(Change::Freeze { .. }) = &intent.body else { return None };
        if let Err(error) = self.formed(asked) {
            return Some(Ruled::deny(RULE_INTENT, error.to_string()));
        }
        let administers =
            |key: &PublicKey| self.version.administrators.members.iter().any(|member| member.key == *key);
        let hash = intent.hash();
        let approving = asked.votes.iter().find(|vote| {
            vote.intent == hash
                && vote.verdict == quorate_intent::Verdict::Approve
                && administers(&vote.approver)
                && vote.verifies()
        });
        let key = if administers(&intent.initiator) {
            Some(intent.initiator)
        } else {
            approving.map(|v| v.approver)
        };
        let (rule, text) = (ANY_ADMINISTRATOR.to_owned(), "an administrator stops all signing".to_owned());
        key.map(|key| Ruled { answer: Answer::Allow { approvers: vec![key] }, rule, text })
    }

    /// Decides on what has no transaction without looking at the clock, as everybody must who follows the chain later: delays
    /// count as over. Who carries it out first waits for them, by [`Ruling::decide`].
    pub fn governing(&self, intent: &SignedIntent, votes: &[Approval]) -> Ruled {
        let policy = self.policy_hash();
        let delayed = self.policy().rules.iter().filter(|rule| rule.delay.is_some());
        let begun = |rule: &Rule| Some(Started { policy: policy?, rule: rule.name.clone(), at: 0 });
        let started: Vec<Started> = delayed.filter_map(begun).collect();
        self.decide(&Asked {
            intent,
            votes,
            subject: None,
            history: &History::new(),
            prices: &Prices::default(),
            signers: &[],
            started: &started,
            local: None,
            confirmed: false,
            validity: Validity::Late,
            now: intent.intent.created,
        })
    }
}

fn of(version: &Genesis) -> Result<Ruling, IntentError> {
    Ruling::of(version).map_err(|error| IntentError::field("policy", error.to_string()))
}

/// Whether a step may be taken from `base`: its rules allow it, and what comes of it can be changed again. This is the
/// [`quorate_intent::Judge`] of every chain.
///
/// # Errors
/// [`IntentError`] with the rule, or with what is wrong with the version that would come of it.
pub fn judge_step(base: &Genesis, step: &quorate_intent::Step) -> Result<(), IntentError> {
    judge_order(base, &step.intent, &step.approvals)?;
    match &step.intent.intent.body {
        Body::Governance(change) => check_change(base, change, step.intent.intent.hash()),
        _ => Err(IntentError::field("type", "this intent is no change of governance")),
    }
}

/// Whether the rules of `base` allow an order; see [`Ruling::governing`]. Gives whose approvals counted.
///
/// # Errors
/// [`IntentError`] with the rule.
pub fn judge_order(
    base: &Genesis,
    intent: &SignedIntent,
    approvals: &[Approval],
) -> Result<Vec<PublicKey>, IntentError> {
    let ruling = of(base)?;
    if ruling.own().is_none() && !matches!(intent.intent.body, Body::Governance(Change::Freeze { .. })) {
        let group = &base.administrators;
        let members = approving_members(group, "administrators", &intent.intent, approvals)?;
        return Ok(members.iter().map(|member| member.key).collect());
    }
    let ruled = ruling.governing(intent, approvals);
    match ruled.answer {
        Answer::Allow { approvers } => Ok(approvers),
        _ => Err(ruled.error()),
    }
}

/// Whether the version that a change makes is sound: its policy can be read and follows the one before, names nothing that
/// does not exist, and can be changed again by people who exist.
///
/// # Errors
/// [`IntentError`] that says what is wrong and what to do.
pub fn check_change(base: &Genesis, change: &Change, hash: Hash) -> Result<(), IntentError> {
    let next = base.changed(change, hash)?;
    let ruling = of(&next)?;
    if let Change::Policy { .. } = change {
        let before = of(base)?;
        let policy = ruling.policy();
        policy
            .check_follows(before.own())
            .map_err(|error| IntentError::field("policy", error.to_string()))?;
    }
    analysis::sound(&next, &ruling).map_err(|problem| IntentError::field("governance", problem))
}

#[cfg(test)]
#[path = "ruling_tests.rs"]
mod tests;

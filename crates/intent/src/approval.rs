//! Approvals: signatures of people over an intent's hash.

use crate::keys::sign;
use crate::{Group, Hash, Intent, IntentError, Member, PublicKey, Signature};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};

/// What an approver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may happen.
    Approve,
    /// It must not happen.
    Reject,
}

/// One approver's signed verdict on one intent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Hash of the intent.
    pub intent: Hash,
    /// Who.
    pub approver: PublicKey,
    /// What they say.
    pub verdict: Verdict,
    /// Their signature over all of it.
    pub signature: Signature,
}

impl Approval {
    /// Signs a verdict.
    pub fn new(intent: Hash, verdict: Verdict, key: &ed25519_dalek::SigningKey) -> Self {
        let approver = crate::keys::public(key);
        Self { intent, approver, verdict, signature: sign(key, &digest(&intent, &approver, verdict)) }
    }

    /// Whether the signature is the approver's, over exactly this.
    pub fn verifies(&self) -> bool {
        self.approver.verify(&digest(&self.intent, &self.approver, self.verdict), &self.signature)
    }
}

fn digest(intent: &Hash, approver: &PublicKey, verdict: Verdict) -> [u8; 32] {
    let verdict: &[u8] = match verdict {
        Verdict::Approve => b"approve",
        Verdict::Reject => b"reject",
    };
    Transcript::new("intent/approval")
        .field("intent", &intent.0)
        .field("approver", &approver.0)
        .field("verdict", verdict)
        .digest()
}

/// The distinct members of `group` who approved `intent`, every signature checked.
///
/// Refuses, rather than skips, whatever is wrong: another intent's approval, a stranger, a second approval by the same
/// member, a bad signature, a rejection, the initiator's own approval, or fewer than the quorum.
pub fn approving_members<'g>(
    group: &'g Group,
    name: &'static str,
    intent: &Intent,
    approvals: &[Approval],
) -> Result<Vec<&'g Member>, IntentError> {
    let hash = intent.hash();
    let mut members: Vec<&Member> = Vec::new();
    for approval in approvals {
        let member = group.members.iter().find(|m| m.key == approval.approver);
        let member = member
            .ok_or_else(|| IntentError::NotAMember { who: approval.approver.to_string(), group: name })?;
        if approval.intent != hash {
            return Err(IntentError::field("approvals", format!("{} approved another intent", member.name)));
        }
        if members.iter().any(|m| m.key == member.key) {
            return Err(IntentError::Duplicate(member.name.clone()));
        }
        if member.key == intent.initiator {
            return Err(IntentError::OwnIntent(member.name.clone()));
        }
        if !approval.verifies() {
            return Err(IntentError::Signature { what: "approval", signer: member.name.clone() });
        }
        if approval.verdict == Verdict::Reject {
            return Err(IntentError::field("approvals", format!("{} rejected this intent", member.name)));
        }
        members.push(member);
    }
    let need = usize::from(group.quorum);
    if members.len() < need {
        let (have, missing) = (members.len(), need - members.len());
        return Err(IntentError::Quorum { group: name, have, need, missing });
    }
    Ok(members)
}

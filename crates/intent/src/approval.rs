//! Approvals: signatures of people over an intent's hash.

use crate::keys::sign;
use crate::passkey::{Assertion, Use};
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

/// One approver's signed verdict on one intent, by a device key or by a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Hash of the intent.
    pub intent: Hash,
    /// Who: a device key, or a passkey's [`crate::passkey::Passkey::id`].
    pub approver: PublicKey,
    /// What they say.
    pub verdict: Verdict,
    /// Their signature over all of it; with a passkey, what the authenticator signed.
    pub signature: Signature,
    /// What the authenticator signed, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Box<Assertion>>,
}

/// What is added to the verdict's byte when an assertion follows the signature: approvals by device keys keep the bytes that
/// they always had.
const BY_PASSKEY: u8 = 2;

impl BorshSerialize for Approval {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        BorshSerialize::serialize(&self.intent, writer)?;
        BorshSerialize::serialize(&self.approver, writer)?;
        let more = if self.passkey.is_some() { BY_PASSKEY } else { 0 };
        BorshSerialize::serialize(&(self.verdict as u8 + more), writer)?;
        BorshSerialize::serialize(&self.signature, writer)?;
        match &self.passkey {
            Some(assertion) => BorshSerialize::serialize(assertion, writer),
            None => Ok(()),
        }
    }
}

impl BorshDeserialize for Approval {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let intent = Hash::deserialize_reader(reader)?;
        let approver = PublicKey::deserialize_reader(reader)?;
        let kind = u8::deserialize_reader(reader)?;
        let verdict = match kind % BY_PASSKEY {
            0 => Verdict::Approve,
            _ => Verdict::Reject,
        };
        let signature = Signature::deserialize_reader(reader)?;
        let passkey = match kind / BY_PASSKEY {
            0 => None,
            1 => Some(Box::deserialize_reader(reader)?),
            _ => {
                let problem = format!("{kind} is no kind of approval");
                return Err(borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, problem));
            }
        };
        Ok(Self { intent, approver, verdict, signature, passkey })
    }
}

impl Approval {
    /// Signs a verdict.
    pub fn new(intent: Hash, verdict: Verdict, key: &ed25519_dalek::SigningKey) -> Self {
        let approver = crate::keys::public(key);
        Self {
            intent,
            approver,
            verdict,
            signature: sign(key, &digest(&intent, &approver, verdict)),
            passkey: None,
        }
    }

    /// What an authenticator gave for [`Approval::challenge`]; the signature of ES256 as r and s, 32 bytes each.
    pub fn by_passkey(intent: Hash, verdict: Verdict, assertion: Assertion, signature: Signature) -> Self {
        let approver = assertion.passkey.id();
        Self { intent, approver, verdict, signature, passkey: Some(Box::new(assertion)) }
    }

    /// What a passkey is asked to sign.
    pub fn challenge(intent: &Hash, approver: &PublicKey, verdict: Verdict) -> [u8; 32] {
        digest(intent, approver, verdict)
    }

    /// What the counter of the approver's authenticator is remembered by, where it is one.
    pub fn passkey_use(&self) -> Option<Use> {
        let challenge = digest(&self.intent, &self.approver, self.verdict);
        Some(Use::new(self.approver, challenge, self.passkey.as_deref()?))
    }

    /// Whether the signature is the approver's, over exactly this.
    pub fn verifies(&self) -> bool {
        self.check().is_ok()
    }

    /// As [`Approval::check`], with the approver's name in the reason.
    ///
    /// # Errors
    /// [`IntentError`] that says whose approval is wrong, and how.
    pub fn check_by(&self, name: &str) -> Result<(), IntentError> {
        self.check().map_err(|error| match error {
            IntentError::Field { field, problem } => {
                IntentError::field(field, format!("the approval of {name}: {problem}"))
            }
            _ => IntentError::Signature { what: "approval", signer: name.to_owned() },
        })
    }

    /// As [`Approval::verifies`], with the reason.
    ///
    /// # Errors
    /// [`IntentError`] that says which part is wrong.
    pub fn check(&self) -> Result<(), IntentError> {
        let digest = digest(&self.intent, &self.approver, self.verdict);
        match &self.passkey {
            Some(assertion) if assertion.passkey.id() == self.approver => {
                assertion.check(&digest, &self.signature)
            }
            Some(_) => Err(IntentError::field("passkey", "the approver's id is that of another passkey")),
            None if self.approver.verify(&digest, &self.signature) => Ok(()),
            None => {
                let signer = self.approver.to_string();
                Err(IntentError::Signature { what: "approval", signer })
            }
        }
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
        approval.check_by(&member.name)?;
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

//! Intents with their initiators' signatures, by a device key or by a passkey (docs/spec §1.10).

use crate::intent::{BY_PASSKEY, CLOCK_SKEW};
use crate::keys::sign;
use crate::passkey::{Assertion, Use};
use crate::{Body, Change, Genesis, Hash, Intent, IntentError, Member, PublicKey, Signature};
use borsh::io::{Error, ErrorKind, Read, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};

/// An intent with its initiator's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedIntent {
    /// What is asked for.
    pub intent: Intent,
    /// The initiator's signature over its hash; by a passkey, what the authenticator signed.
    pub signature: Signature,
    /// What the authenticator signed, where the intent's version says that it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Box<Assertion>>,
}

/// The version, which is under the hash, says whether an assertion follows.
impl BorshSerialize for SignedIntent {
    fn serialize<W: Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        if (self.intent.version == BY_PASSKEY) != self.passkey.is_some() {
            return Err(Error::new(ErrorKind::InvalidData, "the intent's version says how it is signed"));
        }
        BorshSerialize::serialize(&self.intent, writer)?;
        BorshSerialize::serialize(&self.signature, writer)?;
        self.passkey.as_ref().map_or(Ok(()), |assertion| BorshSerialize::serialize(assertion, writer))
    }
}

impl BorshDeserialize for SignedIntent {
    fn deserialize_reader<R: Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let intent = Intent::deserialize_reader(reader)?;
        let signature = Signature::deserialize_reader(reader)?;
        let passkey = match intent.version {
            BY_PASSKEY => Some(Box::deserialize_reader(reader)?),
            _ => None,
        };
        Ok(Self { intent, signature, passkey })
    }
}

fn initiator_digest(hash: &Hash) -> [u8; 32] {
    Transcript::new("intent/initiator").field("intent", &hash.0).digest()
}

impl Intent {
    /// Signs as the initiator.
    pub fn sign(self, key: &ed25519_dalek::SigningKey) -> SignedIntent {
        let signature = sign(key, &initiator_digest(&self.hash()));
        SignedIntent { intent: self, signature, passkey: None }
    }

    /// What the initiator signs; an initiator's passkey is asked to sign it as its challenge.
    pub fn challenge(&self) -> [u8; 32] {
        initiator_digest(&self.hash())
    }
}

impl SignedIntent {
    /// Checks the intent, that its initiator is a client of the cluster, and the signature.
    pub fn check(&self, genesis: &Genesis, now: u64) -> Result<(), IntentError> {
        self.intent.check(genesis, now)?;
        self.check_signature(genesis)
    }

    /// As [`SignedIntent::check`], for a refresh by the schedule that this order sets up: `end` counts in place of
    /// `expires`, which says until when the order could be taken up.
    pub fn check_schedule(&self, genesis: &Genesis, now: u64) -> Result<(), IntentError> {
        let schedule = match &self.intent.body {
            Body::Order(order) => order.schedule(),
            _ => None,
        };
        let (_, _, repeat) = schedule
            .ok_or_else(|| IntentError::field("ceremony", "this intent does not set up a schedule"))?;
        self.intent.check_form(genesis)?;
        if now >= repeat.end || self.intent.created > now.saturating_add(CLOCK_SKEW) {
            let problem =
                format!("its schedule runs from {} to {}, now is {now}", self.intent.created, repeat.end);
            return Err(IntentError::Time(problem));
        }
        self.check_signature(genesis)
    }

    /// Checks that the initiator is a client of the cluster, and the signature. A freeze may come from an administrator as
    /// well: who sees something wrong need not look for a client first. A passkey may be that of a client's person.
    pub fn check_signature(&self, genesis: &Genesis) -> Result<(), IntentError> {
        let initiator = self.intent.initiator;
        let freezes = matches!(self.intent.body, Body::Governance(Change::Freeze { .. }));
        let administrators = genesis.administrators.members.iter().filter(|_| freezes);
        let member = genesis.clients.iter().chain(administrators).find(|client| client.key == initiator);
        let by_passkey = self.intent.version == BY_PASSKEY;
        let name = match member {
            Some(member) => Some(member.name.as_str()),
            None if by_passkey => genesis.client_with(&initiator),
            None => None,
        };
        let name =
            name.ok_or_else(|| IntentError::NotAMember { who: initiator.to_string(), group: "clients" })?;
        let wrong =
            |problem: &str| Err(IntentError::field("passkey", format!("the intent of {name}: {problem}")));
        match &self.passkey {
            Some(_) if !by_passkey => wrong("its version says that a device key signs it"),
            None if by_passkey => {
                wrong("its version says that a passkey signs it, and there is no assertion")
            }
            Some(assertion) if assertion.passkey.id() != initiator => {
                wrong("the initiator's id is that of another passkey")
            }
            Some(assertion) => match assertion.check(&self.intent.challenge(), &self.signature) {
                Err(IntentError::Field { problem, .. }) => wrong(&problem),
                checked => checked,
            },
            None if initiator.verify(&self.intent.challenge(), &self.signature) => Ok(()),
            None => Err(IntentError::Signature { what: "intent", signer: name.to_owned() }),
        }
    }

    /// What the counter of the initiator's authenticator is remembered by, where it is one.
    pub fn passkey_use(&self) -> Option<Use> {
        let assertion = self.passkey.as_deref()?;
        Some(Use::new(self.intent.initiator, self.intent.challenge(), assertion))
    }
}

impl Genesis {
    /// The client's name whose person has this device. Governance brought it in; in the lists of clients each has one key alone.
    pub fn client_with(&self, key: &PublicKey) -> Option<&str> {
        let people = self.governed.iter().flat_map(|governed| &governed.people);
        let mut person = people.filter(|person| person.keys.contains(key)).map(|person| person.name.as_str());
        let client = self.clients.iter().find(|client| client.key == *key).map(|client| client.name.as_str());
        let named = |name: &&str| self.clients.iter().any(|client| client.name == *name);
        client.or_else(|| person.find(named))
    }

    /// Whether this member is who asked, and so may not approve. Of what a passkey asked people are compared; of what a device
    /// key asked the lists of the genesis compare keys, as they always did.
    pub fn asks(&self, intent: &Intent, member: &Member) -> bool {
        let person = || self.client_with(&intent.initiator) == Some(member.name.as_str());
        member.key == intent.initiator || (intent.version == BY_PASSKEY && person())
    }
}

#[cfg(test)]
#[path = "signed_tests.rs"]
mod tests;

//! Partial signatures: what one party gives, signed by it, and what it was made with.

use crate::{KeySet, SignedAssignment, SigningRequest};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, PublicKey, Signature, Suite};
use quorate_protocols::Message;
use quorate_protocols::dkls::{self, PresignaturePublic};
use quorate_protocols::frost::{self, NonceCommitments, Tweak};
use quorate_sharing::{Curve, Index, Secp256k1, Transcript};
use std::collections::BTreeMap;

/// Nonce commitments with their owner's signature (§3.2).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnedCommitment {
    /// The party's index.
    pub signer: u16,
    /// The boot id under which the nonces live in memory (§1.9).
    pub boot: [u8; 16],
    /// Hiding and binding commitment, encoded.
    pub commitments: Vec<u8>,
    /// The owner's signature over all of it and the epoch.
    pub signature: Signature,
}

impl OwnedCommitment {
    /// What the owner signs. `record` is the hash of the epoch's public record.
    pub fn digest(record: &Hash, signer: u16, boot: &[u8; 16], commitments: &[u8]) -> [u8; 32] {
        Transcript::new("signing/commitments")
            .field("record", &record.0)
            .number("signer", signer.into())
            .field("boot", boot)
            .field("commitments", commitments)
            .digest()
    }

    /// Whether the owner signed it.
    pub fn verifies(&self, record: &Hash, owner: &PublicKey) -> bool {
        owner.verify(&Self::digest(record, self.signer, &self.boot, &self.commitments), &self.signature)
    }
}

/// What an item is signed with.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Material {
    /// FROST: the signers' commitments, ascending by signer.
    Frost(Vec<OwnedCommitment>),
    /// ECDSA: the encoded public part of a presignature.
    Ecdsa(Vec<u8>),
}

/// One item of one attempt: assignment and material.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// The coordinator's signed assignment.
    pub assignment: SignedAssignment,
    /// What it assigns.
    pub material: Material,
}

/// One party's partial signature of one item.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Partial {
    /// The party's index.
    pub signer: u16,
    /// FROST: z_i. ECDSA: w_i, u'_i, θ_i.
    pub body: Vec<u8>,
    /// The party's identity signature over the body and all that it was made for.
    pub signature: Signature,
}

/// Why request, assignment, material and key do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// They name different things.
    #[error("the assignment does not fit the request: {0}")]
    Mismatch(&'static str),
    /// Bytes that are not what they should be.
    #[error("the signing material is malformed: {0}")]
    Malformed(String),
    /// A commitment that its owner did not sign.
    #[error("the commitments of party {0} are not signed by it")]
    Commitment(u16),
    /// The path cannot be derived, or leads to another key than the request says.
    #[error("the request's key does not follow from its path")]
    Key,
}

/// An item whose request, assignment and material were found to fit the key.
pub struct Checked {
    pub(crate) path: Vec<u32>,
    pub(crate) message: Vec<u8>,
    pub(crate) kind: CheckedKind,
    statement: Transcript,
}

/// The suite's own side of [`Checked`].
#[allow(clippy::large_enum_variant, reason = "a handful at a time, and short-lived")]
pub enum CheckedKind {
    /// The commitment list.
    Frost(BTreeMap<Index, NonceCommitments>),
    /// The presignature and the request as the protocol takes it.
    Ecdsa(Box<PresignaturePublic>, dkls::Request),
}

impl Material {
    /// The signers' indices.
    pub fn signers(&self) -> Vec<u16> {
        match self {
            Self::Frost(list) => list.iter().map(|owned| owned.signer).collect(),
            Self::Ecdsa(bytes) => PresignaturePublic::decode(bytes, ())
                .map(|public| public.members().iter().map(|m| m.party.get()).collect())
                .unwrap_or_default(),
        }
    }

    /// What an assignment names it by.
    pub fn digest(&self, suite: Suite) -> Result<Hash, PartError> {
        match self {
            Self::Frost(list) => Ok(name_commitments(&decode_commitments(suite, list)?)),
            Self::Ecdsa(bytes) => Ok(name_presignature(&decode_presignature(bytes)?)),
        }
    }
}

impl Part {
    /// Checks that this part is item `assignment.index` of `request`, made for this key, with material that its owners
    /// signed. The coordinator's signature is checked by whoever knows the coordinator.
    pub fn check(
        &self,
        keys: &KeySet,
        parties: &[PublicKey],
        request: &SigningRequest,
    ) -> Result<Checked, PartError> {
        let assignment = &self.assignment.assignment;
        if assignment.request != request.hash() {
            return Err(PartError::Mismatch("it is for another request"));
        }
        if assignment.attempt >= request.attempts {
            return Err(PartError::Mismatch("the attempts of this request are used up"));
        }
        let item = request
            .items
            .get(assignment.index as usize)
            .ok_or(PartError::Mismatch("there is no such item"))?;
        let child = keys.child(&item.path).map_err(|_| PartError::Key)?;
        if child.key != item.key {
            return Err(PartError::Key);
        }
        // Points are decoded once: that costs as much as signing.
        let named = |name: Hash| {
            let other = PartError::Mismatch("it names other nonces than it comes with");
            if assignment.material == name { Ok(()) } else { Err(other) }
        };
        let mut delta = Vec::new();
        let kind = match (&self.material, keys) {
            (Material::Frost(list), KeySet::Bip340(_) | KeySet::Ed25519(_)) => {
                let commitments = decode_commitments(keys.suite(), list)?;
                named(name_commitments(&commitments))?;
                check_owners(list, parties, &request.record)?;
                CheckedKind::Frost(commitments)
            }
            (Material::Ecdsa(bytes), KeySet::Ecdsa(public)) => {
                let presignature = decode_presignature(bytes)?;
                named(name_presignature(&presignature))?;
                if *presignature.key() != public.key().key
                    || presignature.binding().key_id != request.record.0
                {
                    return Err(PartError::Mismatch("the presignature belongs to another key or epoch"));
                }
                let ask = ecdsa_request(item, &child.tau, &presignature, assignment.request)?;
                ask.check(&presignature).map_err(|error| PartError::Malformed(error.to_string()))?;
                delta = Secp256k1::encode_scalar(&ask.delta(&presignature));
                CheckedKind::Ecdsa(Box::new(presignature), ask)
            }
            _ => return Err(PartError::Mismatch("the material is for another suite")),
        };
        let statement = Transcript::new("signing/partial")
            .field("assignment", &assignment.digest())
            .field("coordinator signature", &self.assignment.signature.0)
            .field("message", &item.message)
            .field("tau", &child.tau)
            .field("delta", &delta);
        Ok(Checked { path: item.path.clone(), message: item.message.clone(), kind, statement })
    }
}

impl Checked {
    /// What a party signs with its partial signature.
    pub fn statement(&self, signer: u16, body: &[u8]) -> [u8; 32] {
        self.statement.clone().number("signer", signer.into()).field("body", body).digest()
    }

    /// The suite's own side.
    pub fn kind(&self) -> &CheckedKind {
        &self.kind
    }

    /// The FROST task, if this is one. Keys of BIP340 sign as Taproot outputs.
    pub fn task(&self, suite: Suite) -> Option<frost::Task<'_>> {
        let CheckedKind::Frost(commitments) = &self.kind else { return None };
        let tweak = if suite == Suite::Bip340 { Tweak::TaprootKeySpend } else { Tweak::None };
        Some(frost::Task { path: &self.path, message: &self.message, tweak, commitments })
    }
}

fn ecdsa_request(
    item: &crate::Item,
    tau: &[u8],
    presignature: &PresignaturePublic,
    rq: Hash,
) -> Result<dkls::Request, PartError> {
    let wrong = |what: &str| PartError::Malformed(what.to_owned());
    let digest: [u8; 32] = item.message.as_slice().try_into().map_err(|_| wrong("a digest has 32 bytes"))?;
    Ok(dkls::Request {
        pd: *presignature.pd(),
        m: quorate_sharing::curves::secp256k1_reduce(&digest),
        tau: Secp256k1::decode_scalar(tau).map_err(|_| PartError::Key)?,
        rq: rq.0,
        public_key: Secp256k1::decode_nonzero_point(&item.key).map_err(|_| PartError::Key)?,
    })
}

fn decode_presignature(bytes: &[u8]) -> Result<PresignaturePublic, PartError> {
    PresignaturePublic::decode(bytes, ()).map_err(|error| PartError::Malformed(error.to_string()))
}

/// What an assignment names commitments by.
fn name_commitments(commitments: &BTreeMap<Index, NonceCommitments>) -> Hash {
    Hash(frost::commitments_digest(commitments))
}

/// What an assignment names a presignature by.
fn name_presignature(presignature: &PresignaturePublic) -> Hash {
    Hash(*presignature.pd())
}

fn check_owners(list: &[OwnedCommitment], parties: &[PublicKey], record: &Hash) -> Result<(), PartError> {
    for owned in list {
        let owner = usize::from(owned.signer).checked_sub(1).and_then(|at| parties.get(at));
        if !owner.is_some_and(|owner| owned.verifies(record, owner)) {
            return Err(PartError::Commitment(owned.signer));
        }
    }
    Ok(())
}

fn decode_commitments(
    suite: Suite,
    list: &[OwnedCommitment],
) -> Result<BTreeMap<Index, NonceCommitments>, PartError> {
    if !list.is_sorted_by(|a, b| a.signer < b.signer) {
        return Err(PartError::Malformed("commitments must ascend by signer".into()));
    }
    let mut commitments = BTreeMap::new();
    for owned in list {
        let bytes = &owned.commitments;
        let decoded = match suite {
            Suite::Bip340 => NonceCommitments::decode::<frost::Bip340>(bytes),
            Suite::Ed25519 => NonceCommitments::decode::<frost::Ed25519Schnorr>(bytes),
            Suite::Ecdsa => return Err(PartError::Mismatch("the material is for another suite")),
        };
        let decoded = decoded.map_err(|error| PartError::Malformed(error.to_string()))?;
        let index = Index::new(owned.signer).map_err(|error| PartError::Malformed(error.to_string()))?;
        commitments.insert(index, decoded);
    }
    Ok(commitments)
}

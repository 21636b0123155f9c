//! Evidence that is too long to be kept, shortened to what its signatures cover (docs/spec §1.3, §5.2).
//!
//! An outer signature covers a message's body by its hash, so that header and signature stand for themselves: they show
//! that a party sent something that hashes to this, and two of them for one round still prove equivocation. Whoever has
//! the bodies can show them later.

use crate::wire::{self, Envelope, Kind};
use crate::{Checked, Evidence, EvidenceError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{PublicKey, Signature};
use quorate_sharing::Transcript;
use std::collections::BTreeMap;

/// A signed message without its body.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Who signed it.
    pub sender: PublicKey,
    /// The number of its kind, as on the wire.
    pub kind: u8,
    /// The round.
    pub round: u8,
    /// [`wire::body_hash`].
    pub body: [u8; 32],
    /// The outer signature.
    pub signature: Signature,
}

impl Header {
    fn new(sender: PublicKey, message: &[u8]) -> Result<Self, EvidenceError> {
        let envelope = Envelope::decode(message).ok_or(EvidenceError::Malformed)?;
        Ok(Self {
            sender,
            kind: envelope.kind as u8,
            round: envelope.round,
            body: wire::body_hash(envelope.body),
            signature: envelope.signature,
        })
    }

    fn check(&self, ssid: &[u8; 32], recipient: Option<&PublicKey>) -> Result<Kind, EvidenceError> {
        let kind = Kind::new(self.kind).filter(|kind| !kind.early()).ok_or(EvidenceError::Malformed)?;
        let recipient = recipient.filter(|_| kind.addressed());
        let digest = wire::digest_by_hash(ssid, kind, self.round, &self.sender, recipient, &self.body);
        if self.sender.verify(&digest, &self.signature) { Ok(kind) } else { Err(EvidenceError::Signature) }
    }
}

/// The hash by which shortened evidence names the whole.
pub fn whole(evidence: &[u8]) -> [u8; 32] {
    Transcript::new("session/evidence").field("evidence", evidence).digest()
}

/// Encoded evidence in at most `max` bytes: as it is, or shortened, or in the worst case its [`whole`] hash alone.
pub fn fit(evidence: &[u8], max: usize) -> Vec<u8> {
    if evidence.len() <= max {
        return evidence.to_vec();
    }
    let short = Evidence::decode(evidence).and_then(|decoded| shorten(&decoded));
    match short.map(|short| short.encode()) {
        Ok(short) if short.len() <= max => short,
        _ => whole(evidence).to_vec(),
    }
}

fn shorten(evidence: &Evidence) -> Result<Evidence, EvidenceError> {
    let bytes = evidence.encode();
    let (ssid, culprit, recipient, headers) = match evidence {
        Evidence::Equivocation { ssid, culprit, first, second } => {
            let headers = [first, second].map(|message| Header::new(*culprit, message));
            (*ssid, *culprit, None, headers.into_iter().collect::<Result<_, _>>()?)
        }
        Evidence::Conduct { culprit, parties, messages, .. } => {
            let Checked::Conduct { ssid, .. } = evidence.check()? else {
                return Err(EvidenceError::Malformed);
            };
            let keys: BTreeMap<u16, PublicKey> = parties.iter().copied().collect();
            let header = |(sender, message): &(u16, Vec<u8>)| {
                Header::new(*keys.get(sender).ok_or(EvidenceError::Malformed)?, message)
            };
            (ssid, *culprit, None, messages.iter().map(header).collect::<Result<_, _>>()?)
        }
        Evidence::Sealed { ssid, culprit, recipient, message } => {
            (*ssid, *culprit, Some(*recipient), vec![Header::new(*culprit, message)?])
        }
        Evidence::UsedUp { .. } | Evidence::Shortened { .. } => return Ok(evidence.clone()),
    };
    let length = bytes.len() as u64;
    Ok(Evidence::Shortened { ssid, culprit, recipient, whole: whole(&bytes), length, headers })
}

/// Checks every header. Two broadcasts of the culprit for one round decide by themselves.
pub(crate) fn check(
    ssid: &[u8; 32],
    culprit: &PublicKey,
    recipient: Option<&PublicKey>,
    headers: &[Header],
) -> Result<Checked, EvidenceError> {
    let mut broadcasts = BTreeMap::new();
    let mut sent = false;
    for header in headers {
        let kind = header.check(ssid, recipient)?;
        if header.sender != *culprit {
            continue;
        }
        sent = true;
        if kind == Kind::Broadcast
            && broadcasts.insert(header.round, header.body).is_some_and(|other| other != header.body)
        {
            return Ok(Checked::Equivocation { culprit: *culprit, round: header.round });
        }
    }
    if sent { Ok(Checked::Shortened { culprit: *culprit }) } else { Err(EvidenceError::Nothing) }
}

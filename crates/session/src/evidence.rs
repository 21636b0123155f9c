//! Evidence: signed originals that somebody who was not there can check (docs/spec §1.4, §5.2).

use crate::echo;
use crate::shorten::{self, Header};
use crate::ssid::{Scope, Terms};
use crate::wire::{Envelope, Kind};
use crate::{Hello, Participants, SessionError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::PublicKey;
use quorate_sharing::{Index, Secp256k1};
use std::collections::BTreeMap;

/// The longest evidence that is read, in bytes.
pub const MAX_EVIDENCE: usize = 64 << 20;

/// What shows a fault. Messages are encoded envelopes, byte for byte as they were signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// Two different broadcasts of one party in one round of one session. Decides by itself.
    Equivocation {
        /// The session id under which both are signed.
        ssid: [u8; 32],
        /// Who signed both.
        culprit: PublicKey,
        /// One broadcast.
        first: Vec<u8>,
        /// The other.
        second: Vec<u8>,
    },
    /// Everything that was broadcast in a session, so that the protocol's own check can be repeated on it.
    Conduct {
        /// Whom it condemns.
        culprit: PublicKey,
        /// The round that was judged.
        round: u8,
        /// The ceremony id.
        ceremony: [u8; 32],
        /// What the session was about.
        terms: Terms,
        /// Index and identity key of each participant, ascending by index.
        parties: Vec<(u16, PublicKey)>,
        /// The signed hello of each, in the same order.
        hellos: Vec<Vec<u8>>,
        /// Sender and signed envelope of each broadcast and echo.
        messages: Vec<(u16, Vec<u8>)>,
    },
    /// A sealed message that does not open for its recipient, or holds what it must not. Shows who sent it and no more:
    /// it counts as an edge, and only when an end of the pair has signed that (§5.2).
    Sealed {
        /// The session id.
        ssid: [u8; 32],
        /// The sender.
        culprit: PublicKey,
        /// Who could not use it.
        recipient: PublicKey,
        /// The signed envelope with the sealed message inside.
        message: Vec<u8>,
    },
    /// A signed hello that claims the last try of an order.
    UsedUp {
        /// The ceremony id.
        ceremony: [u8; 32],
        /// Who claims it.
        culprit: PublicKey,
        /// The signed hello.
        hello: Vec<u8>,
    },
    /// What is left of evidence that was too long to be kept: see [`crate::shorten`].
    Shortened {
        /// The session id.
        ssid: [u8; 32],
        /// Whom the whole evidence is about.
        culprit: PublicKey,
        /// Whom a sealed message was for.
        recipient: Option<PublicKey>,
        /// [`crate::shorten::whole`] of the whole evidence.
        whole: [u8; 32],
        /// Its length in bytes.
        length: u64,
        /// The signed messages in it, without their bodies.
        headers: Vec<Header>,
    },
}

/// What evidence shows once its signatures are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "values are few and short-lived")]
pub enum Checked {
    /// Proven: this party signed two different broadcasts for one round.
    Equivocation {
        /// Who.
        culprit: PublicKey,
        /// In which round.
        round: u8,
    },
    /// Authentic, but whether the culprit is guilty is for the protocol's own check to say.
    Conduct {
        /// The accused.
        culprit: PublicKey,
        /// The round that was judged.
        round: u8,
        /// The session id, recomputed from terms and hellos.
        ssid: [u8; 32],
        /// What the session was about.
        terms: Terms,
        /// Who took part.
        participants: Participants,
        /// All broadcasts by round and sender.
        broadcasts: BTreeMap<(u8, Index), Vec<u8>>,
    },
    /// Authentic: this party sent this recipient a sealed message in this round.
    Sealed {
        /// The sender.
        culprit: PublicKey,
        /// The recipient.
        recipient: PublicKey,
        /// In which round.
        round: u8,
    },
    /// Authentic: this party signed messages with these hashes. What was wrong with them shows when somebody has the
    /// whole evidence.
    Shortened {
        /// The sender.
        culprit: PublicKey,
    },
    /// Proven: this party claimed that the last try is spent.
    UsedUp {
        /// Who.
        culprit: PublicKey,
    },
}

/// Why bytes are no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not an encoding of evidence.
    #[error("these bytes are not evidence; ask its sender for them again")]
    Malformed,
    /// A signature inside is not the named party's.
    #[error("a signature in the evidence does not verify; the accusation is void")]
    Signature,
    /// All signatures are good and yet nothing wrong is shown.
    #[error("the evidence shows nothing wrong; the accusation is void")]
    Nothing,
}

impl Evidence {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail.
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes exactly these bytes.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`], also above [`MAX_EVIDENCE`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > MAX_EVIDENCE {
            return Err(EvidenceError::Malformed);
        }
        borsh::from_slice(bytes).map_err(|_| EvidenceError::Malformed)
    }

    /// Checks every signature and says what is shown. Needs nothing but the bytes; whether the keys are those of parties
    /// of the cluster is for the caller to know.
    ///
    /// # Errors
    /// An [`EvidenceError`] when it shows nothing.
    pub fn check(&self) -> Result<Checked, EvidenceError> {
        match self {
            Self::Equivocation { ssid, culprit, first, second } => {
                let (first, second) = (broadcast(ssid, culprit, first)?, broadcast(ssid, culprit, second)?);
                if first.round != second.round || first.body == second.body {
                    return Err(EvidenceError::Nothing);
                }
                Ok(Checked::Equivocation { culprit: *culprit, round: first.round })
            }
            Self::Conduct { .. } => self.check_conduct(),
            Self::Sealed { ssid, culprit, recipient, message } => {
                let envelope = signed(ssid, culprit, recipient, message)?;
                if envelope.kind != Kind::Private {
                    return Err(EvidenceError::Nothing);
                }
                Ok(Checked::Sealed { culprit: *culprit, recipient: *recipient, round: envelope.round })
            }
            Self::Shortened { ssid, culprit, recipient, headers, .. } => {
                shorten::check(ssid, culprit, recipient.as_ref(), headers)
            }
            Self::UsedUp { ceremony, culprit, hello } => {
                let envelope = signed(ceremony, culprit, culprit, hello)?;
                let hello: Option<Hello> = borsh::from_slice(envelope.body).ok();
                if envelope.kind != Kind::Hello || hello.is_none_or(|hello| hello.told_try != u32::MAX) {
                    return Err(EvidenceError::Nothing);
                }
                Ok(Checked::UsedUp { culprit: *culprit })
            }
        }
    }

    fn check_conduct(&self) -> Result<Checked, EvidenceError> {
        let Self::Conduct { culprit, round, ceremony, terms, parties, hellos, messages } = self else {
            return Err(EvidenceError::Malformed);
        };
        let participants = participants(parties).map_err(|_| EvidenceError::Malformed)?;
        if hellos.len() != participants.len() || participants.index(culprit).is_none() {
            return Err(EvidenceError::Malformed);
        }
        let mut raw = BTreeMap::new();
        let mut highest = 0;
        for ((index, key), bytes) in participants.iter().zip(hellos) {
            let envelope = signed(ceremony, &key, &key, bytes)?;
            let hello = Hello::decode(envelope.body, index, &participants).ok_or(EvidenceError::Malformed)?;
            highest = highest.max(hello.told_try);
            raw.insert(index, bytes.clone());
        }
        let order_try = highest.checked_add(1).ok_or(EvidenceError::Malformed)?;
        let (first, own) = raw.first_key_value().ok_or(EvidenceError::Malformed)?;
        let nonce = crate::hello::nonce(&raw, *first, own).ok_or(EvidenceError::Malformed)?;
        let scope = Scope { ceremony, participants: &participants, terms, order_try, nonce: &nonce };
        let ssid = scope.view().ssid;
        let mut broadcasts = BTreeMap::new();
        for (number, bytes) in messages {
            let index = Index::new(*number).map_err(|_| EvidenceError::Malformed)?;
            let key = participants.key(index).ok_or(EvidenceError::Malformed)?;
            let envelope = signed(&ssid, &key, &key, bytes)?;
            match envelope.kind {
                Kind::Broadcast => drop(broadcasts.insert((envelope.round, index), envelope.body.to_vec())),
                Kind::Echo => (),
                _ => return Err(EvidenceError::Malformed),
            }
        }
        let terms = terms.clone();
        Ok(Checked::Conduct { culprit: *culprit, round: *round, ssid, terms, participants, broadcasts })
    }
}

/// Decodes and checks evidence in one go.
///
/// # Errors
/// As [`Evidence::decode`] and [`Evidence::check`].
pub fn check(bytes: &[u8]) -> Result<Checked, EvidenceError> {
    Evidence::decode(bytes)?.check()
}

/// The evidence that `culprit` signed two broadcasts, if the two differ in content.
pub(crate) fn equivocation(
    ssid: &[u8; 32],
    round: u8,
    culprit: &PublicKey,
    first: &[u8],
    second: &[u8],
) -> Option<Evidence> {
    let of = |envelope| echo::digest(ssid, round, culprit, crate::wire::body(envelope));
    (of(first) != of(second)).then(|| Evidence::Equivocation {
        ssid: *ssid,
        culprit: *culprit,
        first: first.to_vec(),
        second: second.to_vec(),
    })
}

fn participants(parties: &[(u16, PublicKey)]) -> Result<Participants, SessionError> {
    let list = parties.iter().map(|(number, key)| {
        Index::new(*number).map(|index| (index, *key)).map_err(|_| SessionError::Config("index zero"))
    });
    // Indices are distinct integers on every curve of the house; the toy groups are for tests alone.
    Participants::new::<Secp256k1>(list.collect::<Result<_, _>>()?)
}

fn signed<'a>(
    scope: &[u8; 32],
    sender: &PublicKey,
    recipient: &PublicKey,
    bytes: &'a [u8],
) -> Result<Envelope<'a>, EvidenceError> {
    let envelope = Envelope::decode(bytes).ok_or(EvidenceError::Malformed)?;
    if envelope.verifies(scope, sender, recipient) { Ok(envelope) } else { Err(EvidenceError::Signature) }
}

fn broadcast<'a>(
    ssid: &[u8; 32],
    sender: &PublicKey,
    bytes: &'a [u8],
) -> Result<Envelope<'a>, EvidenceError> {
    let envelope = signed(ssid, sender, sender, bytes)?;
    if envelope.kind == Kind::Broadcast { Ok(envelope) } else { Err(EvidenceError::Nothing) }
}

//! The envelope: what travels between two sessions.
//!
//! Encoding (borsh, so one encoding per value): version (1) ‖ ceremony id (32) ‖ kind (1) ‖ round (1) ‖ length of the
//! body (4, little-endian) ‖ body ‖ signature (64). There is no sender inside: the sender is the identity of the channel,
//! and the signature must be that identity's. Without it nothing has arrived.

use crate::Identity;
use quorate_intent::{PublicKey, Signature};
use quorate_protocols::Reader;
use quorate_sharing::{Index, Transcript};

/// Version of the envelope.
pub const VERSION: u8 = 1;
/// How many bytes the envelope adds to a body.
pub const OVERHEAD: usize = BODY + 64;
/// Where the body starts.
const BODY: usize = 1 + 32 + 1 + 1 + 4;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A signed hello. Signed under the ceremony id.
    Hello = 1,
    /// The sender's view of the session id. Signed under the ceremony id.
    View = 2,
    /// A round's broadcast: the same bytes for all. From here on, signed under the session id.
    Broadcast = 3,
    /// A round's sealed message for one recipient.
    Private = 4,
    /// The digests of all broadcasts of a round, in order of index.
    Echo = 5,
    /// Asks for the signed broadcast of the party whose index (2 bytes, little-endian) is the body.
    Request = 6,
    /// Shows one: index (2 bytes, little-endian) ‖ the envelope as its sender signed it.
    Answer = 7,
}

impl Kind {
    pub(crate) fn new(number: u8) -> Option<Self> {
        const ALL: [Kind; 7] = [
            Kind::Hello,
            Kind::View,
            Kind::Broadcast,
            Kind::Private,
            Kind::Echo,
            Kind::Request,
            Kind::Answer,
        ];
        ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Whether each recipient gets bytes of its own, so that the signature names the recipient.
    pub fn addressed(self) -> bool {
        matches!(self, Self::Private | Self::Request | Self::Answer)
    }

    /// Whether the signature is under the ceremony id, since there is no session id yet.
    pub fn early(self) -> bool {
        matches!(self, Self::Hello | Self::View)
    }
}

/// A decoded envelope, its signature not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The ceremony id.
    pub ceremony: [u8; 32],
    /// What the body is.
    pub kind: Kind,
    /// The round, from 1; 0 for hello and view.
    pub round: u8,
    /// The body.
    pub body: &'a [u8],
    /// The sender's signature over [`digest`].
    pub signature: Signature,
}

/// What an outer signature covers. `scope` is the ceremony id for early kinds, the session id for all others; `recipient`
/// is none for kinds that are the same for all. The body enters by its own hash.
pub fn digest(
    scope: &[u8; 32],
    kind: Kind,
    round: u8,
    sender: &PublicKey,
    recipient: Option<&PublicKey>,
    body: &[u8],
) -> [u8; 32] {
    digest_by_hash(scope, kind, round, sender, recipient, &body_hash(body))
}

/// The hash by which a body enters [`digest`].
pub fn body_hash(body: &[u8]) -> [u8; 32] {
    Transcript::new("session/body").field("body", body).digest()
}

/// [`digest`] of a body of which only the hash is known.
pub fn digest_by_hash(
    scope: &[u8; 32],
    kind: Kind,
    round: u8,
    sender: &PublicKey,
    recipient: Option<&PublicKey>,
    body: &[u8; 32],
) -> [u8; 32] {
    Transcript::new("session/message")
        .field("scope", scope)
        .number("kind", kind as u64)
        .number("round", u64::from(round))
        .field("sender", &sender.0)
        .field("recipient", recipient.map_or(&[], |key| &key.0))
        .field("body", body)
        .digest()
}

impl<'a> Envelope<'a> {
    /// Decodes. None for another version, an unknown kind, or a length that is not exactly right. Allocates nothing.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let [version] = reader.array().ok()?;
        let ceremony = reader.array().ok()?;
        let [kind, round] = reader.array().ok()?;
        let length = usize::try_from(u32::from_le_bytes(reader.array().ok()?)).ok()?;
        let kind = Kind::new(kind)?;
        let body = reader.take(length).ok()?;
        let signature = Signature(reader.array().ok()?);
        reader.finish().ok()?;
        let round_fits = kind.early() == (round == 0);
        (version == VERSION && round_fits).then_some(Self { ceremony, kind, round, body, signature })
    }

    /// Whether `sender` signed this for `scope` and, if the kind is addressed, for `recipient`.
    pub fn verifies(&self, scope: &[u8; 32], sender: &PublicKey, recipient: &PublicKey) -> bool {
        let recipient = self.kind.addressed().then_some(recipient);
        let digest = digest(scope, self.kind, self.round, sender, recipient, self.body);
        sender.verify(&digest, &self.signature)
    }
}

/// Where and as what a message is to be signed.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    /// The ceremony id.
    pub ceremony: &'a [u8; 32],
    /// As in [`digest`].
    pub scope: &'a [u8; 32],
    /// What the body is.
    pub kind: Kind,
    /// The round.
    pub round: u8,
    /// For addressed kinds, whom it is for.
    pub recipient: Option<&'a PublicKey>,
}

impl Stamp<'_> {
    /// Signs and encodes a body.
    pub fn sign(&self, identity: &Identity, body: &[u8]) -> Vec<u8> {
        let digest = digest(self.scope, self.kind, self.round, &identity.public(), self.recipient, body);
        let mut bytes = Vec::with_capacity(body.len() + OVERHEAD);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.ceremony);
        bytes.extend_from_slice(&[self.kind as u8, self.round]);
        // Bodies are capped far below 4 GiB.
        bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(&identity.sign(&digest).0);
        bytes
    }
}

/// The body of an envelope that was decoded before.
pub(crate) fn body(envelope: &[u8]) -> &[u8] {
    envelope.len().checked_sub(64).and_then(|end| envelope.get(BODY..end)).unwrap_or_default()
}

/// The body of an answer.
pub(crate) fn encode_answer(index: Index, original: &[u8]) -> Vec<u8> {
    [&index.get().to_le_bytes()[..], original].concat()
}

/// Splits the body of a request or an answer into whose message it is about, and the rest.
pub(crate) fn decode_about(body: &[u8]) -> Option<(Index, &[u8])> {
    let (number, rest) = body.split_first_chunk::<2>()?;
    Some((Index::new(u16::from_le_bytes(*number)).ok()?, rest))
}

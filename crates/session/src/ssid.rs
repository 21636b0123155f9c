//! The session id: a hash of everything that the participants must agree on (docs/spec §1.1).

use crate::{Participants, SessionError};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;

/// Version of rounds, encodings and hashes. Parties of different versions get different session ids.
pub const PROTOCOL_VERSION: u32 = 1;

/// What is to be done. Equal at all participants, or the session ends with `ConfigMismatch`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Terms {
    /// The signature algorithm, such as `ecdsa-secp256k1`.
    pub suite: String,
    /// The ceremony, such as `generate` or `presign`.
    pub purpose: String,
    /// Hash of the order (§1.8); zero for ceremonies that need none.
    pub order: [u8; 32],
    /// The order's number for this key.
    pub order_number: u64,
    /// The key.
    pub key: [u8; 16],
    /// What names the epoch that is worked on; none when a key is made.
    pub base_epoch: Option<[u8; 32]>,
    /// t.
    pub threshold: u16,
    /// What else the ceremony binds, by name: both lists and thresholds and the dealers of a reshare, S of a presign.
    pub extra: Vec<(String, Vec<u8>)>,
}

/// The longest encoding of [`Terms`] in bytes.
const MAX_TERMS: usize = 1 << 16;

/// Names of the terms, in the order in which they are hashed.
pub const TERM_NAMES: [&str; 13] = [
    "protocol version",
    "ceremony id",
    "suite",
    "purpose",
    "order",
    "order number",
    "key",
    "base epoch",
    "parties",
    "threshold",
    "extra",
    "try",
    "nonce",
];

/// What is known after the hellos: together with [`Terms`] it makes the session id.
pub(crate) struct Scope<'a> {
    pub ceremony: &'a [u8; 32],
    pub participants: &'a Participants,
    pub terms: &'a Terms,
    pub order_try: u32,
    pub nonce: &'a [u8; 32],
}

/// A participant's view of the session, sent before anything secret is made: the session id, and eight bytes of hash for
/// each term, so that a difference can be named.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct View {
    /// The session id.
    pub ssid: [u8; 32],
    /// A short hash of each term, in the order of [`TERM_NAMES`].
    pub marks: [[u8; 8]; 13],
}

impl Scope<'_> {
    fn fields(&self) -> [Vec<u8>; 13] {
        let terms = self.terms;
        let parties = self.participants.iter().flat_map(|(index, key)| {
            let mut item = index.get().to_be_bytes().to_vec();
            item.extend_from_slice(&key.0);
            item
        });
        let base = match &terms.base_epoch {
            None => vec![0],
            Some(epoch) => [&[1u8][..], epoch].concat(),
        };
        let extra = terms.extra.iter().fold(Transcript::new("session/extra"), |transcript, (name, value)| {
            transcript.field("name", name.as_bytes()).field("value", value)
        });
        [
            PROTOCOL_VERSION.to_be_bytes().to_vec(),
            self.ceremony.to_vec(),
            terms.suite.clone().into_bytes(),
            terms.purpose.clone().into_bytes(),
            terms.order.to_vec(),
            terms.order_number.to_be_bytes().to_vec(),
            terms.key.to_vec(),
            base,
            parties.collect(),
            terms.threshold.to_be_bytes().to_vec(),
            extra.digest().to_vec(),
            self.order_try.to_be_bytes().to_vec(),
            self.nonce.to_vec(),
        ]
    }

    pub(crate) fn view(&self) -> View {
        let fields = self.fields();
        let mut all = Transcript::new("session/ssid");
        let mut marks = [[0u8; 8]; 13];
        for ((name, field), mark) in TERM_NAMES.iter().zip(&fields).zip(&mut marks) {
            all.absorb(name, field);
            mark.copy_from_slice(&Transcript::new("session/mark").field(name, field).digest()[..8]);
        }
        View { ssid: all.digest(), marks }
    }
}

impl View {
    /// Names of the terms in which `other` differs. Never empty when the session ids differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = |at: &usize| self.marks[*at] != other.marks[*at];
        let named: Vec<_> = (0..TERM_NAMES.len()).filter(differs).map(|at| TERM_NAMES[at]).collect();
        if named.is_empty() && self.ssid != other.ssid { vec!["session id"] } else { named }
    }
}

impl Terms {
    pub(crate) fn check(&self, participants: &Participants) -> Result<(), SessionError> {
        if self.threshold == 0 {
            return Err(SessionError::Config("the threshold must not be zero"));
        }
        if participants.len() > quorate_sharing::index::MAX_PARTIES {
            return Err(SessionError::Config("too many participants"));
        }
        match borsh::object_length(self) {
            Ok(length) if length <= MAX_TERMS => Ok(()),
            _ => Err(SessionError::Config("the terms of the session are longer than 64 KiB")),
        }
    }
}

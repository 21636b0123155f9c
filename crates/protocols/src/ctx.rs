//! What every round knows: the session, who takes part, who we are.

use crate::Abort;
use alloc::collections::BTreeMap;
use quorate_sharing::{Index, Indices, Transcript};

/// The fixed surroundings of one run of one protocol.
#[derive(Clone, Debug)]
pub struct Ctx {
    ssid: [u8; 32],
    parties: Indices,
    me: Index,
    threshold: usize,
}

impl Ctx {
    /// `ssid` binds everything of §1.1; `parties` are the participants' indices, `me` among them, and
    /// `threshold` is t, 1 ≤ t ≤ n of the key (the participants may be fewer than n).
    pub fn new(ssid: [u8; 32], parties: Indices, me: Index, threshold: usize) -> Result<Self, Abort> {
        if !parties.contains(me) {
            return Err(Abort::Usage("this party is not among the participants"));
        }
        if threshold == 0 {
            return Err(Abort::Usage("the threshold must not be zero"));
        }
        Ok(Self { ssid, parties, me, threshold })
    }

    /// The session's id.
    pub fn ssid(&self) -> &[u8; 32] {
        &self.ssid
    }

    /// All participants, this one too, ascending.
    pub fn parties(&self) -> &Indices {
        &self.parties
    }

    /// All participants but this one, ascending.
    pub fn others(&self) -> impl Iterator<Item = Index> + '_ {
        self.parties.iter().filter(|i| *i != self.me)
    }

    /// This party.
    pub fn me(&self) -> Index {
        self.me
    }

    /// t.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// A transcript under `domain` that is bound to this session and to what `sender` says in `round` (§1.2).
    pub fn transcript(&self, domain: &str, sender: Index, round: u8) -> Transcript {
        Transcript::new(domain)
            .field("ssid", &self.ssid)
            .number("sender", u64::from(sender.get()))
            .number("round", u64::from(round))
    }
}

/// One message of each named sender: complete, without duplicates, each from an authenticated sender.
///
/// Broadcast rounds have one of every participant, this party's own among them; private rounds one of every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct All<T>(BTreeMap<Index, T>);

impl<T> All<T> {
    /// Takes a broadcast round's messages: exactly one of every participant.
    pub fn broadcast(ctx: &Ctx, messages: BTreeMap<Index, T>) -> Result<Self, Abort> {
        Self::exact(ctx.parties.iter(), messages)
    }

    /// Takes a private round's messages: exactly one of every other participant.
    pub fn private(ctx: &Ctx, messages: BTreeMap<Index, T>) -> Result<Self, Abort> {
        Self::exact(ctx.others(), messages)
    }

    fn exact(senders: impl Iterator<Item = Index>, messages: BTreeMap<Index, T>) -> Result<Self, Abort> {
        if senders.eq(messages.keys().copied()) {
            Ok(Self(messages))
        } else {
            Err(Abort::Usage("a round was judged before it was complete"))
        }
    }

    /// The message of one sender.
    ///
    /// # Panics
    /// If the sender is not one of the round's.
    pub fn of(&self, sender: Index) -> &T {
        &self.0[&sender]
    }

    /// All messages by sender, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Index, &T)> {
        self.0.iter().map(|(index, message)| (*index, message))
    }

    /// Takes the messages out.
    pub fn into_inner(self) -> BTreeMap<Index, T> {
        self.0
    }
}

/// One private message for each other participant.
pub type Each<T> = BTreeMap<Index, T>;

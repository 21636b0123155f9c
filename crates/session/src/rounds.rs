//! What a protocol looks like to the driver: rounds that move by value, and complete inboxes.

use crate::{Hello, Identity, Participants};
use quorate_intent::{PublicKey, Signature};
use quorate_protocols::{Abort, Ctx};
use quorate_sharing::Index;
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A protocol that has not started. Nothing secret is made before the participants agree on the session id.
pub trait Protocol: Send {
    /// What it ends with.
    type Output;
    /// Makes the messages of round 1.
    ///
    /// # Errors
    /// An [`Abort`] when the session is not one that this protocol can run in.
    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort>;
}

/// One party's state between its messages of a round and everybody's. Not Clone, not serialisable, gone after use (§1.5).
pub trait Round: Send {
    /// What the protocol ends with.
    type Output;

    /// What everybody sends in this round.
    fn expects(&self) -> Expects;

    /// Whether participant `from` sends participant `to` a private message in this round, if the round has any. Everybody does to
    /// everybody else, unless a protocol in which the parties have different roles says otherwise. Must be the same at all.
    /// What comes unasked is not opened.
    fn sends_private(&self, from: Index, to: Index) -> bool {
        from != to
    }

    /// After a round with [`Echo::Later`]: the digest of that round's echo vector that each participant, this one too,
    /// put into this round's broadcast. Called before [`Round::receive`], which is not called when they differ (§1.4).
    ///
    /// # Errors
    /// An [`Abort`] that condemns whose broadcast does not decode.
    fn echoes(&self, inbox: &Inbox) -> Result<BTreeMap<Index, [u8; 32]>, Abort> {
        let _ = inbox;
        Err(Abort::Usage("a round asked for a later echo and the next one carries none"))
    }

    /// Judges the round's messages and makes those of the next one.
    ///
    /// # Errors
    /// An [`Abort`], with blame if somebody sent what it must not.
    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Self::Output>, Abort>;
}

/// What everybody sends in one round: a broadcast, private messages to those that [`Round::sends_private`] names, or both. A
/// party that has nothing to say to all sends an empty broadcast: the others wait for its echo of the round in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expects {
    /// The longest broadcast in bytes; none when the round has no broadcast.
    pub broadcast: Option<usize>,
    /// The longest private message in bytes; none when the round has none.
    pub private: Option<usize>,
    /// When the broadcasts are compared. Without meaning when there is none.
    pub echo: Echo,
}

/// When the views of a round's broadcasts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// In a sub-round of its own, before anything is judged.
    Now,
    /// The protocol carries [`Inbox::echo`] in its next broadcast. For rounds whose content can wait.
    Later,
}

/// What happens after a round.
pub enum Step<O> {
    /// Send, then wait for the next round.
    Next {
        /// The next round's messages.
        outgoing: Outgoing,
        /// The next round.
        round: Box<dyn Round<Output = O>>,
    },
    /// The protocol has its result.
    Done {
        /// Last messages. The driver of the others does not wait for them.
        outgoing: Outgoing,
        /// The result.
        output: O,
    },
}

/// What leaves after a step, in this order: the record is written and acknowledged, the key is erased, messages are sent.
#[derive(Default)]
pub struct Outgoing {
    /// The same bytes for all.
    pub broadcast: Option<Vec<u8>>,
    /// Plaintexts for single participants; the driver signs and seals them.
    pub private: BTreeMap<Index, Zeroizing<Vec<u8>>>,
    /// What must be durable before anything of this leaves (§1.7).
    pub persist: Option<PersistRecord>,
    /// No private message is expected from here on: erase the one-ceremony key before anything of this leaves (§2.3).
    pub erase_sealing_key: bool,
}

/// A record for the store. It may hold shares: erased on drop, without Debug or Clone.
pub struct PersistRecord {
    /// What it is, for the store to tell records apart.
    pub label: &'static str,
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// A complete round: one message of each kind from each participant, every one signed by its sender.
pub struct Inbox {
    /// The round, from 1.
    pub round: u8,
    /// The broadcasts, this party's own among them. Empty when the round has none.
    pub broadcasts: BTreeMap<Index, Vec<u8>>,
    /// The private messages of all who send this party one, opened. Empty when the round has none.
    pub private: BTreeMap<Index, Zeroizing<Vec<u8>>>,
    /// The digest of this round's echo vector; zero when the round has no broadcast.
    pub echo: [u8; 32],
    /// The running hash of the session id and of all broadcasts up to and with this round: with [`Echo::Now`] equal at all
    /// honest parties.
    pub transcript: [u8; 32],
    /// The broadcasts as their senders signed them (encoded envelopes), to be shown to others.
    pub signed: BTreeMap<Index, Vec<u8>>,
}

/// What the participants agreed on. Known to all before the protocol starts.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The session id.
    pub ssid: [u8; 32],
    /// The hash of all signed hellos.
    pub nonce: [u8; 32],
    /// This try of the order: one above the highest told.
    pub order_try: u32,
    /// The hellos. A boot id in here is fresh: its owner has signed a session id over our own hello (§1.9).
    pub hellos: BTreeMap<Index, Hello>,
}

/// What the driver lends to a protocol during one step.
pub struct Env<'a> {
    /// Cryptographic randomness.
    pub rng: &'a mut dyn CryptoRngCore,
    pub(crate) identity: &'a Identity,
    pub(crate) agreement: &'a Agreement,
    pub(crate) participants: &'a Participants,
}

impl Env<'_> {
    /// What the participants agreed on.
    pub fn agreement(&self) -> &Agreement {
        self.agreement
    }

    /// Who takes part.
    pub fn participants(&self) -> &Participants {
        self.participants
    }

    /// Signs a statement that outlives the session, such as a certificate's, with this party's identity key.
    pub fn sign_statement(&self, domain: &str, digest: &[u8; 32]) -> Signature {
        self.identity.sign_statement(domain, digest)
    }

    /// Whether `signer` signed such a statement.
    pub fn verify_statement(
        &self,
        signer: &PublicKey,
        domain: &str,
        digest: &[u8; 32],
        signature: &Signature,
    ) -> bool {
        signer.verify(&crate::statement_digest(domain, digest), signature)
    }
}

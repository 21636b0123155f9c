//! Intake: what becomes of bytes from outside. Without a valid outer signature nothing has arrived (docs/spec §1.3).

use super::board::{Echoed, Posted};
use super::{Phase, Session};
use crate::hello::{Hello, MAX_HELLO};
use crate::ssid::View;
use crate::wire::{self, Envelope, Kind};
use crate::{Disagreement, SessionError, echo, seal};
use quorate_intent::PublicKey;
use quorate_sharing::Index;

impl<O> Session<O> {
    pub(super) fn intake(&mut self, from: &PublicKey, bytes: Vec<u8>) {
        let Some(sender) = self.config.participants.index(from).filter(|index| *index != self.me) else {
            self.dropped.foreign += 1;
            return;
        };
        if bytes.len() > self.max_envelope() {
            self.dropped.malformed += 1;
            return;
        }
        let Some(envelope) = Envelope::decode(&bytes) else {
            self.dropped.malformed += 1;
            return;
        };
        if envelope.ceremony != self.config.ceremony {
            self.dropped.foreign += 1;
            return;
        }
        let scope = if envelope.kind.early() { Some(self.config.ceremony) } else { self.ssid() };
        let me = self.identity.public();
        if !scope.is_some_and(|scope| envelope.verifies(&scope, from, &me)) {
            self.dropped.unsigned += 1;
            return;
        }
        let (kind, round) = (envelope.kind, envelope.round);
        let used = match kind {
            Kind::Hello => self.take_hello(sender, envelope.body, &bytes),
            Kind::View => self.take_view(sender, envelope.body),
            Kind::Broadcast => self.take_broadcast(sender, round, &bytes),
            Kind::Private => self.take_private(sender, round, &bytes),
            Kind::Echo => self.take_echo(sender, round, envelope.body, &bytes),
            Kind::Request => self.take_request(sender, round, envelope.body),
            Kind::Answer => self.take_answer(round, envelope.body),
        };
        if !used {
            self.dropped.unexpected += 1;
        }
    }

    /// The longest envelope that can be of use: an answer around a broadcast, a sealed message, or a hello.
    fn max_envelope(&self) -> usize {
        let body = (self.config.limits.max_message + seal::OVERHEAD).max(MAX_HELLO);
        body + 2 * wire::OVERHEAD + 2
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// The round whose messages are waited for; 0 before the first.
    pub(super) fn current(&self) -> Option<u8> {
        match &self.phase {
            Phase::Hello(_) | Phase::Compare(_) => Some(0),
            Phase::Round { number, .. } | Phase::Contradiction(number) => Some(*number),
            Phase::Ended => None,
        }
    }

    /// Peers can be one round ahead, since round r + 2 needs our message of round r + 1.
    fn in_window(&self, round: u8) -> bool {
        self.current().is_some_and(|current| round == current || round.checked_sub(1) == Some(current))
    }

    fn take_hello(&mut self, sender: Index, body: &[u8], bytes: &[u8]) -> bool {
        if !matches!(self.phase, Phase::Hello(_)) || self.hellos.contains_key(&sender) {
            return false;
        }
        match Hello::decode(body, sender, &self.config.participants) {
            Some(hello) => {
                self.signed_hellos.insert(sender, bytes.to_vec());
                self.hellos.insert(sender, hello);
            }
            None => {
                let party = self.key_of(sender);
                self.abort(SessionError::ConfigMismatch(vec![Disagreement { party, terms: vec!["hello"] }]));
            }
        }
        true
    }

    fn take_view(&mut self, sender: Index, body: &[u8]) -> bool {
        let early = matches!(self.phase, Phase::Hello(_) | Phase::Compare(_));
        if !early || self.views.contains_key(&sender) {
            return false;
        }
        // One of another length comes from another version: it differs from ours, which is all that counts.
        let other = View { ssid: [0; 32], marks: [[0; 8]; 13] };
        let view = if body.len() <= MAX_HELLO { borsh::from_slice(body).ok() } else { None };
        self.views.insert(sender, view.unwrap_or(other));
        true
    }

    /// Takes a signed broadcast of `about`, from itself or relayed. A second one with other content proves equivocation.
    pub(super) fn take_broadcast(&mut self, about: Index, round: u8, envelope: &[u8]) -> bool {
        let Some(ssid) = self.ssid() else { return false };
        let digest = echo::digest(&ssid, round, &self.key_of(about), wire::body(envelope));
        if let Some(posted) = self.board.broadcasts.get(&(round, about)) {
            if posted.digest != digest && about != self.me && !self.ended() {
                self.equivocation(about, round, envelope);
                return true;
            }
            return false;
        }
        let fits = wire::body(envelope).len() <= self.config.limits.max_message;
        let accepted = fits && about != self.me && self.in_window(round);
        if accepted {
            self.board.broadcasts.insert((round, about), Posted { digest, envelope: envelope.to_vec() });
        }
        accepted
    }

    fn take_private(&mut self, sender: Index, round: u8, bytes: &[u8]) -> bool {
        let free = self.in_window(round) && !self.board.private.contains_key(&(round, sender));
        if free {
            self.board.private.insert((round, sender), bytes.to_vec());
        }
        free
    }

    fn take_echo(&mut self, sender: Index, round: u8, body: &[u8], bytes: &[u8]) -> bool {
        let own_complete = self.board.vectors.contains_key(&round);
        if self.board.echoes.contains_key(&(round, sender)) || !(own_complete || self.in_window(round)) {
            return false;
        }
        // A vector of another length differs in every place: it claims digests that nobody can show.
        let count = self.config.participants.len();
        let vector = echo::decode_vector(body, count).unwrap_or_else(|| vec![[0; 32]; count]);
        self.board.echoes.insert((round, sender), Echoed { vector, envelope: bytes.to_vec() });
        if own_complete {
            self.compare_echo(round, sender);
        }
        true
    }
}

//! What a protocol's step turns into: a record first, then messages, or an end.

use super::board::Posted;
use super::{Phase, Session};
use crate::seal::{self, Route};
use crate::wire::{self, Kind};
use crate::{Expects, Fault, Outgoing, Round, SessionError, Step, echo};
use quorate_protocols::{Abort, Severity};
use quorate_sharing::Index;
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// No protocol of this house has more rounds; a step beyond is a defect.
const MAX_ROUNDS: u8 = 32;

impl<O> Session<O> {
    /// Carries out what a step of the protocol after round `number` says.
    pub(super) fn apply(&mut self, number: u8, step: Result<Step<O>, Abort>, rng: &mut impl CryptoRngCore) {
        let sent = match step {
            Err(abort) => return self.abort_for(number, abort),
            Ok(Step::Next { outgoing, round }) => {
                let expects = round.expects();
                let next = number + 1;
                match self.fits(next, &outgoing, &expects, &*round) {
                    Err(what) => Err(what),
                    Ok(()) => {
                        self.board.forget_private(number);
                        self.phase = Phase::Round { number: next, expects, round };
                        self.timing.start_round();
                        self.release(next, outgoing, rng)
                    }
                }
            }
            Ok(Step::Done { .. }) if self.later.is_some() => {
                Err("the protocol ended before an echo was compared")
            }
            Ok(Step::Done { outgoing, output }) => {
                let sent = self.release(number + 1, outgoing, rng);
                if sent.is_ok() {
                    self.gate.done(output);
                    self.erase();
                }
                sent
            }
        };
        if let Err(what) = sent {
            self.abort(SessionError::Usage(what));
        }
    }

    /// Turns a protocol's abort after round `number` into an error with keys and evidence.
    pub(super) fn abort_for(&mut self, number: u8, abort: Abort) {
        let error = match abort {
            Abort::Blame(faults) => {
                let known =
                    |index: Index| index != self.me && self.config.participants.indices().contains(index);
                if faults.is_empty() || !faults.iter().all(|fault| known(fault.party)) {
                    SessionError::Usage("a protocol blamed nobody, a stranger or this party itself")
                } else {
                    SessionError::Blame(faults.iter().map(|fault| self.fault(number, fault)).collect())
                }
            }
            Abort::Witnessed { between: (one, other), what } => {
                let between = (self.key_of(one), self.key_of(other));
                return self.contradiction(number, SessionError::Witnessed { between, what });
            }
            Abort::Restart(what) => SessionError::Restart(what),
            Abort::Usage(what) => SessionError::Usage(what),
            _ => SessionError::Usage("a protocol aborted for a reason that the driver does not know"),
        };
        self.abort_judged(number, error);
    }

    fn fault(&self, number: u8, fault: &quorate_protocols::Fault) -> Fault {
        match fault.severity {
            Severity::Condemned => self.condemned(fault.party, number, fault.what),
            Severity::HardEdge => self.hard_edge(fault.party, number, fault.what),
            Severity::SoftEdge => Fault {
                party: self.key_of(fault.party),
                severity: Severity::SoftEdge,
                what: fault.what,
                evidence: Vec::new(),
            },
        }
    }

    /// Our own messages must be what the next round expects of everybody.
    fn fits(
        &self,
        next: u8,
        outgoing: &Outgoing,
        expects: &Expects,
        round: &dyn Round<Output = O>,
    ) -> Result<(), &'static str> {
        if next > MAX_ROUNDS {
            return Err("a protocol has more than 32 rounds");
        }
        if expects.broadcast.is_none() && expects.private.is_none() {
            return Err("a round expects no messages");
        }
        let cap = self.config.limits.max_message;
        if expects.broadcast.max(expects.private).is_some_and(|max| max > cap) {
            return Err("a round expects longer messages than the session's max_message");
        }
        let broadcast = match (&outgoing.broadcast, expects.broadcast) {
            (Some(body), Some(max)) => body.len() <= max,
            (None, None) => true,
            _ => false,
        };
        let max = expects.private.unwrap_or(0);
        let short = outgoing.private.values().all(|message| message.len() <= max);
        let recipients: Vec<Index> = if expects.private.is_some() {
            let others = self.others().into_iter().map(|(index, _)| index);
            others.filter(|index| round.sends_private(self.me, *index)).collect()
        } else {
            Vec::new()
        };
        let private = outgoing.private.keys().copied().eq(recipients);
        if broadcast && private && short {
            Ok(())
        } else {
            Err("a protocol's messages are not what its own next round expects")
        }
    }

    /// Record first; nothing after it leaves before it is durable.
    fn release(
        &mut self,
        round: u8,
        outgoing: Outgoing,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), &'static str> {
        if let Some(record) = outgoing.persist {
            self.gate.persist(record);
        }
        if outgoing.erase_sealing_key && self.gate.erase_sealing_key() {
            self.sealing = None;
        }
        if let Some(body) = outgoing.broadcast {
            let envelope = self.send_all(Kind::Broadcast, round, &body);
            let ssid = self.ssid().ok_or("messages before there is a session id")?;
            let digest = echo::digest(&ssid, round, &self.identity.public(), wire::body(&envelope));
            self.board.broadcasts.insert((round, self.me), Posted { digest, envelope });
        }
        self.send_private(round, outgoing.private, rng)
    }

    fn send_private(
        &mut self,
        round: u8,
        messages: BTreeMap<Index, Zeroizing<Vec<u8>>>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), &'static str> {
        let sender = self.identity.public();
        for (index, message) in messages {
            let (recipient, hello) = (self.key_of(index), self.hellos.get(&index));
            let (hello, ssid) = hello.zip(self.ssid()).ok_or("a private message for a stranger")?;
            let route = Route { ssid: &ssid, round, sender: &sender, recipient: &recipient };
            let sealed = seal::seal(&route, &self.identity, &hello.sealing_key, &message, rng);
            let sealed = sealed.map_err(|_| "a private message cannot be sealed")?;
            self.send_one(Kind::Private, round, recipient, &sealed);
        }
        Ok(())
    }

    /// A record is durable: releases what waited for it, and starts the clock for the answers.
    pub(super) fn persisted(&mut self, id: u64) {
        if !self.gate.waits_for(id) {
            return;
        }
        if self.gate.persisted() {
            self.sealing = None;
        }
        if !self.gate.closed() {
            self.timing.start_round();
        }
    }
}

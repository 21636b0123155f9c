//! Advance: from phase to phase and from round to round, as far as what has arrived allows.

use super::{Phase, Session};
use crate::hello::{mismatched_pairs, nonce};
use crate::seal::{self, Route};
use crate::ssid::Scope;
use crate::wire::{self, Kind};
use crate::{
    Agreement, Config, Disagreement, Echo, Env, Evidence, Expects, Fault, Inbox, Round, SessionError, echo,
};
use quorate_intent::PublicKey;
use quorate_protocols::{Ctx, Severity};
use quorate_sharing::Index;
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

type Opened = BTreeMap<Index, Zeroizing<Vec<u8>>>;

impl<O> Session<O> {
    pub(super) fn advance(&mut self, rng: &mut impl CryptoRngCore) {
        loop {
            if self.gate.closed() || self.gate.finished() || self.settle.is_some() {
                return;
            }
            let moved = match &self.phase {
                Phase::Hello(_) => self.try_agree(),
                Phase::Compare(_) => self.try_start(rng),
                Phase::Round { .. } => self.try_round(rng),
                Phase::Contradiction(_) | Phase::Ended => false,
            };
            if !moved {
                return;
            }
        }
    }

    /// All hellos are here: makes the session id and shows our view of it.
    fn try_agree(&mut self) -> bool {
        if self.hellos.len() < self.config.participants.len() {
            return false;
        }
        let highest = self.hellos.values().map(|hello| hello.told_try).max().unwrap_or(0);
        let Some(order_try) = highest.checked_add(1) else {
            self.used_up();
            return true;
        };
        let Some(nonce) = nonce(&self.signed_hellos, self.me, &self.own_hello) else {
            self.abort(SessionError::Usage("the ceremony nonce lacks our own hello"));
            return true;
        };
        let Phase::Hello(protocol) = std::mem::replace(&mut self.phase, Phase::Ended) else { return false };
        self.phase = Phase::Compare(protocol);
        let Config { ceremony, participants, terms, .. } = &self.config;
        let view = Scope { ceremony, participants, terms, order_try, nonce: &nonce }.view();
        let hellos = self.hellos.clone();
        self.agreement = Some(Agreement { ssid: view.ssid, nonce, order_try, hellos });
        // Writing to a vector cannot fail.
        let body = borsh::to_vec(&view).unwrap_or_default();
        self.views.insert(self.me, view);
        self.send_all(Kind::View, 0, &body);
        self.timing.start_round();
        true
    }

    fn used_up(&mut self) {
        let claims = self.hellos.iter().find(|(_, hello)| hello.told_try == u32::MAX);
        let Some(index) = claims.map(|(index, _)| *index) else { return };
        let (party, ceremony) = (self.key_of(index), self.config.ceremony);
        let hello = self.signed_hellos.get(&index).cloned().unwrap_or_default();
        let evidence = Evidence::UsedUp { ceremony, culprit: party, hello }.encode();
        let (severity, what) = (Severity::Condemned, "claims that the last try is spent");
        self.abort(SessionError::OrderUsedUp(Fault { party, severity, what, evidence }));
    }

    /// Who sent a view that differs from ours, if anybody.
    pub(super) fn disagreement(&self) -> Option<SessionError> {
        let ours = self.views.get(&self.me)?;
        if !matches!(self.phase, Phase::Compare(_)) {
            return None;
        }
        let differing = self.views.iter().filter(|(_, view)| view.ssid != ours.ssid);
        let named: Vec<_> = differing
            .map(|(index, view)| Disagreement { party: self.key_of(*index), terms: ours.differences(view) })
            .collect();
        (!named.is_empty()).then_some(SessionError::ConfigMismatch(named))
    }

    /// All views are here: when they agree the protocol starts.
    fn try_start(&mut self, rng: &mut impl CryptoRngCore) -> bool {
        if self.views.len() < self.config.participants.len() {
            return false;
        }
        if let Some(error) = self.disagreement() {
            self.abort(error);
            return true;
        }
        // From here on all see the same hellos, so all come to the same end.
        let pairs = mismatched_pairs(&self.hellos);
        if !pairs.is_empty() {
            let parties = pairs.into_iter().flat_map(|(i, j)| [i, j]);
            let mut named: Vec<_> = parties.map(|index| self.key_of(index)).collect();
            named.sort_unstable();
            named.dedup();
            let of = |party: PublicKey| Disagreement { party, terms: vec!["pair state"] };
            self.abort(SessionError::ConfigMismatch(named.into_iter().map(of).collect()));
            return true;
        }
        let Phase::Compare(protocol) = std::mem::replace(&mut self.phase, Phase::Ended) else { return false };
        let Some(agreement) = &self.agreement else { return false };
        let (parties, threshold) = (self.config.participants.indices(), self.config.terms.threshold);
        let ctx = Ctx::new(agreement.ssid, parties.clone(), self.me, usize::from(threshold));
        self.transcript = agreement.ssid;
        let step = ctx.and_then(|ctx| {
            let mut env =
                Env { rng, identity: &self.identity, agreement, participants: &self.config.participants };
            let step = protocol.start(&ctx, &mut env);
            self.ctx = Some(ctx);
            step
        });
        self.apply(0, step, rng);
        true
    }

    /// Judges the current round once everything that it needs is here.
    fn try_round(&mut self, rng: &mut impl CryptoRngCore) -> bool {
        let Phase::Round { number, expects, .. } = &self.phase else { return false };
        let (number, expects) = (*number, *expects);
        if !self.missing().is_empty() {
            return false;
        }
        if expects.broadcast.is_some() && !self.board.vectors.contains_key(&number) {
            self.complete_vector(number, expects.echo);
            return true;
        }
        let Some(ssid) = self.ssid() else { return false };
        let faults = self.oversized(number, &expects);
        let private = self.open_private(number, &expects, &ssid);
        let private = match private {
            Ok(private) if faults.is_empty() => private,
            Ok(_) => return self.blamed(number, faults),
            Err(hard) => return self.blamed(number, [faults, hard].concat()),
        };
        let Phase::Round { round, .. } = std::mem::replace(&mut self.phase, Phase::Ended) else {
            return false;
        };
        self.judge(number, expects, round, private, &ssid, rng);
        true
    }

    /// All broadcasts of the round are here: fixes our view of them, and shows it if the round asks for that.
    fn complete_vector(&mut self, number: u8, echo: Echo) {
        let vector = self.board.digests(number);
        let body = echo::encode_vector(&vector);
        self.board.vectors.insert(number, vector);
        match echo {
            Echo::Now => drop(self.send_all(Kind::Echo, number, &body)),
            Echo::Later => drop(self.later_rounds.insert(number)),
        }
        for (index, _) in self.others() {
            if self.board.echoes.contains_key(&(number, index)) {
                self.compare_echo(number, index);
            }
        }
    }

    fn blamed(&mut self, number: u8, faults: Vec<Fault>) -> bool {
        self.abort_judged(number, SessionError::Blame(faults));
        true
    }

    /// Broadcasts above the round's limit.
    fn oversized(&self, number: u8, expects: &Expects) -> Vec<Fault> {
        let Some(max) = expects.broadcast else { return Vec::new() };
        let bodies = self.board.bodies(number);
        let long = bodies.iter().filter(|(_, body)| body.len() > max);
        long.map(|(index, _)| self.condemned(*index, number, "broadcast is longer than the round allows"))
            .collect()
    }

    /// A fault that the broadcasts of the session show.
    pub(super) fn condemned(&self, index: Index, round: u8, what: &'static str) -> Fault {
        let culprit = self.key_of(index);
        let evidence = Evidence::Conduct {
            culprit,
            round,
            ceremony: self.config.ceremony,
            terms: self.config.terms.clone(),
            parties: self.config.participants.iter().map(|(index, key)| (index.get(), key)).collect(),
            hellos: self.signed_hellos.values().cloned().collect(),
            messages: self.board.everything(),
        };
        Fault { party: culprit, severity: Severity::Condemned, what, evidence: evidence.encode() }
    }

    /// A fault that only the two ends of a pair know, with the sealed message as it was signed if there is one.
    pub(super) fn hard_edge(&self, index: Index, round: u8, what: &'static str) -> Fault {
        let (culprit, recipient) = (self.key_of(index), self.identity.public());
        let evidence = self.board.private.get(&(round, index)).zip(self.ssid()).map(|(message, ssid)| {
            Evidence::Sealed { ssid, culprit, recipient, message: message.clone() }.encode()
        });
        let evidence = evidence.unwrap_or_default();
        Fault { party: culprit, severity: Severity::HardEdge, what, evidence }
    }

    fn open_private(&self, number: u8, expects: &Expects, ssid: &[u8; 32]) -> Result<Opened, Vec<Fault>> {
        let (mut opened, mut faults) = (Opened::new(), Vec::new());
        let Some(max) = expects.private else { return Ok(opened) };
        let recipient = self.identity.public();
        let Phase::Round { round, .. } = &self.phase else { return Ok(opened) };
        for (index, sender) in self.others() {
            if !round.sends_private(index, self.me) {
                continue;
            }
            let Some(envelope) = self.board.private.get(&(number, index)) else { continue };
            let route = Route { ssid, round: number, sender: &sender, recipient: &recipient };
            let sealed = wire::body(envelope);
            let message = match &self.sealing {
                Some(key) => seal::open(&route, key, sealed).map_err(|error| error.what()),
                None => Err("a private message came after the last one"),
            };
            match message {
                Ok(message) if message.len() <= max => drop(opened.insert(index, message)),
                Ok(_) => faults.push(self.hard_edge(index, number, "private message is longer than allowed")),
                Err(what) => faults.push(self.hard_edge(index, number, what)),
            }
        }
        if faults.is_empty() { Ok(opened) } else { Err(faults) }
    }

    fn judge(
        &mut self,
        number: u8,
        expects: Expects,
        round: Box<dyn Round<Output = O>>,
        private: Opened,
        ssid: &[u8; 32],
        rng: &mut impl CryptoRngCore,
    ) {
        let vector = self.board.vectors.get(&number);
        let echo = vector.map(|vector| echo::vector_digest(ssid, number, vector));
        if let Some(echo) = &echo {
            self.transcript = echo::extend_transcript(&self.transcript, echo);
        }
        // What came unasked in a round without broadcasts is nobody's business.
        let (broadcasts, signed) = match expects.broadcast {
            Some(_) => (self.board.bodies(number), self.board.signed(number)),
            None => Default::default(),
        };
        let (echo_digest, transcript) = (echo.unwrap_or_default(), self.transcript);
        let inbox = Inbox { round: number, broadcasts, private, echo: echo_digest, transcript, signed };
        if let Some(before) = self.later.take() {
            match round.echoes(&inbox) {
                Ok(told) => self.compare_told(before, &told),
                Err(abort) => return self.abort_for(number, abort),
            }
            if self.gate.finished() {
                return;
            }
            if self.settle.is_some() {
                // Until it is settled who is at fault; this round is never judged.
                self.phase = Phase::Round { number, expects, round };
                return;
            }
        }
        self.later = (echo.is_some() && expects.echo == Echo::Later).then_some(number);
        let Some(agreement) = &self.agreement else { return };
        let participants = &self.config.participants;
        let mut env = Env { rng, identity: &self.identity, agreement, participants };
        let step = round.receive(inbox, &mut env);
        self.apply(number, step, rng);
    }
}

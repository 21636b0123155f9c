//! Deadlines. The clock is the caller's; it never runs backwards in here.

use super::{Phase, Session};
use crate::echo::Settle;
use crate::wire::Kind;
use crate::{Echo, Limits, Missing, SessionError};
use quorate_sharing::Index;

pub(super) struct Timing {
    pub now: u64,
    limits: Limits,
    total: u64,
    round: u64,
    /// When missing broadcasts are asked for at third parties; none once that was done.
    relay: Option<u64>,
}

impl Timing {
    pub fn new(now: u64, limits: &Limits) -> Self {
        let total = now.saturating_add(limits.total);
        let mut timing = Self { now, limits: *limits, total, round: 0, relay: None };
        timing.start_round();
        timing
    }

    pub fn set(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    /// A new round, or its sends have just been released.
    pub fn start_round(&mut self) {
        self.round = self.now.saturating_add(self.limits.round);
        self.relay = Some(self.now.saturating_add(self.limits.round / 2));
    }

    pub fn evidence(&self) -> u64 {
        self.now.saturating_add(self.limits.evidence).min(self.total)
    }

    /// When to be called next.
    pub fn wake(&self, settle: Option<&Settle>) -> Option<u64> {
        let relay = self.relay.filter(|at| *at > self.now).unwrap_or(u64::MAX);
        let next = settle.map_or(self.round.min(relay), |settle| settle.deadline);
        Some(next.min(self.total))
    }
}

impl<O> Session<O> {
    /// Acts on every deadline that has passed.
    pub(super) fn check_time(&mut self) {
        if self.gate.finished() {
            return;
        }
        let now = self.timing.now;
        if let Some(settle) = &mut self.settle {
            if now >= settle.deadline {
                settle.give_up();
                self.finish_settling();
            }
            return;
        }
        let late = now >= self.timing.total || now >= self.timing.round;
        if late && self.gate.closed() {
            return self.abort(SessionError::Storage("no answer in time".to_owned()));
        }
        if late {
            let error = self.disagreement().unwrap_or_else(|| SessionError::Timeout(self.missing()));
            return self.abort(error);
        }
        if !self.gate.closed() && self.timing.relay.is_some_and(|at| now >= at) {
            self.timing.relay = None;
            self.ask_for_relay();
        }
    }

    /// What has not come, by party.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (index, party) in self.others() {
            let what = match &self.phase {
                Phase::Hello(_) if !self.hellos.contains_key(&index) => "hello",
                Phase::Compare(_) if !self.views.contains_key(&index) => "session id",
                Phase::Round { .. } => match self.missing_in_round(index) {
                    Some(what) => what,
                    None => continue,
                },
                _ => continue,
            };
            missing.push(Missing { party, what });
        }
        missing
    }

    fn missing_in_round(&self, index: Index) -> Option<&'static str> {
        let Phase::Round { number, expects, round } = &self.phase else { return None };
        let slot = (*number, index);
        if expects.broadcast.is_some() && !self.board.broadcasts.contains_key(&slot) {
            return Some("broadcast");
        }
        let private = expects.private.is_some() && round.sends_private(index, self.me);
        if private && index != self.me && !self.board.private.contains_key(&slot) {
            return Some("private message");
        }
        let own_complete = self.board.vectors.contains_key(number);
        let echo = expects.broadcast.is_some() && expects.echo == Echo::Now && own_complete;
        (echo && index != self.me && !self.board.echoes.contains_key(&slot)).then_some("echo")
    }

    /// Asks everybody for the broadcasts that have not come: anyone may relay them (§5.1).
    fn ask_for_relay(&mut self) {
        let Phase::Round { number, expects, .. } = &self.phase else { return };
        let (number, wanted) = (*number, expects.broadcast.is_some());
        let others = self.others();
        for (about, _) in others.iter().filter(|_| wanted) {
            if self.board.broadcast(number, *about).is_some() {
                continue;
            }
            for (index, to) in &others {
                if index != about {
                    self.send_one(Kind::Request, number, *to, &about.get().to_le_bytes());
                }
            }
        }
    }
}

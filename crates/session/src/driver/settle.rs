//! Settling differences of views: originals are shown until two of one signer stand side by side (docs/spec §1.4).
//!
//! Both ends of a difference show what they hold and ask for the other's. Who finds two broadcasts of one party shows both
//! to all, so that everybody comes to the same end. Silence draws a soft edge and never condemns.

use super::{Phase, Session};
use crate::echo::{self, Settle};
use crate::wire::{self, Envelope, Kind};
use crate::{Fault, SessionError, evidence};
use quorate_protocols::Severity;
use quorate_sharing::Index;
use std::collections::BTreeMap;

/// How often one participant is shown the same original.
const MAX_ANSWERS: u8 = 4;

impl<O> Session<O> {
    fn settling(&mut self) -> &mut Settle {
        let deadline = self.timing.evidence();
        self.settle.get_or_insert_with(|| Settle::new(deadline))
    }

    /// Compares a peer's echo with our own complete vector.
    pub(super) fn compare_echo(&mut self, round: u8, signer: Index) {
        if self.later_rounds.contains(&round) {
            self.show_vector(round, signer);
        }
        if self.ended() {
            return;
        }
        let slots = (self.board.vectors.get(&round), self.board.echoes.get(&(round, signer)));
        let (Some(ours), Some(theirs)) = slots else { return };
        let parties = self.config.participants.indices().iter();
        let pairs = parties.zip(ours.iter().zip(&theirs.vector));
        let differing: Vec<Index> =
            pairs.filter(|(_, (ours, theirs))| ours != theirs).map(|(index, _)| index).collect();
        let claimed_otherwise = self.settle.as_mut().is_some_and(|s| s.vectors.remove(&(round, signer)));
        let was_asked = self.settle.as_mut().is_some_and(|s| s.asked.remove(&(round, signer)));
        if differing.is_empty() {
            if claimed_otherwise {
                self.settling().soft.insert(signer);
            }
            if claimed_otherwise || was_asked {
                self.finish_settling();
            }
            return;
        }
        let to = self.key_of(signer);
        for about in differing {
            let proven = self.settling().condemned.contains_key(&about);
            if !proven {
                self.settling().open.insert((round, signer, about));
            }
            self.show_original(round, about, signer);
            self.send_one(Kind::Request, round, to, &about.get().to_le_bytes());
        }
        self.finish_settling();
    }

    /// Compares the digests that peers carried in a later round with our own vector of `round`.
    pub(super) fn compare_told(&mut self, round: u8, told: &BTreeMap<Index, [u8; 32]>) {
        let Some((ssid, ours)) = self.ssid().zip(self.board.vectors.get(&round)) else { return };
        let ours = echo::vector_digest(&ssid, round, ours);
        if !told.keys().copied().eq(self.config.participants.indices().iter()) {
            return self.abort(SessionError::Usage("a protocol told the echo digests of other parties"));
        }
        let differing: Vec<Index> =
            told.iter().filter(|(_, digest)| **digest != ours).map(|(index, _)| *index).collect();
        if differing.contains(&self.me) {
            return self.abort(SessionError::Usage("a protocol carried another echo than it was given"));
        }
        for signer in &differing {
            self.settling().vectors.insert((round, *signer));
            self.show_vector(round, *signer);
        }
        for signer in differing {
            self.compare_echo(round, signer);
        }
    }

    /// Ends the session over what the messages of a round say. If their views were to be compared later (`Echo::Later`),
    /// the others see ours now: where they differ, they find who sent two messages, and not that we have fallen silent.
    pub(super) fn abort_judged(&mut self, round: u8, error: SessionError) {
        self.abort(error);
        if self.later_rounds.contains(&round) {
            for (index, _) in self.others() {
                self.show_vector(round, index);
            }
        }
    }

    /// The messages of a round contradict one another, so that nobody can be blamed by them alone. If everybody has seen
    /// the same is not known yet (`Echo::Later`), that is found out first: one who told different parties different things
    /// would otherwise get away with it (§1.4).
    pub(super) fn contradiction(&mut self, round: u8, error: SessionError) {
        if !self.later_rounds.contains(&round) {
            return self.abort(error);
        }
        self.phase = Phase::Contradiction(round);
        let others = self.others();
        let settle = self.settling();
        settle.otherwise = Some(error);
        settle.asked.extend(others.iter().map(|(index, _)| (round, *index)));
        for (index, _) in others {
            self.show_vector(round, index);
            if self.board.echoes.contains_key(&(round, index)) {
                self.compare_echo(round, index);
            }
        }
    }

    /// Shows our vector of a round, once to each.
    fn show_vector(&mut self, round: u8, to: Index) {
        let Some(vector) = self.board.vectors.get(&round) else { return };
        let body = echo::encode_vector(vector);
        if self.vectors_sent.insert((round, to)) {
            // The same bytes for all, so that the signature names no recipient.
            let bytes = self.sign(Kind::Echo, round, None, &body);
            let to = self.key_of(to);
            self.gate.send(to, bytes);
        }
    }

    /// Shows the signed broadcast of `about`, if it is here.
    fn show_original(&mut self, round: u8, about: Index, to: Index) {
        let Some(original) = self.board.broadcast(round, about) else { return };
        let body = wire::encode_answer(about, original);
        let count = self.answered.entry((round, about, to)).or_default();
        if *count < MAX_ANSWERS {
            *count += 1;
            let to = self.key_of(to);
            self.send_one(Kind::Answer, round, to, &body);
        }
    }

    pub(super) fn take_request(&mut self, sender: Index, round: u8, body: &[u8]) -> bool {
        match wire::decode_about(body) {
            Some((about, [])) => {
                self.show_original(round, about, sender);
                true
            }
            _ => false,
        }
    }

    /// Somebody shows a broadcast. It counts as what it is: signed by `about`, whoever shows it.
    pub(super) fn take_answer(&mut self, round: u8, body: &[u8]) -> bool {
        let Some((about, original)) = wire::decode_about(body) else { return false };
        let Some((ssid, signer)) = self.ssid().zip(self.config.participants.key(about)) else { return false };
        let Some(envelope) = Envelope::decode(original) else { return false };
        let same = envelope.kind == Kind::Broadcast && envelope.round == round;
        if !same || self.ended() || !envelope.verifies(&ssid, &signer, &signer) {
            return false;
        }
        // One that shows what we hold answers nothing: who has found two shows both, in either order.
        self.take_broadcast(about, round, original)
    }

    /// A second broadcast of `about`: proves it, shows both to all, and ends the session.
    pub(super) fn equivocation(&mut self, about: Index, round: u8, second: &[u8]) {
        let Some((ssid, first)) = self.ssid().zip(self.board.broadcast(round, about)) else { return };
        let first = first.to_vec();
        let Some(proof) = evidence::equivocation(&ssid, round, &self.key_of(about), &first, second) else {
            return;
        };
        let settle = self.settling();
        let known = settle.condemned.contains_key(&about);
        settle.condemn(about, proof.encode());
        if !known {
            for (index, to) in self.others().into_iter().filter(|(index, _)| *index != about) {
                self.show_original(round, about, index);
                self.send_one(Kind::Answer, round, to, &wire::encode_answer(about, second));
            }
        }
        self.finish_settling();
    }

    /// Ends the session once nothing more is to be waited for.
    pub(super) fn finish_settling(&mut self) {
        let Some(mut settle) = self.settle.take_if(|settle| settle.settled()) else { return };
        let what = "sent two different broadcasts in one round";
        let condemned = settle.condemned.iter().map(|(index, evidence)| Fault {
            party: self.key_of(*index),
            severity: Severity::Condemned,
            what,
            evidence: evidence.clone(),
        });
        let what = "did not show the message that its echo claims";
        let soft = settle.soft.iter().filter(|index| !settle.condemned.contains_key(index));
        let soft = soft.map(|index| Fault {
            party: self.key_of(*index),
            severity: Severity::SoftEdge,
            what,
            evidence: Vec::new(),
        });
        let faults: Vec<Fault> = condemned.chain(soft).collect();
        if faults.is_empty() {
            let defect = SessionError::Usage("a difference of views was settled without a fault");
            self.abort(settle.otherwise.take().unwrap_or(defect));
        } else {
            self.abort(SessionError::Blame(faults));
        }
    }
}

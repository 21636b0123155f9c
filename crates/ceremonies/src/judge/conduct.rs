//! The protocols' own checks, repeated on the signed broadcasts of a session.

use quorate_coordination::{KeySet, WalletRecord};
use quorate_intent::{Hash, PublicKey};
use quorate_protocols::dkls::{Broadcast1, Broadcast2, Broadcast3, Broadcast4, Shape, presign};
use quorate_protocols::generate::{self, Commit, Opening};
use quorate_protocols::{Ctx, Message};
use quorate_session::{Checked, Participants, Terms, echo};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use std::collections::BTreeMap;

const DECODE: &str = "sent a broadcast that does not decode";

/// A session as its broadcasts show it.
struct Case<'a> {
    ctx: Ctx,
    /// The accused.
    party: Index,
    round: u8,
    terms: &'a Terms,
    participants: &'a Participants,
    broadcasts: &'a BTreeMap<(u8, Index), Vec<u8>>,
}

/// What the broadcasts prove against the accused. None also for what a third party cannot repeat.
pub(super) fn guilty(
    checked: &Checked,
    accused: &PublicKey,
    record: &dyn Fn(&Hash) -> Option<WalletRecord>,
) -> Option<&'static str> {
    let Checked::Conduct { culprit, round, ssid, terms, participants, broadcasts } = checked else {
        return None;
    };
    let party = participants.index(accused).filter(|_| culprit == accused)?;
    // The rounds' checks are for others' messages; any other member will do as the one who looks.
    let other = participants.indices().iter().find(|index| *index != party)?;
    let ctx = Ctx::new(*ssid, participants.indices().clone(), other, usize::from(terms.threshold)).ok()?;
    let case = Case { ctx, party, round: *round, terms, participants, broadcasts };
    match (terms.purpose.as_str(), terms.suite.as_str()) {
        ("presign", _) => case.presign(record),
        ("generate", "ed25519") => case.generate::<Ed25519>(),
        ("generate", _) => case.generate::<Secp256k1>(),
        _ => None,
    }
}

impl Case<'_> {
    /// What the accused broadcast in a round.
    fn own(&self, round: u8) -> Option<&[u8]> {
        self.broadcasts.get(&(round, self.party)).map(Vec::as_slice)
    }

    fn generate<C: Curve>(&self) -> Option<&'static str> {
        match self.round {
            1 => Commit::decode(self.own(1)?, ()).is_err().then_some(DECODE),
            2 => {
                let commit = Commit::decode(self.own(1)?, ()).ok()?;
                let Ok(opening) = Opening::<C>::decode(self.own(2)?, self.ctx.threshold()) else {
                    return Some(DECODE);
                };
                generate::judge(&self.ctx, self.party, &commit, &opening).err()
            }
            // The record that the signature of round 4 is about does not follow from the broadcasts alone.
            4 => (self.own(4)?.len() != 64).then_some(DECODE),
            _ => None,
        }
    }

    fn presign(&self, record: &dyn Fn(&Hash) -> Option<WalletRecord>) -> Option<&'static str> {
        let shape = self.shape()?;
        match self.round {
            1 => Broadcast1::decode(self.own(1)?, shape).is_err().then_some(DECODE),
            2 => {
                let first = Broadcast1::decode(self.own(1)?, shape).ok()?;
                let Some(second) = behind::<Broadcast2>(self.own(2)?, shape) else { return Some(DECODE) };
                let opens = presign::judge::opens(&self.ctx, self.party, &first, &second);
                (!opens).then_some("opened other nonce shares than it committed to")
            }
            3 => {
                let Some(third) = behind::<Broadcast3>(self.own(3)?, shape) else { return Some(DECODE) };
                self.proof(shape, &third, record)
            }
            4 => behind::<Broadcast4>(self.own(4)?, shape).is_none().then_some(DECODE),
            _ => None,
        }
    }

    /// A proof of round 3 is judged on the view that its signer put in it, and on no other (§4.3): whoever shows other
    /// broadcasts of a third party shows nothing.
    fn proof(
        &self,
        shape: Shape,
        third: &Broadcast3,
        record: &dyn Fn(&Hash) -> Option<WalletRecord>,
    ) -> Option<&'static str> {
        if third.echo != self.view(2)? {
            return None;
        }
        let record = record(&Hash(self.terms.base_epoch?))?;
        let KeySet::Ecdsa(public) = record.keys().ok()? else { return None };
        let seconds: Vec<Broadcast2> = self
            .ctx
            .parties()
            .iter()
            .map(|j| behind(self.broadcasts.get(&(2, j))?, shape))
            .collect::<Option<_>>()?;
        let key = public.key().key;
        let holds = presign::judge::proves(&self.ctx, self.party, &key, &seconds, third)?;
        (!holds).then_some("gave a wrong proof for A, Φ and B")
    }

    /// The running hash over the broadcasts of all rounds up to and with this one, as the driver makes it.
    fn view(&self, last: u8) -> Option<[u8; 32]> {
        let mut transcript = *self.ctx.ssid();
        for round in 1..=last {
            let digests: Vec<[u8; 32]> = self
                .participants
                .iter()
                .map(|(index, key)| {
                    let body = self.broadcasts.get(&(round, index))?;
                    Some(echo::digest(self.ctx.ssid(), round, &key, body))
                })
                .collect::<Option<_>>()?;
            let vector = echo::vector_digest(self.ctx.ssid(), round, &digests);
            transcript = echo::extend_transcript(&transcript, &vector);
        }
        Some(transcript)
    }

    fn shape(&self) -> Option<Shape> {
        let (_, count) = self.terms.extra.iter().find(|(name, _)| name == "count")?;
        let count = u16::from_be_bytes(count.as_slice().try_into().ok()?);
        Some(Shape { parties: self.participants.len(), count: usize::from(count) })
    }
}

/// A broadcast behind the echo digest of the round before.
fn behind<M: Message<Shape>>(bytes: &[u8], shape: Shape) -> Option<M> {
    M::decode(bytes.get(crate::presign::ECHO..)?, shape).ok()
}

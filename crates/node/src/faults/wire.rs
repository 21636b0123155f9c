//! What leaves otherwise than the driver made it: withheld, said differently to different parties, echoed wrongly.

use super::{How, What, fault, flip};
use quorate_intent::PublicKey;
use quorate_session::Identity;
use quorate_session::wire::{Envelope, Kind, Stamp};

/// What leaves instead of these messages of a session.
pub(crate) fn spoil_sent(
    purpose: &str,
    identity: &Identity,
    ssid: Option<[u8; 32]>,
    batch: Vec<(PublicKey, Vec<u8>)>,
) -> Vec<(PublicKey, Vec<u8>)> {
    let mut seen = std::collections::BTreeMap::new();
    let mut sent = Vec::new();
    let alone = batch.iter().map(|(to, _)| to).collect::<std::collections::BTreeSet<_>>().len() == 1;
    for (to, bytes) in batch {
        let Some(envelope) = Envelope::decode(&bytes) else { continue };
        let what = match envelope.kind {
            Kind::Broadcast => What::Broadcast,
            Kind::Private => What::Private,
            Kind::Echo => What::Echo,
            Kind::Hello => What::Hello,
            Kind::View | Kind::Request | Kind::Answer => {
                sent.push((to, bytes));
                continue;
            }
        };
        let nth: &mut usize = seen.entry((envelope.kind as u8, envelope.round)).or_default();
        *nth += 1;
        let scope = if envelope.kind.early() { Some(envelope.ceremony) } else { ssid };
        let other = scope.map(|scope| resigned(&envelope, &scope, &to, identity, 0));
        match fault(purpose, envelope.round, what) {
            Some(How::Withhold) => {}
            Some(How::Equivocate) if alone => {
                sent.push((to, bytes));
                sent.extend(other.map(|other| (to, other)));
            }
            Some(How::Equivocate) if *nth % 2 == 0 => sent.extend(other.map(|other| (to, other))),
            Some(How::Flip(at)) if what == What::Echo => {
                sent.extend(scope.map(|scope| (to, resigned(&envelope, &scope, &to, identity, at))));
            }
            Some(How::Unsign) => {
                let mut bytes = bytes;
                let last = bytes.len().saturating_sub(1);
                flip(&mut bytes, last);
                sent.push((to, bytes));
            }
            _ => sent.push((to, bytes)),
        }
    }
    sent
}

/// The same message with a bit flipped, signed as if it were meant.
fn resigned(
    envelope: &Envelope<'_>,
    scope: &[u8; 32],
    to: &PublicKey,
    identity: &Identity,
    at: usize,
) -> Vec<u8> {
    let mut body = envelope.body.to_vec();
    flip(&mut body, at);
    let recipient = envelope.kind.addressed().then_some(to);
    let (ceremony, kind, round) = (&envelope.ceremony, envelope.kind, envelope.round);
    Stamp { ceremony, scope, kind, round, recipient }.sign(identity, &body)
}

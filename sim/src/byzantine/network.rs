//! What a dishonest party does with its messages as a whole: to whom they go, when, how often, and in whose name. Works on
//! the wire, with the party's own identity key and with what the network lets it do.

use super::expect::Verdict;
use crate::World;
use crate::world::{Packet, Tamper};
use quorate_protocols::Severity;
use quorate_session::Identity;
use quorate_session::wire::{Envelope, Kind, Stamp};
use std::sync::Arc;

/// One way to treat messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// The parties in this set (bits) get another broadcast, properly signed.
    Equivocate(u8),
    /// Nobody gets it.
    Withhold,
    /// One party does not get it.
    WithholdFromOne,
    /// It comes after the round's time.
    Late,
    /// Also sent as if of the next round.
    Early,
    /// A second one with other content follows.
    Second,
    /// A sealed message that does not open, properly signed outside.
    BreakSeal,
    /// The body of another kind in its place: one bit of the body as signed is another.
    Body,
    /// Another party's signed bytes are sent as one's own, and one's own in the name of another party.
    Forge,
    /// Sent back by its recipients and by strangers to it: everything that the party sends comes again from others.
    Repeat,
}

/// Kinds of messages that every party sends.
pub const KINDS: [Kind; 5] = [Kind::Hello, Kind::View, Kind::Broadcast, Kind::Private, Kind::Echo];

/// The treatments that make sense for a kind, with what each must come to. `n` parties.
pub fn treatments(kind: Kind, n: usize) -> Vec<(Treatment, Verdict)> {
    use Treatment::*;
    let condemned = Verdict::Named(Severity::Condemned);
    let mut all = vec![
        (Withhold, Verdict::Silent),
        (WithholdFromOne, Verdict::Silent),
        (Late, Verdict::Silent),
        (Forge, Verdict::Harmless),
        (Repeat, Verdict::Harmless),
    ];
    match kind {
        Kind::Broadcast => {
            // Every split of the honest parties in which both sides have somebody.
            let honest = n as u32 - 1;
            all.extend((1..(1u8 << honest) - 1).map(|set| (Equivocate(set), condemned)));
            all.extend([(Second, condemned), (Early, Verdict::Free)]);
        }
        Kind::Private => {
            all.push((BreakSeal, Verdict::Named(Severity::HardEdge)));
            // Whichever of the two comes first counts, and the other is not looked at.
            all.extend([(Second, Verdict::Free), (Early, Verdict::Free)]);
        }
        Kind::Echo => all.extend([(Body, Verdict::Named(Severity::SoftEdge)), (Second, Verdict::Silent)]),
        Kind::Hello | Kind::View => all.extend([(Body, Verdict::Silent), (Equivocate(1), Verdict::Silent)]),
        Kind::Request | Kind::Answer => (),
    }
    all
}

/// The party's packets of one kind and round, treated.
pub fn tamper(
    (liar, ceremony): (usize, [u8; 32]),
    (kind, round): (Kind, u8),
    treatment: Treatment,
    applied: Arc<std::sync::atomic::AtomicBool>,
) -> Tamper {
    Box::new(move |world, packet| {
        let fits = Envelope::decode(&packet.bytes).is_some_and(|envelope| {
            envelope.ceremony == ceremony && envelope.kind == kind && envelope.round == round
        });
        if packet.from != liar || !fits {
            return vec![(0, packet.clone())];
        }
        applied.store(true, std::sync::atomic::Ordering::Relaxed);
        treat(world, packet, treatment)
    })
}

fn treat(world: &World, packet: &Packet, treatment: Treatment) -> Vec<(u64, Packet)> {
    let n = world.nodes.len();
    let plain = (0, packet.clone());
    // The recipient's place among the honest parties.
    let nth = if packet.to > packet.from { packet.to - 1 } else { packet.to };
    let first = nth == 0;
    let changed = |round: u8| resigned(world, packet, round, true);
    match treatment {
        Treatment::Equivocate(set) if set >> nth & 1 == 1 => vec![(0, changed(0))],
        Treatment::Equivocate(_) => vec![plain],
        Treatment::Withhold => Vec::new(),
        Treatment::WithholdFromOne if first => Vec::new(),
        Treatment::WithholdFromOne => vec![plain],
        Treatment::Late => vec![(40_000, packet.clone())],
        Treatment::Early => vec![(0, resigned(world, packet, 1, true)), plain],
        Treatment::Second => vec![plain, (0, changed(0))],
        Treatment::BreakSeal | Treatment::Body => vec![(0, changed(0))],
        Treatment::Forge => {
            let mut all = vec![plain];
            for other in (0..n).filter(|other| *other != packet.from && *other != packet.to) {
                // In another's name, under our signature: from its channel.
                all.push((0, Packet { from: other, ..changed(0) }));
                all.push((0, Packet { from: other, ..packet.clone() }));
            }
            all
        }
        Treatment::Repeat => {
            let mut all = vec![plain, (5, packet.clone()), (900, packet.clone())];
            // Back to its sender from its recipient, which must not take it for the recipient's.
            all.push((5, Packet { from: packet.to, to: packet.from, bytes: packet.bytes.clone() }));
            all
        }
    }
}

/// The packet signed anew by its sender, with a flipped bit in the body, `later` rounds ahead.
fn resigned(world: &World, packet: &Packet, later: u8, flip: bool) -> Packet {
    let node = &world.nodes[packet.from];
    let Some(envelope) = Envelope::decode(&packet.bytes) else { return packet.clone() };
    let ssid = node.up.as_ref().and_then(|up| up.runs.get(&envelope.ceremony)?.run.ssid());
    let mut body = envelope.body.to_vec();
    match body.first_mut() {
        Some(byte) if flip => *byte ^= 1,
        None if flip => body.push(1),
        _ => (),
    }
    let round = envelope.round + later;
    sign(
        &node.identity,
        packet,
        &envelope,
        (ssid.unwrap_or(envelope.ceremony), world.nodes[packet.to].key()),
        round,
        &body,
    )
}

fn sign(
    identity: &Identity,
    packet: &Packet,
    envelope: &Envelope<'_>,
    (ssid, to): ([u8; 32], quorate_intent::PublicKey),
    round: u8,
    body: &[u8],
) -> Packet {
    let kind = envelope.kind;
    let scope = if kind.early() { &envelope.ceremony } else { &ssid };
    let recipient = kind.addressed().then_some(&to);
    let bytes = Stamp { ceremony: &envelope.ceremony, scope, kind, round, recipient }.sign(identity, body);
    Packet { bytes, ..packet.clone() }
}

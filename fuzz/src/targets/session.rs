//! What comes over a channel before and during a session.

use super::same;
use crate::seeds::scene;
use quorate_session::seal::{CeremonyKey, Route};
use quorate_session::wire::{Envelope, Kind, Stamp};
use quorate_session::{Evidence, Identity, Input, Session};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// An envelope, put together again by its description.
pub fn envelope(bytes: &[u8]) -> bool {
    let Some(envelope) = Envelope::decode(bytes) else { return false };
    let length = u32::try_from(envelope.body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let head = [quorate_session::wire::VERSION];
    let kind = [envelope.kind as u8, envelope.round];
    let parts: [&[u8]; 6] = [&head, &envelope.ceremony, &kind, &length, envelope.body, &envelope.signature.0];
    same(&parts.concat(), bytes);
    true
}

/// Evidence, whose signatures are looked at as well.
pub fn evidence(bytes: &[u8]) -> bool {
    let Ok(evidence) = Evidence::decode(bytes) else { return false };
    same(&evidence.encode(), bytes);
    let _ = evidence.check();
    true
}

/// A sealed message to a key that does not change. Nobody can make one that opens by mutation.
pub fn sealed(bytes: &[u8]) -> bool {
    let (sender, recipient) =
        (Identity::from_seed(&[1; 32]).public(), Identity::from_seed(&[2; 32]).public());
    let route = Route { ssid: &[7; 32], round: 1, sender: &sender, recipient: &recipient };
    quorate_session::seal::open(&route, &sealing_key(), bytes).is_ok()
}

/// The key of [`sealed`].
pub fn sealing_key() -> CeremonyKey {
    CeremonyKey::random(&mut ChaCha20Rng::from_seed([5; 32]))
}

/// A session at its beginning gets what a participant signs. The first byte says what: a kind of message under the ceremony
/// id, or bytes as they are.
pub fn driver(bytes: &[u8]) -> bool {
    let Some((first, body)) = bytes.split_first() else { return false };
    let ids = scene::identities(3);
    let mut rng = scene::rng(1, 0);
    let (config, protocol) = scene::generate_party::<quorate_sharing::Secp256k1>(&ids);
    let Ok((mut session, _)) = Session::new(config, ids[0].clone(), protocol, 0, &mut rng) else {
        return false;
    };
    let kind =
        [Kind::Hello, Kind::View, Kind::Broadcast, Kind::Private, Kind::Echo].get(usize::from(first & 7));
    let message = match kind {
        Some(kind) => {
            let (ceremony, round) = (&scene::CEREMONY, first >> 3);
            let recipient = ids[0].public();
            let recipient = kind.addressed().then_some(&recipient);
            Stamp { ceremony, scope: ceremony, kind: *kind, round, recipient }.sign(&ids[1], body)
        }
        None => body.to_vec(),
    };
    let before = session.dropped();
    let from = ids[1].public();
    let outputs = session.step(1, Input::Message { from, bytes: message }, &mut rng);
    let ended = outputs.iter().any(|output| matches!(output, quorate_session::Output::Done(_)));
    assert!(!ended, "one message ended a ceremony of three");
    session.dropped() == before
}

//! What gateway and nodes send one another.

use super::{canonical_by_bytes, same};
use crate::seeds::scene;
use quorate_coordination::disputes::Report;
use quorate_coordination::drill::{Answer, Challenge};
use quorate_coordination::rpc::SignCall;
use quorate_coordination::{Certificate, Material, WalletRecord};
use quorate_intent::Suite;
use quorate_session::statement_digest;

/// The record of an epoch, with the public shares in it.
pub fn record(bytes: &[u8]) -> bool {
    let Ok(record) = borsh::from_slice::<WalletRecord>(bytes) else { return false };
    same(&borsh::to_vec(&record).unwrap_or_default(), bytes);
    if let Ok(keys) = record.keys() {
        same(&keys.encode(), &record.public);
        let _ = keys.child(&[0, 0, 1]);
    }
    true
}

/// A certificate, judged by a cluster.
pub fn certificate(bytes: &[u8]) -> bool {
    let Ok(certificate) = borsh::from_slice::<Certificate>(bytes) else { return false };
    same(&borsh::to_vec(&certificate).unwrap_or_default(), bytes);
    let _ = certificate.check(&scene::genesis(), statement_digest);
    let _ = certificate.check_parties(statement_digest);
    let _ = (certificate.rank(), certificate.same_key(&certificate.record));
    true
}

/// A call to sign, each part checked against a key of each suite.
pub fn call(bytes: &[u8]) -> bool {
    let Ok(call) = borsh::from_slice::<SignCall>(bytes) else { return false };
    same(&borsh::to_vec(&call).unwrap_or_default(), bytes);
    for record in scene::records() {
        let Ok(keys) = record.keys() else { continue };
        for part in call.parts.iter().take(4) {
            let _ = part.check(&keys, &record.parties, &call.request);
        }
    }
    true
}

/// What a signature is made with, by itself.
pub fn material(bytes: &[u8]) -> bool {
    let Ok(material) = borsh::from_slice::<Material>(bytes) else { return false };
    same(&borsh::to_vec(&material).unwrap_or_default(), bytes);
    let _ = material.signers();
    for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
        let _ = material.digest(suite);
    }
    true
}

/// A report of a dispute.
pub fn report(bytes: &[u8]) -> bool {
    let Ok(report) = borsh::from_slice::<Report>(bytes) else { return false };
    same(&borsh::to_vec(&report).unwrap_or_default(), bytes);
    if report.open(&scene::genesis().hash()).is_ok() {
        let _ = quorate_ceremonies::judge(&report, &scene::genesis().hash(), &|_| None);
    }
    true
}

/// An operator's answer in a drill.
pub fn answer(bytes: &[u8]) -> bool {
    if !canonical_by_bytes::<Answer>(bytes) {
        return false;
    }
    let Ok(answer) = borsh::from_slice::<Answer>(bytes) else { return false };
    let challenge = Challenge { nonce: [4; 32], certificates: Vec::new() };
    let _ = challenge.covered(&answer);
    true
}

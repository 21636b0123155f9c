//! Judging certificates as a node does; for a toy group by the parties' signatures alone, since no suite names it.

use crate::World;
use crate::node::Group;
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_coordination::{Certificate, WalletRecord};
use quorate_session::statement_digest;
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Secp256k1, Transcript};

/// Judges a certificate. Each is judged once in a world: it needs nothing but the genesis.
///
/// # Errors
/// What does not hold.
pub fn certificate(world: &mut World, certificate: &Certificate) -> Result<(), String> {
    let bytes = borsh::to_vec(certificate).map_err(|error| error.to_string())?;
    let name = Transcript::new("sim/certificate").field("bytes", &bytes).digest();
    if world.checked.contains(&name) {
        return Ok(());
    }
    if real(world, certificate) {
        let checked = certificate.check(&world.people.genesis, statement_digest);
        let keys = checked.map_err(|error| error.to_string())?;
        world.oracle.exists(certificate, keys.threshold());
    } else {
        signatures(certificate)?;
    }
    world.checked.insert(name);
    Ok(())
}

fn real(world: &World, certificate: &Certificate) -> bool {
    let group = world.groups.get(&certificate.record.wallet);
    matches!(group, Some(Group::Secp256k1 | Group::Ed25519))
}

fn signatures(certificate: &Certificate) -> Result<(), String> {
    let statement = statement_digest(CERTIFICATE_DOMAIN, &certificate.record.statement());
    let parties = certificate.record.parties.iter();
    let all =
        parties.zip(certificate.proof.signatures()).all(|(key, signature)| key.verify(&statement, signature));
    if all && certificate.proof.signatures().len() == certificate.record.parties.len() {
        Ok(())
    } else {
        Err("a signature is missing".into())
    }
}

/// Whether a certificate speaks of the key that a record is of.
///
/// # Errors
/// What differs.
pub fn same_key(world: &World, new: &Certificate, held: &WalletRecord) -> Result<(), String> {
    if real(world, new) {
        return new.same_key(held).map_err(|error| error.to_string());
    }
    let group = world.groups.get(&held.wallet).copied().ok_or("no such key")?;
    let same = new.record.wallet == held.wallet && key_of(group, &new.record) == key_of(group, held);
    if same { Ok(()) } else { Err("another key".into()) }
}

/// Public key and chain code of a record, which stand at the end of its public shares.
pub fn key_of(group: Group, record: &WalletRecord) -> &[u8] {
    let point = match group {
        Group::Toy13 => Toy13::POINT_BYTES,
        Group::Toy199 => Toy199::POINT_BYTES,
        Group::Secp256k1 => Secp256k1::POINT_BYTES,
        Group::Ed25519 => Ed25519::POINT_BYTES,
    };
    &record.public[record.public.len().saturating_sub(point + 32)..]
}

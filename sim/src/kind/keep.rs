//! What the records of key ceremonies become in the vault (docs/spec §1.7, §2.3), and what becomes of their certificates.

use super::certificates::{self, Source};
use crate::World;
use crate::node::Keep;
use crate::people::Approved;
use crate::run::NewKey;
use crate::world::Plant;
use quorate_ceremonies::generate::{self, Pending};
use quorate_ceremonies::reshare;
use quorate_coordination::{Certificate, WalletRecord};
use quorate_session::{NotStored, PersistRecord, SessionError};
use quorate_vault::VaultError;
use zeroize::Zeroizing;

/// Writes a record of a ceremony.
///
/// # Errors
/// The vault's refusal, or that the disk failed.
pub fn record(
    world: &mut World,
    at: usize,
    run: [u8; 32],
    record: PersistRecord,
    keep: Keep,
) -> Result<(), NotStored> {
    let failed = |what: String| NotStored::Failed(what);
    let Keep::Epoch { wallet, number, order, base } = keep else {
        return Err(failed(format!("nothing takes a record {}", record.label)));
    };
    let Some(up) = &world.nodes[at].up else { return Err(failed("down".into())) };
    let vault = up.vault.clone();
    match record.label {
        generate::ORDER_TRY | reshare::ORDER_TRY => {
            let tried = record.bytes.as_slice().try_into().map(u32::from_be_bytes);
            let tried = tried.map_err(|_| failed("a try has four bytes".into()))?;
            world.block(vault.accept_order(wallet, number, tried, order, base)).map_err(not_stored)
        }
        generate::PENDING | reshare::PENDING => {
            let mut pending: Pending =
                borsh::from_slice(&record.bytes).map_err(|error| failed(error.to_string()))?;
            let attempt = pending.record.attempt;
            let share = quorate_vault::Share {
                attempt,
                secret: Zeroizing::new(std::mem::take(&mut pending.secret)),
                record: borsh::to_vec(&pending.record).unwrap_or_default(),
                prepared: pending.signature.0.to_vec(),
            };
            world.block(vault.put_pending(wallet, share, base)).map_err(not_stored)?;
            if world.plant == Some(Plant::ForgetsOld) {
                // Who forgets the old share as soon as it has the new one.
                let _ = world.block(vault.activate(wallet, attempt, Vec::new()));
            }
            world.oracle.prepared(&pending.record);
            let attempt = attempt.to_bytes().to_vec();
            if let Some(live) = world.nodes[at].up.as_mut().and_then(|up| up.runs.get_mut(&run)) {
                live.prepared = Some((wallet, attempt));
            }
            Ok(())
        }
        other => Err(failed(format!("nothing takes a record {other}"))),
    }
}

/// The record inside of what is written before a party's signature leaves.
pub fn pending(record: &PersistRecord) -> Option<WalletRecord> {
    if ![generate::PENDING, reshare::PENDING].contains(&record.label) {
        return None;
    }
    borsh::from_slice::<Pending>(&record.bytes).ok().map(|pending| pending.record.clone())
}

fn not_stored(error: VaultError) -> NotStored {
    match error {
        VaultError::Order(_) | VaultError::Attempt { .. } => NotStored::Refused(error.to_string()),
        other => NotStored::Failed(other.to_string()),
    }
}

/// A ceremony ended well at a party: it takes the certificate, and the coordinator is told unless the answer is lost.
///
/// # Errors
/// When the certificate is not taken.
pub fn certified(world: &mut World, at: usize, key: NewKey, approved: Approved) -> Result<(), SessionError> {
    let NewKey { record, proof } = key;
    let certificate = Certificate { record, order: approved.intent, approvals: approved.approvals, proof };
    let taken = certificates::certify(world, at, &certificate, Source::Own);
    taken.map_err(|problem| SessionError::Storage(problem.text()))?;
    let heard = !world.dice.chance(world.weather.lose);
    if heard && world.nodes[at].up.is_some() && world.nodes[at].honest {
        world.hear(&certificate);
    }
    Ok(())
}

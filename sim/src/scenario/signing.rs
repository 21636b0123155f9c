//! Signing as the coordinator does it: calls and answers that may be lost, another attempt when one fails.

use crate::World;
use crate::kind::sign::{self, Call};
use crate::oracle::Violation;
use crate::random;
use quorate_coordination::{Certificate, CombineError, KeySet, Material, Partial};
use quorate_intent::{Hash, WalletId};

/// What is signed for whom.
#[derive(Clone, Copy)]
pub struct Wish {
    /// The key.
    pub wallet: WalletId,
    /// The intent.
    pub intent: Hash,
    /// The message: a digest.
    pub message: [u8; 32],
}

/// The wish of this number.
pub fn wish(world: &World, wallet: WalletId, number: u64) -> Wish {
    let intent = Hash(random::bytes(world.seed, "intent", number));
    Wish { wallet, intent, message: random::bytes(world.seed, "message", number) }
}

/// The public shares of a wallet and the hash of its record, as the coordinator knows them.
pub fn known(world: &World, wallet: WalletId) -> Option<(KeySet, Hash)> {
    let record = &world.certificates.get(&wallet)?.record;
    Some((record.keys().ok()?, record.hash()))
}

/// Asks each of a set to sign. Calls and answers are lost as the weather has it.
pub fn ask(world: &mut World, set: &[usize], call: &Call) -> Vec<Partial> {
    let mut partials = Vec::new();
    for at in set {
        if world.dice.chance(world.weather.lose) {
            continue;
        }
        let answer = sign::sign(world, *at, call);
        let now = world.now;
        if let Err(reason) = &answer {
            world.log.add(now, Some(*at), || format!("does not sign: {reason}"));
        }
        if world.dice.chance(world.weather.lose) {
            continue;
        }
        partials.extend(answer.ok());
    }
    partials
}

/// Asks a set, and combines if all have answered. True when there is a signature.
///
/// # Errors
/// The first rule that did not hold.
pub fn with(world: &mut World, wish: Wish, set: &[usize], material: Material) -> Result<bool, Violation> {
    let Some(certificate) = world.certificates.get(&wish.wallet).cloned() else { return Ok(false) };
    within(world, &certificate, wish, set, material)
}

/// The same in the epoch of this certificate.
///
/// # Errors
/// The first rule that did not hold.
pub fn within(
    world: &mut World,
    certificate: &Certificate,
    wish: Wish,
    set: &[usize],
    material: Material,
) -> Result<bool, Violation> {
    let (Ok(keyset), record) = (certificate.record.keys(), certificate.record.hash()) else {
        return Ok(false);
    };
    let call = sign::call(world, (&keyset, record), wish.wallet, wish.message, wish.intent, material);
    let Some(call) = call else { return Ok(false) };
    if world.dice.chance(world.weather.greed) {
        // A coordinator that repeats itself, or asks for something else with the same material.
        let mut other = wish;
        if world.dice.chance(500) {
            other.message[0] ^= 1;
        }
        let again = sign::call(
            world,
            (&keyset, record),
            wish.wallet,
            other.message,
            wish.intent,
            call.part.material.clone(),
        );
        if let Some(again) = again {
            let some = &set[..1 + world.dice.below(set.len() as u64) as usize];
            ask(world, some, &again);
        }
    }
    let partials = ask(world, set, &call);
    world.settle()?;
    if partials.len() < set.len() {
        return Ok(false);
    }
    match sign::combine_in(world, &certificate.record, &call, &partials) {
        Ok(_) => Ok(true),
        Err(CombineError::Wrong(parties)) => {
            let detail = format!("honest partials of {parties:?} are wrong");
            Err(Violation { rule: "blamed ⊆ faulty", detail })
        }
        Err(error) => Err(Violation { rule: "partials combine", detail: error.to_string() }),
    }
}

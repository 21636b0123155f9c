//! Shares: whether they make the key, and whether erased ones are gone from the disk.

use crate::World;
use crate::node::Share;
use quorate_intent::WalletId;
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use quorate_vault::{Attempt, Erasure};
use zeroize::Zeroizing;

/// Takes note of the sealed shares below a certificate that a party is about to take.
pub fn watch_erasing(world: &mut World, at: usize, wallet: &WalletId, rank: Attempt) {
    let node = &mut world.nodes[at];
    for (attempt, sealed) in node.disk.sealed_shares(&wallet.0) {
        let known = node.erasing.iter().any(|(of, known, _)| of == wallet && *known == attempt);
        if attempt.as_slice() < rank.to_bytes().as_slice() && !known {
            node.erasing.push((*wallet, attempt, sealed));
        }
    }
}

/// After an activation whose erasing is done: no byte of what lay below stands anywhere on the disk.
pub fn are_erased(world: &mut World, at: usize) {
    let node = &mut world.nodes[at];
    let mut left = Vec::new();
    for (wallet, attempt, sealed) in std::mem::take(&mut node.erasing) {
        let (_, certified) = node.disk.attempts(&wallet.0);
        if certified.as_ref() <= Some(&attempt) {
            // The activation that was to erase it did not take place.
            continue;
        }
        if node.disk.contains(&sealed) {
            left.push(format!("party {at} still has its share of {wallet} {}", hex::encode(attempt)));
        }
    }
    for detail in left {
        world.oracle.violate("erased shares are gone", detail);
    }
}

/// After a start: what an activation before it left undone is finished.
pub fn finish_erasing(world: &mut World, at: usize) {
    if world.nodes[at].erasing.is_empty() {
        return;
    }
    let Some(up) = &world.nodes[at].up else { return };
    let vault = up.vault.clone();
    let erased = world.block(vault.erase());
    if world.still_up(at) && matches!(erased, Ok(Erasure::Done)) {
        are_erased(world, at);
    }
}

/// Whether t shares that are active make the key: any t of them, by Lagrange on their public points.
pub fn reconstructs(world: &World, wallet: WalletId) -> Result<usize, String> {
    let shares: Vec<&Share> = world
        .nodes
        .iter()
        .filter(|node| node.honest)
        .filter_map(|node| node.up.as_ref()?.keys.get(&wallet).map(|key| &key.share))
        .collect();
    let Some(first) = shares.first() else { return Ok(0) };
    let secrets: Vec<_> = shares.iter().map(|share| share.secret()).collect();
    match first {
        Share::Toy13(share) => every_set::<Toy13>(share.public(), &secrets),
        Share::Toy199(share) => every_set::<Toy199>(share.public(), &secrets),
        Share::Secp256k1(share) => every_set::<Secp256k1>(share.public(), &secrets),
        Share::Ed25519(share) => every_set::<Ed25519>(share.public(), &secrets),
    }?;
    Ok(shares.len())
}

fn every_set<C: Curve>(
    public: &quorate_protocols::key::PublicShares<C>,
    secrets: &[(Index, Zeroizing<Vec<u8>>)],
) -> Result<(), String> {
    let t = public.threshold();
    for set in 0u32..1 << secrets.len() {
        let chosen: Vec<_> =
            (0..secrets.len()).filter(|at| set >> at & 1 == 1).map(|at| &secrets[at]).collect();
        if chosen.len() != t {
            continue;
        }
        let numbers = chosen.iter().map(|(index, _)| index.get());
        let indices = quorate_sharing::Indices::new::<C>(numbers).map_err(|error| error.to_string())?;
        let mut sum: C::Scalar = ff::Field::ZERO;
        for (index, secret) in chosen {
            let share = C::decode_scalar(secret).map_err(|error| error.to_string())?;
            let weight = quorate_sharing::lagrange::coefficient::<C>(&indices, *index).ok_or("no weight")?;
            sum += weight * share;
        }
        if C::mul_base(&sum) != public.key().key {
            return Err(format!("set {set:b} makes another key"));
        }
    }
    Ok(())
}

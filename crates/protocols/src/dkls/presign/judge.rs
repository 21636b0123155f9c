//! The checks of presign that need no secret, for somebody who was not there (docs/spec §5.2).

use super::round1::commit;
use crate::Ctx;
use crate::dkls::messages::{Broadcast1, Broadcast2, Broadcast3};
use crate::dkls::sigma::{self, Statement};
use crate::dkls::{Point, pedersen};
use alloc::vec::Vec;
use quorate_sharing::Index;

/// Whether a party's round 2 opens what its round 1 committed to. Nothing of anybody else enters.
pub fn opens(ctx: &Ctx, party: Index, first: &Broadcast1, second: &Broadcast2) -> bool {
    commit(ctx, party, &second.salt, &second.r) == first.commitment
}

/// Whether every proof of a party's round 3 holds for the public key and the nonce shares of all members in `seconds`.
///
/// The caller has seen that `third.echo` is the view of exactly these broadcasts: proofs made on another view prove
/// nothing against their maker (§4.3, round 4). `None` if the messages do not fit together or a joint nonce is the
/// identity, so that there is nothing to judge.
pub fn proves(
    ctx: &Ctx,
    party: Index,
    public: &Point,
    seconds: &[Broadcast2],
    third: &Broadcast3,
) -> Option<bool> {
    let count = third.shown.len();
    if seconds.len() != ctx.parties().len() || seconds.iter().any(|message| message.r.len() != count) {
        return None;
    }
    let h = pedersen::base();
    let nonces: Vec<Point> =
        (0..count).map(|b| seconds.iter().map(|message| message.r[b]).sum::<Point>()).collect();
    if nonces.contains(&Point::IDENTITY) {
        return None;
    }
    let holds = third.shown.iter().zip(nonces).enumerate().all(|(b, (shown, r))| {
        let statement = Statement {
            ssid: *ctx.ssid(),
            index: b as u32,
            prover: party,
            echo: third.echo,
            bases: [r, *public, h],
            images: [shown.a, shown.phi, shown.b],
        };
        sigma::verify(&statement, &shown.proof)
    });
    Some(holds)
}

//! Round 4 and the end: judge the proofs, agree on the hash of each presignature (docs/spec §4.3).

use super::OWN_ALTERED;
use super::round3::{State3, Sums};
use crate::dkls::Point;
use crate::dkls::algebra::{MemberPoints, MemberSecrets};
use crate::dkls::key::Common;
use crate::dkls::messages::{Broadcast3, Broadcast4};
use crate::dkls::pairs::{PairAccess, all_clean};
use crate::dkls::presignature::{Binding, Member, Presignature, PresignaturePublic};
use crate::dkls::sigma::{self, Proof, Statement};
use crate::{Abort, All, Fault, Severity};
use alloc::sync::Arc;
use alloc::vec::Vec;
use quorate_sharing::secp::Prepared;
use quorate_sharing::{Index, Secp256k1};
use rand_core::{CryptoRng, RngCore};

/// What this party keeps between round 4 and the end.
pub struct State4 {
    presignatures: Vec<Presignature>,
    common: Common,
    own: Broadcast4,
}

/// Judges the proofs of round 3. `echo` is the hash of all senders' digests of the broadcasts of rounds 1 to 3.
///
/// A different echo inside a message of round 3 must have been settled (§1.4) before this is called; one that is still
/// there ends the run with a soft edge, since proofs made on another view prove nothing here.
///
/// # Errors
/// Condemns for a wrong proof; [`Abort::Restart`] if a pair of this run was poisoned or renewed meanwhile.
pub fn round4<A: PairAccess>(
    state: State3,
    broadcasts: All<Broadcast3>,
    pairs: &mut A,
    echo: [u8; 32],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(State4, Broadcast4), Abort> {
    let State3 { common, h, secrets, sums, own } = state;
    if *broadcasts.of(common.ctx.me()) != own {
        return Err(OWN_ALTERED);
    }
    check_echoes(&common, &broadcasts, &own.echo)?;
    check_proofs(&common, &broadcasts, &sums, h, rng)?;
    let bases: Vec<Point> = core::iter::once(common.public).chain(sums.iter().map(|sums| sums.r)).collect();
    let mut nonces = Prepared::each(&bases).into_iter();
    let key = Arc::new(nonces.next().ok_or(Abort::Usage("no base was prepared"))?);
    let presignatures: Vec<Presignature> = secrets
        .into_iter()
        .zip(sums)
        .zip(nonces)
        .enumerate()
        .map(|(b, ((secrets, sums), r))| {
            assemble(&common, &broadcasts, b, sums, (key.clone(), r), secrets, echo)
        })
        .collect();
    let own = Broadcast4 { pd: presignatures.iter().map(|p| *p.public().pd()).collect() };
    all_clean(&common, pairs)?;
    Ok((State4 { presignatures, common, own: own.clone() }, own))
}

/// Ends the run: usable only if all t members signed the same hashes.
///
/// # Errors
/// A soft edge to who signed another hash: views differ, which §1.4 settles. [`Abort::Restart`] if a pair of this run
/// was poisoned or renewed meanwhile: then nothing of it goes into stock (§4.2).
pub fn finish<A: PairAccess>(
    state: State4,
    broadcasts: All<Broadcast4>,
    pairs: &mut A,
) -> Result<Vec<Presignature>, Abort> {
    if *broadcasts.of(state.common.ctx.me()) != state.own {
        return Err(OWN_ALTERED);
    }
    differing(&broadcasts, |message| *message == state.own, "signed another presignature hash")?;
    all_clean(&state.common, pairs)?;
    Ok(state.presignatures)
}

/// Soft edges to all whose message is not `right`.
fn differing<T>(broadcasts: &All<T>, right: impl Fn(&T) -> bool, what: &'static str) -> Result<(), Abort> {
    let wrong = broadcasts.iter().filter(|(_, message)| !right(message));
    let faults: Vec<Fault> =
        wrong.map(|(party, _)| Fault { party, severity: Severity::SoftEdge, what }).collect();
    if faults.is_empty() { Ok(()) } else { Err(Abort::Blame(faults)) }
}

fn check_echoes(common: &Common, broadcasts: &All<Broadcast3>, echo: &[u8; 32]) -> Result<(), Abort> {
    if let Some((party, _)) = broadcasts.iter().find(|(_, message)| message.shown.len() != common.count) {
        return Err(Abort::condemn(party, "round 3 has the wrong number of entries"));
    }
    differing(broadcasts, |message| message.echo == *echo, "saw other broadcasts of rounds 1 and 2")
}

/// All proofs of all peers in one sum; only if that fails, each by itself, to name who is at fault.
fn check_proofs(
    common: &Common,
    broadcasts: &All<Broadcast3>,
    sums: &[Sums],
    h: Point,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), Abort> {
    let of = |party: Index| {
        let message = broadcasts.of(party);
        message.shown.iter().zip(sums).enumerate().map(move |(b, (shown, sums))| {
            let statement = Statement {
                ssid: *common.ctx.ssid(),
                index: b as u32,
                prover: party,
                echo: message.echo,
                bases: [sums.r, common.public, h],
                images: [shown.a, shown.phi, shown.b],
            };
            (statement, &shown.proof)
        })
    };
    let all: Vec<(Statement, &Proof)> = common.ctx.others().flat_map(of).collect();
    if sigma::verify_all(&all, rng) {
        return Ok(());
    }
    let guilty =
        common.ctx.others().filter(|j| !of(*j).all(|(statement, proof)| sigma::verify(&statement, proof)));
    let what = "the proof for A, Φ and B is wrong";
    let faults: Vec<Fault> =
        guilty.map(|party| Fault { party, severity: Severity::Condemned, what }).collect();
    if faults.is_empty() {
        return Err(Abort::Usage("this machine's batched check and single checks disagree"));
    }
    Err(Abort::Blame(faults))
}

fn assemble(
    common: &Common,
    broadcasts: &All<Broadcast3>,
    b: usize,
    sums: Sums,
    (key, r): (Arc<Prepared>, Prepared),
    secrets: MemberSecrets<Secp256k1>,
    echo: [u8; 32],
) -> Presignature {
    let binding = Binding {
        ssid: *common.ctx.ssid(),
        index: b as u32,
        key_id: common.key_id,
        epoch: common.epoch.clone(),
        echo,
    };
    let terms = sums.pu.into_iter().zip(sums.pv);
    let members: Vec<Member> = broadcasts
        .iter()
        .zip(terms)
        .map(|((party, message), (pu, pv))| {
            let shown = &message.shown[b];
            Member { party, points: MemberPoints { a: shown.a, phi: shown.phi, b: shown.b, pu, pv } }
        })
        .collect();
    let public = PresignaturePublic::assemble(binding, key, r, members);
    Presignature::new(common.ctx.me(), public, secrets)
}

//! Generate (docs/spec §2.1): n parties make a key together; nobody ever has it.
//!
//! Pedersen's DKG with commit-and-open against rogue keys and bias, and a proof of possession of each f_i(0).
//! (a) [`commit`] · (b) [`open`] · (c) [`deal`] · (d) [`finish`]; the signed transcript is the driver's and the node's.

use crate::dealing::{self, Dealing};
use crate::derive::ExtendedKey;
use crate::key::KeyShare;
use crate::message::{Malformed, Message, Reader};
use crate::{Abort, All, Ctx, Each};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use group::Group;
use quorate_sharing::{Commitment, Curve, Index, SecretScalar, Transcript};
use rand_core::{CryptoRng, RngCore};

pub use crate::dealing::Share;

/// (a) The hash of what will be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(pub [u8; 32]);

/// (b) The opening: Feldman commitments, proof of possession, this party's part of the chain code, salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening<C: Curve> {
    commitment: Commitment<C>,
    proof: Proof<C>,
    chain_part: [u8; 32],
    salt: [u8; 32],
}

/// Schnorr's proof of knowledge of f_i(0), bound to session and party.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof<C: Curve> {
    nonce: C::Point,
    response: C::Scalar,
}

/// After (a).
pub struct Committed<C: Curve> {
    dealing: Dealing<C>,
    opening: Opening<C>,
}

/// After (b).
pub struct Opened<C: Curve> {
    dealing: Dealing<C>,
    opening: Opening<C>,
    commits: All<Commit>,
}

/// After (c).
pub struct Dealt<C: Curve> {
    own: SecretScalar<C>,
    commitments: BTreeMap<Index, Commitment<C>>,
    chain_code: [u8; 32],
}

/// (a) Chooses f_i, and commits to everything that (b) will open.
pub fn commit<C: Curve>(ctx: &Ctx, rng: &mut (impl RngCore + CryptoRng)) -> (Committed<C>, Commit) {
    let (dealing, secret) = loop {
        let secret = SecretScalar::<C>::random(&mut *rng);
        let dealing = Dealing::new(&secret, ctx.threshold(), &mut *rng);
        // §1.6: an honest dealer resamples a zero that it chose itself.
        if !bool::from(dealing.commitment.constant().is_identity()) {
            break (dealing, secret);
        }
    };
    let commitment = dealing.commitment.clone();
    let proof = prove(ctx, &commitment.constant(), &secret, &mut *rng);
    let (mut chain_part, mut salt) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut chain_part);
    rng.fill_bytes(&mut salt);
    let opening = Opening { commitment, proof, chain_part, salt };
    let hash = commitment_hash(ctx, ctx.me(), &opening);
    (Committed { dealing, opening }, Commit(hash))
}

/// (b) Keeps everyone's commitments and opens our own.
pub fn open<C: Curve>(state: Committed<C>, commits: All<Commit>) -> (Opened<C>, Opening<C>) {
    let opening = state.opening.clone();
    (Opened { dealing: state.dealing, opening: state.opening, commits }, opening)
}

/// (c) Checks every opening and proof, then deals the shares.
///
/// # Errors
/// Condemns whoever opened something else than was committed to, or whose proof is wrong.
pub fn deal<C: Curve>(
    ctx: &Ctx,
    state: Opened<C>,
    openings: All<Opening<C>>,
) -> Result<(Dealt<C>, Each<Share<C>>), Abort> {
    if openings.of(ctx.me()) != &state.opening {
        return Err(Abort::Usage("the round holds another opening than this party's own"));
    }
    let mut faults = Vec::new();
    for (index, opening) in openings.iter() {
        if let Err(what) = check_opening(ctx, index, &state.commits.of(index).0, opening) {
            faults.push(crate::Fault { party: index, severity: crate::Severity::Condemned, what });
        }
    }
    if !faults.is_empty() {
        return Err(Abort::Blame(faults));
    }
    let chain_code = openings
        .iter()
        .fold(Transcript::new("generate/chain code").field("ssid", ctx.ssid()), |t, (_, opening)| {
            t.field("part", &opening.chain_part)
        })
        .digest();
    let shares = ctx.others().map(|j| (j, state.dealing.share(j))).collect();
    let own = state.dealing.share(ctx.me()).0;
    let commitments = openings.into_inner().into_iter().map(|(i, opening)| (i, opening.commitment)).collect();
    Ok((Dealt { own, commitments, chain_code }, shares))
}

/// (d) Checks every share, and sums.
///
/// # Errors
/// A hard edge to whoever dealt a share that does not fit its commitment: a third party cannot tell whether the dealer
/// or the recipient lies about a private message (§5.2). A joint key of zero is a blameless restart.
pub fn finish<C: Curve>(ctx: &Ctx, state: Dealt<C>, shares: All<Share<C>>) -> Result<KeyShare<C>, Abort> {
    let secret = dealing::receive(ctx.me(), Some(&state.own), &state.commitments, shares.iter())?;
    let joint = Commitment::sum(state.commitments.values()).ok_or(Abort::Usage("no dealers"))?;
    let key = joint.constant();
    if bool::from(key.is_identity()) {
        return Err(Abort::Restart("the joint public key is the identity"));
    }
    let key = ExtendedKey { key, chain_code: state.chain_code };
    let public = dealing::public(&joint, ctx.threshold(), ctx.parties(), key)?;
    KeyShare::new(ctx.me(), secret, public)
}

fn check_opening<C: Curve>(
    ctx: &Ctx,
    index: Index,
    commit: &[u8; 32],
    opening: &Opening<C>,
) -> Result<(), &'static str> {
    if commitment_hash(ctx, index, opening) != *commit {
        return Err("it opened something else than it committed to");
    }
    if bool::from(opening.commitment.constant().is_identity()) {
        return Err("its part of the key is zero");
    }
    let Proof { nonce, response } = &opening.proof;
    let challenge = proof_challenge::<C>(ctx, index, &opening.commitment.constant(), nonce);
    if C::mul_base_vartime(response) == *nonce + opening.commitment.constant() * challenge {
        Ok(())
    } else {
        Err("its proof of possession is wrong")
    }
}

fn commitment_hash<C: Curve>(ctx: &Ctx, sender: Index, opening: &Opening<C>) -> [u8; 32] {
    ctx.transcript("generate/commit", sender, 1).field("opening", &opening.encode()).digest()
}

fn proof_challenge<C: Curve>(ctx: &Ctx, prover: Index, public: &C::Point, nonce: &C::Point) -> C::Scalar {
    ctx.transcript("generate/proof", prover, 2)
        .number("threshold", ctx.threshold() as u64)
        .point::<C>("public", public)
        .point::<C>("nonce", nonce)
        .challenge::<C>()
}

fn prove<C: Curve>(
    ctx: &Ctx,
    public: &C::Point,
    secret: &SecretScalar<C>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Proof<C> {
    let k = SecretScalar::<C>::random(rng);
    let nonce = k.public();
    let challenge = proof_challenge::<C>(ctx, ctx.me(), public, &nonce);
    Proof { nonce, response: *k.expose() + challenge * secret.expose() }
}

impl Message for Commit {
    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        bytes.try_into().map(Self).map_err(|_| Malformed::Length)
    }
}

/// The parameter is t: the commitment vector has exactly t entries.
impl<C: Curve> Message<usize> for Opening<C> {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.commitment.encode();
        out.extend_from_slice(&C::encode_point(&self.proof.nonce));
        out.extend_from_slice(&C::encode_scalar(&self.proof.response));
        out.extend_from_slice(&self.chain_part);
        out.extend_from_slice(&self.salt);
        out
    }

    fn decode(bytes: &[u8], threshold: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let commitment = reader.take(threshold.saturating_mul(C::POINT_BYTES))?;
        let commitment =
            Commitment::decode(commitment, threshold).map_err(|_| Malformed::Field("commitment"))?;
        let proof = Proof { nonce: reader.point::<C>()?, response: reader.scalar::<C>()? };
        let opening = Self { commitment, proof, chain_part: reader.array()?, salt: reader.array()? };
        reader.finish()?;
        Ok(opening)
    }
}

#[cfg(test)]
mod tests;

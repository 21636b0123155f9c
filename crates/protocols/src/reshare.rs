//! Reshare (docs/spec §2.2): t parties of one sharing deal their parts of the key to any set of recipients, with any t'.
//!
//! The resharing of Desmedt and Jajodia with D of exactly t dealers, made verifiable by Feldman's commitments: what dealer i
//! shares is λ_i(D)·x_i, and its C_i\[0\] must be λ_i(D)·X_i. (a) [`deal`] · (b) [`finish`]; `prepared` and the certificate are
//! the ceremony's.
//!
//! Three kinds of indices meet here. Messages and blame are by **participant** (the session's index). A dealer has its index in
//! the **base**, a recipient its index in the **new sharing**. One machine can have all three, and they differ.

use crate::dealing::{self, Dealing};
use crate::key::{KeyShare, PublicShares};
use crate::message::{Malformed, Message, Reader};
use crate::{Abort, Ctx, Each, Fault, Severity};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::{Commitment, Curve, Index, Indices, SecretScalar, lagrange};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

pub use crate::dealing::Share;

/// Who deals, who receives, and of what. Checked by [`Plan::new`].
#[derive(Clone, Debug)]
pub struct Plan<C: Curve> {
    base: PublicShares<C>,
    /// Participant to index in the base.
    dealers: BTreeMap<Index, Index>,
    /// D.
    set: Indices,
    /// Participant to index in the new sharing.
    recipients: BTreeMap<Index, Index>,
    /// N'.
    new: Indices,
    threshold: usize,
}

/// (a) What a dealer tells all: its commitments and the chain code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal<C: Curve> {
    commitment: Commitment<C>,
    chain_code: [u8; 32],
}

/// After (a).
pub struct Dealt<C: Curve> {
    /// What this party has sent, if it is a dealer.
    deal: Option<Deal<C>>,
    /// What it dealt to itself, if it is a recipient too.
    own: Option<SecretScalar<C>>,
}

impl<C: Curve> Plan<C> {
    /// `dealers` and `recipients` give each participant's index in the base and in the new sharing; `threshold` is t'.
    ///
    /// # Errors
    /// [`Abort::Usage`] unless D are exactly t parties of the base and 2 ≤ t' ≤ n'.
    pub fn new(
        base: PublicShares<C>,
        dealers: BTreeMap<Index, Index>,
        recipients: BTreeMap<Index, Index>,
        threshold: usize,
    ) -> Result<Self, Abort> {
        let set = |indices: &BTreeMap<Index, Index>| {
            let set = Indices::new::<C>(indices.values().map(|index| index.get()));
            set.map_err(|_| Abort::Usage("indices of a reshare are not distinct"))
        };
        let (set, new) = (set(&dealers)?, set(&recipients)?);
        if set.len() != base.threshold() || !set.iter().all(|index| base.parties().contains(index)) {
            return Err(Abort::Usage("the dealers are not exactly t parties of the base"));
        }
        if !(2..=new.len()).contains(&threshold) {
            return Err(Abort::Usage("the new threshold must be 2 to the number of recipients"));
        }
        Ok(Self { base, dealers, set, recipients, new, threshold })
    }

    /// Whether a participant deals.
    pub fn deals(&self, participant: Index) -> bool {
        self.dealers.contains_key(&participant)
    }

    /// Whether a participant receives a share.
    pub fn receives(&self, participant: Index) -> bool {
        self.recipients.contains_key(&participant)
    }

    /// t'.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    fn weight(&self, dealer: Index) -> Result<C::Scalar, Abort> {
        lagrange::coefficient::<C>(&self.set, dealer).ok_or(Abort::Usage("no dealer has this index"))
    }
}

/// What a party has dealt, says to all, and sends to each.
pub type Said<C> = (Dealt<C>, Option<Deal<C>>, Each<Share<C>>);

/// (a) A dealer shares λ_i(D)·x_i; who only receives says nothing. `share` is this party's share of the base, if it deals.
/// The shares are for recipients other than this party.
///
/// # Errors
/// [`Abort::Usage`] when `share` is missing, not of the base, or not wanted.
pub fn deal<C: Curve>(
    ctx: &Ctx,
    plan: &Plan<C>,
    share: Option<&KeyShare<C>>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Said<C>, Abort> {
    let index = plan.dealers.get(&ctx.me()).copied();
    let (index, share) = match (index, share) {
        (None, None) => return Ok((Dealt { deal: None, own: None }, None, Each::new())),
        (Some(index), Some(share)) if share.index() == index && *share.public() == plan.base => {
            (index, share)
        }
        _ => return Err(Abort::Usage("a dealer needs its share of the base, and nobody else does")),
    };
    let part = Zeroizing::new(plan.weight(index)? * share.secret().expose());
    let dealing = Dealing::new(&SecretScalar::new(*part), plan.threshold, rng);
    let chain_code = plan.base.key().chain_code;
    let deal = Deal { commitment: dealing.commitment.clone(), chain_code };
    let others = plan.recipients.iter().filter(|(participant, _)| **participant != ctx.me());
    let shares = others.map(|(participant, j)| (*participant, dealing.share(*j))).collect();
    let own = plan.recipients.get(&ctx.me()).map(|j| dealing.share(*j).0);
    Ok((Dealt { deal: Some(deal.clone()), own }, Some(deal), shares))
}

/// (b) Checks every dealing: C_i\[0\] = λ_i(D)·X_i, the chain code, and for a recipient each share. Gives the public side of
/// the new sharing, and a recipient's share of it.
///
/// `deals` are those of all dealers, this party's own among them; `shares` those of all other dealers if this party is a
/// recipient, and none otherwise.
///
/// # Errors
/// Condemns a dealer of another secret or chain code: anybody can repeat that. Draws a hard edge to one whose share does not
/// fit its commitment.
#[allow(clippy::type_complexity, reason = "a pair with an option")]
pub fn finish<C: Curve>(
    ctx: &Ctx,
    plan: &Plan<C>,
    state: Dealt<C>,
    deals: BTreeMap<Index, Deal<C>>,
    shares: BTreeMap<Index, Share<C>>,
) -> Result<(PublicShares<C>, Option<KeyShare<C>>), Abort> {
    if !deals.keys().eq(plan.dealers.keys()) {
        return Err(Abort::Usage("a round was judged before it was complete"));
    }
    if deals.get(&ctx.me()) != state.deal.as_ref() {
        return Err(Abort::Usage("the round holds another dealing than this party's own"));
    }
    let mut faults = Vec::new();
    for (party, deal) in &deals {
        if let Err(what) = plan.check(*party, deal)? {
            faults.push(Fault { party: *party, severity: Severity::Condemned, what });
        }
    }
    if !faults.is_empty() {
        return Err(Abort::Blame(faults));
    }
    let commitments: BTreeMap<_, _> =
        deals.into_iter().map(|(party, deal)| (party, deal.commitment)).collect();
    let joint = Commitment::sum(commitments.values()).ok_or(Abort::Usage("no dealers"))?;
    let public = dealing::public(&joint, &plan.new, *plan.base.key())?;
    let share = match plan.recipients.get(&ctx.me()) {
        None => None,
        Some(me) => {
            let shares = shares.iter().map(|(party, share)| (*party, share));
            let secret = dealing::receive(*me, state.own.as_ref(), &commitments, shares)?;
            Some(KeyShare::new(*me, secret, public.clone())?)
        }
    };
    Ok((public, share))
}

impl<C: Curve> Plan<C> {
    /// The outer error is this side's, the inner one the dealer's.
    fn check(&self, party: Index, deal: &Deal<C>) -> Result<Result<(), &'static str>, Abort> {
        let index = self.dealers.get(&party).ok_or(Abort::Usage("not a dealer"))?;
        let share = self.base.share(*index).ok_or(Abort::Usage("not a party of the base"))?;
        let weighted = C::lincomb_vartime(&[(self.weight(*index)?, share)]);
        Ok(if deal.commitment.points().len() != self.threshold {
            Err("it deals with another threshold")
        } else if deal.commitment.constant() != weighted {
            Err("it deals something else than its part of the key")
        } else if deal.chain_code != self.base.key().chain_code {
            Err("it tells another chain code")
        } else {
            Ok(())
        })
    }
}

/// The parameter is t': the commitment vector has exactly t' entries. Then the chain code.
impl<C: Curve> Message<usize> for Deal<C> {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.commitment.encode();
        out.extend_from_slice(&self.chain_code);
        out
    }

    fn decode(bytes: &[u8], threshold: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let commitment = reader.take(threshold.saturating_mul(C::POINT_BYTES))?;
        let commitment =
            Commitment::decode(commitment, threshold).map_err(|_| Malformed::Field("commitment"))?;
        let deal = Self { commitment, chain_code: reader.array()? };
        reader.finish()?;
        Ok(deal)
    }
}

#[cfg(test)]
mod tests;

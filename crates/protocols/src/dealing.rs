//! The dealing (docs/spec §2): the one step that generate and reshare are made of. A dealer shares a value by a random
//! polynomial of degree exactly t−1; a recipient checks its share against the commitments and sums.

use crate::derive::ExtendedKey;
use crate::key::PublicShares;
use crate::message::{Malformed, Message};
use crate::{Abort, Fault, Severity};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::{Commitment, Curve, Index, Indices, Polynomial, SecretScalar};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// f_i(j) for one recipient. Erased on drop.
pub struct Share<C: Curve>(pub(crate) SecretScalar<C>);

/// One dealer's polynomial with its commitments. Its coefficients are erased on drop.
pub(crate) struct Dealing<C: Curve> {
    polynomial: Polynomial<C>,
    pub commitment: Commitment<C>,
}

impl<C: Curve> Dealing<C> {
    /// Shares `secret` with `threshold`.
    pub fn new(secret: &SecretScalar<C>, threshold: usize, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let polynomial = Polynomial::random(secret, threshold, rng);
        let commitment = polynomial.commit();
        Self { polynomial, commitment }
    }

    /// The share of recipient j of the new sharing.
    pub fn share(&self, j: Index) -> Share<C> {
        Share(self.polynomial.evaluate(j))
    }
}

/// Checks every dealer's share for recipient `me` of the new sharing, and sums them. `commitments` and `shares` are by dealer;
/// `own` is what this party dealt to itself, if it is a dealer too.
///
/// # Errors
/// A hard edge to whoever dealt a share that does not fit its commitment: a third party cannot tell whether the dealer
/// or the recipient lies about a private message (§5.2).
pub(crate) fn receive<'a, C: Curve>(
    me: Index,
    own: Option<&SecretScalar<C>>,
    commitments: &BTreeMap<Index, Commitment<C>>,
    shares: impl Iterator<Item = (Index, &'a Share<C>)>,
) -> Result<SecretScalar<C>, Abort> {
    let mut sum = Zeroizing::new(own.map_or(group::ff::Field::ZERO, |own| *own.expose()));
    let (mut faults, mut count) = (Vec::new(), usize::from(own.is_some()));
    for (party, share) in shares {
        let commitment =
            commitments.get(&party).ok_or(Abort::Usage("a share of a party that does not deal"))?;
        if !commitment.verify(me, &share.0) {
            let what = "its share does not fit its commitment";
            faults.push(Fault { party, severity: Severity::HardEdge, what });
        }
        *sum += share.0.expose();
        count += 1;
    }
    if !faults.is_empty() {
        return Err(Abort::Blame(faults));
    }
    if count != commitments.len() {
        return Err(Abort::Usage("a round was judged before it was complete"));
    }
    Ok(SecretScalar::new(*sum))
}

/// The public side of the summed sharing; refuses a `key` that is not its value at 0.
pub(crate) fn public<C: Curve>(
    joint: &Commitment<C>,
    recipients: &Indices,
    key: ExtendedKey<C>,
) -> Result<PublicShares<C>, Abort> {
    if joint.constant() != key.key {
        return Err(Abort::Usage("summed commitments are not of the key"));
    }
    PublicShares::committed(recipients.clone(), joint, key.chain_code)
        .ok_or(Abort::Usage("the key is the identity"))
}

/// One canonical scalar; zero is legal. The encoding is as secret as the share: the driver erases it.
impl<C: Curve> Message for Share<C> {
    fn encode(&self) -> Vec<u8> {
        core::mem::take(&mut *self.0.encode())
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        Ok(Self(SecretScalar::decode(bytes)?))
    }
}

//! What a party holds of a key: its share, and what everyone knows about it.

use crate::derive::{Derive, Derived, ExtendedKey};
use crate::message::{Malformed, Reader};
use crate::{Abort, Message};
use alloc::vec::Vec;
use core::fmt;
use group::Group;
use group::ff::Field;
use quorate_sharing::index::MAX_PARTIES;
use quorate_sharing::{Commitment, Curve, Index, Indices, SecretScalar, lagrange};

/// The public side of one sharing: X, every X_i, t and the chain code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicShares<C: Curve> {
    threshold: usize,
    parties: Indices,
    shares: Vec<C::Point>,
    key: ExtendedKey<C>,
}

impl<C: Curve> PublicShares<C> {
    /// Checks that the public shares lie on one polynomial of degree below t whose value at 0 is the key.
    pub fn new(
        threshold: usize,
        parties: Indices,
        shares: Vec<C::Point>,
        key: ExtendedKey<C>,
    ) -> Result<Self, Malformed> {
        if shares.len() != parties.len() || !(1..=parties.len()).contains(&threshold) {
            return Err(Malformed::Field("threshold or number of public shares"));
        }
        if bool::from(key.key.is_identity()) {
            return Err(Malformed::Field("public key"));
        }
        let public = Self { threshold, parties, shares, key };
        public.check_polynomial()?;
        Ok(public)
    }

    /// The public side of a sharing whose commitments were checked. `None` when the key is the identity, or when there are
    /// more commitments than parties: such a key could never sign. That all points lie on one polynomial follows, as they
    /// are values of one commitment vector.
    pub(crate) fn committed(parties: Indices, joint: &Commitment<C>, chain_code: [u8; 32]) -> Option<Self> {
        let key = ExtendedKey::<C> { key: joint.constant(), chain_code };
        let threshold = joint.points().len();
        if bool::from(key.key.is_identity()) || !(1..=parties.len()).contains(&threshold) {
            return None;
        }
        let shares = parties.iter().map(|i| joint.evaluate(i)).collect();
        Some(Self { threshold, parties, shares, key })
    }

    /// The first t shares determine the polynomial; 0 and every further index must agree with it.
    fn check_polynomial(&self) -> Result<(), Malformed> {
        let base: Vec<u16> = self.parties.iter().take(self.threshold).map(Index::get).collect();
        let base = Indices::new::<C>(base).map_err(|_| Malformed::Field("party indices"))?;
        let at = |x: C::Scalar| lagrange::coefficients_at::<C>(&base, &x).into_iter().enumerate().collect();
        let rest = || self.parties.iter().zip(&self.shares).skip(self.threshold);
        let places = core::iter::once(C::Scalar::ZERO).chain(rest().map(|(i, _)| i.scalar::<C>()));
        let sums: Vec<Vec<(usize, C::Scalar)>> = places.map(at).collect();
        let values = C::lincombs_vartime(&self.shares[..self.threshold], &sums);
        let expected = core::iter::once(&self.key.key).chain(rest().map(|(_, share)| share));
        if values.iter().eq(expected) {
            Ok(())
        } else {
            Err(Malformed::Field("public shares do not belong to the public key"))
        }
    }

    /// t.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The parties' indices, ascending.
    pub fn parties(&self) -> &Indices {
        &self.parties
    }

    /// X_i, or `None` for a stranger.
    pub fn share(&self, index: Index) -> Option<C::Point> {
        self.parties.as_slice().binary_search(&index).ok().map(|at| self.shares[at])
    }

    /// X with the chain code.
    pub fn key(&self) -> &ExtendedKey<C> {
        &self.key
    }
}

impl<C: Derive> PublicShares<C> {
    /// τ and X' for a path.
    pub fn derive(&self, path: &[u32]) -> Result<Derived<C>, crate::derive::DeriveError> {
        self.key.derive(path)
    }
}

impl<C: Curve> Message for PublicShares<C> {
    /// t, n (u16 big-endian each), then per party index and X_i, then X and the chain code.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&(self.threshold as u16).to_be_bytes());
        out.extend_from_slice(&(self.parties.len() as u16).to_be_bytes());
        let shares = C::encode_points(&self.shares);
        for (index, share) in self.parties.iter().zip(shares.chunks_exact(C::POINT_BYTES)) {
            out.extend_from_slice(&index.get().to_be_bytes());
            out.extend_from_slice(share);
        }
        out.extend_from_slice(&C::encode_point(&self.key.key));
        out.extend_from_slice(&self.key.chain_code);
        out
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let threshold = usize::from(u16::from_be_bytes(reader.array()?));
        let n = usize::from(u16::from_be_bytes(reader.array()?));
        if !(1..=MAX_PARTIES).contains(&n) {
            return Err(Malformed::Field("impossible number of parties"));
        }
        // Each party takes a known number of bytes, so a false count is refused before anything is allocated.
        if reader.remaining() != n * (2 + C::POINT_BYTES) + C::POINT_BYTES + 32 {
            return Err(Malformed::Length);
        }
        let (mut numbers, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..n {
            numbers.push(u16::from_be_bytes(reader.array()?));
            shares.push(reader.point::<C>()?);
        }
        if !numbers.is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Field("party indices must ascend"));
        }
        let parties = Indices::new::<C>(numbers).map_err(|_| Malformed::Field("party indices"))?;
        let key = ExtendedKey { key: reader.nonzero_point::<C>()?, chain_code: reader.array()? };
        reader.finish()?;
        Self::new(threshold, parties, shares, key)
    }
}

/// One party's share of a key.
pub struct KeyShare<C: Curve> {
    index: Index,
    secret: SecretScalar<C>,
    public: PublicShares<C>,
}

impl<C: Curve> KeyShare<C> {
    /// Checks that the secret share belongs to the public one.
    pub fn new(index: Index, secret: SecretScalar<C>, public: PublicShares<C>) -> Result<Self, Abort> {
        if public.share(index) == Some(secret.public()) {
            Ok(Self { index, secret, public })
        } else {
            Err(Abort::Usage("the secret share does not belong to this party's public share"))
        }
    }

    /// This party.
    pub fn index(&self) -> Index {
        self.index
    }

    /// x_i.
    pub fn secret(&self) -> &SecretScalar<C> {
        &self.secret
    }

    /// The public side.
    pub fn public(&self) -> &PublicShares<C> {
        &self.public
    }
}

impl<C: Curve> fmt::Debug for KeyShare<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyShare(party {}, secret redacted)", self.index)
    }
}

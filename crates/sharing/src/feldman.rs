//! Shamir's sharing and Feldman's commitments (docs/spec §2; Feldman, FOCS 1987).

use crate::{Curve, DecodeError, Index, SecretScalar};
use alloc::vec::Vec;
use core::fmt;
use ff::Field;
use group::Group;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// A secret polynomial f of degree exactly t−1.
pub struct Polynomial<C: Curve>(Vec<C::Scalar>);

impl<C: Curve> Polynomial<C> {
    /// A random polynomial with f(0) = `secret` and exactly `threshold` coefficients.
    ///
    /// The leading coefficient is not zero (§1.6: an honest dealer resamples what it chose itself), so that fewer
    /// than t points never determine it.
    ///
    /// # Panics
    /// If `threshold` is zero.
    pub fn random(secret: &SecretScalar<C>, threshold: usize, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        assert!(threshold > 0, "a sharing needs a threshold of at least 1");
        let mut coefficients = Vec::with_capacity(threshold);
        coefficients.push(*secret.expose());
        while coefficients.len() < threshold {
            let scalar = C::Scalar::random(&mut *rng);
            let leading = coefficients.len() + 1 == threshold;
            if !(leading && bool::from(scalar.is_zero())) {
                coefficients.push(scalar);
            }
        }
        Self(coefficients)
    }

    /// f(i), the share of party i.
    pub fn evaluate(&self, i: Index) -> SecretScalar<C> {
        let x = i.scalar::<C>();
        let mut value = C::Scalar::ZERO;
        for coefficient in self.0.iter().rev() {
            value = value * x + coefficient;
        }
        let share = SecretScalar::new(value);
        value.zeroize();
        share
    }

    /// The commitments C\[k\] = a_k·G.
    pub fn commit(&self) -> Commitment<C> {
        Commitment(self.0.iter().map(|a| C::mul_base(a)).collect())
    }
}

impl<C: Curve> Drop for Polynomial<C> {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// Feldman commitments to a polynomial: exactly t points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment<C: Curve>(Vec<C::Point>);

/// Why a commitment vector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitmentError {
    /// Not exactly t entries: a longer or shorter vector would move the threshold.
    Length {
        /// t
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// An entry that is no point.
    Entry(usize, DecodeError),
    /// The leading entry is the identity: the degree would be below t−1.
    Degree,
}

impl<C: Curve> Commitment<C> {
    /// Checks the exact length and the leading entry (§1.6).
    pub fn new(points: Vec<C::Point>, threshold: usize) -> Result<Self, CommitmentError> {
        if points.len() != threshold || threshold == 0 {
            return Err(CommitmentError::Length { expected: threshold, found: points.len() });
        }
        if bool::from(points[threshold - 1].is_identity()) {
            return Err(CommitmentError::Degree);
        }
        Ok(Self(points))
    }

    /// Decodes `threshold` concatenated points.
    pub fn decode(bytes: &[u8], threshold: usize) -> Result<Self, CommitmentError> {
        let found = bytes.len() / C::POINT_BYTES;
        if found != threshold || !bytes.len().is_multiple_of(C::POINT_BYTES) {
            return Err(CommitmentError::Length { expected: threshold, found });
        }
        let points: Result<Vec<_>, _> = bytes
            .chunks_exact(C::POINT_BYTES)
            .enumerate()
            .map(|(k, chunk)| C::decode_point(chunk).map_err(|error| CommitmentError::Entry(k, error)))
            .collect();
        Self::new(points?, threshold)
    }

    /// The entries, concatenated.
    pub fn encode(&self) -> Vec<u8> {
        C::encode_points(&self.0)
    }

    /// C\[k\], k from 0 to t−1.
    pub fn points(&self) -> &[C::Point] {
        &self.0
    }

    /// f(0)·G.
    pub fn constant(&self) -> C::Point {
        self.0[0]
    }

    /// f(i)·G = Σ iᵏ·C\[k\], by Horner's rule; public values only.
    pub fn evaluate(&self, i: Index) -> C::Point {
        let first = self.0[self.0.len() - 1];
        self.0.iter().rev().skip(1).fold(first, |value, point| C::mul_small_vartime(&value, i.get()) + point)
    }

    /// Whether `share` is f(i).
    pub fn verify(&self, i: Index, share: &SecretScalar<C>) -> bool {
        share.public() == self.evaluate(i)
    }

    /// The commitment to the sum of the polynomials. All must have one threshold.
    pub fn sum<'a>(commitments: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut commitments = commitments.into_iter();
        let mut total = commitments.next()?.0.clone();
        for other in commitments {
            if other.0.len() != total.len() {
                return None;
            }
            total.iter_mut().zip(&other.0).for_each(|(sum, point)| *sum += point);
        }
        Some(Self(total))
    }
}

impl fmt::Display for CommitmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(f, "a commitment must have exactly {expected} entries, found {found}")
            }
            Self::Entry(k, error) => write!(f, "commitment entry {k}: {error}"),
            Self::Degree => f.write_str("the leading commitment is the identity"),
        }
    }
}

impl core::error::Error for CommitmentError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::Toy13;
    use crate::{Ed25519, Indices, Secp256k1, lagrange};
    use proptest::prelude::*;
    use rand_core::SeedableRng;

    fn shares_reconstruct<C: Curve>(seed: u64, t: usize, n: u16) {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
        let secret = SecretScalar::<C>::random(&mut rng);
        let f = Polynomial::random(&secret, t, &mut rng);
        let commitment = f.commit();
        let all = Indices::new::<C>(1..=n).unwrap();
        for i in all.iter() {
            assert!(commitment.verify(i, &f.evaluate(i)));
            let wrong = SecretScalar::new(*f.evaluate(i).expose() + C::Scalar::ONE);
            assert!(!commitment.verify(i, &wrong));
        }
        let set = Indices::new::<C>((1..=n).rev().take(t)).unwrap();
        let sum: C::Scalar =
            set.iter().map(|i| lagrange::coefficient::<C>(&set, i).unwrap() * f.evaluate(i).expose()).sum();
        assert!(sum == *secret.expose());
        let points: Vec<_> = set.iter().map(|i| commitment.evaluate(i)).collect();
        assert!(lagrange::interpolate_point::<C>(&set, &points).unwrap() == secret.public());
        assert!(Commitment::<C>::decode(&commitment.encode(), t).unwrap() == commitment);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_t_shares_give_the_secret(seed in any::<u64>(), n in 2u16..8, t_seed in any::<u16>()) {
            let t = usize::from(2 + t_seed % (n - 1));
            shares_reconstruct::<Secp256k1>(seed, t, n);
            shares_reconstruct::<Ed25519>(seed, t, n);
            shares_reconstruct::<Toy13>(seed, t, n);
        }
    }

    #[test]
    fn threshold_cannot_be_moved() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let secret = SecretScalar::<Secp256k1>::random(&mut rng);
        let points = Polynomial::random(&secret, 3, &mut rng).commit().0;
        assert!(Commitment::<Secp256k1>::new(points.clone(), 3).is_ok());
        for wrong in [0usize, 2, 4, 1_000_000] {
            let vector = points.iter().copied().cycle().take(wrong).collect::<Vec<_>>();
            assert_eq!(
                Commitment::<Secp256k1>::new(vector.clone(), 3),
                Err(CommitmentError::Length { expected: 3, found: wrong })
            );
        }
        // Not a whole number of points: what is left over is no part of any vector.
        let encoded = Commitment::<Secp256k1>::new(points.clone(), 3).unwrap().encode();
        for extra in [1, 32] {
            let longer = [encoded.as_slice(), &[0; 32][..extra]].concat();
            assert_eq!(
                Commitment::<Secp256k1>::decode(&longer, 3),
                Err(CommitmentError::Length { expected: 3, found: 3 })
            );
        }
        let mut low = points;
        low[2] = crate::secp::Point::IDENTITY;
        assert_eq!(Commitment::<Secp256k1>::new(low, 3), Err(CommitmentError::Degree));
        assert_eq!(
            Commitment::<Secp256k1>::decode(&[0xffu8; 99], 3),
            Err(CommitmentError::Entry(0, DecodeError::NotCanonical))
        );
    }

    /// Exhaustive secrecy on the toy group: whatever t−1 parties see of shares is independent of the secret,
    /// given a nonzero leading coefficient (§2.6).
    #[test]
    fn fewer_than_t_shares_say_nothing() {
        // t = 3: each pair of share values must be met by the same number of polynomials for every secret,
        // up to the one excluded by the leading coefficient.
        for secret in 0..13u64 {
            let mut seen = [[0u32; 13]; 13];
            for a in 0..13u64 {
                for b in 1..13u64 {
                    let f = |x: u64| ((secret + a * x + b * x * x) % 13) as usize;
                    seen[f(2)][f(5)] += 1;
                }
            }
            let missing = seen.iter().flatten().filter(|count| **count == 0).count();
            assert!(seen.iter().flatten().all(|count| *count <= 1));
            assert_eq!(missing, 13, "exactly the pairs of degree below 2 are excluded");
        }
    }
}

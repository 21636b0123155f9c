//! Schnorr's proof that somebody holds the share behind a public share, bound to a context: for drills, where shares are
//! shown to be there without being used (docs/spec §2.5).
//!
//! The challenge's domain is its own, so a proof is no signature and no part of one.

use crate::{Malformed, Message, Reader};
use alloc::vec::Vec;
use quorate_sharing::{Curve, SecretScalar, Transcript};
use rand_core::{CryptoRng, RngCore};

/// The proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession<C: Curve> {
    nonce: C::Point,
    response: C::Scalar,
}

fn challenge<C: Curve>(context: &[u8; 32], public: &C::Point, nonce: &C::Point) -> C::Scalar {
    Transcript::new("possession")
        .field("context", context)
        .point::<C>("public", public)
        .point::<C>("nonce", nonce)
        .challenge::<C>()
}

impl<C: Curve> Possession<C> {
    /// Proves possession of `secret` in a context that must name everything that the proof is for.
    pub fn prove(context: &[u8; 32], secret: &SecretScalar<C>, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let k = SecretScalar::<C>::random(rng);
        let nonce = k.public();
        let challenge = challenge::<C>(context, &secret.public(), &nonce);
        Self { nonce, response: *k.expose() + challenge * secret.expose() }
    }

    /// Whether whoever made it had the secret behind `public` and meant this context.
    pub fn verifies(&self, context: &[u8; 32], public: &C::Point) -> bool {
        let challenge = challenge::<C>(context, public, &self.nonce);
        C::mul_base_vartime(&self.response) == self.nonce + *public * challenge
    }
}

impl<C: Curve> Message for Possession<C> {
    fn encode(&self) -> Vec<u8> {
        let mut out = C::encode_point(&self.nonce);
        out.extend_from_slice(&C::encode_scalar(&self.response));
        out
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let proof = Self { nonce: reader.point::<C>()?, response: reader.scalar::<C>()? };
        reader.finish()?;
        Ok(proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_sharing::{Ed25519, Secp256k1};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn only_the_holder_in_that_context<C: Curve>() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let (own, other) = (SecretScalar::<C>::random(&mut rng), SecretScalar::<C>::random(&mut rng));
        let proof = Possession::prove(&[7; 32], &own, &mut rng);
        assert!(proof.verifies(&[7; 32], &own.public()));
        assert!(!proof.verifies(&[8; 32], &own.public()), "another context");
        assert!(!proof.verifies(&[7; 32], &other.public()), "another share");
        let bytes = proof.encode();
        assert_eq!(Possession::decode(&bytes, ()), Ok(proof));
        assert!(Possession::<C>::decode(&bytes[1..], ()).is_err());
        let mut altered = bytes;
        altered[C::POINT_BYTES] ^= 1;
        assert!(!Possession::<C>::decode(&altered, ()).is_ok_and(|p| p.verifies(&[7; 32], &own.public())));
    }

    #[test]
    fn secp256k1() {
        only_the_holder_in_that_context::<Secp256k1>();
    }

    #[test]
    fn ed25519() {
        only_the_holder_in_that_context::<Ed25519>();
    }
}

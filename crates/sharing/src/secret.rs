//! Secret scalars: erased on drop, without `Debug`, `Clone` or an encoding that slips out by itself.

use crate::{Curve, DecodeError};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ff::Field;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

/// A scalar that must not be seen. On the heap, so that moving it leaves no copies behind.
pub struct SecretScalar<C: Curve>(Box<C::Scalar>);

impl<C: Curve> SecretScalar<C> {
    /// Takes a scalar over. The caller's copy is its own to erase.
    pub fn new(scalar: C::Scalar) -> Self {
        Self(Box::new(scalar))
    }

    /// A uniformly random scalar.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self::new(C::Scalar::random(rng))
    }

    /// Decodes canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        C::decode_scalar(bytes).map(Self::new)
    }

    /// The value, for arithmetic. What is computed from it is secret too.
    pub fn expose(&self) -> &C::Scalar {
        &self.0
    }

    /// The canonical encoding, erased on drop.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(C::encode_scalar(&self.0))
    }

    /// x·G, constant-time.
    pub fn public(&self) -> C::Point {
        C::mul_base(&self.0)
    }
}

impl<C: Curve> Drop for SecretScalar<C> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

//! Messages of the protocols, and the values that they are made of.

use super::{message, number, same};
use quorate_protocols::Message;
pub use quorate_protocols::dealing::Share;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::dkls::Shape;
use quorate_protocols::frost::{self, NonceCommitments, Schnorr};
use quorate_protocols::generate::Opening;
pub use quorate_protocols::key::PublicShares as Publics;
pub use quorate_protocols::possession::Possession;
use quorate_protocols::reshare::Deal;
use quorate_sharing::feldman::Commitment;
use quorate_sharing::{Curve, Secp256k1};

/// t, then a commitment vector.
pub fn commitment<C: Curve>(bytes: &[u8]) -> bool {
    let Some((threshold, bytes)) = number(bytes) else { return false };
    let Ok(value) = Commitment::<C>::decode(bytes, threshold) else { return false };
    assert_eq!(value.points().len(), threshold, "threshold moved");
    same(&value.encode(), bytes);
    true
}

/// A scalar or a point, whichever the length fits.
pub fn values<C: Curve>(bytes: &[u8]) -> bool {
    let scalar = C::decode_scalar(bytes).map(|value| same(&C::encode_scalar(&value), bytes));
    let point = C::decode_point(bytes).map(|value| same(&C::encode_point(&value), bytes));
    if C::decode_nonzero_scalar(bytes).is_ok() {
        assert!(scalar.is_ok());
    }
    scalar.is_ok() || point.is_ok()
}

/// t, then an opening.
pub fn opening<C: Curve>(bytes: &[u8]) -> bool {
    number(bytes).is_some_and(|(t, bytes)| message(bytes, t, Opening::<C>::decode))
}

/// t', then a dealer's broadcast.
pub fn deal<C: Curve>(bytes: &[u8]) -> bool {
    number(bytes).is_some_and(|(t, bytes)| message(bytes, t, Deal::<C>::decode))
}

/// An extended public key.
pub fn extended_key(bytes: &[u8]) -> bool {
    let Ok(key) = ExtendedKey::<Secp256k1>::decode(bytes) else { return false };
    same(&key.encode(), bytes);
    true
}

/// t and the number of presignatures, then a broadcast.
pub fn broadcast<M: Message<Shape>>(bytes: &[u8]) -> bool {
    let Some((parties, bytes)) = number(bytes) else { return false };
    number(bytes).is_some_and(|(count, bytes)| message(bytes, Shape { parties, count }, M::decode))
}

/// The number of elements, then a message of the vector OLE.
pub fn batch<M: Message<usize>>(bytes: &[u8]) -> bool {
    number(bytes).is_some_and(|(count, bytes)| message(bytes, count, M::decode))
}

/// Two nonce commitments.
pub fn frost_commitments<S: Schnorr>(bytes: &[u8]) -> bool {
    let Ok(value) = NonceCommitments::decode::<S>(bytes) else { return false };
    same(value.as_bytes(), bytes);
    true
}

/// A signature share.
pub fn frost_share<S: Schnorr>(bytes: &[u8]) -> bool {
    let Ok(value) = frost::Share::decode::<S>(bytes) else { return false };
    same(value.as_bytes(), bytes);
    true
}

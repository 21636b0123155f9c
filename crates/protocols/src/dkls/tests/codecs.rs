//! Encodings: canonical, exact, and every limit of §1.6.

use super::harness::{Cluster, Ideal, ideal, index};
use crate::dkls::{
    Broadcast1, Broadcast2, Broadcast3, Broadcast4, Partial, Point, PresignaturePublic, Scalar, Shape,
};
use crate::{Malformed, Message};
use alloc::vec::Vec;
use core::fmt::Debug;
use quorate_sharing::DecodeError;

/// Round trip, and every length but the right one refused.
fn exact<P: Copy, M: Message<P> + PartialEq + Debug>(message: &M, parameters: P, length: usize) -> Vec<u8> {
    let bytes = message.encode();
    assert_eq!(bytes.len(), length);
    assert_eq!(M::decode(&bytes, parameters).unwrap(), *message);
    for wrong in [0, 1, length - 1] {
        assert!(M::decode(&bytes[..wrong], parameters).is_err());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(M::decode(&longer, parameters), Err(Malformed::Length));
    bytes
}

fn with(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

const OFF_CURVE: [u8; 33] = {
    let mut bytes = [0; 33];
    bytes[0] = 2;
    bytes[32] = 5;
    bytes
};

#[test]
fn broadcasts_have_exact_lengths() {
    let mut cluster: Cluster<Ideal> = ideal(3, 5, 2);
    let shape = cluster.shape();
    let sent = cluster.round1();
    let first = exact(&sent.shown[&index(3)], shape, Broadcast1::length(shape));
    assert!(Broadcast1::decode(&with(&first, 32, &[0; 33]), shape).is_ok(), "Z may be the identity");
    assert!(Broadcast1::decode(&with(&first, 32, &OFF_CURVE), shape).is_err());
    let sent = cluster.round2(sent);
    let second = exact(&sent.shown[&index(3)], shape, Broadcast2::length(shape));
    assert_eq!(
        Broadcast2::decode(&with(&second, 32, &[0; 33]), shape),
        Err(Malformed::Value(DecodeError::Zero)),
        "R_i must not be the identity"
    );
    let masked = 32 + 66;
    assert!(Broadcast2::decode(&with(&second, masked, &[0xff; 32]), shape).is_err(), "ψ above the order");
    assert!(Broadcast2::decode(&with(&second, masked, &[0; 98]), shape).is_ok(), "ψ and Γ may be zero");
    assert!(Broadcast2::decode(&with(&second, masked + 32, &OFF_CURVE), shape).is_err());
    let sent = cluster.round3(sent);
    let third = exact(&sent.shown[&index(3)], shape, Broadcast3::length(shape));
    assert!(Broadcast3::decode(&with(&third, 32, &[0; 198]), shape).is_ok(), "A, Φ, B may be the identity");
    assert!(Broadcast3::decode(&with(&third, 32 + 198, &[0xff; 32]), shape).is_err());
    let sent = cluster.round4(sent);
    exact(&sent.shown[&index(3)], shape, Broadcast4::length(shape));
}

/// Nothing is allocated for a shape that no run has.
#[test]
fn impossible_shapes_are_refused() {
    for (parties, count) in [(0, 1), (1, 1), (65, 1), (2, 0), (2, 257), (usize::MAX, usize::MAX)] {
        let shape = Shape { parties, count };
        let refused = Malformed::Field("impossible number of parties or presignatures");
        assert_eq!(Broadcast1::decode(&[], shape), Err(refused));
        assert_eq!(Broadcast2::decode(&[], shape), Err(refused));
        assert_eq!(Broadcast3::decode(&[], shape), Err(refused));
        assert_eq!(Broadcast4::decode(&[], shape), Err(refused));
    }
}

#[test]
fn presignature_encoding_is_canonical() {
    let mut cluster = ideal(2, 3, 1);
    let stock = cluster.presign();
    let public = stock[&index(2)][0].public();
    let epoch = b"attempt 1".len();
    let bytes = exact(public, (), 1 + 32 + 4 + 32 + 32 + 1 + epoch + 66 + 1 + 2 * (2 + 165));
    let decoded = |at: usize, value: &[u8]| PresignaturePublic::decode(&with(&bytes, at, value), ());
    let field = |got: Result<PresignaturePublic, Malformed>| matches!(got, Err(Malformed::Field(_)));
    assert!(field(decoded(0, &[2])), "version");
    assert!(field(decoded(33, &[0, 0, 1, 0])), "index beyond any batch");
    assert!(field(decoded(101, &[129])), "epoch's name too long");
    let key = 102 + epoch;
    assert!(decoded(key, &[0; 33]).is_err(), "X must not be the identity");
    assert!(decoded(key + 33, &[0; 33]).is_err(), "R must not be the identity");
    let members = key + 66;
    for count in [0, 1, 65, 255] {
        assert!(field(decoded(members, &[count])), "{count} members");
    }
    assert!(decoded(members, &[3]).is_err(), "a member too many");
    assert!(field(decoded(members + 1, &[0, 0])), "index zero");
    assert!(field(decoded(members + 1, &[0, 3])), "the same index twice");
    assert!(field(decoded(members + 1, &[0, 4])), "not ascending");
    // P^u and P^v are the last two of a member's five points.
    for at in [3, 4] {
        let other = crate::dkls::points::encode(&[Point::GENERATOR]);
        assert!(field(decoded(members + 3 + 33 * at, &other)), "public terms that do not sum to zero");
    }
    // Every byte that may change at all changes the name.
    let mut renamed = 0;
    for at in (0..bytes.len()).filter(|at| *at < members) {
        if let Ok(other) = decoded(at, &[bytes[at] ^ 1]) {
            assert_ne!(other.pd(), public.pd(), "byte {at}");
            renamed += 1;
        }
    }
    assert!(renamed >= 32 * 3 + epoch);
}

#[test]
fn partials_are_ninety_six_bytes() {
    let partial = Partial { w: Scalar::from(1u64), u: Scalar::from(2u64), theta: Scalar::ZERO };
    let bytes = exact(&partial, (), 96);
    for field in 0..3 {
        assert!(Partial::decode(&with(&bytes, 32 * field, &[0xff; 32]), ()).is_err());
    }
}

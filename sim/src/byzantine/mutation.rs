//! The ways to falsify a message.

use super::layout::{Field, Holds, Message, lengths};
use super::lie::Board;
use crate::node::Group;
use crate::random;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ff::Field as _;
use group::Group as _;
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};

/// One way to falsify a field, or a message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// The lowest bit of the first byte.
    FlipFirst,
    /// The highest bit of the last byte.
    FlipLast,
    /// Zero, or the identity.
    Zero,
    /// Not the canonical encoding, or of no element.
    NonCanonical,
    /// A point outside the prime-order group.
    Torsion,
    /// Another value that is well formed: the wrong secret.
    OtherValid,
    /// The same field of another session.
    OtherSession,
    /// The same field of another party's message of this round, seen before ours left.
    CopyOfPeer,
    /// Its negative, so that the sum of the two is zero.
    NegatedPeer,
    /// The same field of what the recipient sends to us in this round.
    Reflection,
    /// The message of the round before.
    OtherRound,
    /// One byte less.
    Short,
    /// One byte more.
    Long,
    /// Nothing.
    Empty,
    /// Far more than the round allows.
    Huge,
    /// More than any message may have.
    Giant,
}

/// Ways that falsify one field.
pub const FIELD: [Mutation; 10] = [
    Mutation::FlipFirst,
    Mutation::FlipLast,
    Mutation::Zero,
    Mutation::NonCanonical,
    Mutation::Torsion,
    Mutation::OtherValid,
    Mutation::OtherSession,
    Mutation::CopyOfPeer,
    Mutation::NegatedPeer,
    Mutation::Reflection,
];

/// Ways that falsify a message as a whole.
pub const WHOLE: [Mutation; 6] =
    [Mutation::OtherRound, Mutation::Short, Mutation::Long, Mutation::Empty, Mutation::Huge, Mutation::Giant];

/// The largest message of any session here, in bytes.
const MOST: usize = 8 << 20;

/// Falsifies the message `body` of `me` to `to` in place. False when this way does not apply to it.
pub fn falsify(
    mutation: Mutation,
    (layout, field): (&Message, Option<usize>),
    board: &Board,
    (me, to): (Index, Option<Index>),
    body: &mut Vec<u8>,
) -> bool {
    let before = body.clone();
    match (mutation, field) {
        (Mutation::Short, _) => drop(body.pop()),
        (Mutation::Long, _) => body.push(0),
        (Mutation::Empty, _) => body.clear(),
        (Mutation::Huge, _) => body.resize(body.len() + 100_000, 1),
        (Mutation::Giant, _) => body.resize(MOST + 1, 1),
        (Mutation::OtherRound, _) => {
            let earlier =
                board.now.iter().rev().find(|((round, from, _), bytes)| {
                    *round < layout.round && *from == me && **bytes != before
                });
            if let Some((_, bytes)) = earlier {
                body.clone_from(bytes);
            }
        }
        (_, Some(at)) => {
            let start: usize = layout.fields[..at].iter().map(|field| field.length).sum();
            let field = &layout.fields[at];
            let range = start..start + field.length;
            let Some(old) = body.get(range.clone()) else { return false };
            let source =
                |from: Option<&Vec<u8>>| from.and_then(|bytes| bytes.get(range.clone())).map(<[u8]>::to_vec);
            let new = match mutation {
                Mutation::OtherSession => source(board.before.get(&(layout.round, me, to))),
                Mutation::CopyOfPeer => source(peer(board, layout, me)),
                Mutation::NegatedPeer => {
                    source(peer(board, layout, me)).and_then(|theirs| negated(field.holds, &theirs))
                }
                Mutation::Reflection => {
                    to.and_then(|to| source(board.now.get(&(layout.round, to, Some(me)))))
                }
                _ => value(mutation, field, old),
            };
            let Some(new) = new else { return false };
            body[range].copy_from_slice(&new);
        }
        (_, None) => return false,
    }
    *body != before
}

/// Another party's broadcast of this round, if it is on the wire already and has something to say.
fn peer<'b>(board: &'b Board, layout: &Message, me: Index) -> Option<&'b Vec<u8>> {
    let all = board
        .now
        .iter()
        .filter(|((round, from, to), _)| *round == layout.round && *from != me && to.is_none());
    all.map(|(_, bytes)| bytes).find(|bytes| !bytes.is_empty())
}

/// The negative of a point or scalar.
fn negated(holds: Holds, theirs: &[u8]) -> Option<Vec<u8>> {
    fn point<C: Curve>(theirs: &[u8]) -> Option<Vec<u8>> {
        Some(C::encode_point(&-C::decode_point(theirs).ok()?))
    }
    fn scalar<C: Curve>(theirs: &[u8]) -> Option<Vec<u8>> {
        Some(C::encode_scalar(&-C::decode_scalar(theirs).ok()?))
    }
    match holds {
        Holds::Point(Group::Secp256k1) => point::<Secp256k1>(theirs),
        Holds::Point(Group::Ed25519) => point::<Ed25519>(theirs),
        Holds::Scalar(Group::Secp256k1) => scalar::<Secp256k1>(theirs),
        Holds::Scalar(Group::Ed25519) => scalar::<Ed25519>(theirs),
        _ => None,
    }
}

/// Another value of a field.
fn value(mutation: Mutation, field: &Field, old: &[u8]) -> Option<Vec<u8>> {
    let mut new = old.to_vec();
    let unit = match field.holds {
        Holds::Bytes => old.len(),
        Holds::Scalar(group) => lengths(group).0,
        Holds::Point(group) => lengths(group).1,
        Holds::Ristretto => 32,
    };
    let first = new.get_mut(..unit)?;
    match mutation {
        Mutation::FlipFirst => first[0] ^= 1,
        Mutation::FlipLast => *new.last_mut()? ^= 0x80,
        Mutation::Zero => first.copy_from_slice(&zero(field.holds, unit)),
        Mutation::NonCanonical => first.copy_from_slice(&not_canonical(field.holds)?),
        Mutation::Torsion => {
            let moved = torsion(field.holds, first)?;
            first.copy_from_slice(&moved);
        }
        Mutation::OtherValid => first.copy_from_slice(&other(field.holds, unit)),
        _ => return None,
    }
    Some(new)
}

fn zero(holds: Holds, unit: usize) -> Vec<u8> {
    fn identity<C: Curve>() -> Vec<u8> {
        C::encode_point(&C::Point::identity())
    }
    match holds {
        Holds::Point(Group::Toy13) => identity::<Toy13>(),
        Holds::Point(Group::Toy199) => identity::<Toy199>(),
        Holds::Point(Group::Secp256k1) => identity::<Secp256k1>(),
        Holds::Point(Group::Ed25519) => identity::<Ed25519>(),
        Holds::Bytes | Holds::Scalar(_) | Holds::Ristretto => vec![0; unit],
    }
}

fn not_canonical(holds: Holds) -> Option<Vec<u8>> {
    fn order<C: Curve>(big_endian: bool) -> Vec<u8> {
        let mut bytes = C::encode_scalar(&-C::Scalar::ONE);
        let last = if big_endian { bytes.len() - 1 } else { 0 };
        bytes[last] += 1;
        bytes
    }
    // 2^255 − 19 + 1: the encoding of 1 with the prime added, and below 2^255.
    let mut above = vec![0xff; 32];
    (above[0], above[31]) = (0xee, 0x7f);
    Some(match holds {
        Holds::Bytes => return None,
        Holds::Scalar(Group::Toy13) => order::<Toy13>(true),
        Holds::Scalar(Group::Toy199) => order::<Toy199>(true),
        Holds::Scalar(Group::Secp256k1) => order::<Secp256k1>(true),
        Holds::Scalar(Group::Ed25519) => order::<Ed25519>(false),
        Holds::Point(Group::Toy13 | Group::Toy199) => vec![0xff; 2],
        Holds::Point(Group::Secp256k1) => [&[2u8][..], &[0xff; 32]].concat(),
        Holds::Point(Group::Ed25519) | Holds::Ristretto => above,
    })
}

fn torsion(holds: Holds, old: &[u8]) -> Option<Vec<u8>> {
    match holds {
        // No element of the subgroup: the generator of the whole group.
        Holds::Point(Group::Toy13 | Group::Toy199) => Some(vec![0, 2]),
        Holds::Point(Group::Ed25519) => {
            let point = CompressedEdwardsY::from_slice(old).ok()?.decompress()?;
            Some((point + EIGHT_TORSION[1]).compress().to_bytes().to_vec())
        }
        _ => None,
    }
}

fn other(holds: Holds, unit: usize) -> Vec<u8> {
    fn scalar<C: Curve>() -> Vec<u8> {
        C::encode_scalar(&C::Scalar::random(random::stream(7, "other value", 0)))
    }
    fn point<C: Curve>() -> Vec<u8> {
        C::encode_point(&C::Point::random(random::stream(7, "other value", 0)))
    }
    match holds {
        Holds::Bytes => {
            let random = random::bytes(7, "other value", 0);
            random.iter().copied().cycle().take(unit).collect()
        }
        Holds::Scalar(Group::Toy13) => scalar::<Toy13>(),
        Holds::Scalar(Group::Toy199) => scalar::<Toy199>(),
        Holds::Scalar(Group::Secp256k1) => scalar::<Secp256k1>(),
        Holds::Scalar(Group::Ed25519) => scalar::<Ed25519>(),
        Holds::Point(Group::Toy13) => point::<Toy13>(),
        Holds::Point(Group::Toy199) => point::<Toy199>(),
        Holds::Point(Group::Secp256k1) => point::<Secp256k1>(),
        Holds::Point(Group::Ed25519) => point::<Ed25519>(),
        // The base point of ristretto255 (RFC 9496).
        Holds::Ristretto => curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED.to_bytes().to_vec(),
    }
}

//! The broadcasts of presigning (docs/spec §4.3): fixed lengths that both sides know beforehand.
//!
//! Lists run over the elements of the batch, and within an element over the other members in ascending order.

use super::sigma::Proof;
use super::{Point, Scalar, points};
use crate::{Malformed, Message, Reader};
use alloc::vec::Vec;
use quorate_sharing::{Curve, Secp256k1};

/// What decides the length of every message of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many parties sign, t.
    pub parties: usize,
    /// How many presignatures are made.
    pub count: usize,
}

impl Shape {
    /// How many ordered entries an element-by-peer list has.
    fn entries(self) -> usize {
        self.count * (self.parties - 1)
    }

    /// A reader over exactly `length` bytes, with the shape itself within its limits.
    fn reader(self, bytes: &[u8], length: impl Fn(Self) -> usize) -> Result<Reader<'_>, Malformed> {
        let legal = (2..=quorate_sharing::index::MAX_PARTIES).contains(&self.parties)
            && (1..=super::MAX_BATCH).contains(&self.count);
        if !legal {
            return Err(Malformed::Field("impossible number of parties or presignatures"));
        }
        if bytes.len() == length(self) { Ok(Reader::new(bytes)) } else { Err(Malformed::Length) }
    }
}

/// Where `peer` stands in `sender`'s list of others, both given by position in the set.
pub(super) fn slot(sender: usize, peer: usize) -> usize {
    if peer > sender { peer - 1 } else { peer }
}

/// Round 1: a commitment to all R_i, and Z_{i,j} = ζ_{i,j}·G.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast1 {
    /// Commits to the R_i of all elements.
    pub commitment: [u8; 32],
    /// Z_{i,j}
    pub z: Vec<Point>,
}

impl Broadcast1 {
    /// The encoded length in bytes.
    pub fn length(shape: Shape) -> usize {
        32 + 33 * shape.entries()
    }
}

impl Message<Shape> for Broadcast1 {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.commitment.to_vec();
        out.extend(points::encode(&self.z));
        out
    }

    fn decode(bytes: &[u8], shape: Shape) -> Result<Self, Malformed> {
        let mut reader = shape.reader(bytes, Self::length)?;
        let commitment = reader.array()?;
        let z = (0..shape.entries()).map(|_| reader.point::<Secp256k1>()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { commitment, z })
    }
}

/// What i says to all about its evaluation with one peer, for one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// ψ_{i,j} = φ_i − χ_{i,j}
    pub psi: Scalar,
    /// Γ^u_{i,j} = c^u_{i,j}·G
    pub gamma_u: Point,
    /// Γ^v_{i,j} = c^v_{i,j}·G
    pub gamma_v: Point,
}

/// Round 2: opens R_i, and shows Γ and ψ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast2 {
    /// Blinds the commitment of round 1.
    pub salt: [u8; 32],
    /// R_i of each element; never the identity.
    pub r: Vec<Point>,
    /// Toward each other member, for each element.
    pub masked: Vec<Masked>,
}

impl Broadcast2 {
    /// The encoded length in bytes.
    pub fn length(shape: Shape) -> usize {
        32 + 33 * shape.count + 98 * shape.entries()
    }
}

impl Message<Shape> for Broadcast2 {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.salt.to_vec();
        out.extend(points::encode(&self.r));
        let gammas: Vec<Point> = self.masked.iter().flat_map(|m| [m.gamma_u, m.gamma_v]).collect();
        for (masked, gammas) in self.masked.iter().zip(points::encode_each(&gammas).chunks_exact(2)) {
            out.extend(Secp256k1::encode_scalar(&masked.psi));
            out.extend(gammas.concat());
        }
        out
    }

    fn decode(bytes: &[u8], shape: Shape) -> Result<Self, Malformed> {
        let mut reader = shape.reader(bytes, Self::length)?;
        let salt = reader.array()?;
        let r = (0..shape.count).map(|_| reader.nonzero_point::<Secp256k1>()).collect::<Result<_, _>>()?;
        let masked = (0..shape.entries())
            .map(|_| {
                Ok(Masked {
                    psi: reader.scalar::<Secp256k1>()?,
                    gamma_u: reader.point::<Secp256k1>()?,
                    gamma_v: reader.point::<Secp256k1>()?,
                })
            })
            .collect::<Result<_, Malformed>>()?;
        reader.finish()?;
        Ok(Self { salt, r, masked })
    }
}

/// A_i, Φ_i and B_i of one element, with the proof that one φ_i stands in all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// A_i = φ_i·R
    pub a: Point,
    /// Φ_i = φ_i·G + ρ_i·H
    pub phi: Point,
    /// B_i = φ_i·X + σ_i·H
    pub b: Point,
    /// Sigma proof.
    pub proof: Proof,
}

/// Round 3: A, Φ, B with proofs, and the echo that the proofs are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast3 {
    /// The sender's echo vector of rounds 1 and 2 (§1.4); its proofs are judged against it.
    pub echo: [u8; 32],
    /// Of each element.
    pub shown: Vec<Shown>,
}

impl Broadcast3 {
    /// The encoded length in bytes.
    pub fn length(shape: Shape) -> usize {
        32 + (6 * 33 + 3 * 32) * shape.count
    }
}

impl Message<Shape> for Broadcast3 {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.echo.to_vec();
        let all: Vec<Point> = self
            .shown
            .iter()
            .flat_map(|s| [s.a, s.phi, s.b, s.proof.first[0], s.proof.first[1], s.proof.first[2]])
            .collect();
        for (shown, points) in self.shown.iter().zip(points::encode_each(&all).chunks_exact(6)) {
            out.extend(points.concat());
            out.extend(shown.proof.responses.iter().flat_map(Secp256k1::encode_scalar));
        }
        out
    }

    fn decode(bytes: &[u8], shape: Shape) -> Result<Self, Malformed> {
        let mut reader = shape.reader(bytes, Self::length)?;
        let echo = reader.array()?;
        let mut shown = Vec::with_capacity(shape.count);
        for _ in 0..shape.count {
            let mut point = || reader.point::<Secp256k1>();
            let (a, phi, b) = (point()?, point()?, point()?);
            let first = [point()?, point()?, point()?];
            let mut scalar = || reader.scalar::<Secp256k1>();
            let responses = [scalar()?, scalar()?, scalar()?];
            shown.push(Shown { a, phi, b, proof: Proof { first, responses } });
        }
        reader.finish()?;
        Ok(Self { echo, shown })
    }
}

/// Round 4: the hash of each finished presignature. Its signature by the sender accepts every term in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast4 {
    /// pd of each element.
    pub pd: Vec<[u8; 32]>,
}

impl Broadcast4 {
    /// The encoded length in bytes.
    pub fn length(shape: Shape) -> usize {
        32 * shape.count
    }
}

impl Message<Shape> for Broadcast4 {
    fn encode(&self) -> Vec<u8> {
        self.pd.concat()
    }

    fn decode(bytes: &[u8], shape: Shape) -> Result<Self, Malformed> {
        let mut reader = shape.reader(bytes, Self::length)?;
        let pd = (0..shape.count).map(|_| reader.array()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { pd })
    }
}

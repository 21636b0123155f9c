//! Base OT: 128 endemic oblivious transfers in one message each way (Masny, Rindal, eprint 2019/706, the
//! construction from Diffie–Hellman key agreement).
//!
//! With G the ristretto255 generator and H_{i,b} random oracles into the group, for OT i and choice b:
//!
//! ```text
//! sender:    t random, T = t·G                                      (one T for all OTs of a direction)
//! receiver:  a_i random, r_{i,1−b} random in the group, r_{i,b} = a_i·G − H_{i,b}(r_{i,1−b})
//! sender:    M_{i,b} = r_{i,b} + H_{i,b}(r_{i,1−b}),  pad_{i,b} = KDF(i, b, T, r_{i,0}, r_{i,1}, t·M_{i,b})
//! receiver:  pad_{i,b} = KDF(i, b, T, r_{i,0}, r_{i,1}, a_i·T)
//! ```
//!
//! (r_0, r_1) is uniform whatever b is, so the choice is hidden perfectly. One T for all OTs is the one-round form of
//! the paper; with it the sender's security is gap-CDH in the random oracle model, where the reduction tells real
//! KDF queries apart by the DDH oracle. The message T does not depend on the receiver's, so both go out at once.
//!
//! The group is ristretto255 and not secp256k1: it hashes and multiplies three times faster, its encodings are
//! unique and free of torsion by construction, and the project rests on curve25519 anyway (identities, sealing).
//!
//! Points are encoded one by one. A batch with one inversion would be quicker by a millisecond or two, but it, and the
//! list that goes in, would leave points on the heap in an order that tells the choices, or the pads.
//!
//! `salt` below is a hash over the set-up's SSID, both indices and identity keys, and the direction; so with i and b
//! every hash is bound to all that docs/spec §4.1 asks for.

use super::gf128::BLOCK;
use super::{bit, swap_if};
use crate::{Malformed, Reader};
use alloc::vec::Vec;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::{Scalar, traits::IsIdentity};
use quorate_sharing::{DecodeError, Transcript};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

/// Base OTs in a direction: λ_c.
pub(crate) const OTS: usize = BLOCK;

/// Length of an encoded point.
pub(crate) const POINT: usize = 32;

/// What one base OT gives to each end.
pub(crate) type Pad = [u8; 16];

/// Decodes a canonical ristretto255 point that is not the identity.
pub(crate) fn read_point(reader: &mut Reader) -> Result<RistrettoPoint, Malformed> {
    // declassify: what is read here has come from the peer or goes to it.
    let point = CompressedRistretto(reader.array()?).decompress().ok_or(DecodeError::NotCanonical)?;
    // declassify: as above.
    if point.is_identity() { Err(DecodeError::Zero.into()) } else { Ok(point) }
}

/// The receiver's message: r_0 and r_1 of every OT, as the bytes that are hashed and, at the other end, as points.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    /// Empty at the end that made them: it has no use for them.
    decoded: Vec<[RistrettoPoint; 2]>,
    bytes: Vec<u8>,
}

/// The bytes say all: no point has two encodings.
impl PartialEq for Points {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Points {}

impl Points {
    /// Length of the encoding r_{0,0} ‖ r_{0,1} ‖ r_{1,0} ‖ …
    pub(crate) const BYTES: usize = OTS * 2 * POINT;

    /// The encoding.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decodes the next [`Points::BYTES`] bytes.
    pub(crate) fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        let bytes = reader.take(Self::BYTES)?;
        let mut each = Reader::new(bytes);
        let mut decoded = Vec::with_capacity(OTS);
        for _ in 0..OTS {
            decoded.push([read_point(&mut each)?, read_point(&mut each)?]);
        }
        Ok(Self { decoded, bytes: bytes.to_vec() })
    }
}

/// H_{i,b}(other). Which branch the receiver asks for is its choice, so it and what it is made of are erased.
fn hash(salt: &[u8; 32], index: usize, branch: u8, other: &[u8; POINT]) -> Zeroizing<RistrettoPoint> {
    let wide = Transcript::new("ot/base/group")
        .field("direction", salt)
        .number("index", index as u64)
        .field("branch", &[branch])
        .field("other", other)
        .expand(64);
    let (wide, mut uniform) = (Zeroizing::new(wide), Zeroizing::new([0u8; 64]));
    uniform.copy_from_slice(&wide);
    Zeroizing::new(RistrettoPoint::from_uniform_bytes(&uniform))
}

/// The KDF. `both` is r_0 ‖ r_1, `shared` the Diffie–Hellman point.
fn pad(
    salt: &[u8; 32],
    index: usize,
    branch: u8,
    sender: &[u8],
    both: &[u8],
    shared: &RistrettoPoint,
) -> Pad {
    let shared = Zeroizing::new(shared.compress().to_bytes());
    let mut digest = Transcript::new("ot/base/pad")
        .field("direction", salt)
        .number("index", index as u64)
        .field("branch", &[branch])
        .field("sender", sender)
        .field("receiver", both)
        .field("shared", &*shared)
        .digest();
    let mut pad = [0u8; 16];
    pad.copy_from_slice(&digest[..16]);
    digest.zeroize();
    pad
}

/// The receiver between its message and the sender's.
pub(crate) struct Receiver {
    /// Bit i is the choice in OT i.
    choices: Zeroizing<u128>,
    /// a_i.
    exponents: Zeroizing<Vec<Scalar>>,
}

impl Receiver {
    /// Makes the receiver's message for the given choices.
    pub(crate) fn start(
        salt: &[u8; 32],
        choices: u128,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> (Self, Points) {
        let mut exponents = Zeroizing::new(Vec::with_capacity(OTS));
        let mut bytes = Vec::with_capacity(Points::BYTES);
        while exponents.len() < OTS {
            let i = exponents.len();
            let choice = bit(choices, i);
            let exponent = Zeroizing::new(Scalar::random(rng));
            let second = Zeroizing::new(RistrettoPoint::random(rng));
            let mut second = Zeroizing::new(second.compress().to_bytes());
            let hashed = hash(salt, i, choice.unwrap_u8(), &second);
            let first = Zeroizing::new(RistrettoPoint::mul_base(&exponent) - *hashed);
            let mut first = Zeroizing::new(first.compress().to_bytes());
            swap_if(choice, &mut *first, &mut *second);
            // The encodings alone are kept: coordinates from arithmetic may tell how a point came about. The identity,
            // whose encoding is zero, is drawn again (§1.6).
            // declassify: both are sent, and in this order.
            if [&first, &second].iter().any(|point| ***point == [0; POINT]) {
                continue;
            }
            bytes.extend_from_slice(&*first);
            bytes.extend_from_slice(&*second);
            exponents.push(*exponent);
        }
        (Self { choices: Zeroizing::new(choices), exponents }, Points { decoded: Vec::new(), bytes })
    }

    /// The choices.
    pub(crate) fn choices(&self) -> u128 {
        *self.choices
    }

    /// The pads of the chosen branches, from the sender's point and our own message.
    pub(crate) fn finish(
        &self,
        salt: &[u8; 32],
        sender: &RistrettoPoint,
        sent: &[u8],
    ) -> Zeroizing<Vec<Pad>> {
        let table = RistrettoBasepointTable::create(sender);
        let sender = sender.compress();
        let mut pads = Zeroizing::new(Vec::with_capacity(OTS));
        for (i, (exponent, both)) in self.exponents.iter().zip(sent.chunks_exact(2 * POINT)).enumerate() {
            let branch = bit(*self.choices, i).unwrap_u8();
            let shared = Zeroizing::new(&table * exponent);
            pads.push(pad(salt, i, branch, sender.as_bytes(), both, &shared));
        }
        pads
    }
}

/// The sender: t, and T = t·G.
pub(crate) struct Sender {
    secret: Zeroizing<Scalar>,
    point: RistrettoPoint,
}

impl Sender {
    /// Makes a fresh key pair; its point is the sender's message.
    pub(crate) fn start(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        // Zero would be refused by the peer; an honest producer draws again (§1.6).
        loop {
            let secret = Zeroizing::new(Scalar::random(rng));
            let point = RistrettoPoint::mul_base(&secret);
            // declassify: the point is sent.
            if !point.is_identity() {
                return Self { secret, point };
            }
        }
    }

    /// T.
    pub(crate) fn point(&self) -> &RistrettoPoint {
        &self.point
    }

    /// Both pads of every OT, from the receiver's message.
    pub(crate) fn finish(&self, salt: &[u8; 32], message: &Points) -> Zeroizing<Vec<[Pad; 2]>> {
        let sender = self.point.compress();
        // A message that never was on the wire, as in tests, is decoded here.
        let read;
        let message = if message.decoded.is_empty() {
            read = Points::read(&mut Reader::new(&message.bytes));
            read.as_ref().unwrap_or(message)
        } else {
            message
        };
        let mut pads = Zeroizing::new(Vec::with_capacity(OTS));
        for (i, (points, both)) in
            message.decoded.iter().zip(message.bytes.chunks_exact(2 * POINT)).enumerate()
        {
            let one = |branch: usize| {
                let mut other = [0u8; POINT];
                other.copy_from_slice(&both[(1 - branch) * POINT..][..POINT]);
                let hashed = hash(salt, i, branch as u8, &other);
                let shared = Zeroizing::new((points[branch] + *hashed) * *self.secret);
                pad(salt, i, branch as u8, sender.as_bytes(), both, &shared)
            };
            pads.push([one(0), one(1)]);
        }
        pads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn receiver_gets_the_chosen_pad_and_not_the_other() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let salt = [7; 32];
        let choices = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
        let sender = Sender::start(&mut rng);
        let (receiver, message) = Receiver::start(&salt, choices, &mut rng);
        let read = Points::read(&mut Reader::new(message.bytes()));
        assert_eq!(read, Ok(message));
        let message = read.unwrap();
        let both = sender.finish(&salt, &message);
        let chosen = receiver.finish(&salt, sender.point(), message.bytes());
        for i in 0..OTS {
            let branch = usize::from(bit(choices, i).unwrap_u8());
            assert_eq!(chosen[i], both[i][branch]);
            assert_ne!(chosen[i], both[i][1 - branch]);
        }
        // Another session, pair or direction gives other pads, also to one who repeats all points.
        let other = sender.finish(&[8; 32], &message);
        assert!((0..OTS).all(|i| (0..2).all(|b| other[i][b] != both[i][b])));
    }

    #[test]
    fn every_ot_has_its_own_hash() {
        let point = RistrettoPoint::mul_base(&Scalar::ONE);
        let bytes = point.compress().to_bytes();
        let base = *hash(&[1; 32], 2, 0, &bytes);
        assert_ne!(base, *hash(&[0; 32], 2, 0, &bytes));
        assert_ne!(base, *hash(&[1; 32], 3, 0, &bytes));
        assert_ne!(base, *hash(&[1; 32], 2, 1, &bytes));
        let base = pad(&[1; 32], 2, 0, &[3; 32], &[4; 64], &point);
        assert_ne!(base, pad(&[0; 32], 2, 0, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 3, 0, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 1, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 0, &[0; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 0, &[3; 32], &[0; 64], &point));
    }
}

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
//! H doubles its output and the KDF hashes the double of the shared point: both are bijections, and doubled points
//! are encoded in batches with one inversion.
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
use subtle::ConditionallySelectable;
use zeroize::{Zeroize, Zeroizing};

/// Base OTs in a direction: λ_c.
pub(crate) const OTS: usize = BLOCK;

/// Length of an encoded point.
pub(crate) const POINT: usize = 32;

/// What one base OT gives to each end.
pub(crate) type Pad = [u8; 16];

/// Decodes a canonical ristretto255 point that is not the identity.
pub(crate) fn read_point(reader: &mut Reader) -> Result<RistrettoPoint, Malformed> {
    let point = CompressedRistretto(reader.array()?).decompress().ok_or(DecodeError::NotCanonical)?;
    if point.is_identity() { Err(DecodeError::Zero.into()) } else { Ok(point) }
}

/// The receiver's message: r_0 and r_1 of every OT, as points and as the bytes that are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Points {
    decoded: Vec<[RistrettoPoint; 2]>,
    bytes: Vec<u8>,
}

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

/// Half of H_{i,b}(other).
fn hash_half(salt: &[u8; 32], index: usize, branch: u8, other: &[u8; POINT]) -> RistrettoPoint {
    let wide = Transcript::new("ot/base/group")
        .field("direction", salt)
        .number("index", index as u64)
        .field("branch", &[branch])
        .field("other", other)
        .expand(64);
    let mut uniform = [0u8; 64];
    uniform.copy_from_slice(&wide);
    RistrettoPoint::from_uniform_bytes(&uniform)
}

/// The KDF. `both` is r_0 ‖ r_1, `shared` the encoding of the doubled Diffie–Hellman point.
fn pad(
    salt: &[u8; 32],
    index: usize,
    branch: u8,
    sender: &[u8],
    both: &[u8],
    shared: &CompressedRistretto,
) -> Pad {
    let mut digest = Transcript::new("ot/base/pad")
        .field("direction", salt)
        .number("index", index as u64)
        .field("branch", &[branch])
        .field("sender", sender)
        .field("receiver", both)
        .field("shared", shared.as_bytes())
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
    /// a_i / 2.
    halves: Zeroizing<Vec<Scalar>>,
}

impl Receiver {
    /// Makes the receiver's message for the given choices.
    pub(crate) fn start(
        salt: &[u8; 32],
        choices: u128,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> (Self, Points) {
        let other_halves: Vec<RistrettoPoint> = (0..OTS).map(|_| RistrettoPoint::random(rng)).collect();
        let others = RistrettoPoint::double_and_compress_batch(&other_halves);
        let halves: Zeroizing<Vec<Scalar>> = Zeroizing::new((0..OTS).map(|_| Scalar::random(rng)).collect());
        let mine_halves: Vec<RistrettoPoint> = (0..OTS)
            .map(|i| {
                let branch = bit(choices, i).unwrap_u8();
                RistrettoPoint::mul_base(&halves[i]) - hash_half(salt, i, branch, others[i].as_bytes())
            })
            .collect();
        let mine = RistrettoPoint::double_and_compress_batch(&mine_halves);
        let mut message =
            Points { decoded: Vec::with_capacity(OTS), bytes: Vec::with_capacity(Points::BYTES) };
        for i in 0..OTS {
            let (mut first, mut second) = (mine[i].to_bytes(), others[i].to_bytes());
            swap_if(bit(choices, i), &mut first, &mut second);
            message.bytes.extend_from_slice(&first);
            message.bytes.extend_from_slice(&second);
            let (mut first, mut second) = (mine_halves[i], other_halves[i]);
            RistrettoPoint::conditional_swap(&mut first, &mut second, bit(choices, i));
            message.decoded.push([first + first, second + second]);
        }
        (Self { choices: Zeroizing::new(choices), halves }, message)
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
        let mut shared = Zeroizing::new(Vec::with_capacity(OTS));
        for half in self.halves.iter() {
            let point = &table * half;
            shared.push(point + point);
        }
        let sender = sender.compress();
        let mut encoded = RistrettoPoint::double_and_compress_batch(shared.iter());
        let mut pads = Zeroizing::new(Vec::with_capacity(OTS));
        for (i, both) in sent.chunks_exact(2 * POINT).enumerate() {
            let branch = bit(*self.choices, i).unwrap_u8();
            pads.push(pad(salt, i, branch, sender.as_bytes(), both, &encoded[i]));
        }
        encoded.iter_mut().for_each(Zeroize::zeroize);
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
        let mut shared = Zeroizing::new(Vec::with_capacity(OTS * 2));
        for (i, (pair, both)) in message.decoded.iter().zip(message.bytes.chunks_exact(2 * POINT)).enumerate()
        {
            for branch in 0..2usize {
                let mut other = [0u8; POINT];
                other.copy_from_slice(&both[(1 - branch) * POINT..][..POINT]);
                let half = hash_half(salt, i, branch as u8, &other);
                shared.push((pair[branch] + half + half) * *self.secret);
            }
        }
        let mut encoded = RistrettoPoint::double_and_compress_batch(shared.iter());
        let sender = self.point.compress();
        let mut pads = Zeroizing::new(Vec::with_capacity(OTS));
        for (i, both) in message.bytes.chunks_exact(2 * POINT).enumerate() {
            let one =
                |branch: usize| pad(salt, i, branch as u8, sender.as_bytes(), both, &encoded[2 * i + branch]);
            pads.push([one(0), one(1)]);
        }
        encoded.iter_mut().for_each(Zeroize::zeroize);
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
        assert_eq!(Points::read(&mut Reader::new(message.bytes())), Ok(message.clone()));
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
        let point = RistrettoPoint::mul_base(&Scalar::ONE).compress();
        let base = hash_half(&[1; 32], 2, 0, point.as_bytes());
        assert_ne!(base, hash_half(&[0; 32], 2, 0, point.as_bytes()));
        assert_ne!(base, hash_half(&[1; 32], 3, 0, point.as_bytes()));
        assert_ne!(base, hash_half(&[1; 32], 2, 1, point.as_bytes()));
        let base = pad(&[1; 32], 2, 0, &[3; 32], &[4; 64], &point);
        assert_ne!(base, pad(&[0; 32], 2, 0, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 3, 0, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 1, &[3; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 0, &[0; 32], &[4; 64], &point));
        assert_ne!(base, pad(&[1; 32], 2, 0, &[3; 32], &[0; 64], &point));
    }
}

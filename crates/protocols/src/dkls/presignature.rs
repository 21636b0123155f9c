//! A presignature: its public part, which anybody may hold, and this member's secrets (docs/spec §4.3, §4.6).

use super::algebra::{MemberPoints, MemberSecrets};
use super::key::MAX_EPOCH_BYTES;
use super::{MAX_BATCH, Point, points};
use crate::{Malformed, Message, Reader};
use alloc::sync::Arc;
use alloc::vec::Vec;
use quorate_sharing::index::MAX_PARTIES;
use quorate_sharing::secp::Prepared;
use quorate_sharing::{Curve, Index, Indices, Secp256k1, Transcript};

/// What a presignature belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The presigning run.
    pub ssid: [u8; 32],
    /// Which element of its batch.
    pub index: u32,
    /// The key.
    pub key_id: [u8; 32],
    /// The epoch's name, at most [`MAX_EPOCH_BYTES`].
    pub epoch: Vec<u8>,
    /// Hash of all senders' digests of the broadcasts of rounds 1 to 3.
    pub echo: [u8; 32],
}

/// One member's public points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub party: Index,
    /// A, Φ, B, P^u, P^v
    pub points: MemberPoints<Secp256k1>,
}

/// Everything about a presignature that is not secret. `pd` is the hash of its canonical encoding, so it cannot
/// disagree with what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignaturePublic {
    binding: Binding,
    /// X, one table for a whole batch where it was made as one; each that is decoded has its own.
    key: Arc<Prepared>,
    r: Prepared,
    members: Vec<Member>,
    pd: [u8; 32],
    /// X and R, encoded: every request hashes them.
    encoded: [[u8; 33]; 2],
}

/// Version byte of the encoding.
const VERSION: u8 = 1;

impl PresignaturePublic {
    /// Members must be ascending; the rounds see to that.
    pub(super) fn assemble(binding: Binding, key: Arc<Prepared>, r: Prepared, members: Vec<Member>) -> Self {
        let mut public = Self { binding, key, r, members, pd: [0; 32], encoded: [[0; 33]; 2] };
        let encoded = points::encode_each(&public.points());
        public.pd = hash(&public.layout(&encoded));
        public.encoded = [encoded[0], encoded[1]];
        public
    }

    /// X and R, ready for products.
    pub(super) fn prepared(&self) -> [&Prepared; 2] {
        [&self.key, &self.r]
    }

    /// X and R, encoded.
    pub(super) fn encoded(&self) -> &[[u8; 33]; 2] {
        &self.encoded
    }

    /// X, R, and each member's points.
    fn points(&self) -> Vec<Point> {
        let mut all = alloc::vec![*self.key(), *self.r()];
        all.extend(self.members.iter().flat_map(|Member { points: p, .. }| [p.a, p.phi, p.b, p.pu, p.pv]));
        all
    }

    fn layout(&self, encoded: &[[u8; 33]]) -> Vec<u8> {
        let Binding { ssid, index, key_id, epoch, echo } = &self.binding;
        let mut out = alloc::vec![VERSION];
        out.extend_from_slice(ssid);
        out.extend_from_slice(&index.to_be_bytes());
        out.extend_from_slice(key_id);
        out.extend_from_slice(echo);
        out.push(epoch.len() as u8);
        out.extend_from_slice(epoch);
        out.extend_from_slice(encoded[..2].as_flattened());
        out.push(self.members.len() as u8);
        for (member, points) in self.members.iter().zip(encoded[2..].chunks_exact(5)) {
            out.extend_from_slice(&member.party.get().to_be_bytes());
            out.extend_from_slice(points.as_flattened());
        }
        out
    }

    /// The presignature's name: hash of everything in here (§4.3, round 4).
    pub fn pd(&self) -> &[u8; 32] {
        &self.pd
    }

    /// What it belongs to.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// X, the key before derivation.
    pub fn key(&self) -> &Point {
        self.key.base()
    }

    /// R, the nonce point before re-randomisation.
    pub fn r(&self) -> &Point {
        self.r.base()
    }

    /// The members, ascending. All of them must sign.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// One member's points.
    pub fn member(&self, party: Index) -> Option<&Member> {
        self.members.iter().find(|member| member.party == party)
    }
}

fn hash(encoding: &[u8]) -> [u8; 32] {
    Transcript::new("dkls/presignature").field("public", encoding).digest()
}

/// Layout: version, SSID, index (4 bytes, big-endian as all numbers), key id, echo, length of the epoch's name (1),
/// the name, X, R, number of members (1), then for each member its index (2), A, Φ, B, P^u, P^v (33 each).
impl Message for PresignaturePublic {
    fn encode(&self) -> Vec<u8> {
        self.layout(&points::encode_each(&self.points()))
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != [VERSION] {
            return Err(Malformed::Field("unknown version of a presignature; use a newer program"));
        }
        let binding = decode_binding(&mut reader)?;
        let encoded = [reader.array()?, reader.array()?];
        let key = Secp256k1::decode_nonzero_point(&encoded[0])?;
        let r = Secp256k1::decode_nonzero_point(&encoded[1])?;
        let [count] = reader.array()?;
        if !(2..=MAX_PARTIES).contains(&usize::from(count)) {
            return Err(Malformed::Field("impossible number of members"));
        }
        let mut members: Vec<Member> = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let party = Index::new(u16::from_be_bytes(reader.array()?))
                .map_err(|_| Malformed::Field("a member's index is zero"))?;
            if members.last().is_some_and(|last| last.party >= party) {
                return Err(Malformed::Field("members are not in ascending order"));
            }
            let mut point = || reader.point::<Secp256k1>();
            let points = MemberPoints { a: point()?, phi: point()?, b: point()?, pu: point()?, pv: point()? };
            members.push(Member { party, points });
        }
        reader.finish()?;
        let vanishes = |term: fn(&MemberPoints<Secp256k1>) -> Point| {
            members.iter().map(|member| term(&member.points)).sum::<Point>() == Point::IDENTITY
        };
        if !vanishes(|points| points.pu) || !vanishes(|points| points.pv) {
            return Err(Malformed::Field("the public terms do not sum to zero"));
        }
        let pd = hash(bytes);
        let [key, r] = <[Prepared; 2]>::try_from(Prepared::each(&[key, r]))
            .map_err(|_| Malformed::Field("two points are not two"))?;
        Ok(Self { binding, key: Arc::new(key), r, members, pd, encoded })
    }
}

fn decode_binding(reader: &mut Reader<'_>) -> Result<Binding, Malformed> {
    let ssid = reader.array()?;
    let index = u32::from_be_bytes(reader.array()?);
    if index as usize >= MAX_BATCH {
        return Err(Malformed::Field("impossible place in a batch"));
    }
    let key_id = reader.array()?;
    let echo = reader.array()?;
    let [length] = reader.array()?;
    if usize::from(length) > MAX_EPOCH_BYTES {
        return Err(Malformed::Field("the epoch's name is too long"));
    }
    let epoch = reader.take(usize::from(length))?.to_vec();
    Ok(Binding { ssid, index, key_id, epoch, echo })
}

/// One member's presignature: taken by value, because a second use would give the key away (§4.6).
///
/// ```
/// # use quorate_protocols::dkls::{online, Presignature, Request};
/// fn once(presignature: Presignature, request: &Request) {
///     let _ = online::sign(presignature, request);
/// }
/// ```
///
/// ```compile_fail,E0382
/// # use quorate_protocols::dkls::{online, Presignature, Request};
/// fn twice(presignature: Presignature, request: &Request) {
///     let _ = online::sign(presignature, request);
///     let _ = online::sign(presignature, request);
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use quorate_protocols::dkls::Presignature;
/// fn copy(presignature: &Presignature) -> Presignature {
///     presignature.clone()
/// }
/// ```
pub struct Presignature {
    party: Index,
    public: PresignaturePublic,
    secrets: MemberSecrets<Secp256k1>,
}

impl Presignature {
    pub(super) fn new(party: Index, public: PresignaturePublic, secrets: MemberSecrets<Secp256k1>) -> Self {
        Self { party, public, secrets }
    }

    /// Whose it is.
    pub fn party(&self) -> Index {
        self.party
    }

    /// The public part.
    pub fn public(&self) -> &PresignaturePublic {
        &self.public
    }

    /// The set that must sign with it.
    pub fn set(&self) -> Result<Indices, quorate_sharing::IndexError> {
        Indices::new::<Secp256k1>(self.public.members.iter().map(|member| member.party.get()))
    }

    /// Gives up the secrets; the end of this presignature.
    pub(super) fn spend(self) -> MemberSecrets<Secp256k1> {
        self.secrets
    }
}

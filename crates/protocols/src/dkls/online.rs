//! The online step: one message each way, and anybody can check it (docs/spec §4.4).

use super::algebra::{self, PartialScalars};
use super::{Point, Presignature, PresignaturePublic, Scalar, pedersen};
use crate::{Malformed, Message, Reader};
use alloc::vec::Vec;
use core::fmt;
use k256::elliptic_curve::scalar::IsHigh;
use quorate_sharing::curves::secp256k1_reduce;
use quorate_sharing::secp::{Prepared, prepared_sum, prepared_vanishes};
use quorate_sharing::{Curve, Index, Secp256k1, Transcript};

/// What is to be signed with which presignature. Each node computes `tau` from the path and `m` from the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The presignature's name.
    pub pd: [u8; 32],
    /// The digest as a big-endian number modulo the order; never zero.
    pub m: Scalar,
    /// τ, what derivation adds to the key; zero for the key itself.
    pub tau: Scalar,
    /// Hash of the canonical unsigned request.
    pub rq: [u8; 32],
    /// X' = X + τ·G
    pub public_key: Point,
}

/// Why a request cannot be signed with this presignature. Nobody's secret has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The request names another presignature.
    WrongPresignature,
    /// The digest is zero modulo the order.
    ZeroDigest,
    /// X' is not X + τ·G, or is the identity.
    WrongPublicKey,
    /// δ or r came out as zero (probability 2^-256): take another presignature.
    ZeroJointValue,
}

/// One member's partial signature: public, and worthless for anything but its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// w_i
    pub w: Scalar,
    /// u'_i
    pub u: Scalar,
    /// θ_i
    pub theta: Scalar,
}

/// w, u', θ: 32 bytes each, big-endian.
impl Message for Partial {
    fn encode(&self) -> Vec<u8> {
        [self.w, self.u, self.theta].iter().flat_map(Secp256k1::encode_scalar).collect()
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut scalar = || reader.scalar::<Secp256k1>();
        let partial = Self { w: scalar()?, u: scalar()?, theta: scalar()? };
        reader.finish()?;
        Ok(partial)
    }
}

impl Partial {
    fn scalars(&self) -> PartialScalars<Secp256k1> {
        PartialScalars { w: self.w, u: self.u, theta: self.theta }
    }
}

/// An ECDSA signature with low s, for X'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// r
    pub r: Scalar,
    /// s, at most half the order.
    pub s: Scalar,
    /// Bit 0: the nonce point's y is odd. Bit 1: its x is not below the order.
    pub recovery_id: u8,
}

impl Signature {
    /// r ‖ s, 64 bytes, big-endian.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        out[..32].copy_from_slice(&Secp256k1::encode_scalar(&self.r));
        out[32..].copy_from_slice(&Secp256k1::encode_scalar(&self.s));
        out
    }
}

/// What a request fixes together with a presignature.
struct Terms {
    message: algebra::Message<Secp256k1>,
    /// Recovery id for an s that is not flipped.
    recovery_id: u8,
}

impl Request {
    /// δ, a hash of everything that this signature is for (§4.4).
    pub fn delta(&self, public: &PresignaturePublic) -> Scalar {
        let [key, nonce] = public.encoded();
        // X' is most often X itself, or else one inversion away.
        let derived = if self.public_key == *public.key() {
            key.to_vec()
        } else {
            Secp256k1::encode_point(&self.public_key)
        };
        Transcript::new("dkls/rerandomise")
            .field("pd", &self.pd)
            .field("R", nonce)
            .field("X'", &derived)
            .scalar::<Secp256k1>("m", &self.m)
            .field("rq", &self.rq)
            .challenge::<Secp256k1>()
    }

    /// Whether this request may be signed with the presignature; call it before taking one out of stock.
    ///
    /// # Errors
    /// Each of [`SignError`].
    pub fn check(&self, public: &PresignaturePublic) -> Result<(), SignError> {
        self.terms(public).map(|_| ())
    }

    fn terms(&self, public: &PresignaturePublic) -> Result<Terms, SignError> {
        if self.pd != *public.pd() {
            return Err(SignError::WrongPresignature);
        }
        if bool::from(self.m.is_zero()) {
            return Err(SignError::ZeroDigest);
        }
        let derived = if bool::from(self.tau.is_zero()) {
            *public.key()
        } else {
            Secp256k1::mul_base_vartime(&self.tau) + public.key()
        };
        if derived != self.public_key || derived == Point::IDENTITY {
            return Err(SignError::WrongPublicKey);
        }
        let delta = self.delta(public);
        let nonce = prepared_sum(&[(delta, public.prepared()[1])]);
        let (x, odd) = nonce.coordinates_vartime().ok_or(SignError::ZeroJointValue)?;
        let r = secp256k1_reduce(&x);
        if bool::from(delta.is_zero() | r.is_zero()) {
            return Err(SignError::ZeroJointValue);
        }
        let overflow = u8::from(Secp256k1::decode_scalar(&x).is_err());
        let recovery_id = u8::from(odd) | (overflow << 1);
        let message = algebra::Message { m: self.m, r, delta, tau: self.tau };
        Ok(Terms { message, recovery_id })
    }
}

/// Spends a presignature on a request. Scalars alone: nothing here waits for anybody.
///
/// The caller has recorded durably that it signs, and has checked everything that `rq`, `m` and `tau` stand for.
///
/// # Errors
/// Each of [`SignError`]; the presignature is gone all the same, so call [`Request::check`] first.
pub fn sign(presignature: Presignature, request: &Request) -> Result<Partial, SignError> {
    let terms = request.terms(presignature.public())?;
    let partial = algebra::partial(&presignature.spend(), &terms.message);
    Ok(Partial { w: partial.w, u: partial.u, theta: partial.theta })
}

/// Whether a partial signature is right, by the two public equations of §4.4. False also for a stranger to the set and
/// for a request that could not have been signed.
pub fn verify_partial(
    public: &PresignaturePublic,
    request: &Request,
    signer: Index,
    partial: &Partial,
) -> bool {
    match (request.terms(public), public.member(signer)) {
        (Ok(terms), Some(member)) => {
            algebra::partial_holds(&member.points, &terms.message, &pedersen::base(), &partial.scalars())
        }
        _ => false,
    }
}

/// Why partial signatures gave no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CombineError {
    /// The request does not fit the presignature.
    Request(SignError),
    /// These members' partials are missing.
    Missing(Vec<Index>),
    /// Two partials of one member, or one of a stranger.
    Unexpected(Index),
    /// These members' partials are wrong: each is evidence that condemns its signer.
    Wrong(Vec<Index>),
    /// Σu' is zero though every partial is right; nobody is at fault, take another presignature.
    ZeroJointValue,
}

/// Combines the partials of all members. The signature is verified first; the partials only when that fails.
///
/// # Errors
/// [`CombineError::Wrong`] names exactly those whose partials fail their equations.
pub fn combine(
    public: &PresignaturePublic,
    request: &Request,
    partials: &[(Index, Partial)],
) -> Result<Signature, CombineError> {
    let terms = request.terms(public).map_err(CombineError::Request)?;
    for (at, (signer, _)) in partials.iter().enumerate() {
        if public.member(*signer).is_none() || partials[..at].iter().any(|(other, _)| other == signer) {
            return Err(CombineError::Unexpected(*signer));
        }
    }
    let signers = public.members().iter().map(|member| member.party);
    let missing: Vec<Index> =
        signers.filter(|member| partials.iter().all(|(signer, _)| signer != member)).collect();
    if !missing.is_empty() {
        return Err(CombineError::Missing(missing));
    }
    let scalars: Vec<PartialScalars<Secp256k1>> = partials.iter().map(|(_, p)| p.scalars()).collect();
    if let Some(signature) = algebra::combine(&scalars).and_then(|s| normalise(public, &terms, s)) {
        return Ok(signature);
    }
    let h = pedersen::base();
    let wrong: Vec<Index> = partials
        .iter()
        .zip(&scalars)
        .filter(|((signer, _), scalars)| {
            !public
                .member(*signer)
                .is_some_and(|member| algebra::partial_holds(&member.points, &terms.message, &h, scalars))
        })
        .map(|((signer, _), _)| *signer)
        .collect();
    if wrong.is_empty() { Err(CombineError::ZeroJointValue) } else { Err(CombineError::Wrong(wrong)) }
}

/// The signature with low s, if s is right: s·R' = m·G + r·X' (SEC 1 §4.1.4, with R' known). R' = δ·R and X' = X + τ·G,
/// so that the bases are those that are prepared.
fn normalise(public: &PresignaturePublic, terms: &Terms, s: Scalar) -> Option<Signature> {
    let algebra::Message { m, r, delta, tau } = terms.message;
    let [key, nonce] = public.prepared();
    let equation = [(m + r * tau, Prepared::generator()), (r, key), (-(s * delta), nonce)];
    if bool::from(s.is_zero()) || !prepared_vanishes(&equation) {
        return None;
    }
    let high = bool::from(s.is_high());
    let s = if high { -s } else { s };
    Some(Signature { r, s, recovery_id: terms.recovery_id ^ u8::from(high) })
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongPresignature => "the request names another presignature; take the one that it names",
            Self::ZeroDigest => "the digest is zero modulo the group order; it must not be signed",
            Self::WrongPublicKey => "the request's key is not the derived key; check path and wallet",
            Self::ZeroJointValue => "a joint value is zero; take another presignature",
        })
    }
}

impl core::error::Error for SignError {}

impl fmt::Display for CombineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, what: &str, parties: &[Index]| {
            f.write_str(what)?;
            parties.iter().try_for_each(|party| write!(f, " {party}"))
        };
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Missing(parties) => list(f, "partial signatures are missing of parties", parties),
            Self::Unexpected(party) => {
                write!(f, "party {party} is no member, or sent two partial signatures")
            }
            Self::Wrong(parties) => list(f, "wrong partial signatures of parties", parties),
            Self::ZeroJointValue => f.write_str("a joint value is zero; take another presignature"),
        }
    }
}

impl core::error::Error for CombineError {}

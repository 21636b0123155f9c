//! Points in Jacobian coordinates (x = X/Z², y = Y/Z³), for **public** values: every function here branches on them.
//!
//! Formulas: doubling dbl-2009-l and mixed addition madd (8M + 3S) of the Explicit-Formulas Database for a = 0. A
//! coordinate's *magnitude* is `k256`'s: how many unreduced multiples of p it may hold; products take up to 8.

use alloc::vec::Vec;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, FieldElement as Fe};

/// A point other than the identity. Both coordinates have magnitude 1.
#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub x: Fe,
    pub y: Fe,
}

/// A point. X and Y have magnitude 1, Z at most 2; `infinity` marks the identity, whatever the coordinates.
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
    infinity: bool,
}

impl Affine {
    /// `None` for the identity.
    pub fn new(point: &AffinePoint) -> Option<Self> {
        let encoded = point.to_encoded_point(false);
        let coordinate = |bytes: Option<&k256::FieldBytes>| Option::<Fe>::from(Fe::from_bytes(bytes?));
        Some(Self { x: coordinate(encoded.x())?, y: coordinate(encoded.y())? })
    }

    /// x, then y, in words, the least significant first.
    pub fn words(&self) -> [u64; 8] {
        let mut words = [0; 8];
        for (half, value) in words.chunks_exact_mut(4).zip([self.x, self.y]) {
            let bytes = value.normalize().to_bytes();
            for (word, bytes) in half.iter_mut().rev().zip(bytes.as_chunks().0) {
                *word = u64::from_be_bytes(*bytes);
            }
        }
        words
    }

    /// Of [`Affine::words`].
    pub fn from_words(words: &[u64; 8]) -> Self {
        let [x, y] = fe_of(words);
        Self { x, y }
    }

    /// The same point on the curve scaled by s: (x·s², y·s³).
    pub fn scaled(&self, s: &Fe) -> Self {
        let ss = s.square();
        Self { x: self.x.mul(&ss), y: self.y.mul(&ss.mul(s)) }
    }

    pub fn negated(&self) -> Self {
        Self { x: self.x, y: self.y.negate(1).normalize_weak() }
    }
}

impl Jacobian {
    pub const IDENTITY: Self = Self { x: Fe::ONE, y: Fe::ONE, z: Fe::ZERO, infinity: true };

    /// Back from the curve scaled by s.
    pub fn unscaled(&self, s: &Fe) -> Self {
        Self { z: self.z.mul(s), ..*self }
    }

    pub fn is_identity(&self) -> bool {
        self.infinity
    }

    pub fn double(&self) -> Self {
        if self.infinity {
            return *self;
        }
        // No point of secp256k1 has y = 0: its order is an odd prime.
        let yy = self.y.square();
        let s = self.x.mul(&yy).mul_single(4);
        let m = self.x.square().mul_single(3);
        let x = m.square().add_(&s.double().negate(8)).normalize_weak();
        let y = m.mul(&s.add_(&x.negate(1))).add_(&yy.square().mul_single(8).negate(8)).normalize_weak();
        Self { x, y, z: self.y.mul(&self.z).double(), infinity: false }
    }

    /// self + other, whatever the two are.
    pub fn add(&self, other: &Affine) -> Self {
        if self.infinity {
            return Self { x: other.x, y: other.y, z: Fe::ONE, infinity: false };
        }
        let zz = self.z.square();
        let h = other.x.mul(&zz).add_(&self.x.negate(1));
        let r = other.y.mul(&zz.mul(&self.z)).add_(&self.y.negate(1));
        if bool::from(h.normalizes_to_zero()) {
            return if bool::from(r.normalizes_to_zero()) { self.double() } else { Self::IDENTITY };
        }
        let hh = h.square();
        let hhh = h.mul(&hh);
        let v = self.x.mul(&hh);
        let x = r.square().add_(&hhh.add_(&v.double()).negate(3)).normalize_weak();
        let y = r.mul(&v.add_(&x.negate(1))).add_(&self.y.mul(&hhh).negate(1)).normalize_weak();
        Self { x, y, z: self.z.mul(&h), infinity: false }
    }
}

/// Two coordinates from [`Affine::words`], in constant time.
pub(super) fn fe_of(words: &[u64; 8]) -> [Fe; 2] {
    let one = |half: &[u64]| {
        let mut bytes = k256::FieldBytes::default();
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(half.iter().rev()) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Fe::from_bytes(&bytes).unwrap_or(Fe::ZERO)
    };
    [one(&words[..4]), one(&words[4..])]
}

/// All points in affine form, with one inversion; `None` for the identity.
pub(super) fn affine_of(points: &[Jacobian]) -> Vec<Option<Affine>> {
    divided(points, |product| Option::<Fe>::from(product.invert()).unwrap_or(Fe::ONE)).0
}

/// All points in affine form on another curve y² = x³ + 7·s⁶, without any inversion: (x·s², y·s³) for the s that comes
/// along. The formulas here do not know the 7, so they serve that curve as well.
pub(super) fn scaled_of(points: &[Jacobian]) -> (Vec<Option<Affine>>, Fe) {
    divided(points, |_| Fe::ONE)
}

/// Montgomery's trick: the product s of all z, `inverse` of it, and x·(s·inverse/z)², y·(s·inverse/z)³.
fn divided(points: &[Jacobian], inverse: impl FnOnce(&Fe) -> Fe) -> (Vec<Option<Affine>>, Fe) {
    // Products of all z up to each point, taken apart backwards.
    let mut products = Vec::with_capacity(points.len());
    let mut product = Fe::ONE;
    for point in points {
        products.push(product);
        if !point.infinity {
            product = product.mul(&point.z);
        }
    }
    let mut inverse = inverse(&product);
    let mut out: Vec<Option<Affine>> = points
        .iter()
        .zip(products)
        .rev()
        .map(|(point, before)| {
            if point.infinity {
                return None;
            }
            let z = inverse.mul(&before);
            inverse = inverse.mul(&point.z);
            let zz = z.square();
            Some(Affine { x: point.x.mul(&zz), y: point.y.mul(&zz.mul(&z)) })
        })
        .collect();
    out.reverse();
    (out, product)
}

/// Adds P, 3P, 5P, … to `out`, as many as `count`.
pub(super) fn odd_multiples(point: &Affine, count: usize, out: &mut Vec<Jacobian>) {
    let double = Jacobian::IDENTITY.add(point).double();
    // On the curve scaled by the double's z, the double is affine as it stands.
    let step = Affine { x: double.x, y: double.y };
    let mut multiple = Jacobian::IDENTITY.add(&point.scaled(&double.z));
    for at in 0..count {
        if at > 0 {
            multiple = multiple.add(&step);
        }
        out.push(multiple.unscaled(&double.z));
    }
}

/// As [`affine_of`], in the form of `k256`.
pub(super) fn to_affine(points: &[Jacobian]) -> Vec<AffinePoint> {
    let one = |point: Option<Affine>| {
        let Some(Affine { x, y }) = point else { return AffinePoint::IDENTITY };
        let [x, y] = [x, y].map(|value| value.normalize().to_bytes());
        let encoded = EncodedPoint::from_affine_coordinates(&x, &y, false);
        // It is on the curve, since all that it was made of is.
        Option::from(AffinePoint::from_encoded_point(&encoded)).unwrap_or(AffinePoint::IDENTITY)
    };
    affine_of(points).into_iter().map(one).collect()
}

/// A name for addition by reference that the operator trait does not shadow.
trait AddRef {
    fn add_(&self, other: &Self) -> Self;
}

impl AddRef for Fe {
    #[inline(always)]
    fn add_(&self, other: &Self) -> Self {
        *self + other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use group::Group;
    use k256::ProjectivePoint;
    use rand_core::SeedableRng;

    fn affine(point: &ProjectivePoint) -> Affine {
        Affine::new(&point.to_affine()).unwrap()
    }

    #[test]
    fn formulas_agree_with_the_complete_ones_in_every_special_case() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(5);
        assert!(Affine::new(&AffinePoint::IDENTITY).is_none());
        for _ in 0..50 {
            let (p, q) = (ProjectivePoint::random(&mut rng), ProjectivePoint::random(&mut rng));
            let (jp, jq) = (Jacobian::IDENTITY.add(&affine(&p)), Jacobian::IDENTITY.add(&affine(&q)));
            let sum = jp.add(&affine(&q));
            let got = [
                sum,
                sum.double(),
                sum.add(&affine(&(p + q))),
                sum.add(&affine(&(p + q)).negated()),
                jq.double().add(&affine(&q)),
                Jacobian::IDENTITY.double(),
                sum.add(&affine(&(p + q)).negated()).add(&affine(&p)),
            ];
            let wanted = [
                p + q,
                (p + q).double(),
                (p + q).double(),
                ProjectivePoint::IDENTITY,
                q.double() + q,
                ProjectivePoint::IDENTITY,
                p,
            ];
            assert_eq!(got.map(|point| point.is_identity()), wanted.map(|point| point.is_identity().into()));
            let got = to_affine(&got);
            assert!(got.iter().zip(&wanted).all(|(got, wanted)| wanted == got));
        }
        assert!(to_affine(&[]).is_empty());
        assert_eq!(to_affine(&[Jacobian::IDENTITY; 2]), [AffinePoint::IDENTITY; 2]);
    }
}

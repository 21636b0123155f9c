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

    pub fn negated(&self) -> Self {
        Self { x: self.x, y: self.y.negate(1).normalize_weak() }
    }
}

impl Jacobian {
    pub const IDENTITY: Self = Self { x: Fe::ONE, y: Fe::ONE, z: Fe::ZERO, infinity: true };

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

/// All points in affine form, with one inversion.
pub(super) fn to_affine(points: &[Jacobian]) -> Vec<AffinePoint> {
    // Montgomery's trick: products of all z up to each point, inverted at the end, taken apart backwards.
    let mut products = Vec::with_capacity(points.len());
    let mut product = Fe::ONE;
    for point in points {
        products.push(product);
        if !point.infinity {
            product = product.mul(&point.z);
        }
    }
    let mut inverse = Option::<Fe>::from(product.invert()).unwrap_or(Fe::ONE);
    let mut out: Vec<AffinePoint> = points
        .iter()
        .zip(products)
        .rev()
        .map(|(point, before)| {
            if point.infinity {
                return AffinePoint::IDENTITY;
            }
            let z = inverse.mul(&before);
            inverse = inverse.mul(&point.z);
            let zz = z.square();
            let (x, y) = (point.x.mul(&zz), point.y.mul(&zz.mul(&z)));
            let encoded = EncodedPoint::from_affine_coordinates(&x.to_bytes(), &y.to_bytes(), false);
            // It is on the curve, since all that it was made of is.
            Option::from(AffinePoint::from_encoded_point(&encoded)).unwrap_or(AffinePoint::IDENTITY)
        })
        .collect();
    out.reverse();
    out
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

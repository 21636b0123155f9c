//! Points in homogeneous coordinates (x = X/Z, y = Y/Z) for **secret** sums: one formula without exceptions, and no branch.
//!
//! Mixed addition for a = 0 is Algorithm 8 of Renes, Costello and Batina (EUROCRYPT 2016). For magnitudes see
//! [`super::jacobian`].

use super::jacobian::fe_of;
use alloc::vec::Vec;
use k256::elliptic_curve::sec1::FromEncodedPoint;
use k256::{AffinePoint, EncodedPoint, FieldElement as Fe, ProjectivePoint};
use subtle::{Choice, ConditionallySelectable};

/// Three times the curve's b.
const B3: u32 = 21;

/// A point. X has magnitude at most 3, Y and Z at most 2.
#[derive(Clone, Copy)]
pub(super) struct Complete {
    x: Fe,
    y: Fe,
    z: Fe,
}

impl Complete {
    pub const IDENTITY: Self = Self { x: Fe::ZERO, y: Fe::ONE, z: Fe::ZERO };

    /// Adds the point of `words` (x, then y), negated if `minus`; nothing if `none`.
    pub fn add(&mut self, words: &[u64; 8], minus: Choice, none: Choice) {
        let [x2, y2] = fe_of(words);
        let y2 = Fe::conditional_select(&y2, &y2.negate(1), minus);
        let (x, y, z) = (&self.x, &self.y, &self.z);
        let (xx, yy) = (x.mul(&x2), y.mul(&y2));
        let sum = plus(&xx, &yy);
        let cross = plus(&plus(&x2, &y2).mul(&plus(x, y)), &sum.negate(2));
        let yz = plus(&y2.mul(z), y);
        let xz3 = plus(&x2.mul(z), x).mul_single(B3).normalize_weak();
        let xx3 = xx.mul_single(3);
        let z3 = z.mul_single(B3).normalize_weak();
        let (high, low) = (plus(&yy, &z3), plus(&yy, &z3.negate(1)));
        let next = Self {
            x: plus(&cross.mul(&low), &yz.mul(&xz3).negate(1)),
            y: plus(&low.mul(&high), &xz3.mul(&xx3)),
            z: plus(&high.mul(&yz), &xx3.mul(&cross)),
        };
        self.x.conditional_assign(&next.x, !none);
        self.y.conditional_assign(&next.y, !none);
        self.z.conditional_assign(&next.z, !none);
    }
}

fn plus(a: &Fe, b: &Fe) -> Fe {
    *a + b
}

/// All points in the form of `k256`, with one inversion, in constant time.
pub(super) fn to_points(sums: &[Complete]) -> Vec<ProjectivePoint> {
    // Montgomery's trick: products of all z up to each point, inverted at the end, taken apart backwards.
    let z_of = |sum: &Complete| {
        let zero = sum.z.normalizes_to_zero();
        (Fe::conditional_select(&sum.z, &Fe::ONE, zero), zero)
    };
    let mut product = Fe::ONE;
    let mut products = Vec::with_capacity(sums.len());
    for sum in sums {
        products.push(product);
        product = product.mul(&z_of(sum).0);
    }
    let mut inverse = product.normalize().invert().unwrap_or(Fe::ONE);
    let mut out: Vec<ProjectivePoint> = sums
        .iter()
        .zip(products)
        .rev()
        .map(|(sum, before)| {
            let (z, zero) = z_of(sum);
            let own = inverse.mul(&before);
            inverse = inverse.mul(&z);
            let (x, y) = (sum.x.mul(&own).normalize(), sum.y.mul(&own).normalize());
            let encoded = EncodedPoint::from_affine_coordinates(&x.to_bytes(), &y.to_bytes(), false);
            // On the curve, since all that it was made of is; but for the identity, which has no coordinates.
            let point = AffinePoint::from_encoded_point(&encoded).unwrap_or(AffinePoint::IDENTITY);
            AffinePoint::conditional_select(&point, &AffinePoint::IDENTITY, zero).into()
        })
        .collect();
    out.reverse();
    out
}

//! Points in homogeneous coordinates (x = X/Z, y = Y/Z) for **secret** sums: formulas without exceptions, and no branch.
//!
//! Mixed addition and doubling for a = 0 are Algorithms 8 and 9 of Renes, Costello and Batina (EUROCRYPT 2016). They
//! know the curve y² = x³ + b by the number 3b alone.

use super::field::Fe;
use super::jacobian::{Affine, fe_of};
use alloc::vec::Vec;
use k256::{AffinePoint, ProjectivePoint};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

/// Three times a curve's b.
pub(super) trait TripleB {
    /// The product with it.
    fn times(&self, value: &Fe) -> Fe;
}

/// That of secp256k1.
pub(super) struct Plain;

impl TripleB for Plain {
    #[inline(always)]
    fn times(&self, value: &Fe) -> Fe {
        value.times(21)
    }
}

/// That of a curve which is secp256k1 scaled by s: 21·s⁶.
pub(super) struct Scaled(Fe);

impl Scaled {
    pub fn new(s: &Fe) -> Self {
        Self(s.square().mul(s).square().times(21))
    }
}

impl TripleB for Scaled {
    #[inline(always)]
    fn times(&self, value: &Fe) -> Fe {
        value.mul(&self.0)
    }
}

/// A point.
#[derive(Clone, Copy)]
pub(super) struct Complete {
    x: Fe,
    y: Fe,
    z: Fe,
}

impl Zeroize for Complete {
    fn zeroize(&mut self) {
        [&mut self.x, &mut self.y, &mut self.z].into_iter().for_each(Zeroize::zeroize);
    }
}

impl Complete {
    pub const IDENTITY: Self = Self { x: Fe::ZERO, y: Fe::ONE, z: Fe::ZERO };

    /// Adds the point of `words` (x, then y), negated if `minus`; nothing if `none`.
    #[inline(always)]
    pub fn add(&mut self, curve: &impl TripleB, words: &[u64; 8], minus: Choice, none: Choice) {
        let [x2, y2] = fe_of(words);
        let y2 = Fe::select(&y2, &y2.negate(), minus);
        let (x, y, z) = (&self.x, &self.y, &self.z);
        let (xx, yy) = (x.mul(&x2), y.mul(&y2));
        let cross = x2.add(&y2).mul(&x.add(y)).sub(&xx.add(&yy));
        let yz = y2.mul(z).add(y);
        let xz3 = curve.times(&x2.mul(z).add(x));
        let xx3 = xx.double().add(&xx);
        let z3 = curve.times(z);
        let (high, low) = (yy.add(&z3), yy.sub(&z3));
        let next = Self {
            x: cross.mul(&low).sub(&yz.mul(&xz3)),
            y: low.mul(&high).add(&xz3.mul(&xx3)),
            z: high.mul(&yz).add(&xx3.mul(&cross)),
        };
        self.x = Fe::select(&next.x, &self.x, none);
        self.y = Fe::select(&next.y, &self.y, none);
        self.z = Fe::select(&next.z, &self.z, none);
    }

    #[inline(always)]
    pub fn double(&mut self, curve: &impl TripleB) {
        let (x, y, z) = (&self.x, &self.y, &self.z);
        let yy = y.square();
        let yy8 = yy.double().double().double();
        let zz3 = curve.times(&z.square());
        let low = yy.sub(&zz3.double().add(&zz3));
        *self = Self {
            x: low.mul(&x.mul(y)).double(),
            y: low.mul(&yy.add(&zz3)).add(&zz3.mul(&yy8)),
            z: y.mul(z).mul(&yy8),
        };
    }

    /// Back from the curve scaled by s.
    pub fn unscaled(&self, s: &Fe) -> Self {
        // x = X/(Z·s²), y = Y/(Z·s³)
        Self { x: self.x.mul(s), y: self.y, z: self.z.mul(&s.square().mul(s)) }
    }
}

/// All points in the form of `k256`, with one inversion, in constant time.
pub(super) fn to_points(sums: &[Complete]) -> Vec<ProjectivePoint> {
    // Montgomery's trick: products of all z up to each point, inverted at the end, taken apart backwards.
    let z_of = |sum: &Complete| {
        let zero = sum.z.is_zero();
        (Fe::select(&sum.z, &Fe::ONE, zero), zero)
    };
    let mut product = Fe::ONE;
    let mut products = Vec::with_capacity(sums.len());
    for sum in sums {
        products.push(product);
        product = product.mul(&z_of(sum).0);
    }
    let mut inverse = product.invert();
    let mut out: Vec<ProjectivePoint> = sums
        .iter()
        .zip(&products)
        .rev()
        .map(|(sum, before)| {
            let (z, zero) = z_of(sum);
            let own = inverse.mul(before);
            inverse = inverse.mul(&z);
            // On the curve, since all that it was made of is; but for the identity, which has no coordinates.
            let point = Affine { x: sum.x.mul(&own), y: sum.y.mul(&own) }.to_k256();
            AffinePoint::conditional_select(&point, &AffinePoint::IDENTITY, zero).into()
        })
        .collect();
    out.reverse();
    products.zeroize();
    out
}

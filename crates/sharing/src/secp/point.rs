//! Points of secp256k1 in homogeneous coordinates (x = X/Z, y = Y/Z): formulas without exceptions, and no branch, so that
//! they serve **secrets**.
//!
//! Addition, mixed addition and doubling for a = 0 are Algorithms 7, 8 and 9 of Renes, Costello and Batina (EUROCRYPT 2016).
//! They know the curve y² = x³ + b by the number 3b alone.

use super::field::Fe;
use super::jacobian::{Affine, fe_of};
use alloc::vec::Vec;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
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

/// A point; the identity is (0 : y : 0).
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

impl Zeroize for Point {
    fn zeroize(&mut self) {
        [&mut self.x, &mut self.y, &mut self.z].into_iter().for_each(Zeroize::zeroize);
        // Three zeros are no point, and would be like every one.
        self.y = Fe::ONE;
    }
}

impl Default for Point {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl ConstantTimeEq for Point {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.x.mul(&other.z).sub(&other.x.mul(&self.z)).is_zero()
            & self.y.mul(&other.z).sub(&other.y.mul(&self.z)).is_zero()
    }
}

impl ConditionallySelectable for Point {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self {
            x: Fe::select(&a.x, &b.x, choice),
            y: Fe::select(&a.y, &b.y, choice),
            z: Fe::select(&a.z, &b.z, choice),
        }
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Point {}

impl Point {
    /// The neutral element.
    pub const IDENTITY: Self = Self { x: Fe::ZERO, y: Fe::ONE, z: Fe::ZERO };
    /// The base point of SEC 2.
    pub const GENERATOR: Self = Self {
        x: Fe::from_words([
            0x59f2_815b_16f8_1798,
            0x029b_fcdb_2dce_28d9,
            0x55a0_6295_ce87_0b07,
            0x79be_667e_f9dc_bbac,
        ]),
        y: Fe::from_words([
            0x9c47_d08f_fb10_d4b8,
            0xfd17_b448_a685_5419,
            0x5da4_fbfc_0e11_08a8,
            0x483a_da77_26a3_c465,
        ]),
        z: Fe::ONE,
    };

    /// Adds the point of `words` (x, then y), negated if `minus`; nothing if `none`.
    #[inline(always)]
    pub(super) fn add_words(&mut self, curve: &impl TripleB, words: &[u64; 8], minus: Choice, none: Choice) {
        let [x2, y2] = fe_of(words);
        let y2 = Fe::select(&y2, &y2.negate(), minus);
        let (x, y, z) = (&self.x, &self.y, &self.z);
        let (xx, yy) = (x.mul(&x2), y.mul(&y2));
        let cross = x2.add(&y2).mul(&x.add(y)).sub(&xx.add(&yy));
        let yz = y2.mul(z).add(y);
        let xz = x2.mul(z).add(x);
        let next = Self::finished(curve, &[xx, yy, *z], &[cross, yz, xz]);
        *self = Self::conditional_select(&next, self, none);
    }

    /// self + other, whatever the two are.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let (a, b) = (self, other);
        let (xx, yy, zz) = (a.x.mul(&b.x), a.y.mul(&b.y), a.z.mul(&b.z));
        let cross = a.x.add(&a.y).mul(&b.x.add(&b.y)).sub(&xx.add(&yy));
        let yz = a.y.add(&a.z).mul(&b.y.add(&b.z)).sub(&yy.add(&zz));
        let xz = a.x.add(&a.z).mul(&b.x.add(&b.z)).sub(&xx.add(&zz));
        Self::finished(&Plain, &[xx, yy, zz], &[cross, yz, xz])
    }

    /// The end of an addition, from the products of equal coordinates and of different ones.
    #[inline(always)]
    fn finished(curve: &impl TripleB, [xx, yy, zz]: &[Fe; 3], [cross, yz, xz]: &[Fe; 3]) -> Self {
        let xx3 = xx.double().add(xx);
        let zz3 = curve.times(zz);
        let xz3 = curve.times(xz);
        let (high, low) = (yy.add(&zz3), yy.sub(&zz3));
        Self {
            x: cross.mul(&low).sub(&yz.mul(&xz3)),
            y: low.mul(&high).add(&xz3.mul(&xx3)),
            z: high.mul(yz).add(&xx3.mul(cross)),
        }
    }

    #[inline(always)]
    pub(super) fn doubled(&self, curve: &impl TripleB) -> Self {
        let (x, y, z) = (&self.x, &self.y, &self.z);
        let yy = y.square();
        let yy8 = yy.double().double().double();
        let zz3 = curve.times(&z.square());
        let low = yy.sub(&zz3.double().add(&zz3));
        Self {
            x: low.mul(&x.mul(y)).double(),
            y: low.mul(&yy.add(&zz3)).add(&zz3.mul(&yy8)),
            z: y.mul(z).mul(&yy8),
        }
    }

    /// Back from the curve scaled by s.
    pub(super) fn unscaled(&self, s: &Fe) -> Self {
        // x = X/(Z·s²), y = Y/(Z·s³)
        Self { x: self.x.mul(s), y: self.y, z: self.z.mul(&s.square().mul(s)) }
    }

    /// Whether it is in affine form already.
    fn is_affine(&self) -> bool {
        self.z.words() == Fe::ONE.words()
    }

    /// Coordinates of a point in affine form; `None` for the identity. Variable time.
    pub(super) fn affine(&self) -> Option<Affine> {
        debug_assert!(self.is_affine() || self.z.is_zero_vartime());
        (!self.z.is_zero_vartime()).then_some(Affine { x: self.x, y: self.y })
    }

    /// x as big-endian bytes and whether y is odd, of a public point; `None` for the identity.
    pub fn coordinates_vartime(&self) -> Option<([u8; 32], bool)> {
        let Affine { x, y } = normalize(core::slice::from_ref(self))[0].affine()?;
        Some((x.to_bytes(), y.is_odd().into()))
    }

    /// The encoding (SEC 1, compressed; the identity is zeros) of a point in affine form.
    pub(crate) fn encoding(&self) -> [u8; 33] {
        let some = !self.z.is_zero();
        let mut bytes = [0; 33];
        bytes[0] = u8::conditional_select(&0, &(2 | self.y.is_odd().unwrap_u8()), some);
        bytes[1..].copy_from_slice(&Fe::select(&Fe::ZERO, &self.x, some).to_bytes());
        bytes
    }
}

impl From<Affine> for Point {
    fn from(Affine { x, y }: Affine) -> Self {
        Self { x, y, z: Fe::ONE }
    }
}

/// All points in affine form, with one inversion, and none where all are so already.
pub fn normalize(points: &[Point]) -> Vec<Point> {
    // declassify: whether a point is in affine form tells how it was made, and not which it is.
    if points.iter().all(Point::is_affine) {
        return points.to_vec();
    }
    divided(points)
}

/// All points in affine form, with one inversion, in constant time.
pub(super) fn divided(points: &[Point]) -> Vec<Point> {
    // Montgomery's trick: products of all z up to each point, inverted at the end, taken apart backwards.
    let z_of = |point: &Point| {
        let zero = point.z.is_zero();
        (Fe::select(&point.z, &Fe::ONE, zero), zero)
    };
    let mut product = Fe::ONE;
    let mut products = Vec::with_capacity(points.len());
    for point in points {
        products.push(product);
        product = product.mul(&z_of(point).0);
    }
    let mut inverse = product.invert();
    let mut out = points.to_vec();
    for (point, before) in out.iter_mut().zip(&products).rev() {
        let (z, zero) = z_of(point);
        let own = inverse.mul(before);
        inverse = inverse.mul(&z);
        let affine = Point { x: point.x.mul(&own), y: point.y.mul(&own), z: Fe::ONE };
        *point = Point::conditional_select(&affine, &Point::IDENTITY, zero);
    }
    products.zeroize();
    out
}

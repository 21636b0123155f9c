//! Points in Jacobian coordinates (x = X/Z², y = Y/Z³), for **public** values: every function here branches on them.
//!
//! Formulas: mixed addition madd (8M + 3S) of the Explicit-Formulas Database, and its doubling dbl-2009-l for a = 0 with all
//! coordinates of the result halved as their weights allow (Z by 2, X by 4, Y by 8), which leaves 3M + 4S and few additions.

use super::field::Fe;
use super::point::Point;
use alloc::vec::Vec;

/// A point other than the identity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub x: Fe,
    pub y: Fe,
}

/// A point; `infinity` marks the identity, whatever the coordinates.
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
    infinity: bool,
}

impl Affine {
    /// x, then y, in words, the least significant first.
    pub fn words(&self) -> [u64; 8] {
        let mut words = [0; 8];
        words[..4].copy_from_slice(&self.x.words());
        words[4..].copy_from_slice(&self.y.words());
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
        Self { x: self.x, y: self.y.negate() }
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
        let xyy = self.x.mul(&yy);
        let xx = self.x.square();
        let m = xx.double().add(&xx).half();
        let x = m.square().sub(&xyy.double());
        let y = m.mul(&xyy.sub(&x)).sub(&yy.square());
        Self { x, y, z: self.y.mul(&self.z), infinity: false }
    }

    /// self + other, whatever the two are.
    pub fn add(&self, other: &Affine) -> Self {
        if self.infinity {
            return Self { x: other.x, y: other.y, z: Fe::ONE, infinity: false };
        }
        let zz = self.z.square();
        let h = other.x.mul(&zz).sub(&self.x);
        let r = other.y.mul(&zz.mul(&self.z)).sub(&self.y);
        if h.is_zero_vartime() {
            return if r.is_zero_vartime() { self.double() } else { Self::IDENTITY };
        }
        let hh = h.square();
        let hhh = h.mul(&hh);
        let v = self.x.mul(&hh);
        let x = r.square().sub(&hhh).sub(&v.double());
        let y = r.mul(&v.sub(&x)).sub(&self.y.mul(&hhh));
        Self { x, y, z: self.z.mul(&h), infinity: false }
    }
}

/// Two coordinates from [`Affine::words`].
#[inline(always)]
pub(super) fn fe_of([a, b, c, d, e, f, g, h]: &[u64; 8]) -> [Fe; 2] {
    [Fe::from_words([*a, *b, *c, *d]), Fe::from_words([*e, *f, *g, *h])]
}

/// All points in affine form, with one inversion; `None` for the identity.
pub(super) fn affine_of(points: &[Jacobian]) -> Vec<Option<Affine>> {
    divided(points, Fe::invert).0
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

/// As [`affine_of`], as points.
pub(super) fn to_points(points: &[Jacobian]) -> Vec<Point> {
    affine_of(points).into_iter().map(|point| point.map_or(Point::IDENTITY, Point::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::point::normalize;
    use super::*;
    use group::Group;
    use rand_core::SeedableRng;

    fn affine(point: &Point) -> Affine {
        normalize(&[*point])[0].affine().unwrap()
    }

    #[test]
    fn formulas_agree_with_the_complete_ones_in_every_special_case() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(5);
        assert!(Point::IDENTITY.affine().is_none());
        for _ in 0..50 {
            let (p, q) = (Point::random(&mut rng), Point::random(&mut rng));
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
                Point::IDENTITY,
                q.double() + q,
                Point::IDENTITY,
                p,
            ];
            assert_eq!(got.map(|point| point.is_identity()), wanted.map(|point| point.is_identity().into()));
            let got = to_points(&got);
            assert!(got.iter().zip(&wanted).all(|(got, wanted)| wanted == got));
        }
        assert!(to_points(&[]).is_empty());
        assert_eq!(to_points(&[Jacobian::IDENTITY; 2]), [Point::IDENTITY; 2]);
    }
}

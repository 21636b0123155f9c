//! Arithmetic on secp256k1 that `k256` leaves slow: multiples of a base that stays (constant time), and sums of many
//! products of **public** values (variable time).
//!
//! The field is `k256`'s. What is secret goes through its complete addition formulas alone; the Jacobian formulas of
//! [`jacobian`] are for public values.

mod comb;
mod complete;
mod jacobian;
mod naf;
mod sums;
mod wide;

pub(crate) use comb::mul_generator_vartime;
pub use comb::{FixedBase, fixed_sums, generator};
pub use naf::short_weight;
pub(crate) use sums::{is_identity, lincomb, lincombs};
pub use sums::{lincomb_affine, vanishes_affine};
pub use wide::Products;

use alloc::vec::Vec;
use group::Group;
use k256::elliptic_curve::BatchNormalize;
use k256::{AffinePoint, ProjectivePoint};

/// All points in affine form, with one inversion.
pub fn normalize(points: &[ProjectivePoint]) -> Vec<AffinePoint> {
    // k256 0.13.4 panics if there is nothing to do, and on an identity that comes out of a sum: it compares z with zero
    // before reducing it. Only the constant is safe.
    if points.is_empty() {
        return Vec::new();
    }
    let reduced = |point: &ProjectivePoint| {
        if bool::from(point.is_identity()) { ProjectivePoint::IDENTITY } else { *point }
    };
    let points: Vec<ProjectivePoint> = points.iter().map(reduced).collect();
    ProjectivePoint::batch_normalize(points.as_slice())
}

//! Arithmetic on secp256k1 that `k256` leaves slow: multiples of a base that stays (constant time), and sums of many
//! products of **public** values (variable time).
//!
//! What is secret goes through the complete formulas of [`point`], and where no exception can be through the affine ones of
//! [`many`]; the Jacobian formulas of [`jacobian`] are for public values.

mod comb;
mod field;
mod group;
mod inverse;
mod jacobian;
mod many;
mod naf;
mod point;
mod prepared;
mod sums;
mod variable;
mod wide;

pub(crate) use comb::mul_generator_vartime;
pub use comb::{FixedBase, fixed_sums, generator};
pub use naf::short_weight;
pub use point::Point;
pub(crate) use point::normalize;
pub use prepared::{Prepared, prepared_sum, prepared_vanishes};
pub(crate) use sums::{is_identity, lincomb, lincombs};
pub use variable::secret_sums;
pub use wide::Products;

/// The point of a compressed encoding with tag 2 or 3; `None` if there is none. Variable time.
pub(crate) fn decode(bytes: &[u8; 33]) -> Option<Point> {
    let x = field::Fe::from_bytes(bytes[1..].try_into().ok()?)?;
    let yy = x.square().mul(&x).add(&field::Fe::from_words([7, 0, 0, 0]));
    let y = yy.root();
    if !y.square().sub(&yy).is_zero_vartime() {
        return None;
    }
    // y is not zero, since the order is odd, so exactly one of the two has the tag's parity.
    let same = y.is_odd().unwrap_u8() == bytes[0] & 1;
    Some(jacobian::Affine { x, y: if same { y } else { y.negate() } }.into())
}

//! The second base H of the Pedersen commitments (docs/spec §4.3): a point to which nobody knows a logarithm.

use super::Point;
use alloc::boxed::Box;
use once_cell::race::OnceBox;
use quorate_sharing::secp::FixedBase;
use quorate_sharing::{Curve, Secp256k1, Transcript};

/// H: the first hash under the fixed tag `dkls/pedersen-base`, counted from 0, that is the x-coordinate of a point;
/// of the two points, the one with even y. Its input is a constant, so how long the search takes tells nothing.
pub fn base() -> Point {
    cached().0
}

/// H with its table.
pub(super) fn table() -> &'static FixedBase {
    &cached().1
}

fn cached() -> &'static (Point, FixedBase) {
    static BASE: OnceBox<(Point, FixedBase)> = OnceBox::new();
    BASE.get_or_init(|| {
        let point = find();
        Box::new((point, FixedBase::new(&point)))
    })
}

fn find() -> Point {
    let mut attempt = 0;
    loop {
        let mut bytes = [2u8; 33];
        bytes[1..]
            .copy_from_slice(&Transcript::new("dkls/pedersen-base").number("attempt", attempt).digest());
        if let Ok(point) = Secp256k1::decode_nonzero_point(&bytes) {
            return point;
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pins H: another base makes every stored presignature and partial signature worthless.
    #[test]
    fn pinned() {
        assert_eq!(
            hex::encode(Secp256k1::encode_point(&base())),
            "02fa12d9cd1fb542fc0b49db9299d18e5187604fb1c3704094dcb102cf48946308"
        );
    }
}
